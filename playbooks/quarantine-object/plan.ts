/** One tag in addition to those of the object, a copy where policy.yml names a bucket, and what neither prevents. Pure. */
import type { Plan, PlanOptions, StepOf, Target } from '../../core/journal/playbook.ts';
import { protectedBy } from '../common/protected.ts';
import { QUARANTINE_TAG } from '../common/quarantine-tag.ts';
import { readersLeft } from './read-deny.ts';
import { copyBucket } from './settings.ts';
import type { ObjectState } from './state.ts';
import type { KINDS } from './steps.ts';
import { copyName, type Location, type ObjectFacts } from './target.ts';

/** S3 takes ten tags an object. */
const MOST_TAGS = 10;
/** CopyObject takes 5 GiB (S3 user guide, "Copying objects"). */
const COPY_GIB = 5;

/** Plans the tag, or refuses an object that is protected, was replaced since the scan, or has no room for the tag. */
export function planTag(
  live: ObjectState,
  target: Target<ObjectFacts>,
  { caseId, protectedArns, settings }: PlanOptions,
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
  const to = copyBucket(settings, target);
  const copies = to !== undefined && (live.bytes ?? 0) <= COPY_GIB * 2 ** 30;
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
      ...(copies
        ? [
            {
              id: 'copy',
              kind: 'copy' as const,
              role: 'evidence' as const,
              describe: `Copy the object to ${to}`,
              args: { ...step, eTag: live.eTag, to, as: copyName(caseId, at) },
              before: false,
              after: true,
              // IAM lets Firebreak read what carries its tag, and nothing else.
              needs: ['tag'],
            },
          ]
        : []),
    ],
    blastRadius: { count: 1, unit: 'objects', detail: [target.display] },
    warnings: [],
    residual: [
      ...readersLeft(live.readDeny),
      ...(to !== undefined && !copies
        ? [`the object is larger than ${COPY_GIB} GiB, and is not copied to ${to}`]
        : []),
      ...(copies ? ['the original stays in its bucket: Firebreak never deletes an object'] : []),
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
