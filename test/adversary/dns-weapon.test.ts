/** Someone on an instance queries a name that the company needs, so that Firebreak blocks it for everyone. */
import { describe, expect, it } from 'vitest';
import { parseFinding } from '../../core/finding/finding.ts';
import type { JsonObject } from '../../core/json.ts';
import { POPULAR_DOMAINS } from '../../core/lists/popular-domains.ts';
import { loadPolicy } from '../../core/policy/policy.ts';
import { blockIndicator } from '../../playbooks/block-indicator/playbook.ts';
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
    own: null,
    unread: [],
    vpcId: null,
    networks: { cidrs: [], resolvers: [] },
    acls: [],
    ipSets: [],
    domainList: {
      id: 'rslvr-fdl-1',
      name: 'firebreak-blocked',
      arn: 'arn:aws:route53resolver:eu-west-1:111122223333:firewall-domain-list/rslvr-fdl-1',
      status: 'COMPLETE',
      listed: [],
      uses: [{ vpcId: 'vpc-1', passes: [], mayPass: [] }],
    },
    suffix: await suffixOf(domain),
    missing: [],
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
