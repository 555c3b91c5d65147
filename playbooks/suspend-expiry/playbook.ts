/** The principal that works on a bucket may have set rules by which S3 deletes its objects: suspend exactly those lifecycle rules. */
import { arn } from '../../core/aws/arn.ts';
import {
  definePlaybook,
  type Plan,
  type PlanOptions,
  type Proof,
  type StepContext,
  type StepOf,
  type StepViewOf,
  type Target,
} from '../../core/journal/playbook.ts';
import { protectedBy } from '../common/protected.ts';
import { locateRules } from './locate.ts';
import { LIFECYCLE_PERMISSIONS } from './permissions.ts';
import {
  expires,
  type LifecycleFacts,
  type LifecycleState,
  lifecycleFacts,
  lifecycleState,
  readLifecycle,
  rulesOf,
} from './state.ts';
import { ruleStatus } from './steps.ts';

const KINDS = { 'rule-status': ruleStatus };

function plan(
  { region, rules, versioning, tags }: LifecycleState,
  target: Target<LifecycleFacts>,
  { protectedArns }: PlanOptions,
): Plan<StepOf<typeof KINDS>> {
  const { bucket, ruleIds, by, at } = target.facts;
  const refuse = (reason: string, alternative: string): Plan<never> => ({
    kind: 'refused',
    reason,
    alternative,
  });
  const bucketArn = arn({ ...target, account: '', region: '' }, 's3', bucket);
  const pattern = protectedBy([bucket, bucketArn], protectedArns);
  if (pattern !== undefined)
    return refuse(`${bucket} is protected by policy.yml (protected: ${pattern})`, 'Ask its owner.');
  // A rule that is suspended already is a step without a change: the same plan on a second run.
  const suspect = rules.filter((rule) => rule.expires && (ruleIds === null || ruleIds.includes(rule.id)));
  if (suspect.length === 0) {
    return refuse(
      `no rule that ${by} set on ${bucket} expires anything any more`,
      'Nothing: see the lifecycle rules of the bucket in the S3 console.',
    );
  }
  return {
    kind: 'plan',
    steps: suspect.map(({ id, status }) => ({
      id: `rule:${id}`,
      kind: 'rule-status',
      role: 'contain',
      describe: `Suspend lifecycle rule "${id}" of ${bucket}`,
      args: { bucket, region, ruleId: id },
      before: status,
      after: 'Disabled',
    })),
    blastRadius: {
      count: suspect.length,
      unit: 'lifecycle rules',
      detail: suspect.map(({ id }) => `"${id}" of ${bucket}`),
    },
    warnings: [
      `${by} wrote the lifecycle configuration at ${at}; ${ruleIds === null ? 'CloudTrail does not show which rules were new, so every rule that expires objects is named' : 'these are the rules of that call'}`,
      ...(versioning === 'Enabled'
        ? []
        : [`versioning of ${bucket} is ${versioning}: what is deleted is gone; switch it on by hand`]),
    ],
    residual: ['objects that expired already are gone, unless versioning kept them'],
    askBecause: [`lifecycle rules of ${bucket} are changed: always a person's decision`],
    tags,
    arns: [bucketArn],
  };
}

async function verify({ aws }: StepContext, steps: readonly StepViewOf<typeof KINDS>[]): Promise<Proof> {
  const [first] = steps;
  if (!first) return { proven: false, checks: [], residual: [], next: 'final' };
  const { bucket, region } = first.args;
  const { rules } = await rulesOf(aws.inRegion(region), bucket);
  const checks = steps.map(({ id, args }) => {
    const rule = rules.find(({ ID }) => ID === args.ruleId);
    const running = rule?.Status === 'Enabled' && expires(rule);
    return { id, ok: !running, saw: rule ? `rule "${rule.ID}" is ${rule.Status}` : 'the rule is gone' };
  });
  const proven = checks.every(({ ok }) => ok);
  return { proven, checks, residual: [], next: proven ? 'final' : 'recontain' };
}

export const suspendExpiry = definePlaybook({
  id: 'suspend-expiry',
  title: 'Suspend lifecycle rules that a suspect principal added to a bucket',
  about: `
Asked after damage to a bucket (\`Impact:S3/*\`): CloudTrail's event history tells whether the finding's principal wrote the
bucket's lifecycle configuration (PutBucketLifecycle) since a day before it was first seen. Rules of that call which expire
objects or versions are set to Disabled, one by one; every other rule stays as it is. Where CloudTrail does not show the
rules, every rule that expires objects is named, for a person to judge. No one is asked when there was no such call.

S3 acts on lifecycle rules about once a day, so a suspended rule usually has not run yet [M].

**Not contained**: what expired already. Versioning is not switched on by Firebreak; the card says where it is off.

**Undo** sets the rules to Enabled again if they are still there.
`.trim(),
  handles: [],
  reversible: { kind: 'fully' },
  permissions: LIFECYCLE_PERMISSIONS,
  proofDelaySeconds: 5,
  facts: lifecycleFacts,
  state: lifecycleState,
  targetOf: () => ({
    ok: false,
    reason: 'who wrote the lifecycle rules is in CloudTrail, not in the finding',
  }),
  locate: locateRules,
  read: readLifecycle,
  plan,
  kinds: KINDS,
  verify,
});
