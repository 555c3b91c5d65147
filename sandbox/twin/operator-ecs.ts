/** ECS clusters, task definitions and tasks that an operator makes and removes, as far as a drill does. */
import { arn } from '../../core/aws/arn.ts';
import { awsError } from '../aws-error.ts';
import { operator } from './operator.ts';
import type { Answers, TwinCall } from './twin.ts';

type Tag = { readonly key: string; readonly value: string };
const text = ({ input }: TwinCall, name: string): string => String(input[name] ?? '');
const tagsOf = ({ input }: TwinCall): Record<string, string> =>
  Object.fromEntries(((input['tags'] ?? []) as Tag[]).map(({ key, value }) => [key, value]));
const tagList = (tags: Readonly<Record<string, string>> = {}): readonly Tag[] =>
  Object.entries(tags).map(([key, value]) => ({ key, value }));
const nameOf = (given: string): string => given.split('/').at(-1) ?? '';

/** Of a family that is registered, `family:1` and its ARN. */
const definitionOf = ({ scope }: TwinCall, family: string): string =>
  arn(scope, 'ecs', `task-definition/${family}:1`);
const familyOf = (definition: string): string => nameOf(definition).replace(/:\d+$/, '');

/** What the script of a drill's task does: it puts the identity of its session into a bucket. */
function saysWhoItIs(
  call: TwinCall,
  definition: TwinCall['region']['ecs']['definitions'][string] | undefined,
  id: string,
): void {
  const { script = '', taskRoleArn = null } = definition ?? {};
  const [, Bucket, Key] = /get-caller-identity .* s3:\/\/([^/]+)\/(\S+)/.exec(script) ?? [];
  if (Bucket === undefined || Key === undefined || taskRoleArn === null) return;
  const Arn = arn(call.scope, 'sts', `assumed-role/${nameOf(taskRoleArn)}/${id}`, { global: true });
  operator.S3['PutObject']?.({ ...call, input: { Bucket, Key, Body: JSON.stringify({ Arn }) } });
}

export const operatorEcs: Answers = {
  CreateCluster: (call) => {
    const clusterName = text(call, 'clusterName');
    const { ecs } = call.region;
    ecs.clusters = { ...ecs.clusters, [clusterName]: tagsOf(call) };
    return { cluster: { clusterName, clusterArn: arn(call.scope, 'ecs', `cluster/${clusterName}`) } };
  },
  DescribeClusters: (call) => {
    const asked = ((call.input['clusters'] ?? []) as string[]).map(nameOf);
    const { clusters = {} } = call.region.ecs;
    return {
      clusters: asked
        .filter((name) => Object.hasOwn(clusters, name))
        .map((clusterName) => ({ clusterName, status: 'ACTIVE', tags: tagList(clusters[clusterName]) })),
    };
  },
  DeleteCluster: (call) => {
    const name = nameOf(text(call, 'cluster'));
    const { ecs } = call.region;
    if (!Object.hasOwn(ecs.clusters ?? {}, name))
      throw awsError('ClusterNotFoundException', 'Cluster not found.');
    const tasks = ecs.tasks.filter(({ cluster }) => cluster === name);
    const busy = tasks.some(({ lastStatus }) => lastStatus !== 'STOPPED');
    // Time passes: what was on its way is there at the next look.
    for (const task of tasks) if (task.desiredStatus === 'STOPPED') task.lastStatus = 'STOPPED';
    if (busy)
      throw awsError('ClusterContainsTasksException', 'The cluster cannot be deleted while tasks run.');
    ecs.tasks = ecs.tasks.filter(({ cluster }) => cluster !== name);
    const { [name]: _gone, ...left } = ecs.clusters ?? {};
    if (Object.keys(left).length > 0) ecs.clusters = left;
    else delete ecs.clusters;
    return {};
  },
  RegisterTaskDefinition: (call) => {
    const taskDefinitionArn = definitionOf(call, text(call, 'family'));
    const taskRoleArn = call.input['taskRoleArn'];
    call.region.ecs.definitions[taskDefinitionArn] = {
      taskRoleArn: typeof taskRoleArn === 'string' ? taskRoleArn : null,
      tags: tagsOf(call),
      script: JSON.stringify(call.input['containerDefinitions']),
    };
    return { taskDefinition: { taskDefinitionArn } };
  },
  ListTaskDefinitionFamilies: (call) => ({
    families: Object.keys(call.region.ecs.definitions)
      .map(familyOf)
      .filter((family) => family.startsWith(text(call, 'familyPrefix'))),
  }),
  ListTaskDefinitions: (call) => ({
    taskDefinitionArns: Object.keys(call.region.ecs.definitions).filter(
      (one) => familyOf(one) === text(call, 'familyPrefix'),
    ),
  }),
  // What is deregistered is there until it is deleted.
  DeregisterTaskDefinition: () => ({}),
  DeleteTaskDefinitions: (call) => {
    for (const one of call.input['taskDefinitions'] as string[]) delete call.region.ecs.definitions[one];
    return { failures: [] };
  },
  RunTask: (call) => {
    const cluster = nameOf(text(call, 'cluster'));
    const taskDefinitionArn = definitionOf(call, text(call, 'taskDefinition'));
    if (!call.region.ecs.definitions[taskDefinitionArn])
      throw awsError('ClientException', 'TaskDefinition not found.');
    const id = call.nextId('task').replace('task-', '').padStart(32, '0');
    const task = {
      ...{ taskArn: arn(call.scope, 'ecs', `task/${cluster}/${id}`), cluster, taskDefinitionArn },
      ...{ group: `family:${text(call, 'taskDefinition')}`, launchType: 'FARGATE' as const },
      ...{ lastStatus: 'RUNNING', desiredStatus: 'RUNNING', startedBy: text(call, 'startedBy') },
      tags: tagsOf(call),
    };
    call.region.ecs.tasks.push(task);
    saysWhoItIs(call, call.region.ecs.definitions[taskDefinitionArn], id);
    return { tasks: [{ taskArn: task.taskArn, lastStatus: 'PROVISIONING' }], failures: [] };
  },
};
