/** One rule's status. S3 replaces the whole configuration: every other rule goes along as it is read right before. */
import { z } from 'zod';
import type { Aws } from '../../core/aws/client.ts';
import { BUCKET } from '../common/s3/bucket-target.ts';
import { regionName, stepKind } from '../common/step-kind.ts';
import { expires, lifecycleFacts, rulesOf } from './state.ts';

const args = z.object({ bucket: z.string().regex(BUCKET), region: regionName, ruleId: z.string() });
type Rule = z.infer<typeof args>;

async function setStatus(aws: Aws, { bucket, region, ruleId }: Rule, Status: 'Enabled' | 'Disabled') {
  const there = aws.inRegion(region);
  const { rules, minimum } = await rulesOf(there, bucket);
  const { client, api } = await there.s3();
  await client.send(
    new api.PutBucketLifecycleConfigurationCommand({
      Bucket: bucket,
      LifecycleConfiguration: {
        Rules: rules.map((rule) => (rule.ID === ruleId ? { ...rule, Status } : rule)),
      },
      ...(minimum === undefined ? {} : { TransitionDefaultMinimumObjectSize: minimum }),
    }),
  );
}

export const ruleStatus = stepKind(args, {
  value: z.enum(['Enabled', 'Disabled']).nullable(),
  async foreign({ bucket, region, ruleId }, { aws, target }) {
    const facts = lifecycleFacts.parse(target.facts);
    if (bucket !== facts.bucket) return `the bucket is ${facts.bucket}, not ${bucket}`;
    if (facts.ruleIds !== null && !facts.ruleIds.includes(ruleId))
      return `rule "${ruleId}" is not one that the finding's principal wrote`;
    const { rules } = await rulesOf(aws.inRegion(region), bucket);
    const rule = rules.find(({ ID }) => ID === ruleId);
    return rule === undefined || expires(rule) ? undefined : `rule "${ruleId}" expires nothing`;
  },
  async read({ bucket, region, ruleId }, { aws }) {
    const { rules } = await rulesOf(aws.inRegion(region), bucket);
    return { value: rules.find(({ ID }) => ID === ruleId)?.Status ?? null };
  },
  // A rule that was taken away meanwhile expires nothing.
  after: (_args, _context, before) => (before === null ? null : 'Disabled'),
  async apply(rule, { aws }) {
    await setStatus(aws, rule, 'Disabled');
    return undefined;
  },
  async revert(rule, { aws }) {
    await setStatus(aws, rule, 'Enabled');
    return 'reverted';
  },
});
