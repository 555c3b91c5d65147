/** What an attacker opened in a VPC is closed, what was removed is made again, and undo restores what the attacker left. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import { act, type Caller } from '../../sandbox/attacker.ts';
import { defaultEntries } from '../../sandbox/twin/network-acls.ts';
import type { AccountTwin } from '../../sandbox/twin/twin.ts';
import { type Accounts, playbookProperties, scene, sceneDatabase } from '../../test/playbooks/properties.ts';
import {
  callOf,
  forgetTheOwner,
  recorded as inConfig,
  LONG_AGO,
  OWNER,
  readsItsExamples,
  SEEN,
  THIEF,
  targetIn,
  thiefFound,
} from '../../test/playbooks/reversed.ts';
import { networkChanges, reverseNetworkChanges } from './playbook.ts';

const GROUP = 'sg-0000000000000a001';
const OTHER = 'sg-0000000000000a002';
const TABLE = 'rtb-0000000000000a001';
const ACL = 'acl-0000000000000a001';
const GATEWAY = 'igw-0000000000000a001';
const NAT = 'nat-0000000000000a001';
const PEERING = 'pcx-0000000000000a001';

/** What the attacker asks of EC2; some of it is refused. */
const peers = fc.constantFrom<JsonObject>(
  { IpRanges: [{ CidrIp: '0.0.0.0/0', Description: 'tmp' }] },
  { IpRanges: [{ CidrIp: '10.0.0.0/8' }, { CidrIp: '198.51.100.7/32' }] },
  { Ipv6Ranges: [{ CidrIpv6: '::/0' }] },
  { UserIdGroupPairs: [{ GroupId: OTHER }] },
);
const ports = fc.constantFrom<JsonObject>(
  { IpProtocol: 'tcp', FromPort: 443, ToPort: 443 },
  { IpProtocol: 'tcp', FromPort: 22, ToPort: 22 },
  { IpProtocol: '-1' },
);
const onGroup = fc
  .tuple(fc.constantFrom('Authorize', 'Revoke'), fc.constantFrom('Ingress', 'Egress'), ports, peers)
  .map(([does, way, port, peer]) => ({
    operation: `${does}SecurityGroup${way}`,
    input: { GroupId: GROUP, IpPermissions: [{ ...port, ...peer }] },
  }));
const destinations = fc.constantFrom<JsonObject>(
  { DestinationCidrBlock: '0.0.0.0/0' },
  { DestinationCidrBlock: '10.9.0.0/16' },
  { DestinationIpv6CidrBlock: '::/0' },
);
const onTable = fc
  .tuple(
    fc.constantFrom('CreateRoute', 'ReplaceRoute', 'DeleteRoute'),
    destinations,
    fc.constantFrom<JsonObject>(
      { GatewayId: GATEWAY },
      { NatGatewayId: NAT },
      { VpcPeeringConnectionId: PEERING },
    ),
  )
  .map(([operation, to, leads]) => ({
    operation,
    input: { RouteTableId: TABLE, ...to, ...(operation === 'DeleteRoute' ? {} : leads) },
  }));
const onAcl = fc
  .tuple(
    fc.constantFrom('CreateNetworkAclEntry', 'ReplaceNetworkAclEntry', 'DeleteNetworkAclEntry'),
    fc.constantFrom(10, 100),
    fc.boolean(),
    fc.constantFrom<JsonObject>(
      { Protocol: '-1', RuleAction: 'allow', CidrBlock: '0.0.0.0/0' },
      { Protocol: '6', RuleAction: 'deny', CidrBlock: '10.0.0.0/8', PortRange: { From: 22, To: 22 } },
      { Protocol: '58', RuleAction: 'allow', Ipv6CidrBlock: '::/0', IcmpTypeCode: { Type: -1, Code: -1 } },
    ),
  )
  .map(([operation, RuleNumber, Egress, entry]) => ({
    operation,
    input: {
      ...{ NetworkAclId: ACL, RuleNumber, Egress },
      ...(operation === 'DeleteNetworkAclEntry' ? {} : entry),
    },
  }));
interface Asked {
  readonly operation: string;
  readonly input: JsonObject;
}
type World = readonly Asked[];

/** CloudTrail writes EC2's lists as `{ items: […] }`, and some members under names of their own. */
const NAMED: Readonly<Record<string, string>> = {
  protocol: 'aclProtocol',
  userIdGroupPairs: 'groups',
  securityGroupRules: 'securityGroupRuleSet',
  revokedSecurityGroupRules: 'revokedSecurityGroupRuleSet',
};
const recorded = (value: Json): Json =>
  Array.isArray(value)
    ? { items: value.map(recorded) }
    : isJsonObject(value)
      ? Object.fromEntries(
          Object.entries(value).map(([key, member]) => {
            const name = key.slice(0, 1).toLowerCase() + key.slice(1);
            return [NAMED[name] ?? name, recorded(member)];
          }),
        )
      : value;
const record = (value: Json): JsonObject => {
  const written = recorded(value);
  return isJsonObject(written) ? written : {};
};

/** `answered`: newer records list the rules in the answer, older ones do not. */
function call(twin: AccountTwin, by: Caller, { operation, input }: Asked, at: Date, answered = true): void {
  const response = {};
  const { history } = twin.region(twin.scope.region).cloudtrail;
  const answer = act(twin, by, {
    ...{ service: 'EC2', operation, input, at },
    record: { request: record(input), response },
  });
  const newest = history[0];
  if (answered && newest) newest.event['responseElements'] = record(answer);
}

const rule = (IpProtocol: string, port: number, peer: object) => ({
  ...{ IsEgress: false, IpProtocol, FromPort: port, ToPort: port },
  ...peer,
});

function open(twin: AccountTwin, world: World, answered = true): unknown {
  const region = twin.region(twin.scope.region);
  const group = { GroupName: 'web', VpcId: 'vpc-0000000000000a001', Description: '', Tags: {} };
  region.groups.push(
    {
      ...{ GroupId: GROUP, ...group },
      rules: [
        { SecurityGroupRuleId: twin.nextId('sgr'), ...rule('tcp', 443, { CidrIpv4: '10.0.0.0/8' }) },
        {
          SecurityGroupRuleId: twin.nextId('sgr'),
          ...rule('-1', -1, { IsEgress: true, CidrIpv4: '0.0.0.0/0', Description: 'out' }),
        },
      ],
    },
    { ...{ GroupId: OTHER, ...group, GroupName: 'bastion' }, rules: [] },
  );
  region.routeTables.push({
    ...{ RouteTableId: TABLE, VpcId: group.VpcId, main: true, subnets: [] },
    routes: [{ DestinationCidrBlock: '10.9.0.0/16', VpcPeeringConnectionId: PEERING }],
  });
  region.networks.acls.push({
    ...{ NetworkAclId: ACL, VpcId: group.VpcId, IsDefault: true, subnets: [], Tags: {} },
    entries: defaultEntries(),
  });
  const route = { RouteTableId: TABLE, DestinationCidrBlock: '0.0.0.0/0', NatGatewayId: NAT };
  call(twin, OWNER, { operation: 'CreateRoute', input: route }, LONG_AGO, answered);
  let at = SEEN;
  for (const asked of world) {
    at += 60_000;
    try {
      call(twin, THIEF, asked, new Date(at), answered);
    } catch {
      // EC2 refuses it: a rule that is there, a route that is not.
    }
  }
  return thiefFound(twin);
}

const text = (value: unknown): string => JSON.stringify(value);
/** Lists have no order in EC2. */
const ordered = (account: unknown): unknown =>
  JSON.parse(
    JSON.stringify(account, (key, value) =>
      Array.isArray(value) && /^(rules|routes|entries)$/.test(key)
        ? value.map(sorted).sort((a, b) => (text(a) < text(b) ? -1 : 1))
        : value,
    ),
  );
const sorted = (one: object): object =>
  Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1)));

const openToAll: Asked = {
  operation: 'AuthorizeSecurityGroupIngress',
  input: {
    GroupId: GROUP,
    IpPermissions: [{ IpProtocol: 'tcp', FromPort: 3389, ToPort: 3389, IpRanges: [{ CidrIp: '0.0.0.0/0' }] }],
  },
};

let opened: AccountTwin | undefined;
const accountsWith = (answered: boolean): Accounts<World> => ({
  worlds: fc
    .array(fc.oneof(onGroup, onTable, onAcl), { maxLength: 5 })
    // One that leaves something to reverse in every order.
    .map((world) => [openToAll, ...world]),
  runs: 8,
  without: ordered,
  open(twin, world) {
    opened = twin;
    return open(twin, world, answered);
  },
  target: (finding) => targetIn(networkChanges, opened, finding, finding.region),
});
playbookProperties(reverseNetworkChanges, accountsWith(true));

const database = sceneDatabase('reverse-network-changes-test');
const at = (answered: boolean, ...world: World) =>
  scene(database(), reverseNetworkChanges, accountsWith(answered), world);

const ATTACK: World = [
  openToAll,
  {
    operation: 'RevokeSecurityGroupEgress',
    input: { GroupId: GROUP, IpPermissions: [{ IpProtocol: '-1', IpRanges: [{ CidrIp: '0.0.0.0/0' }] }] },
  },
  {
    operation: 'ReplaceRoute',
    input: { RouteTableId: TABLE, DestinationCidrBlock: '0.0.0.0/0', GatewayId: GATEWAY },
  },
  {
    operation: 'CreateNetworkAclEntry',
    input: {
      ...{ NetworkAclId: ACL, RuleNumber: 10, Egress: false },
      ...{ Protocol: '-1', RuleAction: 'allow', CidrBlock: '0.0.0.0/0' },
    },
  },
];

describe('what was there before', () => {
  it('is restored, and undo restores what the attacker left', async () => {
    const here = at(true, ...ATTACK);
    const before = here.account();
    await here.contain();
    const region = here.twin.region(here.twin.scope.region);
    const [group] = region.groups;
    expect(group?.rules.map(({ FromPort }) => FromPort)).toEqual([443]);
    expect(region.routeTables[0]?.routes).toContainEqual({
      ...{ DestinationCidrBlock: '0.0.0.0/0', NatGatewayId: NAT },
    });
    expect(region.networks.acls[0]?.entries.map(({ RuleNumber }) => RuleNumber)).not.toContain(10);
    expect(await here.prove()).toMatchObject({ proven: true });
    await here.undo();
    expect(here.account()).toEqual(before);
  });

  it('of a rule that was removed is for a person: no function that contains may open a group', async () => {
    const here = at(true, ...ATTACK);
    const plan = await here.plan();
    const lines = plan.kind === 'plan' ? plan.steps.map(({ describe: line }) => line) : [];
    expect(lines.join('\n')).toContain('Remove tcp 3389 from 0.0.0.0/0');
    expect(lines.join('\n')).not.toContain('Restore all traffic');
    expect(plan).toMatchObject({
      residual: expect.arrayContaining([
        expect.stringMatching(/rules of a security group were removed.*aws cloudtrail lookup-events/),
      ]),
    });
  });
});

describe('what AWS Config recorded', () => {
  const entry = { egress: false, ruleNumber: 100, protocol: '-1', ruleAction: 'allow' };
  const table = { type: 'AWS::EC2::RouteTable', id: TABLE };
  it('is restored where CloudTrail does not show it', async () => {
    const known: Accounts<World> = {
      ...accountsWith(true),
      open(twin, world) {
        const finding = accountsWith(true).open(twin, world);
        const { region } = twin.scope;
        forgetTheOwner(twin, region);
        inConfig(twin, region, {
          ...table,
          configuration: {
            routes: [
              { destinationCidrBlock: '0.0.0.0/0', natGatewayId: NAT, origin: 'CreateRoute' },
              { destinationCidrBlock: '10.9.0.0/16', vpcPeeringConnectionId: PEERING },
            ],
          },
        });
        inConfig(twin, region, {
          ...{ type: 'AWS::EC2::NetworkAcl', id: ACL },
          configuration: { entries: [{ ...entry, cidrBlock: '0.0.0.0/0' }] },
        });
        return finding;
      },
    };
    const here = scene(database(), reverseNetworkChanges, known, [
      ...ATTACK.filter(({ operation }) => operation === 'ReplaceRoute'),
      {
        operation: 'DeleteNetworkAclEntry',
        input: { NetworkAclId: ACL, RuleNumber: 100, Egress: false },
      },
    ]);
    const before = here.account();
    const plan = await here.plan();
    const lines = plan.kind === 'plan' ? plan.steps.map(({ describe: line }) => line) : [];
    expect(lines).toHaveLength(2);
    for (const line of lines) expect(line).toContain('from AWS Config, 2026-10-02 09:00 UTC');
    await here.contain();
    const region = here.twin.region(here.twin.scope.region);
    expect(region.routeTables[0]?.routes).toContainEqual({
      ...{ DestinationCidrBlock: '0.0.0.0/0', NatGatewayId: NAT },
    });
    expect(ordered({ entries: region.networks.acls[0]?.entries })).toEqual(
      ordered({ entries: defaultEntries() }),
    );
    await here.undo();
    expect(here.account()).toEqual(before);
  });
});

it('leaves to people what a record does not show', () => {
  const account = { partition: 'aws', account: '111122223333' };
  const asked = (requestParameters: JsonObject) =>
    networkChanges.answers(
      callOf({ eventName: 'CreateRoute', requestParameters }, 'ec2.amazonaws.com'),
      account,
    );
  expect(asked({ routeTableId: TABLE, destinationCidrBlock: '0.0.0.0/0', gatewayId: GATEWAY })).toBe(true);
  expect(asked({ routeTableId: TABLE, destinationCidrBlock: '0.0.0.0/0', instanceId: 'i-1' })).toBe(false);
  expect(asked({ routeTableId: '__proto__', destinationCidrBlock: '0.0.0.0/0', gatewayId: GATEWAY })).toBe(
    false,
  );
});

it('reads the example of each answer, and each is about another kind', () =>
  readsItsExamples(networkChanges));
