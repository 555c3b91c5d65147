/** One tag on the image or snapshot, and what it does not prevent. Pure. */
import type { Plan, PlanOptions, StepOf, Target } from '../../core/journal/playbook.ts';
import { protectedBy } from '../common/protected.ts';
import { QUARANTINE_TAG } from '../common/quarantine-tag.ts';
import type { ImageState } from './state.ts';
import type { KINDS } from './steps.ts';
import type { ImageFacts } from './target.ts';

/** Plans the tag, or refuses what policy.yml protects. */
export function planMark(
  live: ImageState,
  target: Target<ImageFacts>,
  { caseId, protectedArns }: PlanOptions,
): Plan<StepOf<typeof KINDS>> {
  const at = target.facts;
  const pattern = protectedBy([at.id, target.display], protectedArns);
  if (pattern !== undefined) {
    return {
      kind: 'refused',
      reason: `${at.id} is protected by policy.yml (protected: ${pattern})`,
      alternative: 'Ask its owner to take it out of use.',
    };
  }
  const { instances } = live;
  return {
    kind: 'plan',
    steps: [
      {
        id: 'mark',
        kind: 'mark',
        role: 'contain',
        describe: `Tag ${at.id} as quarantined (${QUARANTINE_TAG}=${caseId})`,
        args: at,
        before: live.tags[QUARANTINE_TAG] ?? null,
        after: caseId,
      },
    ],
    blastRadius: { count: 1, unit: `${at.kind}s`, detail: [target.display] },
    warnings: [],
    residual: [
      `the tag keeps no one from using ${at.id}: a person deregisters or deletes it, or an SCP denies ec2:RunInstances where ec2:ResourceTag/${QUARANTINE_TAG} is there`,
      ...(instances.length > 0
        ? [
            `${instances.length} instances run from it: ${instances.slice(0, 10).join(', ')}${instances.length > 10 ? ', …' : ''}`,
          ]
        : []),
      'copies in other Regions, and images and volumes made of it, are not marked',
    ],
    askBecause: [],
    tags: live.tags,
    arns: [target.display],
  };
}
