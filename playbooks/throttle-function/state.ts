/** Live state of one function. */
import { z } from 'zod';
import { arn } from '../../core/aws/arn.ts';
import type { Aws } from '../../core/aws/client.ts';
import { allPages } from '../../core/aws/pages.ts';
import { awsErrorName, FirebreakError } from '../../core/errors.ts';
import type { Target } from '../../core/journal/playbook.ts';

const provisionedSchema = z.object({ qualifier: z.string(), count: z.number() });
export type Provisioned = z.infer<typeof provisionedSchema>;

export const functionState = z.object({
  arn: z.string(),
  role: z.string(),
  timeoutSeconds: z.number(),
  codeSha256: z.string(),
  /** Null: no reserved concurrency is set, which is not the same as any number. */
  reserved: z.number().nullable(),
  provisioned: z.array(provisionedSchema),
  eventSources: z.array(z.string()),
  tags: z.record(z.string(), z.string()),
  /** Capacity provider of a function on Lambda Managed Instances; earlier releases did not read it. */
  capacityProvider: z.string().nullable().default(null),
});
export type FunctionState = z.infer<typeof functionState>;

/** Throws ResourceNotFound when the function is gone. */
export async function readFunction(target: Target, aws: Aws): Promise<FunctionState> {
  const { client, api } = await aws.lambda();
  const FunctionName = target.id;
  try {
    const [found, { Tags }, reserved, provisioned, mappings] = await Promise.all([
      // GetFunction would answer with the tags, and with a link to the code.
      client.send(new api.GetFunctionConfigurationCommand({ FunctionName })),
      client.send(new api.ListTagsCommand({ Resource: arn(target, 'lambda', `function:${FunctionName}`) })),
      reservedOf(aws, FunctionName),
      provisionedOf(aws, FunctionName),
      allPages(async (token) => {
        const page = await client.send(
          new api.ListEventSourceMappingsCommand({ FunctionName, ...(token ? { Marker: token } : {}) }),
        );
        return { items: page.EventSourceMappings, next: page.NextMarker };
      }),
    ]);
    return {
      arn: found.FunctionArn ?? target.display,
      role: found.Role ?? '',
      timeoutSeconds: found.Timeout ?? 900,
      codeSha256: found.CodeSha256 ?? '',
      reserved,
      provisioned: [...provisioned],
      eventSources: mappings.flatMap(({ EventSourceArn }) => EventSourceArn ?? []),
      tags: Tags ?? {},
      capacityProvider:
        found.CapacityProviderConfig?.LambdaManagedInstancesCapacityProviderConfig?.CapacityProviderArn ??
        null,
    };
  } catch (error) {
    if (awsErrorName(error) !== 'ResourceNotFoundException') throw error;
    throw new FirebreakError('ResourceNotFound', 'the function does not exist any more', {
      resource: target.display,
      next: 'See CloudTrail for who deleted it; revoke the sessions of its role.',
      cause: error,
    });
  }
}

/** An answer without a number means that none is set. */
export async function reservedOf(aws: Aws, FunctionName: string): Promise<number | null> {
  const { client, api } = await aws.lambda();
  const answer = await client.send(new api.GetFunctionConcurrencyCommand({ FunctionName }));
  return answer.ReservedConcurrentExecutions ?? null;
}

export async function provisionedOf(aws: Aws, FunctionName: string): Promise<readonly Provisioned[]> {
  const { client, api } = await aws.lambda();
  const configs = await allPages(async (token) => {
    const page = await client.send(
      new api.ListProvisionedConcurrencyConfigsCommand({ FunctionName, ...(token ? { Marker: token } : {}) }),
    );
    return { items: page.ProvisionedConcurrencyConfigs, next: page.NextMarker };
  });
  return configs
    .map(({ FunctionArn = '', RequestedProvisionedConcurrentExecutions = 0 }) => ({
      qualifier: FunctionArn.split(':')[7] ?? '',
      count: RequestedProvisionedConcurrentExecutions,
    }))
    .sort((a, b) => (a.qualifier < b.qualifier ? -1 : 1));
}
