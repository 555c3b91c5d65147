/** Malware in an image or a snapshot: mark it, so that nobody starts from it in good faith. Nothing is deregistered. */
import { z } from 'zod';
import { arn, parseArn } from '../../core/aws/arn.ts';
import type { Aws } from '../../core/aws/client.ts';
import { awsErrorName, FirebreakError } from '../../core/errors.ts';
import type { Finding } from '../../core/finding/finding.ts';
import {
  definePlaybook,
  type Plan,
  type PlanOptions,
  type Proof,
  type StepContext,
  type StepOf,
  type StepView,
  type Target,
  type TargetChoice,
} from '../../core/journal/playbook.ts';
import { detailsOf } from '../common/details.ts';
import { protectedBy } from '../common/protected.ts';
import { stepKind } from '../common/step-kind.ts';
import { QUARANTINE_TAG } from '../quarantine-object/playbook.ts';

const SOURCES = {
  image: { id: /^image\/(ami-[0-9a-f]{8,17})$/, details: 'ec2ImageDetails', arn: 'imageArn' },
  snapshot: { id: /^snapshot\/(snap-[0-9a-f]{8,17})$/, details: 'ebsSnapshotDetails', arn: 'snapshotArn' },
} as const;
const kind = z.enum(['image', 'snapshot']);

const imageFacts = z.object({ kind, id: z.string() });
type ImageFacts = z.infer<typeof imageFacts>;
const imageState = z.object({ tags: z.record(z.string(), z.string()), instances: z.array(z.string()) });
type ImageState = z.infer<typeof imageState>;

/** AWS's ARNs of images and snapshots name no account. */
function targetOf(finding: Finding): TargetChoice<ImageFacts> {
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
  return { ok: false, reason: 'the finding names no image and no snapshot' };
}

/** Live tags; undefined when the image or snapshot does not exist any more. */
async function tagsOf(aws: Aws, at: ImageFacts): Promise<Record<string, string> | undefined> {
  const { client, api } = await aws.ec2();
  try {
    const found =
      at.kind === 'image'
        ? (await client.send(new api.DescribeImagesCommand({ ImageIds: [at.id] }))).Images?.[0]
        : (await client.send(new api.DescribeSnapshotsCommand({ SnapshotIds: [at.id] }))).Snapshots?.[0];
    return found && Object.fromEntries((found.Tags ?? []).map(({ Key = '', Value = '' }) => [Key, Value]));
  } catch (error) {
    if (/^Invalid(AMIID|Snapshot)\.(NotFound|Unavailable)$/.test(awsErrorName(error) ?? '')) return undefined;
    throw error;
  }
}

/** Throws ResourceNotFound when it is gone. */
async function read(target: Target<ImageFacts>, aws: Aws): Promise<ImageState> {
  const at = target.facts;
  const tags = await tagsOf(aws, at);
  if (!tags) {
    throw new FirebreakError('ResourceNotFound', `the ${at.kind} does not exist any more`, {
      resource: target.display,
      next: 'See CloudTrail for who took it away, and look for copies in other Regions.',
    });
  }
  return { tags, instances: at.kind === 'image' ? await runningFrom(aws, at.id) : [] };
}

async function runningFrom(aws: Aws, imageId: string): Promise<string[]> {
  const { client, api } = await aws.ec2();
  const ids: string[] = [];
  let token: string | undefined;
  do {
    const page = await client.send(
      new api.DescribeInstancesCommand({
        Filters: [
          { Name: 'image-id', Values: [imageId] },
          { Name: 'instance-state-name', Values: ['pending', 'running', 'stopping', 'stopped'] },
        ],
        ...(token === undefined ? {} : { NextToken: token }),
      }),
    );
    token = page.NextToken;
    for (const { InstanceId } of (page.Reservations ?? []).flatMap(({ Instances }) => Instances ?? []))
      if (InstanceId) ids.push(InstanceId);
  } while (token !== undefined);
  return ids;
}

const mark = stepKind(imageFacts, {
  read: async (at, { aws }) => ({ value: (await tagsOf(aws, at))?.[QUARANTINE_TAG] ?? null }),
  after: (_at, { caseId }) => caseId,
  async apply({ id }, { aws, caseId }) {
    const { client, api } = await aws.ec2();
    await client.send(
      new api.CreateTagsCommand({ Resources: [id], Tags: [{ Key: QUARANTINE_TAG, Value: caseId }] }),
    );
    return undefined;
  },
  async revert({ id }, { aws, caseId }, before) {
    const { client, api } = await aws.ec2();
    const tag = (Value: string) => ({ Resources: [id], Tags: [{ Key: QUARANTINE_TAG, Value }] });
    // With its value: a tag that somebody else set meanwhile is not taken away.
    if (typeof before === 'string') await client.send(new api.CreateTagsCommand(tag(before)));
    else await client.send(new api.DeleteTagsCommand(tag(caseId)));
    return 'reverted';
  },
});

const KINDS = { mark };

function plan(
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
      `the tag keeps nobody from using ${at.id}: a person deregisters or deletes it, or an SCP denies ec2:RunInstances where ec2:ResourceTag/${QUARANTINE_TAG} is there`,
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

async function verify({ aws, target }: StepContext<ImageFacts>, steps: readonly StepView[]): Promise<Proof> {
  const [step] = steps;
  const value = (await tagsOf(aws, target.facts))?.[QUARANTINE_TAG];
  const ok = value !== undefined && value === step?.after;
  const saw = value === undefined ? 'the tag is not there' : `${QUARANTINE_TAG}=${value}`;
  return { proven: ok, checks: [{ id: 'tag', ok, saw }], residual: [], next: ok ? 'final' : 'recontain' };
}

const OWNED = ['image', 'snapshot'].map((name) => `arn:\${Partition}:ec2:\${Region}::${name}/*`);

export const markImage = definePlaybook({
  id: 'mark-image',
  title: 'Mark a malicious image or snapshot',
  about: `
Tags the AMI or EBS snapshot in which Malware Protection found something with \`${QUARANTINE_TAG}\` and the incident. Nothing
is deregistered, deleted or unshared: that is a person's decision, and instances that run from it are named for it.

**Not contained**: the tag keeps nobody from launching; an SCP can, by \`ec2:ResourceTag/${QUARANTINE_TAG}\`. The incident always
ends with that remaining risk. **Not handled**: recovery points of AWS Backup (\`!RecoveryPoint\`); people are told.

**Undo** takes the tag away if it is still ours, or gives the value back that was there.
`.trim(),
  handles: ['Execution:EC2/MaliciousFile!AMI', 'Execution:EC2/MaliciousFile!Snapshot'],
  reversible: { kind: 'fully' },
  tagsOnly: true,
  permissions: {
    read: [
      {
        // Describe calls of EC2 have no resource level.
        actions: ['ec2:DescribeImages', 'ec2:DescribeInstances', 'ec2:DescribeSnapshots'],
        resources: ['*'],
        why: 'the image or snapshot with its tags, and what runs from it',
      },
    ],
    write: [
      {
        actions: ['ec2:CreateTags', 'ec2:DeleteTags'],
        resources: OWNED,
        condition: { 'ForAllValues:StringEquals': { 'aws:TagKeys': [QUARANTINE_TAG] } },
        why: 'this one tag, and away again',
      },
    ],
  },
  proofDelaySeconds: 5,
  facts: imageFacts,
  state: imageState,
  targetOf,
  read,
  plan,
  kinds: KINDS,
  verify,
});
