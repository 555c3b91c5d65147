/** A Fargate task whose role a thief holds: its session is denied, and it is stopped. */
import {
  CreateClusterCommand,
  type ECSClient,
  RegisterTaskDefinitionCommand,
  RunTaskCommand,
} from '@aws-sdk/client-ecs';
import { arn } from '../../../core/aws/arn.ts';
import { awsErrorName, FirebreakError } from '../../../core/errors.ts';
import { DRILL_TAG } from '../../../core/incident/drill.ts';
import { given, makeGroup, makeVpc, makeWayOut } from '../network.ts';
import { assume, isRefused, makeBucket, makeRole, readsIt, roleState } from '../parts.ts';
import type { Drill, Fact, Kit } from '../scene.ts';

/** AWS's own, from its public registry: no image of yours is needed, and no role that pulls it. */
const IMAGE = 'public.ecr.aws/aws-cli/aws-cli:latest';
const IDENTITY = 'identity.json';
/** Says in the bucket who the task is. It ends on its own, should all else fail. */
const scriptFor = (bucket: string): string =>
  `aws sts get-caller-identity --output json | aws s3 cp - s3://${bucket}/${IDENTITY} && sleep 3600`;

export const stopTask: Drill = {
  playbook: 'stop-task',
  extra: 'ecs',
  makes:
    'a cluster and a Fargate task of 0.25 vCPU that sleeps, in a VPC that lets nothing in, with a role that the task and you may assume; a bucket with one object',
  attack:
    "reads the object with a session of the role under the task's id, as credentials taken out of it do",
  probe: 'reads the object with that session, and asks ECS whether the task has stopped',
  cost: {
    usd: 0.02,
    why: 'a Fargate task of 0.25 vCPU and 0.5 GB with a public IPv4 address for half an hour',
  },
  minutes: 10,
  settles: ['ecs-session-name'],
  async play(kit) {
    const bucket = await makeBucket(kit, 'task-data');
    const role = await makeRole(kit, 'task-role', { also: 'ecs-tasks.amazonaws.com' });
    const { cluster, task } = await runTask(kit, role.arn, scriptFor(bucket));
    const { client, api } = await kit.aws.ecs();
    const id = task.split('/').at(-1) ?? '';
    const thief = kit.as(await assume(kit, role, id));
    const look = async () => {
      const { tasks: [found] = [] } = await client.send(
        new api.DescribeTasksCommand({ cluster, tasks: [task] }),
      );
      return found;
    };
    return {
      finding: {
        ...{ type: 'Backdoor:Runtime/C&CActivity.B', severity: 8, resourceRole: 'TARGET' },
        resource: {
          resourceType: 'ECSCluster',
          ecsClusterDetails: {
            ...{ name: cluster, arn: arn(kit.aws.scope, 'ecs', `cluster/${cluster}`), status: 'ACTIVE' },
            taskDetails: { arn: task, definitionArn: '', launchType: 'FARGATE', tags: [] },
          },
        },
        action: {},
      },
      async attack() {
        await kit.until(
          'the task runs',
          async () => {
            const { lastStatus, stoppedReason } = (await look()) ?? {};
            if (lastStatus === 'STOPPED')
              throw new FirebreakError('StepFailed', `the task stopped: ${stoppedReason}`, {
                resource: task,
              });
            return lastStatus === 'RUNNING';
          },
          600,
        );
        await readsIt(kit, thief, bucket);
      },
      holds: async () => (await isRefused(thief, bucket)) && (await look())?.lastStatus === 'STOPPED',
      // A stopped task is not started again: what comes back is the session.
      works: async () => !(await isRefused(thief, bucket)),
      state: () => roleState(kit, role),
      facts: [async () => [await sessionName(kit, bucket, id)]],
    };
  },
};

/** What the task said of itself before it was stopped. */
async function sessionName(kit: Kit, Bucket: string, id: string): Promise<Fact> {
  const { client, api } = await kit.aws.s3();
  let said = '';
  await kit.until(
    'the task said who it is',
    async () => {
      try {
        const { Body } = await client.send(new api.GetObjectCommand({ Bucket, Key: IDENTITY }));
        said = (await Body?.transformToString()) ?? '';
        return true;
      } catch (error) {
        if (awsErrorName(error) === 'NoSuchKey') return false;
        throw error;
      }
    },
    60,
  );
  const named = new RegExp(`/${id}"`).test(said);
  return {
    id: 'ecs-session-name',
    verdict: named ? 'confirmed' : 'refuted',
    saw: `the session of the task was ${named ? '' : 'not '}named after its id`,
  };
}

async function runTask(
  kit: Kit,
  taskRoleArn: string,
  script: string,
): Promise<{ readonly cluster: string; readonly task: string }> {
  const { VpcId, subnets } = await makeVpc(kit, 1);
  const subnet = given(subnets[0], 'subnet');
  await makeWayOut(kit, VpcId, subnet);
  const group = await makeGroup(kit, VpcId, 'task');
  const client: ECSClient = (await kit.aws.ecs()).client;
  const tags = [{ key: DRILL_TAG, value: kit.id }];
  const [clusterName, family] = [kit.name('cluster'), kit.name('task')];
  await kit.make('cluster', clusterName, () => client.send(new CreateClusterCommand({ clusterName, tags })));
  await kit.make('taskDefinition', family, () =>
    client.send(
      new RegisterTaskDefinitionCommand({
        ...{ family, taskRoleArn, tags, networkMode: 'awsvpc', cpu: '256', memory: '512' },
        requiresCompatibilities: ['FARGATE'],
        runtimePlatform: { cpuArchitecture: 'ARM64', operatingSystemFamily: 'LINUX' },
        containerDefinitions: [
          {
            name: 'drill',
            image: IMAGE,
            memory: 512,
            entryPoint: ['sh', '-c'],
            command: [script],
            essential: true,
          },
        ],
      }),
    ),
  );
  const run = new RunTaskCommand({
    ...{ cluster: clusterName, taskDefinition: family, launchType: 'FARGATE', count: 1, tags },
    networkConfiguration: {
      // Of the public registry: a group that lets nothing in keeps the address from being reached.
      awsvpcConfiguration: { subnets: [subnet], securityGroups: [group], assignPublicIp: 'ENABLED' },
    },
  });
  let task: string | undefined;
  await kit.make('task', undefined, () =>
    kit.until('ECS runs the task with the new role', async () => {
      try {
        task = (await client.send(run)).tasks?.[0]?.taskArn;
        return task !== undefined;
      } catch (error) {
        // The role, or the service-linked role of a first cluster, is not known everywhere yet.
        if (awsErrorName(error) !== 'InvalidParameterException' && awsErrorName(error) !== 'ClientException')
          throw error;
        return false;
      }
    }),
  );
  return { cluster: clusterName, task: given(task, 'task') };
}
