/** A stopped task of a service comes back from the same image: a person is asked whether the service is to stop as well. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { loadPolicy } from '../../core/policy/policy.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { findingOn } from '../../sandbox/worlds.ts';
import { bobApproves, idle } from './people.ts';

const TASK = `arn:aws:ecs:eu-west-1:111122223333:task/shop/${'0'.repeat(30)}a1`;
const DEFINITION = 'arn:aws:ecs:eu-west-1:111122223333:task-definition/web:7';

let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await startSandbox({ policy: await loadPolicy('policy.yml') });
  const { ecs } = sandbox.twin.region();
  ecs.definitions[DEFINITION] = { taskRoleArn: null };
  ecs.services.push({
    serviceName: 'web',
    cluster: 'shop',
    desiredCount: 1,
    controller: 'ECS',
    taskDefinitionArn: DEFINITION,
  });
  ecs.tasks.push({
    taskArn: TASK,
    cluster: 'shop',
    group: 'service:web',
    taskDefinitionArn: DEFINITION,
    launchType: 'FARGATE',
    lastStatus: 'RUNNING',
    desiredStatus: 'RUNNING',
    startedBy: 'ecs-svc/1',
  });
});
afterEach(() => sandbox.close());

const running = () =>
  sandbox.twin.region().ecs.tasks.filter(({ desiredStatus }) => desiredStatus === 'RUNNING');

it('asks once the task was stopped, scales in when a person says so, and gives the count back', async () => {
  const execution = await sandbox.deliver(
    findingOn(sandbox.twin, {
      seed: 'task',
      type: 'Execution:Runtime/ReverseShell',
      resource: { ecsClusterDetails: { name: 'shop', taskDetails: { arn: TASK } } },
    }),
  );
  await bobApproves(sandbox, ({ playbook }) => playbook === 'stop-task');
  await execution.ended;
  expect(running()).toHaveLength(1); // the service's own doing
  await bobApproves(sandbox, ({ playbook }) => playbook === 'scale-in-service');
  await idle(sandbox);
  const followUp = (await sandbox.incidents()).find(({ followUpOf }) => followUpOf);
  expect(followUp).toMatchObject({
    playbook: 'scale-in-service',
    status: 'contained',
    decision: { kind: 'ask', expiry: 'escalate' },
  });
  expect(running()).toEqual([]);
  await (await sandbox.undo(followUp?.id ?? '', 'U0ALICE')).ended;
  expect(running()).toHaveLength(1);
});
