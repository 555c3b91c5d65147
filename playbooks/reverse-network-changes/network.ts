/** How EC2's records and answers name what is in a VPC. */
import { z } from 'zod';
import { canonicalRange, parseRange } from '../../core/addresses.ts';
import { arn } from '../../core/aws/arn.ts';
import type { Aws } from '../../core/aws/client.ts';
import { awsErrorName } from '../../core/errors.ts';
import type { JsonObject } from '../../core/json.ts';
import { textIn, valueIn } from '../common/changes/inverse.ts';

export const SOURCE = 'ec2.amazonaws.com';

/** The form of an id such as `sg-0a1b…`. */
export const idOf = (prefix: string): z.ZodString =>
  z.string().regex(new RegExp(`^${prefix}-[0-9a-f]{8,17}$`));

/** A range of addresses, kept in one spelling: records may write IPv6 in full. */
export const range = z
  .string()
  .max(64)
  .transform((text, context) => {
    const parsed = parseRange(text);
    if (parsed) return canonicalRange(parsed);
    context.addIssue({ code: 'custom', message: 'no range of addresses' });
    return z.NEVER;
  });
export const prefixList = idOf('pl');

/** Returns the range in the spelling in which resources keep it. */
export function spelled(text: string): string {
  const parsed = parseRange(text);
  return parsed ? canonicalRange(parsed) : text;
}

export const ec2Arn = (resource: string): string =>
  `arn:\${Partition}:ec2:\${Region}:\${Account}:${resource}`;

/** Returns the ARN and the id of what is in the Region of the calls. */
export const ec2Names = ({ scope }: Aws, type: string, id: string): readonly string[] => [
  arn(scope, 'ec2', `${type}/${id}`),
  id,
];

/** Returns the first of the members that is a text. */
export const firstText = (from: JsonObject, names: readonly string[]): string | undefined =>
  names.map((name) => textIn(from, name)).find((text) => text !== undefined);

/** Returns a number of a record, which may be written as a text; the other one where there is none. */
export function numberIn(
  from: JsonObject,
  path: string | readonly string[],
  other?: number,
): number | undefined {
  const value = valueIn(from, ...[path].flat());
  if (value === undefined || value === null) return other;
  return typeof value === 'number' ? value : Number(value);
}

/** Makes a call, unless EC2 says that it is so already: a lost answer of this very call, or another caller. */
export async function unless(already: string, call: () => Promise<unknown>): Promise<void> {
  await orElse(already, call, async () => undefined);
}

/** Makes a call; where EC2 answers with that error, the other one. */
export async function orElse(
  error: string,
  call: () => Promise<unknown>,
  other: () => Promise<unknown>,
): Promise<void> {
  try {
    await call();
  } catch (thrown) {
    if (awsErrorName(thrown) !== error) throw thrown;
    await other();
  }
}
