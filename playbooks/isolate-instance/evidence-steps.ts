/** The steps that keep evidence: nothing of the instance may vanish because it was contained. */
import { z } from 'zod';
import { FirebreakError } from '../../core/errors.ts';
import type { StepContext } from '../../core/journal/playbook.ts';
import { describeInstance } from '../common/ec2/instance.ts';
import { damaged, stepKind } from '../common/step-kind.ts';
import { allPages } from './aws-calls.ts';

export const CASE_TAG = 'firebreak:case';
/** The tags that name the case on an instance. */
export const LABELS = [CASE_TAG, 'firebreak:contained-at', 'firebreak:by'] as const;

const none = z.object({});
/** Steps without arguments are about the target and nothing else. */
const foreign = () => undefined;

/** Termination protection. It does not stop Auto Scaling, spot interruption or a shutdown from inside. */
export const terminationProtection = stepKind(none, {
  value: z.boolean(),
  foreign,
  async read(_args, { aws, target }) {
    const { client, api } = await aws.ec2();
    const answer = await client.send(
      new api.DescribeInstanceAttributeCommand({ InstanceId: target.id, Attribute: 'disableApiTermination' }),
    );
    return { value: answer.DisableApiTermination?.Value ?? false };
  },
  expects: true,
  after: () => true,
  apply: async (_args, context) => setTerminationProtection(context, true),
  async revert(_args, context, before) {
    await setTerminationProtection(context, before);
    return 'reverted';
  },
});

async function setTerminationProtection({ aws, target }: StepContext, value: boolean): Promise<undefined> {
  const { client, api } = await aws.ec2();
  // ModifyInstanceAttribute takes one attribute per call.
  await client.send(
    new api.ModifyInstanceAttributeCommand({
      InstanceId: target.id,
      DisableApiTermination: { Value: value },
    }),
  );
  return undefined;
}

/** A `shutdown` typed by the attacker must stop the instance, not delete it. */
export const shutdownBehaviour = stepKind(none, {
  value: z.enum(['stop', 'terminate']),
  foreign,
  async read(_args, { aws, target }) {
    const { client, api } = await aws.ec2();
    const answer = await client.send(
      new api.DescribeInstanceAttributeCommand({
        InstanceId: target.id,
        Attribute: 'instanceInitiatedShutdownBehavior',
      }),
    );
    return { value: answer.InstanceInitiatedShutdownBehavior?.Value ?? 'stop' };
  },
  expects: true,
  after: () => 'stop',
  apply: async (_args, context) => setShutdownBehaviour(context, 'stop'),
  async revert(_args, context, before) {
    await setShutdownBehaviour(context, before);
    return 'reverted';
  },
});

async function setShutdownBehaviour(
  { aws, target }: StepContext,
  value: 'stop' | 'terminate',
): Promise<undefined> {
  const { client, api } = await aws.ec2();
  await client.send(
    new api.ModifyInstanceAttributeCommand({
      InstanceId: target.id,
      InstanceInitiatedShutdownBehavior: { Value: value },
    }),
  );
  return undefined;
}

const volumeArgs = z.object({ volume: z.string(), device: z.string() });

/** Whether the volume goes with the instance: true, false, or null when it is not attached any more. */
export const keepVolume = stepKind(volumeArgs, {
  value: z.boolean().nullable(),
  foreign,
  async read({ volume }, { aws, target }) {
    const instance = await describeInstance(aws, target.id);
    const mapping = instance?.BlockDeviceMappings?.find(({ Ebs }) => Ebs?.VolumeId === volume);
    return { value: mapping ? (mapping.Ebs?.DeleteOnTermination ?? false) : null };
  },
  expects: true,
  after: (_args, _context, before) => (before === null ? null : false),
  apply: async (args, context) => setDeleteOnTermination(args, context, false),
  async revert(args, context, before) {
    await setDeleteOnTermination(args, context, before === true);
    return 'reverted';
  },
});

async function setDeleteOnTermination(
  { volume, device }: z.infer<typeof volumeArgs>,
  { aws, target }: StepContext,
  value: boolean,
): Promise<undefined> {
  const { client, api } = await aws.ec2();
  const instance = await describeInstance(aws, target.id);
  const attached = instance?.BlockDeviceMappings?.some(
    ({ DeviceName, Ebs }) => DeviceName === device && Ebs?.VolumeId === volume,
  );
  if (!attached) throw damaged(`${volume} is not attached to the instance as ${device}`, target.display);
  await client.send(
    new api.ModifyInstanceAttributeCommand({
      InstanceId: target.id,
      BlockDeviceMappings: [{ DeviceName: device, Ebs: { VolumeId: volume, DeleteOnTermination: value } }],
    }),
  );
  return undefined;
}

/** Tags that tell people looking at the instance what happened. Evidence labels, never read back as state. */
const labels = z.strictObject({
  [CASE_TAG]: z.string().nullable(),
  'firebreak:contained-at': z.string().nullable(),
  'firebreak:by': z.string().nullable(),
});

export const label = stepKind(z.object({ by: z.literal('firebreak') }), {
  value: labels,
  foreign,
  async read(_args, { aws, target }) {
    const instance = await describeInstance(aws, target.id);
    const tag = (key: string) => instance?.Tags?.find(({ Key }) => Key === key)?.Value ?? null;
    return { value: Object.fromEntries(LABELS.map((key) => [key, tag(key)])) };
  },
  after: ({ by }, { caseId, now }) => ({
    [CASE_TAG]: caseId,
    'firebreak:contained-at': now().toISOString(),
    'firebreak:by': by,
  }),
  async apply(_args, { aws, target }, _before, after) {
    const { client, api } = await aws.ec2();
    // `after` is what the journal keeps: the tags say the same.
    await client.send(
      new api.CreateTagsCommand({
        Resources: [target.id],
        Tags: LABELS.map((Key) => ({ Key, Value: after[Key] ?? '' })),
      }),
    );
    return undefined;
  },
  revert: 'keep',
});

export interface SnapshotView {
  readonly volumes: readonly string[];
  /** Volume id -> snapshot id of this case. */
  readonly snapshots: Readonly<Record<string, string>>;
}

/** The volumes attached now and the snapshots of them that carry the case. */
export async function snapshotsOfCase({ aws, target, caseId }: StepContext): Promise<SnapshotView> {
  const { client, api } = await aws.ec2();
  const instance = await describeInstance(aws, target.id);
  const volumes = (instance?.BlockDeviceMappings ?? []).flatMap(({ Ebs }) => Ebs?.VolumeId ?? []).sort();
  if (volumes.length === 0) return { volumes, snapshots: {} };
  const found = await allPages(async (token) => {
    const answer = await client.send(
      new api.DescribeSnapshotsCommand({
        OwnerIds: ['self'],
        Filters: [
          { Name: `tag:${CASE_TAG}`, Values: [caseId] },
          { Name: 'volume-id', Values: volumes },
        ],
        ...(token ? { NextToken: token } : {}),
      }),
    );
    return { items: answer.Snapshots, next: answer.NextToken };
  });
  const usable = found.filter(({ State }) => State !== 'error');
  return {
    volumes,
    snapshots: Object.fromEntries(
      usable.flatMap(({ VolumeId, SnapshotId }) => (VolumeId && SnapshotId ? [[VolumeId, SnapshotId]] : [])),
    ),
  };
}

const missingFrom = ({ volumes, snapshots }: SnapshotView): readonly string[] =>
  volumes.filter((volume) => snapshots[volume] === undefined);

/**
 * One crash-consistent set over all attached volumes. `missing` or `complete`: a volume attached later makes it
 * `missing` again, and only what is missing is taken. The point in time is that of the call, so nothing waits for
 * `completed`. CreateSnapshots has no client token: what carries the case tag is looked for first.
 */
export const snapshots = stepKind(none, {
  value: z.enum(['complete', 'missing']),
  foreign,
  async read(_args, context) {
    const view = await snapshotsOfCase(context);
    return { value: missingFrom(view).length === 0 ? 'complete' : 'missing', output: view.snapshots };
  },
  after: () => 'complete',
  between: () => ['missing'],
  async apply(_args, context) {
    const view = await snapshotsOfCase(context);
    if (missingFrom(view).length === 0) return view.snapshots;
    const { client, api } = await context.aws.ec2();
    const instance = await describeInstance(context.aws, context.target.id);
    const root = instance?.BlockDeviceMappings?.find(
      ({ DeviceName }) => DeviceName === instance.RootDeviceName,
    );
    const rootVolume = root?.Ebs?.VolumeId;
    const covered = Object.keys(view.snapshots);
    const data = covered.filter((volume) => volume !== rootVolume);
    const answer = await client.send(
      new api.CreateSnapshotsCommand({
        InstanceSpecification: {
          InstanceId: context.target.id,
          ...(rootVolume !== undefined && covered.includes(rootVolume) ? { ExcludeBootVolume: true } : {}),
          ...(data.length > 0 ? { ExcludeDataVolumeIds: data } : {}),
        },
        Description: `Firebreak ${context.caseId}: ${context.target.id}`,
        TagSpecifications: [{ ResourceType: 'snapshot', Tags: [{ Key: CASE_TAG, Value: context.caseId }] }],
      }),
    );
    const made = (answer.Snapshots ?? []).flatMap(({ VolumeId, SnapshotId }) =>
      VolumeId && SnapshotId ? [[VolumeId, SnapshotId] as const] : [],
    );
    if (made.length === 0) {
      throw new FirebreakError('StepFailed', 'CreateSnapshots answered without snapshots', {
        resource: context.target.id,
        next: 'Take snapshots of its volumes by hand.',
      });
    }
    return { ...view.snapshots, ...Object.fromEntries(made) };
  },
  revert: 'keep',
});
