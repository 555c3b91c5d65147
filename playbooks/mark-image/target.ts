/** Which image or snapshot: from the finding alone. */
import { z } from 'zod';
import { arn, parseArn } from '../../core/aws/arn.ts';
import type { Finding } from '../../core/finding/finding.ts';
import type { TargetChoice } from '../../core/journal/playbook.ts';
import { detailsOf } from '../common/details.ts';

const SOURCES = {
  image: { id: /^image\/(ami-[0-9a-f]{8,17})$/, details: 'ec2ImageDetails', arn: 'imageArn' },
  snapshot: { id: /^snapshot\/(snap-[0-9a-f]{8,17})$/, details: 'ebsSnapshotDetails', arn: 'snapshotArn' },
} as const;
const kind = z.enum(['image', 'snapshot']);

export const imageFacts = z.object({ kind, id: z.string() });
export type ImageFacts = z.infer<typeof imageFacts>;

/** Returns the image or snapshot that the finding names. AWS's ARNs of both do not name an account. */
export function imageOf(finding: Finding): TargetChoice<ImageFacts> {
  for (const kindName of kind.options) {
    const { id: pattern, details, arn: name } = SOURCES[kindName];
    const parsed = parseArn(detailsOf(finding, details)?.optionalText(name) ?? '');
    const [, id] = pattern.exec(parsed?.resource ?? '') ?? [];
    if (parsed?.service !== 'ec2' || id === undefined) continue;
    const { partition, account, region } = finding;
    const display = arn({ partition, account: '', region }, 'ec2', `${kindName}/${id}`);
    const facts = { kind: kindName, id };
    return { ok: true, target: { partition, account, region, kind: `ec2-${kindName}`, id, display, facts } };
  }
  return { ok: false, reason: 'the finding does not name an image and no snapshot' };
}
