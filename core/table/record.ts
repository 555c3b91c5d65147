/** Reads records of the table by schema: what does not fit is damaged, and nothing is done on its account. */
import { gunzipSync } from 'node:zlib';
import { z } from 'zod';
import { FirebreakError } from '../errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import type { Item } from './table.ts';

/**
 * Returns the record as its schema describes it; attributes that the schema does not name are left out. Throws
 * `InputInvalid`, which the workflow does not retry: a damaged record pages and stops.
 */
export function parseRecord<T>(schema: z.ZodType<T>, item: Item): T {
  const parsed = schema.safeParse(item);
  if (parsed.success) return parsed.data;
  const record = `${item.pk} ${item.sk}`;
  // Step Functions carries an error's message and nothing else: the page must name the record.
  throw new FirebreakError('InputInvalid', `record ${record} is damaged: ${problemsOf(parsed.error)}`, {
    resource: record,
    next: 'Find out who wrote it, restore it from a backup of the table, then run the command again.',
  });
}

/** One line: it becomes part of a page and of the incident's timeline. */
const problemsOf = ({ issues }: z.ZodError): string =>
  issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ');

/** One schema for each member of `T`: a member without one does not compile. */
export type Members<T> = { readonly [Name in keyof T]-?: z.ZodType<T[Name]> };

/** A value of this schema, as compressed JSON. */
export const gzippedOf = <T>(schema: z.ZodType<T>) =>
  z
    .instanceof(Uint8Array)
    .transform((bytes, context): unknown => {
      try {
        return JSON.parse(gunzipSync(bytes).toString());
      } catch {
        context.addIssue({ code: 'custom', message: 'is not compressed JSON' });
        return z.NEVER;
      }
    })
    .pipe(schema);

/** A JSON value stored as text: DynamoDB would turn an empty set or a deep document into something else. */
export const jsonText = z.string().transform((text, context): Json => {
  try {
    return JSON.parse(text);
  } catch {
    context.addIssue({ code: 'custom', message: 'is not JSON' });
    return z.NEVER;
  }
});

/** A value of this schema, as JSON text. */
export const jsonTextOf = <T>(schema: z.ZodType<T>) =>
  jsonText.transform((value): unknown => value).pipe(schema);

export const jsonObjectText = jsonText.transform((value, context): JsonObject => {
  if (isJsonObject(value)) return value;
  context.addIssue({ code: 'custom', message: 'is not a JSON object' });
  return z.NEVER;
});
