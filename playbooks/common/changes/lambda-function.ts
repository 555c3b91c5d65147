/** Lambda functions as records name them: by a name, an ARN or part of one, and by an alias or a version. */
import { z } from 'zod';
import type { Scope } from '../../../core/aws/arn.ts';
import type { JsonObject } from '../../../core/json.ts';
import { textIn } from './inverse.ts';

export const functionResource = z.strictObject({
  function: z.string().regex(/^[\w-]{1,64}$/),
  /** An alias or a version; null for neither. */
  qualifier: z
    .string()
    .regex(/^(\$LATEST|[\w-]{1,128})$/)
    .nullable(),
});

/** `name`, `account:function:name` or an ARN, each with `:qualifier` or without. */
const NAMED = /^(?:(?:arn:[a-z-]+:lambda:([a-z0-9-]+):)?(\d{12}):function:)?([\w-]+)(?::([\w$-]+))?$/;

/** Returns the function of a request, where it is in the account and Region of the call. */
export function functionOf(request: JsonObject, { account, region }: Scope) {
  const [, there = region, owner = account, name, part] =
    NAMED.exec(textIn(request, 'functionName') ?? '') ?? [];
  if (there !== region || owner !== account) return {};
  return { function: name, qualifier: textIn(request, 'qualifier') ?? part ?? null };
}
