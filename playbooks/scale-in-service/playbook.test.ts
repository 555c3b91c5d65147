import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { awsFor } from '../../core/aws/client.ts';
import type { JsonObject } from '../../core/json.ts';
import type { AccountTwin } from '../../sandbox/twin/twin.ts';
import { findingOn } from '../../sandbox/worlds.ts';
import {
  type Accounts,
  playbookProperties,
  SCOPE,
  scene,
  sceneDatabase,
} from '../../test/playbooks/properties.ts';
import { scaleInService } from './playbook.ts';

const TASK = `arn:aws:ecs:eu-west-1:111122223333:task/shop/${'0'.repeat(31)}1`;
const SERVICE = 'arn:aws:ecs:eu-west-1:111122223333:service/shop/web';
const DEFINITION = 'arn:aws:ecs:eu-west-1:111122223333:task-definition/web:7';

interface World {
  readonly desired: number;
  readonly minimum: number | null;
  readonly suspended: { in: boolean; out: boolean; scheduled: boolean };
  readonly controller: string;
  readonly strategy: 'REPLICA' | 'DAEMON';
}
const finding = (twin: AccountTwin, task: JsonObject = {}) =>
  findingOn(twin, {
    seed: 'task',
    type: 'Execution:Runtime/ReverseShell',
    resource: { ecsClusterDetails: { name: 'shop', taskDetails: { arn: TASK, ...task } } },
  });

const accounts: Accounts<World> = {
  worlds: fc.record({
    desired: fc.integer({ min: 1, max: 3 }),
    minimum: fc.option(fc.integer({ min: 0, max: 2 })),
    suspended: fc.record({ in: fc.boolean(), out: fc.constant(false), scheduled: fc.boolean() }),
    controller: fc.constant<string>('ECS'),
    strategy: fc.constant<World['strategy']>('REPLICA'),
  }),
  target: () => ({
    ok: true,
    target: {
      ...SCOPE,
      kind: 'ecs-service',
      id: 'shop/web',
      display: SERVICE,
      facts: { cluster: 'shop', service: 'web' },
    },
  }),
  open(twin, { desired, minimum, suspended, controller, strategy }) {
    const { ecs } = twin.region();
    const count = Math.max(desired, minimum ?? 0);
    for (let index = 1; index <= count; index++)
      ecs.tasks.push({
        taskArn: TASK.slice(0, -1) + index,
        cluster: 'shop',
        group: 'service:web',
        taskDefinitionArn: DEFINITION,
        launchType: 'FARGATE',
        lastStatus: 'RUNNING',
        desiredStatus: 'RUNNING',
        startedBy: 'ecs-svc/1',
      });
    ecs.services.push({
      serviceName: 'web',
      cluster: 'shop',
      desiredCount: count,
      controller,
      strategy,
      taskDefinitionArn: DEFINITION,
    });
    if (minimum !== null)
      ecs.scalable.push({
        ResourceId: 'service/shop/web',
        MinCapacity: minimum,
        MaxCapacity: 9,
        SuspendedState: {
          DynamicScalingInSuspended: suspended.in,
          DynamicScalingOutSuspended: suspended.out,
          ScheduledScalingSuspended: suspended.scheduled,
        },
      });
    return finding(twin);
  },
  // The tasks are started again by the service.
  without: (account) =>
    JSON.parse(JSON.stringify(account), (name, value: unknown) => (name === 'tasks' ? [] : value)) as unknown,
};
playbookProperties(scaleInService, { ...accounts, runs: 10 });

const database = sceneDatabase('scale-in-service-test');
const open = (world: Partial<World> = {}) => {
  const at = scene<World>(database(), scaleInService, accounts, {
    desired: 2,
    minimum: null,
    suspended: { in: false, out: false, scheduled: false },
    controller: 'ECS',
    strategy: 'REPLICA',
    ...world,
  });
  const running = () => at.twin.region().ecs.tasks.filter(({ desiredStatus }) => desiredStatus === 'RUNNING');
  return { ...at, running };
};

describe('a service', () => {
  it('that is scaled has its scaling suspended first, or it would climb back; all of it comes back', async () => {
    const at = open({ minimum: 2 });
    const plan = await at.plan();
    expect(plan.kind === 'plan' && plan.askBecause).toEqual(['service web is stopped altogether']);
    const { steps } = await at.contain();
    expect(steps.map(({ id, status }) => [id, status])).toEqual([
      ['suspend-scaling', 'done'],
      ['desired-count', 'done'],
    ]);
    expect(await at.prove()).toMatchObject({ proven: true });
    expect(at.running()).toEqual([]);
    await at.undo();
    expect(at.running()).toHaveLength(2);
    expect(at.twin.region().ecs.scalable[0]).toMatchObject({
      MinCapacity: 2,
      MaxCapacity: 9,
      SuspendedState: { DynamicScalingOutSuspended: false },
    });
  });

  it('keeps its count where its scaling could not be suspended', async () => {
    const at = open({ minimum: 1 });
    at.twin.failNext('RegisterScalableTarget', 'AccessDeniedException');
    const { steps } = await at.contain();
    expect(steps.map(({ status }) => status)).toEqual(['failed', 'skipped']);
    expect(at.running()).toHaveLength(2);
    expect(await at.prove()).toMatchObject({ proven: false });
  });

  it('whose count someone raises again is not contained', async () => {
    const at = open();
    await at.contain();
    const [service] = at.twin.region().ecs.services;
    if (service) service.desiredCount = 1;
    expect(await at.prove()).toMatchObject({ proven: false, next: 'recontain' });
  });

  it.each([
    [{ controller: 'CODE_DEPLOY' }, /CODE_DEPLOY.*CodeDeploy/],
    [{ controller: 'EXTERNAL' }, /EXTERNAL.*task sets to 0/],
    [{ strategy: 'DAEMON' as const }, /no count/],
  ])('%j is refused with what works', async (world, words) => {
    const at = open(world);
    const plan = await at.plan();
    expect(plan.kind).toBe('refused');
    expect(JSON.stringify(plan)).toMatch(words);
    expect(at.changes()).toBe(0);
  });
});

describe('the service of a task', () => {
  const locate = (at: ReturnType<typeof open>) => scaleInService.locate?.(at.finding, awsFor(SCOPE));

  it('is found through the task, and where nothing starts it again no one is asked', async () => {
    const at = open();
    expect(await locate(at)).toMatchObject({ ok: true, target: { id: 'shop/web', display: SERVICE } });
    const [service] = at.twin.region().ecs.services;
    if (service) service.desiredCount = 0;
    expect(await locate(at)).toMatchObject({ ok: false, reason: expect.stringContaining('wants no task') });
    for (const task of at.twin.region().ecs.tasks) task.group = 'family:batch';
    expect(await locate(at)).toMatchObject({ ok: false, reason: expect.stringContaining('no service') });
  });
});
