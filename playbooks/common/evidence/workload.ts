/**
 * Instance, function and task as they stand. Values of environment variables are left out: they hold secrets, and the
 * evidence bucket is read by more people than the function is.
 */
import type { Aws } from '../../../core/aws/client.ts';
import type { Permission } from '../../../core/journal/playbook.ts';
import { isJsonObject, type Json, type JsonObject, toJson } from '../../../core/json.ts';

export const READ_CONSOLE: Permission = {
  actions: ['ec2:GetConsoleOutput'],
  resources: ['arn:${Partition}:ec2:${Region}:${Account}:instance/*'],
  why: 'evidence: the serial console',
};

/** DescribeInstances as EC2 answers it, and the last 64 KB of the serial console. */
export async function instanceDocuments(aws: Aws, InstanceId: string): Promise<Record<string, Json>> {
  const { client, api } = await aws.ec2();
  const [described, console] = await Promise.all([
    client.send(new api.DescribeInstancesCommand({ InstanceIds: [InstanceId] })),
    client.send(new api.GetConsoleOutputCommand({ InstanceId })),
  ]);
  return {
    instance: toJson(described.Reservations?.[0]?.Instances?.[0]),
    console: {
      at: toJson(console.Timestamp),
      // EC2 gives base64; the text is the attacker's as much as the kernel's.
      text: Buffer.from(console.Output ?? '', 'base64').toString(),
    },
  };
}

export const READ_FUNCTION: Permission = {
  actions: ['lambda:GetPolicy'],
  resources: ['*'],
  why: 'evidence: who may invoke the function',
};

/** Configuration with the code's SHA-256 and layers, and the resource policy. */
export async function functionDocuments(aws: Aws, FunctionName: string): Promise<Record<string, Json>> {
  const { client, api } = await aws.lambda();
  const [{ $metadata: _answer, ...found }, policy] = await Promise.all([
    client.send(new api.GetFunctionConfigurationCommand({ FunctionName })),
    client.send(new api.GetPolicyCommand({ FunctionName })).then(
      ({ Policy }) => Policy ?? null,
      (error: unknown) =>
        error instanceof Error && error.name === 'ResourceNotFoundException' ? null : Promise.reject(error),
    ),
  ]);
  return {
    function: withoutValues(toJson(found)),
    'function-policy': policy === null ? null : (JSON.parse(policy) as Json),
  };
}

/** The task and its definition, with image digests. */
export async function taskDocuments(
  aws: Aws,
  cluster: string,
  taskArn: string,
): Promise<Record<string, Json>> {
  const { client, api } = await aws.ecs();
  const { tasks = [] } = await client.send(
    new api.DescribeTasksCommand({ cluster, tasks: [taskArn], include: ['TAGS'] }),
  );
  const [task] = tasks;
  if (!task) return { task: null };
  const { taskDefinition } = await client.send(
    new api.DescribeTaskDefinitionCommand({ taskDefinition: task.taskDefinitionArn }),
  );
  return { task: withoutValues(toJson(task)), 'task-definition': withoutValues(toJson(taskDefinition)) };
}

/** Names of environment variables stay, their values go: Lambda has an object, ECS a list of pairs. */
export function withoutValues(json: Json): Json {
  if (Array.isArray(json)) return json.map(withoutValues);
  if (!isJsonObject(json)) return json;
  return Object.fromEntries(
    Object.entries(json).map(([key, value]): [string, Json] => {
      if (key === 'environment' || key === 'Environment') return [key, hidden(value)];
      return [key, withoutValues(value)];
    }),
  );
}

const HIDDEN = '(value left out)';
function hidden(value: Json): Json {
  if (Array.isArray(value)) {
    return value.map((pair: Json) => (isJsonObject(pair) ? { ...pair, value: HIDDEN } : HIDDEN));
  }
  if (!isJsonObject(value)) return HIDDEN;
  const variables: JsonObject = isJsonObject(value['Variables'] ?? null)
    ? (value['Variables'] as JsonObject)
    : {};
  return { Variables: Object.fromEntries(Object.keys(variables).map((name) => [name, HIDDEN])) };
}
