import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { awsFor, configureAws } from '../../core/aws/client.ts';
import { parseFinding } from '../../core/finding/finding.ts';
import type { JsonObject } from '../../core/json.ts';
import { addLists, addNetwork } from '../../sandbox/networks.ts';
import { madeUuid } from '../../sandbox/twin/made-id.ts';
import { defaultEntries, type TwinAcl, type TwinAclEntry } from '../../sandbox/twin/network-acls.ts';
import type { TwinDomainList } from '../../sandbox/twin/route53resolver.ts';
import { type AccountTwin, createTwin } from '../../sandbox/twin/twin.ts';
import { findingOn } from '../../sandbox/worlds.ts';
import {
  type Accounts,
  playbookProperties,
  SCOPE,
  scene,
  sceneDatabase,
} from '../../test/playbooks/properties.ts';
import { choosePlaybook } from '../index.ts';
import { blockIndicator } from './playbook.ts';
import { suffixOf } from './public-suffix.ts';
import { whyNotDomain, whyNotRange } from './safety.ts';
import { type BlockSettings, settingsOf } from './settings.ts';
import { indicatorOf } from './target.ts';

const IP = '198.51.100.77';
const IP6 = '2001:db8:0:0::77';
const DOMAIN = 'c2.example.com';
const INSTANCE = 'i-0123456789abcdef0';
const VPC = 'vpc-0123456789abcdef0';
const SETTINGS: JsonObject = {
  wafIpSets: ['firebreak-blocked', 'firebreak-blocked-ipv6'],
  cloudFrontIpSets: ['firebreak-edge'],
  dnsFirewallList: 'firebreak-blocked',
};
const HOSTING: JsonObject = { asn: '64500', asnOrg: 'Example Hosting' };

type Indicator = { readonly ip?: string; readonly domain?: string; readonly organisation?: JsonObject };

function finding(
  twin: AccountTwin,
  { ip, domain, organisation = HOSTING }: Indicator,
  type = 'Backdoor:EC2/C&CActivity.B',
): JsonObject {
  const remoteIpDetails = {
    ...(ip?.includes(':') ? { ipAddressV6: ip } : { ipAddressV4: ip ?? '' }),
    organization: organisation,
  };
  return findingOn(twin, {
    seed: 'c2',
    type,
    resource: { instanceDetails: { instanceId: INSTANCE, networkInterfaces: [] } },
    action:
      domain === undefined
        ? { actionType: 'NETWORK_CONNECTION', networkConnectionAction: { remoteIpDetails } }
        : { actionType: 'DNS_REQUEST', dnsRequestAction: { domain } },
  });
}

/** An instance with one interface in each of the subnets, every subnet behind a network ACL of its own. */
function network(twin: AccountTwin, subnets = 1): readonly TwinAcl[] {
  const region = twin.region();
  const ids = Array.from({ length: subnets }, (_, index) => `subnet-${index}`);
  ids.forEach((SubnetId, DeviceIndex) => {
    region.interfaces.push({
      NetworkInterfaceId: `eni-${DeviceIndex}`,
      InstanceId: INSTANCE,
      SubnetId,
      VpcId: VPC,
      PrivateIpAddress: `10.0.${DeviceIndex}.10`,
      PublicIp: DeviceIndex === 0 ? '203.0.113.80' : null,
      Ipv6: [],
      Groups: [],
      RequesterManaged: false,
      DeviceIndex,
    });
    addNetwork(twin, { VpcId: VPC, subnets: [SubnetId] });
  });
  addLists(twin, { VpcId: VPC });
  twin.region('us-east-1').waf.ipSets.push({
    Id: madeUuid('edge'),
    Name: 'firebreak-edge',
    Scope: 'CLOUDFRONT',
    IPAddressVersion: 'IPV4',
    Description: '',
    Addresses: ['192.0.2.1/32'],
  });
  return region.networks.acls;
}

interface World {
  readonly indicator: 'ipv4' | 'ipv6' | 'domain';
  readonly subnets: number;
  /** Numbers that someone else's rules have in the band, both directions. */
  readonly taken: readonly number[];
  /** The number of the rule that lets everything through. */
  readonly allowAt: number;
  readonly listed: readonly string[];
  readonly inSet: readonly string[];
}

const accounts: Accounts<World> = {
  worlds: fc.record({
    indicator: fc.constantFrom('ipv4' as const, 'ipv6' as const, 'domain' as const),
    subnets: fc.integer({ min: 1, max: 3 }),
    taken: fc.uniqueArray(fc.integer({ min: 1, max: 12 }), { maxLength: 8 }),
    allowAt: fc.constantFrom(15, 50, 100),
    listed: fc.subarray(['other.example.net', DOMAIN, `*.${DOMAIN}`]),
    inSet: fc.subarray(['192.0.2.9/32', `${IP}/32`, '203.0.113.0/24']),
  }),
  open(twin, world) {
    for (const acl of network(twin, world.subnets)) {
      for (const entry of acl.entries) if (entry.RuleNumber === 100) entry.RuleNumber = world.allowAt;
      for (const Egress of [false, true]) {
        for (const RuleNumber of world.taken) {
          acl.entries.push({
            RuleNumber,
            Egress,
            Protocol: '6',
            RuleAction: 'deny',
            CidrBlock: '192.0.2.0/24',
          });
        }
      }
    }
    const [set] = twin.region().waf.ipSets;
    const [list] = twin.region().dnsFirewall.lists;
    set?.Addresses.push(...world.inSet);
    list?.domains.push(...world.listed);
    return finding(
      twin,
      world.indicator === 'domain' ? { domain: DOMAIN } : { ip: world.indicator === 'ipv4' ? IP : IP6 },
    );
  },
  settings: SETTINGS,
  runs: 15,
};

playbookProperties(blockIndicator, accounts);

describe('block-indicator', () => {
  const database = sceneDatabase('block-indicator');
  const open = (
    given: {
      indicator?: Indicator;
      settings?: JsonObject;
      subnets?: number;
      change?: (twin: AccountTwin) => void;
    } = {},
  ) =>
    scene(
      database(),
      blockIndicator,
      {
        worlds: fc.constant(null),
        open(twin) {
          network(twin, given.subnets);
          given.change?.(twin);
          return finding(twin, given.indicator ?? { ip: IP });
        },
        settings: given.settings ?? SETTINGS,
      },
      null,
    );
  const acl = (twin: AccountTwin, index = 0): TwinAcl => {
    const found = twin.region().networks.acls[index];
    if (!found) throw new Error('no network ACL');
    return found;
  };
  const ours = (twin: AccountTwin, cidr = `${IP}/32`): readonly TwinAclEntry[] =>
    acl(twin).entries.filter(({ CidrBlock, Ipv6CidrBlock }) => [CidrBlock, Ipv6CidrBlock].includes(cidr));
  const fill = (twin: AccountTwin, upTo: number, egress = false) => {
    for (let index = 0; index < upTo; index++) {
      acl(twin).entries.push({
        RuleNumber: 200 + index,
        Egress: egress,
        Protocol: '6',
        RuleAction: 'allow',
        CidrBlock: `10.${index}.0.0/16`,
      });
    }
  };
  const refusal = async (given: Parameters<typeof open>[0], trusted?: readonly string[]): Promise<string> => {
    const at = open(given);
    const state = await blockIndicator.read(at.target, awsFor(at.target), given?.settings ?? SETTINGS);
    const plan = blockIndicator.plan(state, at.target, {
      caseId: 'fb-aaaaaaaaaaaa',
      now: new Date(at.clock.at),
      settings: given?.settings ?? SETTINGS,
      protectedArns: [],
      approved: false,
      ...(trusted ? { trusted } : {}),
    });
    return plan.kind === 'refused' ? plan.reason : `planned: ${plan.askBecause.join('; ')}`;
  };

  it('denies the address in both directions with the lowest free number, and in every set', async () => {
    const at = open();
    expect(await at.plan()).toMatchObject({ residual: [] });
    await at.contain();
    expect(ours(at.twin)).toEqual(
      [false, true].map((Egress) => ({
        RuleNumber: 1,
        Egress,
        Protocol: '-1',
        RuleAction: 'deny',
        CidrBlock: `${IP}/32`,
      })),
    );
    expect(at.twin.region().waf.ipSets.map(({ Addresses }) => Addresses)).toEqual([[`${IP}/32`], []]);
    expect(at.twin.region('us-east-1').waf.ipSets[0]?.Addresses).toEqual(['192.0.2.1/32', `${IP}/32`]);
    const proof = await at.prove();
    expect(proof.checks.map(({ saw }) => saw)).toContainEqual(
      expect.stringContaining(`inbound: rule 1 denies ${IP}/32, before any rule that allows it`),
    );
  });

  it('writes IPv6 as IPv6, and in the set of that family', async () => {
    const at = open({ indicator: { ip: IP6 } });
    await at.contain();
    expect(ours(at.twin, '2001:db8::77/128').map(({ Ipv6CidrBlock }) => Ipv6CidrBlock)).toHaveLength(2);
    expect(at.twin.region().waf.ipSets.map(({ Addresses }) => Addresses)).toEqual([[], ['2001:db8::77/128']]);
  });

  it('lists a domain and everything below it, and keeps one of them that was there before', async () => {
    const at = open({
      indicator: { domain: 'C2.Example.com.' },
      change: (twin) => twin.region().dnsFirewall.lists[0]?.domains.push(`*.${DOMAIN}`),
    });
    await at.contain();
    expect(at.twin.region().dnsFirewall.lists[0]?.domains).toEqual([`*.${DOMAIN}`, DOMAIN]);
    await at.undo();
    expect(at.twin.region().dnsFirewall.lists[0]?.domains).toEqual([`*.${DOMAIN}`]);
  });

  it('fails cleanly where the ACL is full at 20 rules: none is overwritten, the other direction is denied', async () => {
    const at = open({ change: (twin) => fill(twin, 18) });
    const before = structuredClone(acl(at.twin).entries.filter(({ Egress }) => !Egress));
    expect(before.filter(({ CidrBlock }) => CidrBlock !== undefined)).toHaveLength(20);
    const plan = await at.plan();
    expect(plan.kind === 'plan' && plan.warnings.join()).toMatch(
      /acl-\S+ has 20 inbound rules: AWS refuses one more/,
    );
    const { steps } = await at.contain();
    const [inbound, outbound] = steps;
    expect(inbound).toMatchObject({ status: 'failed', retry: false });
    expect(inbound?.note).toMatch(
      /full \(NetworkAclEntryLimitExceeded\): no inbound rule was added, none was overwritten/,
    );
    expect(outbound?.status).toBe('done');
    expect(acl(at.twin).entries.filter(({ Egress }) => !Egress)).toEqual(before);
    expect(await at.prove()).toMatchObject({ proven: false, next: 'final' });
    await at.undo();
    expect(ours(at.twin)).toEqual([]);
  });

  it.each([
    [1, 'rule 1 lets the address through'],
    [undefined, 'numbers 1 to 99 are all taken'],
  ])('does not deny behind what comes first (%s)', async (allowAt, words) => {
    const at = open({
      change: (twin) => {
        for (let RuleNumber = 1; RuleNumber <= 99; RuleNumber++) {
          if (allowAt !== undefined && RuleNumber !== allowAt) continue;
          for (const Egress of [false, true]) {
            const RuleAction = RuleNumber === allowAt ? 'allow' : 'deny';
            acl(twin).entries.push({
              RuleNumber,
              Egress,
              Protocol: '6',
              RuleAction,
              CidrBlock: RuleNumber === allowAt ? '198.51.0.0/16' : '192.0.2.0/24',
            });
          }
        }
      },
    });
    const { steps } = await at.contain();
    const entries = steps.filter(({ kind }) => kind === 'acl-entry');
    expect(entries.map(({ status }) => status)).toEqual(['failed', 'failed']);
    expect(entries[0]?.note).toContain(words);
    expect(ours(at.twin)).toEqual([]);
  });

  it('takes the next number when another incident was faster, and never a number outside the band', async () => {
    const at = open();
    at.twin.failNext('CreateNetworkAclEntry', 'NetworkAclEntryAlreadyExists', 2);
    const { steps } = await at.contain();
    expect(steps.every(({ status }) => status === 'done')).toBe(true);
    for (const { RuleNumber } of ours(at.twin)) expect(RuleNumber).toBeLessThan(100);
    await at.undo();
    expect(ours(at.twin)).toEqual([]);
  });

  it('moves its entry when a rule comes before it, and sees a subnet that got another ACL', async () => {
    const at = open({ settings: {} });
    for (const RuleNumber of [1, 2]) {
      for (const Egress of [false, true])
        acl(at.twin).entries.push({
          RuleNumber,
          Egress,
          Protocol: '-1',
          RuleAction: 'deny',
          CidrBlock: '192.0.2.0/24',
        });
    }
    await at.contain();
    expect(ours(at.twin).map(({ RuleNumber }) => RuleNumber)).toEqual([3, 3]);
    for (const entry of acl(at.twin).entries) {
      if (entry.RuleNumber === 2) Object.assign(entry, { RuleAction: 'allow', CidrBlock: '198.51.100.0/24' });
      if (entry.RuleNumber === 1) entry.RuleNumber = 150;
    }
    expect(await at.prove()).toMatchObject({ proven: false, next: 'recontain' });
    await at.contain();
    expect(ours(at.twin).map(({ RuleNumber }) => RuleNumber)).toEqual([1, 1]);
    expect(await at.prove()).toMatchObject({ proven: true });
    acl(at.twin).subnets = [];
    addNetwork(at.twin, { VpcId: VPC, subnets: ['subnet-0'] });
    expect(await at.prove()).toMatchObject({ proven: false, next: 'recontain' });
    await at.contain();
    expect(acl(at.twin, 1).entries).toHaveLength(defaultEntries().length + 2);
    await at.undo();
    expect(ours(at.twin)).toEqual([]);
    expect(acl(at.twin, 1).entries).toHaveLength(defaultEntries().length);
  });

  it('leaves a rule that someone put in the place of ours', async () => {
    const at = open();
    await at.contain();
    for (const entry of ours(at.twin)) Object.assign(entry, { CidrBlock: '192.0.2.0/24' });
    const after = structuredClone(acl(at.twin).entries);
    // Later than AWS shows old values: what is not there any more was taken away.
    at.clock.at += 20 * 60_000;
    expect(await at.undo()).toMatchObject({ kind: 'undone' });
    expect(acl(at.twin).entries).toEqual(after);
  });

  it('writes a set again when someone else wrote it, and keeps what they wrote and its description', async () => {
    const at = open({ settings: { networkAcls: false, wafIpSets: ['firebreak-blocked'] } });
    const [set] = at.twin.region().waf.ipSets;
    if (!set) throw new Error('no set');
    at.twin.failNext('UpdateIPSet', 'WAFOptimisticLockException', 3);
    set.Addresses = ['192.0.2.44/32'];
    await at.contain();
    expect(set).toMatchObject({
      Addresses: ['192.0.2.44/32', `${IP}/32`],
      Description: 'blocked by the web ACL',
    });
    await at.undo();
    expect(set.Addresses).toEqual(['192.0.2.44/32']);
  });

  it('knows an address that AWS WAF spells in full', async () => {
    const full = '2001:0db8:0000:0000:0000:0000:0000:0077/128';
    const at = open({
      indicator: { ip: IP6 },
      settings: { networkAcls: false, wafIpSets: ['firebreak-blocked-ipv6'] },
      change: (twin) => twin.region().waf.ipSets[1]?.Addresses.push(full),
    });
    expect((await at.contain()).steps[0]?.status).toBe('already');
    await at.undo();
    expect(at.twin.region().waf.ipSets[1]?.Addresses).toEqual([full]);
  });

  it('says of every way to block what is not set up, and changes nothing when none is', async () => {
    const untag = (twin: AccountTwin) => {
      acl(twin).Tags = {};
      twin.region().waf.ipSets = [];
      twin.region().dnsFirewall.rules = [];
    };
    const settings = { wafIpSets: ['firebreak-blocked'], dnsFirewallList: 'firebreak-blocked' };
    expect(await refusal({ change: untag, settings })).toMatch(
      /nothing is set up to block it with: network ACL acl-\S+: it does not carry the tag firebreak; AWS WAF: REGIONAL IP set firebreak-blocked in eu-west-1 does not exist/,
    );
    expect(await refusal({ change: untag, settings: { networkAcls: false } })).toMatch(
      /network ACLs: switched off in policy.yml.*AWS WAF: no IP set is named/,
    );
    expect(await refusal({ change: untag, settings, indicator: { domain: DOMAIN } })).toContain(
      `DNS Firewall: no rule with action BLOCK uses firebreak-blocked in ${VPC}`,
    );
    expect(
      await refusal({ settings: { dnsFirewallList: 'other' }, indicator: { domain: DOMAIN } }),
    ).toContain('domain list other in eu-west-1 does not exist');
    const untagged = (twin: AccountTwin) => {
      for (const list of twin.region().dnsFirewall.lists) list.Tags = {};
    };
    expect(await refusal({ change: untagged, indicator: { domain: DOMAIN } })).toContain(
      'domain list firebreak-blocked in eu-west-1 does not carry the tag firebreak',
    );
    const alone = await open({ settings: { networkAcls: false, wafIpSets: ['firebreak-blocked'] } }).plan();
    expect(alone).toMatchObject({
      residual: [
        'instances can still reach it: no network ACL denies it',
        expect.stringContaining('acts only where a web ACL blocks with it'),
      ],
    });
    const half = open({ settings: {} });
    const plan = await half.plan();
    expect(plan).toMatchObject({ kind: 'plan', lapseSeconds: 86_400 });
    expect(plan.kind === 'plan' && plan.warnings.join()).toContain(
      'AWS WAF: no IP set is named in policy.yml',
    );
  });

  it('knows the rules that come before its own in DNS Firewall', async () => {
    const first = (twin: AccountTwin, list: TwinDomainList, Action = 'ALLOW') => {
      const { dnsFirewall } = twin.region();
      dnsFirewall.lists.push(list);
      dnsFirewall.associations.push({ FirewallRuleGroupId: 'frg-first', VpcId: VPC, Priority: 100 });
      dnsFirewall.rules.push({
        FirewallRuleGroupId: 'frg-first',
        FirewallDomainListId: list.Id,
        Name: 'let-through',
        Action,
        Priority: 1,
      });
    };
    const indicator = { domain: DOMAIN };
    const plan = async (domains: string[], Action?: string, managed = false) =>
      open({
        indicator,
        change: (twin) =>
          first(
            twin,
            {
              Id: 'fdl-first',
              Name: 'first',
              domains,
              Tags: {},
              ...(managed ? { ManagedOwnerName: 'AWS' } : {}),
            },
            Action,
          ),
      }).plan();
    for (const domain of [DOMAIN, `api.${DOMAIN}`, `*.${DOMAIN}`, '*.example.com', '*ple.com', '*']) {
      expect(await plan([domain])).toMatchObject({
        kind: 'refused',
        reason: expect.stringContaining(
          'let-through lets it through before the rule that uses firebreak-blocked',
        ),
      });
    }
    expect(await plan(['example.com', '*.other.example.net'])).toMatchObject({ kind: 'plan', residual: [] });
    expect(await plan([DOMAIN], 'BLOCK')).toMatchObject({ kind: 'plan', residual: [] });
    expect(await plan([], 'ALERT', true)).toMatchObject({
      residual: [expect.stringContaining('let-through comes first in DNS Firewall and may let it through')],
    });
    const at = open({ indicator });
    await at.contain();
    expect(await at.prove()).toMatchObject({ proven: true });
    first(at.twin, { Id: 'fdl-first', Name: 'first', domains: [`*.${DOMAIN}`, DOMAIN], Tags: {} });
    const proof = await at.prove();
    expect(proof.proven).toBe(false);
    expect(proof.checks[0]?.saw).toContain('let through before that by let-through');
  });

  it('blocks nothing while its settings are wrong', async () => {
    expect(await refusal({ settings: { never: '203.0.113.0/24' } })).toContain('never');
    expect(await refusal({ settings: { wafIpSets: ['production-allow-list'] } })).toContain(
      'starts with firebreak-',
    );
  });

  it('tells that AWS China has no CloudFront set', async () => {
    const at = open();
    const target = { ...at.target, partition: 'aws-cn', region: 'cn-north-1' };
    const twin = createTwin({ ...SCOPE, partition: 'aws-cn', region: 'cn-north-1' });
    configureAws({ answer: twin.answer, retryBaseMs: 1 });
    const state = await blockIndicator.read(target, awsFor(target), SETTINGS);
    expect(JSON.stringify(state['missing'])).toContain('no scope CLOUDFRONT in the partition aws-cn');
  });

  it.each<[string, (twin: AccountTwin) => void, string, string?]>([
    [
      'an Elastic IP',
      (twin) => twin.region().networks.addresses.push({ AllocationId: 'eipalloc-1', PublicIp: IP }),
      'eipalloc-1 in eu-west-1',
    ],
    [
      'a NAT gateway in another Region',
      (twin) =>
        twin.region('us-east-1').natGateways.push({ NatGatewayId: 'nat-1', VpcId: VPC, PublicIp: IP }),
      'in us-east-1',
    ],
    [
      'an interface',
      (twin) => {
        const [eni] = twin.region().interfaces;
        if (eni) eni.PublicIp = IP;
      },
      'eni-0 in eu-west-1',
    ],
    [
      'a VPC range that is public',
      (twin) =>
        twin.region().networks.vpcs.push({ VpcId: 'vpc-2', CidrBlock: '198.51.100.0/24', resolvers: [] }),
      'VPC of this account (198.51.100.0/24)',
    ],
    [
      'the name server of the VPC',
      (twin) => {
        const [vpc] = twin.region().networks.vpcs;
        if (vpc) vpc.resolvers = [IP];
      },
      'resolves names',
    ],
  ])('never blocks %s', async (_name, change, words) => {
    expect(await refusal({ change })).toContain(words);
  });

  it('never blocks trusted addresses, networks that are shared, what policy.yml says never', async () => {
    expect(await refusal({}, ['198.51.100.0/24'])).toContain('is trusted (198.51.100.0/24)');
    expect(await refusal({ indicator: { ip: IP, organisation: { asn: '16509' } } })).toContain(
      'belongs to Amazon',
    );
    expect(await refusal({ indicator: { ip: IP, organisation: { asnOrg: 'AMAZON-AES' } } })).toContain(
      'belongs to Amazon',
    );
    expect(await refusal({ indicator: { ip: IP, organisation: { asnOrg: 'Amazon.com, Inc.' } } })).toContain(
      'belongs to Amazon',
    );
    expect(await refusal({ indicator: { ip: IP, organisation: { asn: '13335' } } })).toContain('Cloudflare');
    expect(await refusal({ settings: { ...SETTINGS, never: ['198.51.100.64/26'] } })).toContain('says never');
    expect(await refusal({})).toBe('planned: ');
  });

  it('asks where the network is shared, not named, or could not be looked at', async () => {
    expect(await refusal({ indicator: { ip: IP, organisation: { asn: '8075' } } })).toContain(
      'planned: the address belongs to Microsoft',
    );
    expect(await refusal({ indicator: { ip: IP, organisation: {} } })).toContain(
      'does not say whose network',
    );
    expect(await refusal({ change: (twin) => twin.failNext('DescribeAddresses', 'AccessDenied') })).toContain(
      'not readable in',
    );
  });

  it('keeps the block of one Region and one subnet until the last incident leaves', async () => {
    const at = open({ settings: {} });
    await at.contain();
    const region = at.twin.region();
    const [eni] = region.interfaces;
    if (eni) eni.SubnetId = 'subnet-9';
    addNetwork(at.twin, { VpcId: VPC, subnets: ['subnet-9'] });
    await at.contain('fb-bbbbbbbbbbbb');
    expect(acl(at.twin, 1).entries).toHaveLength(defaultEntries().length + 2);
    expect(await at.undo()).toMatchObject({ kind: 'held' });
    expect(ours(at.twin)).toHaveLength(2);
    expect(await at.undo('fb-bbbbbbbbbbbb')).toMatchObject({ kind: 'undone' });
    expect(ours(at.twin)).toEqual([]);
  });
});

describe('what is never blocked', () => {
  const settings = settingsOf({ never: ['shop.example.org', '*.partner.example.net'] }) as BlockSettings;
  const unknown = { asn: '64500', organisation: null };
  const none = { own: null, networks: { cidrs: [], resolvers: [] } };
  const range = (text: string) => whyNotRange(text, unknown, none, settings, []);

  it.each([
    '0.0.0.0/0',
    '198.51.0.0/23',
    '::/0',
    '2001:db8::/63',
    '10.1.2.3',
    '172.31.0.2',
    '192.168.0.1',
    '100.64.0.1',
    '127.0.0.1',
    '169.254.169.253',
    '224.0.0.1',
    '255.255.255.255',
    'fd00:ec2::253',
    'fe80::1',
    'ff02::1',
    '::1',
    '::ffff:198.51.100.7',
    '64:ff9b::c633:6407',
    '2002:c633:6407::1',
    '8.8.8.8',
    'nonsense',
  ])('%s', (text) => {
    expect(range(text)).toBeDefined();
  });

  it.each(['198.51.100.7', '198.51.100.0/24', '2001:db8::7', '2001:db8::/64'])(
    'may be blocked: %s',
    (text) => {
      expect(range(text)).toBeUndefined();
    },
  );

  it('no range that shares an address with a trusted one passes', () => {
    fc.assert(
      fc.property(
        fc.ipV4(),
        fc.integer({ min: 24, max: 32 }),
        fc.integer({ min: 8, max: 32 }),
        (ip, own, other) => {
          expect(whyNotRange(`${ip}/${own}`, unknown, none, settings, [`${ip}/${other}`])).toBeDefined();
        },
      ),
    );
  });

  it.each([
    ['com', 'single label'],
    ['localhost', 'single label'],
    ['co.uk', 'public suffix'],
    ['github.io', 'public suffix'],
    ['duckdns.org', 'public suffix'],
    ['s3.eu-west-1.amazonaws.com', 'domain of AWS'],
    ['d111111abcdef8.cloudfront.net', 'domain of AWS'],
    ['ec2.cn-north-1.amazonaws.com.cn', 'domain of AWS'],
    ['abc.lambda-url.eu-west-1.on.aws', 'domain of AWS'],
    ['shop.example.org', 'says never'],
    ['www.shop.example.org', 'says never'],
    ['example.org', 'says never'],
    ['x.partner.example.net', 'says never'],
    ['db.corp.internal', 'private network'],
    ['198.51.100.7', 'an address'],
    ['bad_name.example.com', 'does not take'],
    ['bücher.example.com', 'does not take'],
    ['*.example.com', 'does not take'],
  ])('%s: %s', async (domain, words) => {
    expect(whyNotDomain(domain, await suffixOf(domain), settings)).toContain(words);
  });

  it.each([
    'c2.example.com',
    'evil.co.uk',
    'evil.github.io',
    'evil.duckdns.org',
    'xn--bcher-kva.example.com',
  ])('may be blocked: %s', async (domain) => {
    expect(whyNotDomain(domain, await suffixOf(domain), settings)).toBeUndefined();
  });
});

describe('which indicator', () => {
  const twin = createTwin(SCOPE);
  const target = (type: string, indicator: Indicator, role = 'TARGET') => {
    const parsed = parseFinding(finding(twin, indicator, type));
    const choice = indicatorOf({ ...parsed, resourceRole: role === 'ACTOR' ? 'ACTOR' : 'TARGET' });
    return choice.ok ? choice.target.id : choice.reason;
  };

  it('is the address or the domain, and never the victim', () => {
    expect(target('Backdoor:EC2/C&CActivity.B', { ip: IP })).toBe(IP);
    expect(target('Backdoor:EC2/C&CActivity.B!DNS', { domain: 'Evil.Example.COM.' })).toBe(
      'evil.example.com',
    );
    expect(target('Backdoor:EC2/DenialOfService.Tcp', { ip: IP })).toContain('the other side is attacked');
    expect(target('Backdoor:EC2/Spambot', { ip: IP })).toContain('the other side is attacked');
    expect(target('UnauthorizedAccess:EC2/SSHBruteForce', { ip: IP }, 'ACTOR')).toContain(
      'the other side is attacked',
    );
    expect(target('UnauthorizedAccess:EC2/SSHBruteForce', { ip: IP })).toBe(IP);
    expect(target('Backdoor:EC2/C&CActivity.B', { ip: 'x' })).toContain('does not name an address');
  });

  it('is one for findings of several Regions: their holds meet', () => {
    const parsed = parseFinding(finding(twin, { ip: IP }));
    const [a, b] = ['eu-west-1', 'ap-south-1'].map((region) => indicatorOf({ ...parsed, region }));
    expect(a?.ok && b?.ok && a.target.region === b.target.region).toBe(true);
  });

  it('answers someone who knocks, where policy is edited to act', () => {
    const knocked = parseFinding(finding(twin, { ip: IP }, 'UnauthorizedAccess:EC2/SSHBruteForce'));
    expect(choosePlaybook({ ...knocked, resourceRole: 'TARGET' })).toMatchObject({ id: 'block-indicator' });
    expect(choosePlaybook({ ...knocked, resourceRole: 'ACTOR' })).toMatchObject({ id: 'isolate-instance' });
  });
});
