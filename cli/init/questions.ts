/** Asks for what flags and variables did not say. Only where someone sits at the terminal. */
import { cancel, password, select, text } from '@clack/prompts';
import type { z } from 'zod';
import { FirebreakError } from '../../core/errors.ts';

/** Someone is there to answer. */
export const somebodyThere = (): boolean => process.stdin.isTTY === true && process.stdout.isTTY === true;

const problem = (schema: z.ZodType<unknown>) => (value: string | undefined) =>
  schema.safeParse((value ?? '').trim()).success ? undefined : `expected ${describe(schema, value ?? '')}`;

const describe = (schema: z.ZodType<unknown>, value: string): string =>
  schema.safeParse(value).error?.issues[0]?.message ?? 'something else';

function answered<T extends string>(value: T | symbol): T {
  if (typeof value === 'string') return value;
  cancel('Nothing was changed.');
  throw new FirebreakError('InputInvalid', 'stopped before anything was changed');
}

export async function ask(message: string, schema: z.ZodType<string>, example: string): Promise<string> {
  const given = await text({ message, placeholder: example, validate: problem(schema) });
  return answered(given).trim();
}

export async function askSecret(message: string, schema: z.ZodType<string>): Promise<string> {
  const given = await password({ message, validate: problem(schema) });
  return answered(given).trim();
}

/** `initial` is what Enter alone answers. */
export async function askMode(initial: 'observe' | 'enforce'): Promise<'observe' | 'enforce'> {
  const given = await select<'observe' | 'enforce'>({
    message: 'In which mode shall it run?',
    initialValue: initial,
    options: [
      { value: 'observe', label: 'observe', hint: 'decides and notifies, changes nothing' },
      {
        value: 'enforce',
        label: 'enforce',
        hint: 'as policy.yml says: some findings are contained automatically',
      },
    ],
  });
  return answered(given) === 'enforce' ? 'enforce' : 'observe';
}
