/** Whether the finding's principal wrote the bucket's lifecycle rules, from CloudTrail's event history. */
import { z } from 'zod';
import type { Aws } from '../../core/aws/client.ts';
import { eventPages } from '../../core/aws/event-history.ts';
import { bucketRegion } from '../../core/aws/regions.ts';
import { FirebreakError, isAccessDenied } from '../../core/errors.ts';
import type { Finding } from '../../core/finding/finding.ts';
import type { TargetChoice } from '../../core/journal/playbook.ts';
import { bucketOf, s3Target } from '../common/s3/bucket-target.ts';
import type { LifecycleFacts } from './state.ts';

const DAY_MS = 86_400_000;
/** 50 events each, two a second. */
const MOST_PAGES = 20;

const record = z.object({
  // CloudTrail writes the old name of the call [M].
  eventName: z.enum(['PutBucketLifecycle', 'PutBucketLifecycleConfiguration']),
  eventTime: z.string().default('an unknown time'),
  errorCode: z.string().optional(),
  userIdentity: z.object({ principalId: z.string().optional(), accessKeyId: z.string().optional() }),
  requestParameters: z.unknown().optional(),
});
/** XML as CloudTrail tells it: one rule stands without a list. */
const rule = z.object({ ID: z.string() });
const rules = z.object({
  LifecycleConfiguration: z.object({ Rule: z.union([z.array(rule), rule.transform((one) => [one])]) }),
});

export async function locateRules(finding: Finding, aws: Aws): Promise<TargetChoice<LifecycleFacts>> {
  const named = bucketOf(finding);
  if (!named.ok) return named;
  const bucket = named.target.id;
  const { principalId, accessKeyId } = finding.accessKey ?? {};
  if (principalId === undefined && accessKeyId === undefined)
    return { ok: false, reason: 'the finding does not name a principal' };
  try {
    const there = aws.inRegion(await bucketRegion(aws, bucket));
    const seen = Date.parse(finding.firstSeen ?? finding.createdAt ?? finding.updatedAt);
    let pages = 0;
    for await (const page of eventPages(there, {
      attribute: 'ResourceName',
      value: bucket,
      from: new Date(seen - DAY_MS),
    })) {
      for (const raw of page) {
        const { success, data } = record.safeParse(raw);
        if (!success || data.errorCode !== undefined) continue;
        const { userIdentity: who } = data;
        const same =
          (principalId !== undefined && who.principalId === principalId) ||
          (accessKeyId !== undefined && who.accessKeyId === accessKeyId);
        if (!same) continue;
        const { success: shown, data: body } = rules.safeParse(data.requestParameters);
        return s3Target(finding, 's3-lifecycle', bucket, {
          bucket,
          ruleIds: shown ? body.LifecycleConfiguration.Rule.map(({ ID }) => ID) : null,
          by: principalId ?? accessKeyId ?? '',
          at: data.eventTime,
        });
      }
      pages += 1;
      if (pages === MOST_PAGES)
        return {
          ok: false,
          reason: `CloudTrail has more than ${MOST_PAGES} pages on ${bucket}: look for PutBucketLifecycle by hand`,
        };
    }
    return { ok: false, reason: `the principal did not write the lifecycle rules of ${bucket}` };
  } catch (error) {
    if (error instanceof FirebreakError) return { ok: false, reason: error.message };
    if (!isAccessDenied(error)) throw error;
    return {
      ok: false,
      reason: 'CloudTrail or the bucket may not be read, so who wrote its lifecycle rules is not known',
    };
  }
}
