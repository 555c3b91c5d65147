/** The deny at the NAT gateway: an instance's own addresses denied in front of its NAT gateway, and never called more than that. */
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../core/json.ts';
import type { TwinAcl } from '../../sandbox/twin/network-acls.ts';
import { type AccountTwin, createTwin } from '../../sandbox/twin/twin.ts';
import { addressFinding, credentialWorld } from '../../sandbox/worlds.ts';
import { SCOPE, scene, sceneDatabase } from '../../test/playbooks/properties.ts';
import { isolateInstance } from './playbook.ts';

const database = sceneDatabase('isolate-instance-nat');

/** Three instances in one private subnet, a NAT gateway in another. */
function open(settings: JsonObject, change: (twin: AccountTwin, nat: TwinAcl) => void = () => undefined) {
  const at = scene(
    database(),
    isolateInstance,
    {
      worlds: undefined as never,
      open(twin) {
        const { stolen } = credentialWorld(twin);
        change(twin, aclOf(twin));
        return addressFinding(twin, stolen.instanceId, { seed: 'nat' });
      },
      settings,
    },
    undefined,
  );
  return { ...at, acl: () => aclOf(at.twin) };
}
function aclOf(twin: AccountTwin): TwinAcl {
  const subnet = twin.region().natGateways[0]?.SubnetId ?? '';
  const found = twin.region().networks.acls.find(({ subnets }) => subnets.includes(subnet));
  if (!found) throw new Error('no network ACL');
  return found;
}
const ours = (acl: TwinAcl) => acl.entries.filter(({ RuleNumber }) => RuleNumber < 100);
const ON = { natNetworkAcl: true };

describe('the deny at the NAT gateway', () => {
  it('is off as shipped: the gateway is named, no network ACL is read or changed', async () => {
    const at = open({});
    const plan = await at.plan();
    expect(plan.kind === 'plan' && plan.residual.join()).toMatch(/tracked flows possible via nat-/);
    await at.contain();
    expect(ours(at.acl())).toEqual([]);
    expect(at.twin.calls.map(({ operation }) => operation)).not.toContain('DescribeNetworkAcls');
  });

  it('denies the one instance in both directions, and says what that does not prove', async () => {
    const at = open(ON);
    const plan = await at.plan();
    expect(plan.kind === 'plan' && plan.residual).toEqual([]);
    expect(plan.kind === 'plan' && plan.arns.join()).toContain('network-acl/acl-');
    await at.contain();
    expect(ours(at.acl())).toEqual(
      [false, true].map((Egress) => ({
        RuleNumber: 1,
        Egress,
        Protocol: '-1',
        RuleAction: 'deny',
        CidrBlock: '10.0.1.10/32',
      })),
    );
    const proof = await at.prove();
    expect(proof.proven).toBe(true);
    expect(proof.residual).toEqual([
      expect.stringContaining('credentials of role web-app'),
      expect.stringMatching(
        /^10\.0\.1\.10 at nat-\S+ is denied in both directions by acl-\S+: .* is not proven$/,
      ),
    ]);
    await at.undo();
    expect(ours(at.acl())).toEqual([]);
  });

  it.each<[string, (twin: AccountTwin, nat: TwinAcl) => void, RegExp]>([
    [
      'the ACL is not tagged',
      (_twin, nat) => {
        nat.Tags = {};
      },
      /does not carry the tag firebreak/,
    ],
    [
      'the instance is in the subnet of the gateway',
      (twin) => {
        const [gateway] = twin.region().natGateways;
        if (gateway) gateway.SubnetId = twin.region().interfaces[0]?.SubnetId ?? '';
      },
      /traffic within a subnet passes no network ACL/,
    ],
  ])('stays a plain residual risk where %s', async (_name, change, words) => {
    const at = open(ON, change);
    const plan = await at.plan();
    if (plan.kind !== 'plan') throw new Error('refused');
    expect(plan.warnings.join()).toMatch(words);
    expect(plan.residual.join()).toMatch(/tracked flows possible via nat-/);
    await at.contain();
    expect(at.twin.region().networks.acls.flatMap(ours)).toEqual([]);
  });

  it('names the gateway again when the ACL is full, and isolates all the same', async () => {
    const at = open(ON, (_twin, nat) => {
      for (let index = 0; index < 18; index++) {
        nat.entries.push({
          RuleNumber: 200 + index,
          Egress: true,
          Protocol: '6',
          RuleAction: 'allow',
          CidrBlock: `10.${index}.0.0/16`,
        });
      }
    });
    const { steps } = await at.contain();
    expect(steps.filter(({ status }) => status === 'failed').map(({ note }) => note)).toEqual([
      expect.stringContaining('NetworkAclEntryLimitExceeded'),
    ]);
    expect(steps.find(({ kind }) => kind === 'interface-groups')?.status).toBe('done');
    const proof = await at.prove();
    expect(proof.residual.join()).toMatch(
      /tracked flows possible: 10\.0\.1\.10 at nat-\S+ is not denied in both directions/,
    );
    await at.undo();
    expect(ours(at.acl())).toEqual([]);
  });

  it('leaves the neighbours behind the same gateway alone', async () => {
    const twin = createTwin(SCOPE);
    credentialWorld(twin);
    const addresses = twin.region().interfaces.map(({ PrivateIpAddress }) => PrivateIpAddress);
    const at = open(ON);
    await at.contain();
    const denied = at
      .acl()
      .entries.filter(({ RuleAction, RuleNumber }) => RuleAction === 'deny' && RuleNumber < 100);
    expect(addresses).toHaveLength(3);
    expect(new Set(denied.map(({ CidrBlock }) => CidrBlock))).toEqual(new Set([`${addresses[0]}/32`]));
  });
});
