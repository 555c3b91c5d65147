import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseFinding } from '../../core/finding/finding.ts';
import type { JsonObject } from '../../core/json.ts';
import { type AccountTwin, createTwin } from '../../sandbox/twin/twin.ts';
import { credentialWorld, findingOn, ROLE } from '../../sandbox/worlds.ts';
import {
  type Accounts,
  playbookProperties,
  SCOPE,
  scene,
  sceneDatabase,
} from '../../test/playbooks/properties.ts';
import { choosePlaybook } from '../index.ts';
import { stopTask } from './playbook.ts';

const ID = '0123456789abcdef0123456789abcdef';
const TASK = `arn:aws:ecs:eu-west-1:111122223333:task/shop/${ID}`;
const DEFINITION = 'arn:aws:ecs:eu-west-1:111122223333:task-definition/web:7';

interface World {
  readonly desired: number;
  readonly role: boolean;
  readonly inService: boolean;
  readonly controller: string;
  /** Smallest count of Application Auto Scaling, or null where nothing scales the service. */
  readonly minimum: number | null;
}
const finding = (twin: AccountTwin, resource: JsonObject = {}) =>
  findingOn(twin, {
    seed: 'task',
    type: 'Execution:Runtime/ReverseShell',
    resource: {
      resourceType: 'ECSCluster',
      ecsClusterDetails: { name: 'shop', taskDetails: { arn: TASK, definitionArn: DEFINITION } },
      ...resource,
    },
  });
const open = (settings: JsonObject = {}): Accounts<World> => ({
  settings,
  worlds: fc.record({
    desired: fc.integer({ min: 1, max: 3 }),
    role: fc.boolean(),
    inService: fc.boolean(),
    controller: fc.constantFrom('ECS', 'CODE_DEPLOY'),
    minimum: fc.option(fc.constant(1)),
  }),
  open(twin, { desired, role, inService, controller, minimum }) {
    credentialWorld(twin, 1);
    const region = twin.region();
    const roleArn = twin.state.roles[ROLE]?.Arn ?? null;
    region.ecs.definitions[DEFINITION] = { taskRoleArn: role ? roleArn : null };
    const task = (id: string) => ({
      taskArn: `arn:aws:ecs:eu-west-1:111122223333:task/shop/${id}`,
      cluster: 'shop',
      group: inService ? 'service:web' : 'family:batch',
      taskDefinitionArn: DEFINITION,
      launchType: 'FARGATE' as const,
      lastStatus: 'RUNNING',
      desiredStatus: 'RUNNING',
      startedBy: 'ecs-svc/1',
    });
    region.ecs.tasks.push(
      task(ID),
      ...Array.from({ length: desired - 1 }, (_, index) => task(String(index).padStart(32, '0'))),
    );
    if (inService)
      region.ecs.services.push({
        serviceName: 'web',
        cluster: 'shop',
        desiredCount: desired,
        controller,
        taskDefinitionArn: DEFINITION,
      });
    if (minimum !== null)
      region.ecs.scalable.push({
        ResourceId: 'service/shop/web',
        MinCapacity: minimum,
        MaxCapacity: 4,
        SuspendedState: {
          DynamicScalingInSuspended: false,
          DynamicScalingOutSuspended: false,
          ScheduledScalingSuspended: true,
        },
      });
    return finding(twin);
  },
  // The stopped task is lost, and what its service started instead is the service's own doing.
  without: (account) =>
    JSON.parse(JSON.stringify(account), (name, value: unknown) => (name === 'tasks' ? [] : value)) as unknown,
});
playbookProperties(stopTask, { ...open(), runs: 10 });
playbookProperties(stopTask, { ...open({ scaleIn: true }), runs: 10 });

const database = sceneDatabase('stop-task-test');
const stage = (world: Partial<World> = {}, settings: JsonObject = {}) => {
  const at = scene(database(), stopTask, open(settings), {
    desired: 2,
    role: true,
    inService: true,
    controller: 'ECS',
    minimum: null,
    ...world,
  });
  const tasks = () => at.twin.region().ecs.tasks;
  return { ...at, tasks, running: () => tasks().filter(({ desiredStatus }) => desiredStatus === 'RUNNING') };
};

describe('a task of a service', () => {
  it('is stopped and its session denied; the replacement is named, and undo keeps what cannot come back', async () => {
    const at = stage();
    const decision = () =>
      at.twin.request(
        { roleName: ROLE, instanceId: ID, issuedAt: new Date(0) },
        { action: 's3:GetObject', resource: '*' },
      ).decision;
    expect(decision()).toBe('allowed');
    await at.contain();
    expect(decision()).toBe('explicitDeny');
    expect(at.tasks().find(({ taskArn }) => taskArn === TASK)?.desiredStatus).toBe('STOPPED');
    expect(await at.prove()).toMatchObject({ proven: false, next: 'wait' });
    const proof = await at.prove();
    expect(proof).toMatchObject({ proven: true });
    const [, replacement] = at.running();
    expect(proof.residual.join()).toContain(replacement?.taskArn);
    const undone = await at.undo();
    expect(undone.kind).toBe('undone');
    expect('steps' in undone && undone.steps.find(({ id }) => id === 'stop')).toMatchObject({
      status: 'kept',
    });
    expect(decision()).toBe('allowed');
  });

  it('is scaled in first where settings say so, which asks, and its count comes back', async () => {
    const at = stage({ minimum: 2 }, { scaleIn: true });
    const plan = await at.plan();
    expect(plan.kind === 'plan' && plan.askBecause).toHaveLength(1);
    await at.contain();
    expect(at.running()).toEqual([]);
    await at.prove(); // a look at the service, which scaling would use to raise the count
    expect(at.running()).toEqual([]);
    await at.undo();
    expect(at.running()).toHaveLength(2);
  });

  it('is not scaled in where another controller owns the count', async () => {
    const plan = await stage({ controller: 'CODE_DEPLOY' }, { scaleIn: true }).plan();
    expect(plan.kind === 'plan' && plan.steps.map(({ id }) => id)).not.toContain('desired-count');
    expect(JSON.stringify(plan)).toContain('CODE_DEPLOY');
  });

  it('keeps the task on the page when only the role could be denied', async () => {
    const at = stage();
    at.twin.failNext('StopTask', 'AccessDenied');
    const { steps } = await at.contain();
    expect(steps.map(({ status }) => status)).toEqual(['done', 'failed']);
    expect(await at.prove()).toMatchObject({ proven: false });
  });

  it('stops the task of a protected role and says that its sessions live', async () => {
    const at = stage();
    const plan = await at.plan('fb-aaaaaaaaaaaa', true, [ROLE]);
    expect(plan.kind === 'plan' && plan.steps.map(({ id }) => id)).toEqual(['stop']);
    expect(plan.kind === 'plan' && plan.residual.join()).toContain('stay valid');
    expect(await at.plan('fb-aaaaaaaaaaaa', true, ['shop'])).toMatchObject({ kind: 'refused' });
  });
});

describe('the router', () => {
  it('takes the task before its host, and the instance where there is no task', () => {
    const twin = createTwin(SCOPE);
    const host = { instanceDetails: { instanceId: 'i-0123456789abcdef0' } };
    expect(choosePlaybook(parseFinding(finding(twin, host)))).toMatchObject({ id: 'stop-task' });
    expect(
      choosePlaybook(parseFinding(finding(twin, { ...host, ecsClusterDetails: { name: 'shop' } }))),
    ).toMatchObject({
      id: 'isolate-instance',
    });
  });

  it.each([
    ['arn:aws:ecs:eu-west-1:1:task/shop/../x'],
    ['arn:aws:ec2:eu-west-1:1:instance/i-1'],
    [`task/${ID}`],
    [7],
    [null],
  ])('takes no task from %j', (arn) => {
    const event = finding(createTwin(SCOPE), { ecsClusterDetails: { taskDetails: { arn } } });
    expect(stopTask.targetOf(parseFinding(event)).ok).toBe(false);
  });

  it.each([
    [{ name: 'shop' }, ID],
    [{ name: '', arn: 'arn:aws:ecs:eu-west-1:111122223333:cluster/shop' }, ID],
    [{ name: 'shop' }, '01234567-89ab-cdef-0123-456789abcdef'],
  ])('finds the cluster of a task whose ARN has the old form in %j', (details, id) => {
    const taskArn = `arn:aws:ecs:${SCOPE.region}:${SCOPE.account}:task/${id}`;
    const event = finding(createTwin(SCOPE), {
      ecsClusterDetails: { ...details, taskDetails: { arn: taskArn } },
    });
    expect(stopTask.targetOf(parseFinding(event))).toMatchObject({
      ok: true,
      target: { id: `shop/${id}`, facts: { cluster: 'shop', taskArn } },
    });
  });

  it('refuses a task of another account, with that reason', () => {
    const taskArn = `arn:aws:ecs:${SCOPE.region}:999988887777:task/shop/${ID}`;
    const event = finding(createTwin(SCOPE), { ecsClusterDetails: { taskDetails: { arn: taskArn } } });
    const choice = stopTask.targetOf(parseFinding(event));
    expect(choice).toMatchObject({ ok: false, reason: expect.stringContaining('account 999988887777') });
  });
});
