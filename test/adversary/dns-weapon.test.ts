/** Someone on an instance queries a name that the company needs, so that Firebreak blocks it for everyone. */
import { afterEach, describe, expect, it } from 'vitest';
import { awsFor, configureAws } from '../../core/aws/client.ts';
import { parseFinding } from '../../core/finding/finding.ts';
import type { JsonObject } from '../../core/json.ts';
import { POPULAR_DOMAINS } from '../../core/lists/popular-domains.ts';
import { loadPolicy } from '../../core/policy/policy.ts';
import { blockIndicator } from '../../playbooks/block-indicator/playbook.ts';
import { EMPTY } from '../../playbooks/block-indicator/state.ts';
import { addLists } from '../../sandbox/networks.ts';
import { emptyOwnNames, type TwinOwnNames } from '../../sandbox/twin/own-names.ts';
import { createTwin } from '../../sandbox/twin/twin.ts';
import { findingOn } from '../../sandbox/worlds.ts';

const SCOPE = { partition: 'aws', account: '111122223333', region: 'eu-west-1' };
const LISTED = { threatListName: 'ProofPoint' };
const policy = await loadPolicy('policy.yml');

/** The plan for a DNS finding about this name, where a domain list is set up. */
async function planFor(
  domain: string,
  additionalInfo: JsonObject = {},
  type = 'Trojan:EC2/DGADomainRequest.B',
  names: JsonObject = { domain: { by: null, unread: [] }, queriedBy: null },
) {
  const finding = parseFinding(
    findingOn(createTwin(SCOPE), {
      seed: domain,
      type,
      resource: { instanceDetails: { instanceId: 'i-0123456789abcdef0' } },
      action: { actionType: 'DNS_REQUEST', dnsRequestAction: { domain } },
      additionalInfo,
    }),
  );
  const choice = blockIndicator.targetOf(finding);
  if (!choice.ok) throw new Error(choice.reason);
  const { suffixOf } = await import('../../playbooks/block-indicator/public-suffix.ts');
  const state = {
    ...EMPTY,
    domainList: {
      id: 'rslvr-fdl-1',
      name: 'firebreak-blocked',
      arn: 'arn:aws:route53resolver:eu-west-1:111122223333:firewall-domain-list/rslvr-fdl-1',
      status: 'COMPLETE',
      listed: [],
      uses: [{ vpcId: 'vpc-1', passes: [], mayPass: [] }],
    },
    suffix: await suffixOf(domain),
    ...names,
  };
  return blockIndicator.plan(state, choice.target, {
    caseId: 'fb-aaaaaaaaaaaa',
    now: new Date(0),
    settings: policy.playbookSettings('block-indicator'),
    protectedArns: [],
    approved: false,
  });
}

it('a name that only a model finds odd is asked about', async () => {
  expect(await planFor('login.our-company.com')).toMatchObject({
    kind: 'plan',
    askBecause: [expect.stringContaining('no threat list names login.our-company.com')],
  });
});

it('a name on a threat list follows automatically', async () => {
  expect(await planFor('c2.evil-host.com', LISTED, 'Trojan:EC2/BlackholeTraffic!DNS')).toMatchObject({
    kind: 'plan',
    askBecause: [],
  });
});

describe('a name on which much depends', () => {
  it.each(POPULAR_DOMAINS.flatMap((domain) => [domain, `a.b.${domain}`]))(
    'is never blocked without a person, listed or not: %s',
    async (domain) => {
      const plan = await planFor(domain, LISTED);
      if (plan.kind === 'refused')
        expect(plan.reason).toMatch(/policy.yml says never|public suffix|domain of AWS/);
      else expect(plan.askBecause.join()).toContain('on which much else depends');
    },
  );

  it('is refused where policy.yml ships it as never', async () => {
    for (const domain of ['tenant.okta.com', 'registry.npmjs.org', 'login.microsoftonline.com'])
      expect(await planFor(domain, LISTED)).toMatchObject({
        kind: 'refused',
        reason: expect.stringContaining('never'),
      });
  });
});

describe('a name of the account itself', () => {
  const VPC = 'vpc-0123456789abcdef0';
  /** Reads and plans against an account with this zone, certificate or query log. */
  async function inAccount(domain: string, set: (names: TwinOwnNames) => void, denied?: string) {
    const twin = createTwin(SCOPE);
    configureAws({ answer: twin.answer, retryBaseMs: 1 });
    const ownNames = emptyOwnNames();
    set(ownNames);
    twin.region().ownNames = ownNames;
    addLists(twin, { VpcId: VPC });
    if (denied) twin.failNext(denied, 'AccessDeniedException', 10);
    const finding = parseFinding(
      findingOn(twin, {
        seed: domain,
        type: 'Backdoor:EC2/C&CActivity.B!DNS',
        resource: {
          instanceDetails: {
            instanceId: 'i-0123456789abcdef0',
            networkInterfaces: [{ vpcId: VPC, subnetId: 'subnet-1' }],
          },
        },
        action: { actionType: 'DNS_REQUEST', dnsRequestAction: { domain } },
        additionalInfo: LISTED,
      }),
    );
    const choice = blockIndicator.targetOf(finding);
    if (!choice.ok) throw new Error(choice.reason);
    const settings = { dnsFirewallList: 'firebreak-blocked' };
    const state = await blockIndicator.read(choice.target, awsFor(choice.target), settings);
    const plan = blockIndicator.plan(state, choice.target, {
      ...{ caseId: 'fb-aaaaaaaaaaaa', now: new Date(0), settings, protectedArns: [], approved: false },
    });
    if (plan.kind !== 'plan') throw new Error(plan.reason);
    return { ask: plan.askBecause.join('; '), warnings: plan.warnings.join('; ') };
  }
  afterEach(() => configureAws({}));

  it.each([
    ['the zone itself', 'company-x.com', 'company-x.com'],
    ['a name in the zone', 'vpn.company-x.com', 'company-x.com'],
    ['a name above a zone', 'company-x.com', 'eu.company-x.com'],
  ])('is asked about although a threat list names it: %s', async (_what, domain, zone) => {
    const { ask } = await inAccount(domain, ({ zones }) => zones.push('aaa.org', zone, 'zzz.net'));
    expect(ask).toContain(`the Route 53 zone ${zone}`);
  });
  it('is asked about where a certificate is for it', async () => {
    const { ask } = await inAccount('shop.company-x.com', ({ certificates }) =>
      certificates.push({
        DomainName: 'other.org',
        SubjectAlternativeNameSummaries: ['*.company-x.com'],
      }),
    );
    expect(ask).toContain('a certificate for company-x.com');
  });
  it('is asked about where that could not be read', async () => {
    const { ask } = await inAccount('c2.evil-host.com', () => undefined, 'ListHostedZonesByName');
    expect(ask).toContain('Route 53 zones could not be read');
  });
  it('follows automatically where nothing of the account has it', async () => {
    const { ask } = await inAccount('c2.evil-host.com', ({ zones }) =>
      zones.push('host.com', 'evil-host.com.au'),
    );
    expect(ask).toBe('');
  });
  it('shows who in the VPC resolved it lately', async () => {
    const { warnings } = await inAccount('c2.evil-host.com', ({ queryLogs }) =>
      queryLogs.push({
        ...{ Id: 'rqlc-1', VpcId: VPC, LogGroup: '/dns/queries' },
        lines: [
          { vpc_id: VPC, query_name: 'c2.evil-host.com.', srcids: { instance: 'i-0aaa' } },
          { vpc_id: VPC, query_name: 'a.c2.evil-host.com.', srcaddr: '10.0.0.9' },
          { vpc_id: VPC, query_name: 'notc2.evil-host.com.', srcids: { instance: 'i-0bbb' } },
          { vpc_id: 'vpc-other', query_name: 'c2.evil-host.com.', srcids: { instance: 'i-0ccc' } },
        ],
      }),
    );
    expect(warnings).toContain('was resolved by 10.0.0.9, i-0aaa');
    expect(warnings).not.toMatch(/i-0bbb|i-0ccc/);
  });
});
