/**
 * The same scenarios on the account twin and on moto. Results are read through AWS calls only. Where the two differ,
 * the twin is wrong until shown otherwise; what moto does not model is printed, not passed over.
 */
import { describe, expect, it } from 'vitest';
import { motoStage } from './moto-stage.ts';
import { onStage } from './on-stage.ts';
import { Killed, killedAfter, maliciousCaller, play, stolenSession } from './play.ts';
import {
  aclEntries,
  attributesOf,
  groupsOf,
  inlinePolicies,
  namedGroup,
  simulate,
  snapshottedVolumes,
} from './reads.ts';
import type { Capability, Made } from './stage.ts';
import { twinStage } from './twin-stage.ts';

const QUARANTINE = 'firebreak-quarantine';
const TRANSIT = 'firebreak-transit';

describe.each([
  ['twin', twinStage],
  ['moto', motoStage],
] as const)('on %s', (_name, open) => {
  const at = onStage(open);
  const has = (what: Capability): boolean => {
    const missing = at.stage.lacks(what);
    if (missing !== undefined) at.lacking.add(`${what}: ${missing}`);
    return missing === undefined;
  };

  const first = ({ instanceIds: [id] }: Made): string => {
    if (id === undefined) throw new Error('the stage made no instance');
    return id;
  };
  const everyInterface = (made: Made, groups: readonly string[]) =>
    Object.fromEntries(made.eniIds.map((id) => [id, [...groups]]));

  it('isolate-instance, 1: two interfaces behind a NAT gateway are isolated, the remaining risk is reported, undo restores', async () => {
    const made = await at.stage.instance({ enis: 2, behindNat: true, securityGroups: 2, volumes: 2 });
    const id = first(made);
    const before = await attributesOf(at.stage, id);
    expect(await groupsOf(at.stage, id)).toEqual(everyInterface(made, made.securityGroupIds));

    const response = await play(at.stage, at.table, 'fb-000000000001', maliciousCaller(at.stage, id));
    expect(response.plan.residual.join()).toContain(made.natGatewayId);
    const result = await response.contain();
    expect(result.steps.filter(({ status }) => status !== 'done' && status !== 'already')).toEqual([]);

    const quarantine = await namedGroup(at.stage, made.vpcId, QUARANTINE);
    expect(quarantine?.rules).toBe(0);
    const replaces = has('replaces-groups');
    if (replaces)
      expect(await groupsOf(at.stage, id)).toEqual(everyInterface(made, [quarantine?.id ?? 'none']));
    for (const groups of Object.values(await groupsOf(at.stage, id)))
      expect(groups).toContain(quarantine?.id);
    const contained = await attributesOf(at.stage, id);
    expect(contained).toMatchObject({ terminationProtection: true, shutdownBehaviour: 'stop' });
    expect(Object.values(contained.deleteOnTermination)).toEqual([false, false]);
    if (has('snapshot-set')) expect(await snapshottedVolumes(at.stage, 'fb-000000000001')).toHaveLength(2);
    if (!replaces) return; // the interfaces hold more than was asked for: neither proof nor undo can be shown here
    expect(await response.verify(result)).toMatchObject({ proven: true });

    // A second run changes nothing and takes no second set of snapshots.
    expect((await response.contain()).steps.map(({ status }) => status)).toEqual(
      result.steps.map(({ status }) => status),
    );
    if (has('snapshot-set')) expect(await snapshottedVolumes(at.stage, 'fb-000000000001')).toHaveLength(2);

    expect((await response.undo()).kind).toBe('undone');
    expect(await groupsOf(at.stage, id)).toEqual(everyInterface(made, made.securityGroupIds));
    expect(await attributesOf(at.stage, id)).toEqual(before);
  });

  it('with the deny at the NAT gateway: its addresses are denied at the gateway, which is named all the same', async () => {
    const made = await at.stage.instance({ enis: 2, behindNat: true });
    const id = first(made);
    const before = await aclEntries(at.stage, made.natAclId ?? '');
    const response = await play(at.stage, at.table, 'fb-000000000001', maliciousCaller(at.stage, id), {
      natNetworkAcl: true,
    });
    expect(response.plan.residual.join()).not.toContain(made.natGatewayId);
    const result = await response.contain();
    expect(result.steps.filter(({ status }) => status !== 'done' && status !== 'already')).toEqual([]);
    const added = (await aclEntries(at.stage, made.natAclId ?? '')).filter(
      (entry) => !before.includes(entry),
    );
    expect(added).toHaveLength(4);
    for (const entry of added) expect(entry).toMatch(/^(in|out) [12] deny 10\.\d+\.\d+\.\d+\/32$/);
    const { residual } = await response.verify(result);
    expect(residual.filter((risk) => risk.includes(made.natGatewayId ?? 'none'))).toHaveLength(2);
    await response.undo();
    expect(await aclEntries(at.stage, made.natAclId ?? '')).toEqual(before);
  });

  it('isolate-instance, 2: a crash between transit and quarantine is finished, and undo still knows the original groups', async ({
    skip,
  }) => {
    if (!has('replaces-groups')) skip();
    const made = await at.stage.instance({ enis: 2, securityGroups: 1 });
    const id = first(made);
    const response = await play(at.stage, at.table, 'fb-000000000002', maliciousCaller(at.stage, id));
    const dying = killedAfter(at.stage.aws(), 'ModifyNetworkInterfaceAttribute', 1);
    await expect(response.contain(response.plan.steps, dying)).rejects.toThrow(Killed);
    const transit = await namedGroup(at.stage, made.vpcId, TRANSIT);
    const open = Object.values(await groupsOf(at.stage, id)).filter(
      (groups) => groups.join() === transit?.id,
    );
    expect(open).toHaveLength(1);

    // The sweep runs the journal again without a new plan.
    const result = await response.contain([]);
    const quarantine = await namedGroup(at.stage, made.vpcId, QUARANTINE);
    expect(await groupsOf(at.stage, id)).toEqual(everyInterface(made, [quarantine?.id ?? 'none']));
    expect(await response.verify(result)).toMatchObject({ proven: true });
    expect((await response.undo()).kind).toBe('undone');
    expect(await groupsOf(at.stage, id)).toEqual(everyInterface(made, made.securityGroupIds));
  });

  it('revoke-instance-session, 4: of forty instances with one role, only the stolen session is cut off', async () => {
    const made = await at.stage.instance({ role: 'web', count: 40 });
    const { roleName = '', roleId = '' } = made;
    const stolen = first(made);
    const profile = async () => {
      const { client, api } = await at.stage.aws().iam();
      const answer = await client.send(new api.GetInstanceProfileCommand({ InstanceProfileName: roleName }));
      return answer.InstanceProfile?.Roles?.map((role) => role.RoleName);
    };
    const response = await play(
      at.stage,
      at.table,
      'fb-000000000004',
      stolenSession(at.stage, { instanceId: stolen, roleName, roleId }),
      { lever: 'session' },
    );
    expect(response.plan.askBecause).toEqual([]);
    expect(response.plan.blastRadius.count).toBe(1);
    const result = await response.contain();
    expect(result.steps.filter(({ status }) => status !== 'done' && status !== 'already')).toEqual([]);

    const policies = await inlinePolicies(at.stage, roleName);
    expect(Object.keys(policies)).toEqual([expect.stringMatching(/^firebreak-fb-000000000004-[0-9a-f]{8}$/)]);
    const text = JSON.stringify(policies);
    expect(text).toContain(stolen);
    expect(text).not.toContain('TokenIssueTime');
    for (const other of made.instanceIds.slice(1)) expect(text).not.toContain(other);
    expect(await profile()).toEqual([roleName]);
    if (has('policy-evaluation')) {
      const roleArn = `arn:${at.stage.scope.partition}:iam::${at.stage.scope.account}:role/${roleName}`;
      expect(await simulate(at.stage, roleArn, `${roleId}:${stolen}`, stolen)).toBe('explicitDeny');
      for (const other of made.instanceIds.slice(1)) {
        expect(await simulate(at.stage, roleArn, `${roleId}:${other}`, other)).toBe('allowed');
      }
      expect(await response.verify(result)).toMatchObject({ proven: true });
    }

    expect((await response.undo()).kind).toBe('undone');
    expect(await inlinePolicies(at.stage, roleName)).toEqual({});
  });
});
