/**
 * Someone wants what a drill is spared (the read-back, policy, the second person of an undo) for a real resource, or wants a real
 * finding taken for a drill. The envelope is started by name; what it may change carries the drill's tag at a live read.
 */
import '../../sandbox/quiet.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { DRILL_TAG, drillName } from '../../core/incident/drill.ts';
import { parsePolicy } from '../../core/policy/policy.ts';
import { setKillSwitch } from '../../core/table/breaker.ts';
import { switchToObserve } from '../../core/table/mode.ts';
import { channelOf, redriven } from '../../pipeline/channel.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import {
  type CredentialWorld,
  credentialFinding,
  credentialWorld,
  ROLE,
  THIEF_IP,
} from '../../sandbox/worlds.ts';
import { policyWithoutFollowUps } from '../policy-text.ts';
import { guardDutyPuts, putEvents } from './event-bus.ts';

const DRILL = '0a1b2c3d4e5f';
const PLAYBOOK = 'revoke-instance-session';
const eventShape = z.looseObject({ detail: z.record(z.string(), z.unknown()) });

let sandbox: Sandbox;
let world: CredentialWorld;
beforeEach(async () => {
  sandbox = await startSandbox({ policy: parsePolicy(await policyWithoutFollowUps()) });
  world = credentialWorld(sandbox.twin, 3);
});
afterEach(() => sandbox.close());

const detail = (id = drillName(DRILL, PLAYBOOK)) => ({
  ...eventShape.parse(credentialFinding(sandbox.twin, world.stolen, { seed: 'drill' })).detail,
  id,
});
const tagRole = (drill: string) =>
  sandbox.twin.state.roles[ROLE]?.Tags.push({ Key: DRILL_TAG, Value: drill });
const start = async (input: object, name = drillName(DRILL, PLAYBOOK)) => {
  const execution = await sandbox.machines.start('respond', input, name);
  return execution.ended;
};
const drill = (given = detail(), name?: string) =>
  start({ channel: 'drill', drill: DRILL, detail: given }, name);
const contained = () =>
  sandbox.twin.request(world.stolen, { action: 's3:GetObject', resource: '*', sourceIp: THIEF_IP })
    .decision === 'explicitDeny';
const TASK = `arn:aws:ecs:eu-west-1:111122223333:task/shop/${'0'.repeat(32)}`;
/** A task that carries the tag, with the role of the world. */
function tagTask(group: string): void {
  const { ecs } = sandbox.twin.region();
  const taskDefinitionArn = 'arn:aws:ecs:eu-west-1:111122223333:task-definition/web:7';
  ecs.definitions[taskDefinitionArn] = { taskRoleArn: sandbox.twin.state.roles[ROLE]?.Arn ?? null };
  ecs.tasks.push({
    ...{ taskArn: TASK, cluster: 'shop', group, taskDefinitionArn, launchType: 'FARGATE' },
    ...{ lastStatus: 'RUNNING', desiredStatus: 'RUNNING', startedBy: 'x', tags: { [DRILL_TAG]: DRILL } },
  });
  ecs.services.push({
    ...{ serviceName: 'web', cluster: 'shop', desiredCount: 1, controller: 'ECS', taskDefinitionArn },
  });
}
const changes = () => sandbox.twin.calls.filter(({ service, change }) => service === 'IAM' && change).length;

describe('the envelope of a drill', () => {
  it('contains what carries its tag, without a finding in GuardDuty, and one person may undo it', async () => {
    tagRole(DRILL);
    expect(await drill()).toMatchObject({ status: 'SUCCEEDED' });
    expect(contained()).toBe(true);
    const [incident] = await sandbox.incidents();
    expect(incident).toMatchObject({
      drill: DRILL,
      status: 'contained',
      decision: { kind: 'auto', rule: 'drill' },
    });
    await (await sandbox.undo(incident?.id ?? '', 'U0ALICE')).ended;
    expect(contained()).toBe(false);
    expect((await sandbox.incidents())[0]?.status).toBe('undone');
  });

  it.each([
    ['no tag', () => undefined],
    ['the tag of another drill', () => tagRole('ffffffffffff')],
    [
      'its tag on the instance alone',
      () => {
        const instance = sandbox.twin.region().instances[0];
        if (instance) instance.Tags[DRILL_TAG] = DRILL;
      },
    ],
  ])('ends refused before any change where the target carries %s', async (_name, tag) => {
    tag();
    expect(await drill()).toMatchObject({ status: 'FAILED' });
    expect(changes()).toBe(0);
    expect(await sandbox.incidents()).toEqual([]);
  });

  it('changes no role by the tag of the instance that its session is named after', async () => {
    await sandbox.close();
    const text = (await policyWithoutFollowUps()).replace('    lever: session #', '    lever: pin #');
    expect(text).toContain('lever: pin #');
    sandbox = await startSandbox({ policy: parsePolicy(text) });
    world = credentialWorld(sandbox.twin, 3);
    for (const instance of sandbox.twin.region().instances) instance.Tags[DRILL_TAG] = DRILL;
    expect(await drill()).toMatchObject({ status: 'FAILED' });
    expect(changes()).toBe(0);
  });

  it.each([
    ['whose role carries none', 'family:web', () => undefined],
    ['of a service', 'service:web', () => tagRole(DRILL)],
  ])('stops no task by its tag %s', async (_name, group, tag) => {
    tagTask(group);
    tag();
    const { ecs } = sandbox.twin.region();
    const ofTask = {
      ...detail(),
      type: 'Execution:Runtime/ReverseShell',
      resource: { ecsClusterDetails: { name: 'shop', taskDetails: { arn: TASK } } },
    };
    expect(await drill(ofTask)).toMatchObject({ status: 'FAILED' });
    expect(changes()).toBe(0);
    expect(ecs.tasks.map(({ desiredStatus }) => desiredStatus)).toEqual(['RUNNING']);
  });

  it('is refused with the id of a real finding, which stays what it was', async () => {
    tagRole(DRILL);
    expect(await drill(detail('b'.repeat(32)))).toMatchObject({ status: 'FAILED' });
    expect(changes()).toBe(0);
    expect(await sandbox.incidents()).toEqual([]);
  });

  it('is refused under a name that EventBridge could have given, or that is of another drill', async () => {
    tagRole(DRILL);
    for (const name of ['6f1c8f0e-2f5a-4d5e-9a55-0a3c2f6d3b11', drillName('ffffffffffff', PLAYBOOK)])
      expect(await drill(detail(), name)).toMatchObject({ status: 'FAILED' });
    expect(changes()).toBe(0);
  });

  it('is not started again as a finding, from the queue or after it failed', () => {
    expect(() => redriven({ channel: 'drill', drill: DRILL, detail: detail() })).toThrow(/drill/);
    expect(() => channelOf({ channel: 'redrive', drill: DRILL, detail: detail() }, 'redrive-1')).toThrow();
  });

  it('contains nothing while the kill switch or observe mode is set', async () => {
    tagRole(DRILL);
    await setKillSwitch(sandbox.runtime.table, true, 'U0ALICE', new Date());
    void drill();
    await sandbox.rest();
    expect(changes()).toBe(0);
    await setKillSwitch(sandbox.runtime.table, false, 'U0ALICE', new Date());
    await switchToObserve(sandbox.runtime.table, 'enforce', 'U0ALICE', new Date());
    expect(
      await drill({ ...detail(), id: drillName(DRILL, 'again') }, drillName(DRILL, 'again')),
    ).toMatchObject({
      status: 'SUCCEEDED',
    });
    expect(changes()).toBe(0);
  });
});

describe('a real finding', () => {
  it('is handled as any other where its resource carries the tag, read back and all', async () => {
    tagRole(DRILL);
    const real = credentialFinding(sandbox.twin, world.stolen, { seed: 'real' });
    await sandbox.deliver(real);
    await sandbox.rest();
    const [incident] = await sandbox.incidents();
    expect(incident?.drill).toBeUndefined();
    expect(incident).toMatchObject({
      status: 'contained',
      assessment: { confirmation: { kind: 'confirmed' } },
    });
  });

  it.each([
    ['as an envelope', (real: object) => ({ channel: 'drill', drill: DRILL, detail: real })],
    ['in a member', (real: object) => ({ ...real, drill: DRILL, channel: 'drill' })],
  ])('cannot claim to be a drill on the bus: %s', async (_name, wrap) => {
    tagRole(DRILL);
    const forged = wrap(detail());
    await guardDutyPuts(sandbox, forged);
    await putEvents(sandbox, {
      source: 'firebreak.canary',
      'detail-type': 'GuardDuty Finding',
      detail: forged,
    });
    await sandbox.rest();
    for (const { drill: claimed } of await sandbox.incidents()) expect(claimed).toBeUndefined();
    expect(changes()).toBe(0);
  });

  it('with the id of a drill neither takes its incident nor is spared the read-back', async () => {
    tagRole(DRILL);
    await drill();
    const before = await sandbox.incidents();
    const forged = { ...detail(), updatedAt: new Date().toISOString() };
    const [execution] = await Promise.all([
      sandbox.machines.start('respond', { channel: 'guardduty', detail: forged }),
    ]);
    expect(await execution.ended).toMatchObject({ status: 'FAILED' });
    const after = await sandbox.incidents();
    expect(after.map(({ id, targets, drill: of }) => ({ id, targets, of }))).toEqual(
      before.map(({ id, targets, drill: of }) => ({ id, targets, of })),
    );
  });
});
