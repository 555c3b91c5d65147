/** Each kind of resource that a drill makes: how it is found again by its tag, and removed. In the order of removal. */

import { DeleteTrailCommand, ListTagsCommand as ListTrailTagsCommand } from '@aws-sdk/client-cloudtrail';
import {
  DeleteSnapshotCommand,
  DeleteSubnetCommand,
  DeleteVpcCommand,
  DescribeSubnetsCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import {
  DeleteAccessKeyCommand,
  DeleteRoleCommand,
  DeleteRolePolicyCommand,
  DeleteUserCommand,
  DeleteUserPolicyCommand,
  ListUsersCommand,
} from '@aws-sdk/client-iam';
import { DeleteFunctionCommand, ListFunctionsCommand } from '@aws-sdk/client-lambda';
import { DeleteBucketCommand, DeleteObjectCommand, ListBucketsCommand } from '@aws-sdk/client-s3';
import type { Aws } from '../../core/aws/client.ts';
import { awsErrorName, isFirebreakError } from '../../core/errors.ts';
import { DRILL_TAG, DRILL_PREFIX as PREFIX } from '../../core/incident/drill.ts';
import { unsuppress } from '../../core/incident/suppression.ts';
import { detectorOf } from '../../core/lists/address-lists.ts';
import { deleteSet, setIds } from '../../core/lists/sets.ts';

interface Kind {
  /** Ids of what carries the tag, by the drill that made it. */
  find(aws: Aws): Promise<readonly { readonly id: string; readonly drill: string }[]>;
  /** Removes it; what is gone already is no error. */
  remove(aws: Aws, id: string): Promise<void>;
}
type Found = Awaited<ReturnType<Kind['find']>>;

/** IAM's roles and users are under it. */
export const PATH = '/firebreak-drill/';

type Tags = readonly { readonly Key?: string | undefined; readonly Value?: string | undefined }[];
const drillIn = (tags: Tags | undefined): string | undefined =>
  tags?.find(({ Key }) => Key === DRILL_TAG)?.Value;
const found = (id: string | undefined, drill: string | undefined): Found =>
  id === undefined || drill === undefined ? [] : [{ id, drill }];
const each = async <T>(
  items: readonly T[] | undefined,
  look: (item: T) => Promise<Found>,
): Promise<Found> => {
  const all: { readonly id: string; readonly drill: string }[] = [];
  for (const item of items ?? []) all.push(...(await look(item)));
  return all;
};

const GONE =
  /^(NoSuch(Entity|Bucket|Key|TagSet)(Exception)?|ResourceNotFound(Exception)?|TrailNotFoundException|Invalid\w+\.NotFound|NotFoundException)$/;
async function unlessGone<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (GONE.test(awsErrorName(error) ?? '')) return undefined;
    throw error;
  }
}

const byTag = { Filters: [{ Name: 'tag-key', Values: [DRILL_TAG] }] };

/** Of the volumes of its instances: isolation keeps what was on them. */
const snapshot: Kind = {
  async find(aws) {
    const { client, api } = await aws.ec2();
    const { Reservations = [] } = await client.send(new api.DescribeInstancesCommand(byTag));
    return each(
      Reservations.flatMap(({ Instances = [] }) => Instances),
      async ({ Tags, BlockDeviceMappings = [] }) => {
        const volumes = BlockDeviceMappings.flatMap(({ Ebs }) => Ebs?.VolumeId ?? []);
        if (volumes.length === 0) return [];
        const { Snapshots = [] } = await client.send(
          new api.DescribeSnapshotsCommand({ Filters: [{ Name: 'volume-id', Values: volumes }] }),
        );
        return Snapshots.flatMap(({ SnapshotId }) => found(SnapshotId, drillIn(Tags)));
      },
    );
  },
  async remove(aws, id) {
    const { client } = await aws.ec2();
    await unlessGone(() => client.send(new DeleteSnapshotCommand({ SnapshotId: id })));
  },
};

const instance: Kind = {
  async find(aws) {
    const { client, api } = await aws.ec2();
    const { Reservations = [] } = await client.send(new api.DescribeInstancesCommand(byTag));
    return Reservations.flatMap(({ Instances = [] }) =>
      Instances.flatMap(({ InstanceId, Tags, State }) =>
        State?.Name === 'terminated' ? [] : found(InstanceId, drillIn(Tags)),
      ),
    );
  },
  async remove(aws, id) {
    const { client, api } = await aws.ec2();
    // Isolation protects an instance from termination, and an undo that failed leaves it so.
    await unlessGone(() =>
      client.send(
        new api.ModifyInstanceAttributeCommand({ InstanceId: id, DisableApiTermination: { Value: false } }),
      ),
    );
    await unlessGone(() => client.send(new TerminateInstancesCommand({ InstanceIds: [id] })));
  },
};

const lambdaFunction: Kind = {
  async find(aws) {
    const { client, api } = await aws.lambda();
    const { Functions } = await client.send(new ListFunctionsCommand({}));
    return each(
      Functions?.filter(({ FunctionName }) => FunctionName?.startsWith(PREFIX)),
      async ({ FunctionName, FunctionArn }) => {
        const { Tags } = await client.send(new api.ListTagsCommand({ Resource: FunctionArn }));
        return found(FunctionName, Tags?.[DRILL_TAG]);
      },
    );
  },
  async remove(aws, id) {
    const { client } = await aws.lambda();
    await unlessGone(() => client.send(new DeleteFunctionCommand({ FunctionName: id })));
  },
};

const trail: Kind = {
  async find(aws) {
    const { client, api } = await aws.cloudTrail();
    const { trailList } = await client.send(new api.DescribeTrailsCommand({ includeShadowTrails: false }));
    return each(
      trailList?.filter(({ Name }) => Name?.startsWith(PREFIX)),
      async ({ Name, TrailARN = '' }) => {
        const { ResourceTagList } = await client.send(
          new ListTrailTagsCommand({ ResourceIdList: [TrailARN] }),
        );
        return found(Name, drillIn(ResourceTagList?.[0]?.TagsList));
      },
    );
  },
  async remove(aws, id) {
    const { client } = await aws.cloudTrail();
    await unlessGone(() => client.send(new DeleteTrailCommand({ Name: id })));
  },
};

const user: Kind = {
  async find(aws) {
    const { client, api } = await aws.iam();
    const { Users } = await client.send(new ListUsersCommand({ PathPrefix: PATH }));
    return each(Users, async ({ UserName }) => {
      const { User } = await client.send(new api.GetUserCommand({ UserName }));
      return found(UserName, drillIn(User?.Tags));
    });
  },
  async remove(aws, id) {
    const { client, api } = await aws.iam();
    await unlessGone(async () => {
      const UserName = id;
      const { AccessKeyMetadata = [] } = await client.send(new api.ListAccessKeysCommand({ UserName }));
      for (const { AccessKeyId } of AccessKeyMetadata)
        await client.send(new DeleteAccessKeyCommand({ UserName, AccessKeyId }));
      const { AttachedPolicies = [] } = await client.send(
        new api.ListAttachedUserPoliciesCommand({ UserName }),
      );
      for (const { PolicyArn } of AttachedPolicies)
        await client.send(new api.DetachUserPolicyCommand({ UserName, PolicyArn }));
      const { PolicyNames = [] } = await client.send(new api.ListUserPoliciesCommand({ UserName }));
      for (const PolicyName of PolicyNames)
        await client.send(new DeleteUserPolicyCommand({ UserName, PolicyName }));
      await client.send(new DeleteUserCommand({ UserName }));
    });
  },
};

const role: Kind = {
  async find(aws) {
    const { client, api } = await aws.iam();
    const { Roles } = await client.send(new api.ListRolesCommand({ PathPrefix: PATH }));
    return each(Roles, async ({ RoleName }) => {
      const { Role } = await client.send(new api.GetRoleCommand({ RoleName }));
      return found(RoleName, drillIn(Role?.Tags));
    });
  },
  async remove(aws, id) {
    const { client, api } = await aws.iam();
    await unlessGone(async () => {
      const { PolicyNames = [] } = await client.send(new api.ListRolePoliciesCommand({ RoleName: id }));
      for (const PolicyName of PolicyNames)
        await client.send(new DeleteRolePolicyCommand({ RoleName: id, PolicyName }));
      await client.send(new DeleteRoleCommand({ RoleName: id }));
    });
  },
};

const bucket: Kind = {
  async find(aws) {
    const { client, api } = await aws.s3();
    const { Buckets } = await client.send(new ListBucketsCommand({}));
    return each(
      Buckets?.filter(({ Name }) => Name?.startsWith(PREFIX)),
      async ({ Name }) => {
        const tags = await unlessGone(() => client.send(new api.GetBucketTaggingCommand({ Bucket: Name })));
        return found(Name, drillIn(tags?.TagSet));
      },
    );
  },
  async remove(aws, id) {
    const { client, api } = await aws.s3();
    await unlessGone(async () => {
      // A policy can deny its own removal's way.
      await client.send(new api.DeleteBucketPolicyCommand({ Bucket: id }));
      let KeyMarker: string | undefined;
      do {
        const page = await client.send(
          new api.ListObjectVersionsCommand({ Bucket: id, ...(KeyMarker ? { KeyMarker } : {}) }),
        );
        for (const { Key, VersionId } of [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])])
          await client.send(new DeleteObjectCommand({ Bucket: id, Key, VersionId }));
        KeyMarker = page.IsTruncated && (page.Versions?.length ?? 0) === 0 ? page.NextKeyMarker : undefined;
        // What was listed is gone: the next page begins at the front again.
        if (page.IsTruncated && KeyMarker === undefined) KeyMarker = '';
      } while (KeyMarker !== undefined);
      await client.send(new DeleteBucketCommand({ Bucket: id }));
    });
  },
};

const group: Kind = {
  async find(aws) {
    const { client, api } = await aws.ec2();
    const { SecurityGroups = [] } = await client.send(new api.DescribeSecurityGroupsCommand(byTag));
    return SecurityGroups.flatMap(({ GroupId, Tags }) => found(GroupId, drillIn(Tags)));
  },
  async remove(aws, id) {
    const { client, api } = await aws.ec2();
    await unlessGone(() => client.send(new api.DeleteSecurityGroupCommand({ GroupId: id })));
  },
};

const subnet: Kind = {
  async find(aws) {
    const { client } = await aws.ec2();
    const { Subnets = [] } = await client.send(new DescribeSubnetsCommand(byTag));
    return Subnets.flatMap(({ SubnetId, Tags }) => found(SubnetId, drillIn(Tags)));
  },
  async remove(aws, id) {
    const { client } = await aws.ec2();
    await unlessGone(() => client.send(new DeleteSubnetCommand({ SubnetId: id })));
  },
};

const vpc: Kind = {
  async find(aws) {
    const { client, api } = await aws.ec2();
    const { Vpcs = [] } = await client.send(new api.DescribeVpcsCommand(byTag));
    return Vpcs.flatMap(({ VpcId, Tags }) => found(VpcId, drillIn(Tags)));
  },
  async remove(aws, id) {
    const { client, api } = await aws.ec2();
    // Firebreak's own quarantine group stays where an undo failed, and keeps the VPC.
    const { SecurityGroups = [] } = await client.send(
      new api.DescribeSecurityGroupsCommand({ Filters: [{ Name: 'vpc-id', Values: [id] }] }),
    );
    for (const { GroupId, GroupName } of SecurityGroups)
      if (GroupId !== undefined && GroupName !== 'default') await group.remove(aws, GroupId);
    await unlessGone(() => client.send(new DeleteVpcCommand({ VpcId: id })));
  },
};

/** The detector, or undefined where GuardDuty is off: then there is nothing of it to find. */
async function detector(aws: Aws): Promise<string | undefined> {
  try {
    return await detectorOf(aws);
  } catch (error) {
    if (isFirebreakError(error) && error.code === 'NotFound') return undefined;
    throw error;
  }
}

const filter: Kind = {
  async find(aws) {
    const DetectorId = await detector(aws);
    if (DetectorId === undefined) return [];
    const { client, api } = await aws.guardDuty();
    const { FilterNames } = await client.send(new api.ListFiltersCommand({ DetectorId }));
    return each(
      FilterNames?.filter((name) => name.startsWith(PREFIX)),
      async (FilterName) => {
        const { Tags } = await client.send(new api.GetFilterCommand({ DetectorId, FilterName }));
        return found(FilterName, Tags?.[DRILL_TAG]);
      },
    );
  },
  async remove(aws, id) {
    const DetectorId = await detector(aws);
    if (DetectorId === undefined) return;
    try {
      await unsuppress(aws, DetectorId, id);
    } catch (error) {
      if (!isFirebreakError(error) || error.code !== 'NotFound') throw error;
    }
  },
};

/** Threat lists of domains alone: a drill makes no other. */
const placeOf = (DetectorId: string) =>
  ({ detector: DetectorId, kind: 'threat', holds: 'entities' }) as const;
const list: Kind = {
  async find(aws) {
    const DetectorId = await detector(aws);
    if (DetectorId === undefined) return [];
    const { client, api } = await aws.guardDuty();
    return each(await setIds(aws, placeOf(DetectorId)), async (ThreatEntitySetId) => {
      const { Tags, Status = '' } = await client.send(
        new api.GetThreatEntitySetCommand({ DetectorId, ThreatEntitySetId }),
      );
      return /^DELETE/.test(Status) ? [] : found(ThreatEntitySetId, Tags?.[DRILL_TAG]);
    });
  },
  async remove(aws, id) {
    const DetectorId = await detector(aws);
    if (DetectorId === undefined) return;
    const there = await setIds(aws, placeOf(DetectorId));
    if (there.includes(id)) await deleteSet(aws, placeOf(DetectorId), id);
  },
};

/** In the order of removal. */
export const KINDS = {
  filter,
  list,
  snapshot,
  instance,
  function: lambdaFunction,
  trail,
  user,
  role,
  bucket,
  group,
  subnet,
  vpc,
};
export type KindName = keyof typeof KINDS;

/** What is in the way of a removal is gone after a while: an instance ends, an interface with it. */
const BUSY =
  /^(DependencyViolation|DeleteConflict(Exception)?|BucketNotEmpty|OperationAborted|IncorrectState|InvalidSnapshot\.InUse)$/;

export const isBusy = (error: unknown): boolean => BUSY.test(awsErrorName(error) ?? '');
