/** One tag in addition to those of the object, and what it does not prevent. Pure. */
import type { Plan, PlanOptions, StepOf, Target } from '../../core/journal/playbook.ts';
import { protectedBy } from '../common/protected.ts';
import { QUARANTINE_TAG } from '../common/quarantine-tag.ts';
import type { ObjectState } from './state.ts';
import type { KINDS } from './steps.ts';
import type { Location, ObjectFacts } from './target.ts';

/** S3 takes ten tags an object. */
const MOST_TAGS = 10;

/** Plans the tag, or refuses an object that is protected, was replaced since the scan, or has no room for the tag. */
export function planTag(
  live: ObjectState,
  target: Target<ObjectFacts>,
  { caseId, protectedArns }: PlanOptions,
): Plan<StepOf<typeof KINDS>> {
  const at = target.facts;
  const refuse = (reason: string, alternative: string): Plan<never> => ({
    kind: 'refused',
    reason,
    alternative,
  });
  const pattern = protectedBy([at.bucket, target.display], protectedArns);
  if (pattern !== undefined)
    return refuse(`${target.display} is protected by policy.yml (protected: ${pattern})`, 'Ask its owner.');
  if (at.eTag !== null && at.eTag !== live.eTag) {
    return refuse(
      'the object was replaced since the scan: its ETag is another one',
      'Scan it again; the version that was scanned may still be there under its version id.',
    );
  }
  if (!Object.hasOwn(live.tags, QUARANTINE_TAG) && Object.keys(live.tags).length >= MOST_TAGS) {
    return refuse(
      'the object has ten tags, and S3 takes no more',
      'Take one away, or deny the object by its key.',
    );
  }
  // The version as read, so that what is tagged is what was scanned even if a new version comes in between.
  const step: Location = { bucket: at.bucket, key: at.key, versionId: live.versionId };
  return {
    kind: 'plan',
    steps: [
      {
        id: 'tag',
        kind: 'tag',
        role: 'contain',
        describe: `Tag the object as quarantined (${QUARANTINE_TAG}=${caseId})`,
        args: step,
        before: live.tags,
        after: { ...live.tags, [QUARANTINE_TAG]: caseId },
      },
    ],
    blastRadius: { count: 1, unit: 'objects', detail: [target.display] },
    warnings: [],
    residual: [
      `the tag keeps nobody out by itself: the bucket's policy must deny s3:GetObject where s3:ExistingObjectTag/${QUARANTINE_TAG} is there`,
      'replicas and other versions of the object are not tagged',
      ...(at.others > 0
        ? [`the finding names ${at.others} more objects, which are not tagged by this incident`]
        : []),
    ],
    askBecause: [],
    tags: live.tags,
    arns: [target.display],
  };
}
