/** The step kinds: provisioned concurrency away, then no one may invoke. */
import { z } from 'zod';
import type { Aws } from '../../core/aws/client.ts';
import type { StepContext } from '../../core/journal/playbook.ts';
import { stepKind } from '../common/step-kind.ts';
import { provisionedOf, reservedOf } from './state.ts';

const name = z.object({ functionName: z.string() });

const another = ({ functionName }: z.infer<typeof name>, { target }: StepContext): string | undefined =>
  functionName === target.id ? undefined : `the function is ${target.id}, not ${functionName}`;

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
  value: z.int().nonnegative().nullable(),
  foreign: another,
  read: async ({ functionName }, { aws }) => ({ value: await reservedOf(aws, functionName) }),
  after: () => 0,
  async apply({ functionName }, { aws }) {
    await setReserved(aws, functionName, 0);
    return undefined;
  },
  async revert({ functionName }, { aws }, before) {
    await setReserved(aws, functionName, before);
    return 'reverted';
  },
});

/** Provisioned concurrency of one version or alias: how many, or null. */
const provisioned = stepKind(name.extend({ qualifier: z.string().regex(/^[\w-]{1,128}$/) }), {
  value: z.int().positive().nullable(),
  foreign: another,
  async read({ functionName, qualifier }, { aws }) {
    const configs = await provisionedOf(aws, functionName);
    return { value: configs.find((config) => config.qualifier === qualifier)?.count ?? null };
  },
  after: () => null,
  worse({ functionName, qualifier }, _context, { live, before, contained }) {
    return !contained && before !== null && live === null
      ? `${functionName}:${qualifier} lost its provisioned concurrency and is still invoked`
      : undefined;
  },
  async apply({ functionName, qualifier }, { aws }) {
    const { client, api } = await aws.lambda();
    await client.send(
      new api.DeleteProvisionedConcurrencyConfigCommand({ FunctionName: functionName, Qualifier: qualifier }),
    );
    return undefined;
  },
  async revert({ functionName, qualifier }, { aws }, before) {
    if (before === null) return 'reverted';
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
