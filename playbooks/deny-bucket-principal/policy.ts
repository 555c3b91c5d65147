/** The statement that denies one principal, as data. */
import { createHash } from 'node:crypto';
import type { JsonObject } from '../../core/json.ts';
import type { PrincipalFacts } from '../common/s3/principal-target.ts';

/** S3 takes bucket policies up to 20 KB. */
export const MOST_BYTES = 20_480;

/** `Sid` is how the statement is found again; one case can deny several principals on a bucket. */
export const sidFor = (caseId: string, principal: string): string =>
  `Firebreak${caseId.replace(/[^A-Za-z0-9]/g, '')}${createHash('sha256').update(principal).digest('hex').slice(0, 8)}`;

/**
 * Denies everything on the bucket to exactly one principal. `Principal` is `*` because a principal of another account
 * may have been deleted or live behind Identity Center; the condition is what makes it one. Without it the bucket would
 * be shut for everybody, so the statement is only ever made here, with a checked value.
 */
export function denyStatement(
  sid: string,
  bucketArn: string,
  { key, value }: Pick<PrincipalFacts, 'key' | 'value'>,
): JsonObject {
  const operator = key === 'aws:PrincipalArn' ? 'ArnEquals' : 'StringEquals';
  return {
    Sid: sid,
    Effect: 'Deny',
    Principal: '*',
    Action: 's3:*',
    Resource: [bucketArn, `${bucketArn}/*`],
    Condition: { [operator]: { [key]: value } },
  };
}
