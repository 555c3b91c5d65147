/** The step kinds: provisioned concurrency away, then nobody may invoke. */
import { z } from 'zod';
import type { Aws } from '../../core/aws/client.ts';
import { stepKind } from '../common/step-kind.ts';
import { provisionedOf, reservedOf } from './state.ts';

const name = z.object({ functionName: z.string() });

async function setReserved(aws: Aws, FunctionName: string, value: number | null): Promise<void> {
  const { client, api } = await aws.lambda();
  if (value === null) await client.send(new api.DeleteFunctionConcurrencyCommand({ FunctionName }));
  else {
    await client.send(
      new api.PutFunctionConcurrencyCommand({ FunctionName, ReservedConcurrentExecutions: value }),
    );
  }
}

/** The reserved concurrency: a number, or null where none is set. */
const concurrency = stepKind(name, {
  read: async ({ functionName }, { aws }) => ({ value: await reservedOf(aws, functionName) }),
  after: () => 0,
  async apply({ functionName }, { aws }) {
    await setReserved(aws, functionName, 0);
    return undefined;
  },
  async revert({ functionName }, { aws }, before) {
    await setReserved(aws, functionName, typeof before === 'number' ? before : null);
    return 'reverted';
  },
});

/** Provisioned concurrency of one version or alias: how many, or null. */
const provisioned = stepKind(name.extend({ qualifier: z.string() }), {
  async read({ functionName, qualifier }, { aws }) {
    const configs = await provisionedOf(aws, functionName);
    return { value: configs.find((config) => config.qualifier === qualifier)?.count ?? null };
  },
  after: () => null,
  async apply({ functionName, qualifier }, { aws }) {
    const { client, api } = await aws.lambda();
    await client.send(
      new api.DeleteProvisionedConcurrencyConfigCommand({ FunctionName: functionName, Qualifier: qualifier }),
    );
    return undefined;
  },
  async revert({ functionName, qualifier }, { aws }, before) {
    if (typeof before !== 'number') return 'reverted';
    const { client, api } = await aws.lambda();
    await client.send(
      new api.PutProvisionedConcurrencyConfigCommand({
        FunctionName: functionName,
        Qualifier: qualifier,
        ProvisionedConcurrentExecutions: before,
      }),
    );
    return 'reverted';
  },
});

export const KINDS = { concurrency, provisioned };
