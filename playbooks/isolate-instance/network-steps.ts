/** The steps that cut the network: make sure of both groups, then move each interface. */
import { z } from 'zod';
import type { Aws } from '../../core/aws/client.ts';
import { awsErrorName, FirebreakError } from '../../core/errors.ts';
import type { StepContext } from '../../core/journal/playbook.ts';
import type { Json } from '../../core/json.ts';
import { onceGroupVisible, onceVisible } from '../common/once-visible.ts';
import { cannotRestore, stepKind } from '../common/step-kind.ts';
import { groupIdsOf } from './aws-calls.ts';
import {
  describeRules,
  differenceOf,
  FLAVOURS,
  type Flavour,
  findGroup,
  GROUP_TAG,
  GROUPS,
  isAsWanted,
  type LiveGroup,
} from './security-groups.ts';

type Ec2 = Awaited<ReturnType<Aws['ec2']>>;

export const groupStepId = (flavour: Flavour): string => `group:${flavour}`;

/** Id of one of our groups, from the step that made sure of it. */
export function groupIdOf({ outputs }: Pick<StepContext, 'outputs'>, flavour: Flavour): string | undefined {
  const output = outputs[groupStepId(flavour)];
  return typeof output === 'string' ? output : undefined;
}

/**
 * The group's state in one word. The group is ours by name and tag, so whatever is in it is put right rather than
 * called drift: a stray rule in quarantine is an open door, and a crash between create and revoke leaves the default
 * egress rule behind.
 */
type GroupValue = 'absent' | 'wrong' | 'right';

export const securityGroup = stepKind(z.object({ vpcId: z.string(), flavour: z.enum(FLAVOURS) }), {
  async read({ vpcId, flavour }, { aws }) {
    const ec2 = await aws.ec2();
    const group = await findGroup(ec2, vpcId, flavour);
    if (!group) return { value: 'absent' satisfies GroupValue };
    const right = group.tagged && isAsWanted(flavour, await describeRules(ec2, group.id));
    return { value: (right ? 'right' : 'wrong') satisfies GroupValue, output: group.id };
  },
  after: () => 'right' satisfies GroupValue,
  between: () => ['absent', 'wrong'] satisfies GroupValue[],
  async apply({ vpcId, flavour }, { aws }) {
    const ec2 = await aws.ec2();
    const found = await findGroup(ec2, vpcId, flavour);
    const group = found ?? (await createGroup(ec2, vpcId, flavour));
    if (!group.tagged) await tagGroup(ec2, group.id, flavour);
    await settleRules(ec2, group.id, flavour, found === undefined);
    return group.id;
  },
  async revert({ vpcId, flavour }, { aws }, before) {
    const { name } = GROUPS[flavour];
    if (before !== 'absent') return { kept: `${name} was there before this incident` };
    const ec2 = await aws.ec2();
    const group = await findGroup(ec2, vpcId, flavour);
    if (!group) return 'reverted';
    try {
      await ec2.client.send(new ec2.api.DeleteSecurityGroupCommand({ GroupId: group.id }));
    } catch (error) {
      switch (awsErrorName(error)) {
        case 'InvalidGroup.NotFound':
          return 'reverted';
        // Another isolated instance of this VPC, or a rule that refers to the group.
        case 'DependencyViolation':
          return { kept: `${name} (${group.id}) is still in use in ${vpcId}` };
        default:
          throw error;
      }
    }
    return 'reverted';
  },
});

async function createGroup({ client, api }: Ec2, vpcId: string, flavour: Flavour): Promise<LiveGroup> {
  const { name, description } = GROUPS[flavour];
  try {
    const { GroupId } = await client.send(
      new api.CreateSecurityGroupCommand({
        GroupName: name,
        Description: description,
        VpcId: vpcId,
        TagSpecifications: [
          {
            ResourceType: 'security-group',
            Tags: [
              { Key: GROUP_TAG, Value: flavour },
              { Key: 'Name', Value: name },
            ],
          },
        ],
      }),
    );
    if (GroupId) return { id: GroupId, tagged: true };
  } catch (error) {
    if (awsErrorName(error) !== 'InvalidGroup.Duplicate') throw error;
    // Another incident in this VPC made it just now; DescribeSecurityGroups may lag behind.
    const made = await onceVisible(
      async () => (await findGroup({ client, api }, vpcId, flavour)) ?? raise(NOT_VISIBLE),
      isNotVisible,
    );
    return made;
  }
  throw new FirebreakError('StepFailed', `${name} was created without an id`, { resource: vpcId });
}

async function tagGroup({ client, api }: Ec2, id: string, flavour: Flavour): Promise<void> {
  await client.send(
    new api.CreateTagsCommand({ Resources: [id], Tags: [{ Key: GROUP_TAG, Value: flavour }] }),
  );
}

/** Revokes every rule that should not be there, then adds what is missing. Safe to repeat. */
async function settleRules(
  { client, api }: Ec2,
  id: string,
  flavour: Flavour,
  created: boolean,
): Promise<void> {
  const ec2 = { client, api };
  // A new group has an allow-all egress rule of its own. Until the rules are visible there is nothing to revoke by id,
  // and an open "quarantine" would be left; verify looks at the rules again in any case.
  const rules = created
    ? await onceVisible(async () => {
        const listed = await describeRules(ec2, id);
        return listed.length > 0 ? listed : raise(NOT_VISIBLE);
      }, isNotVisible).catch((error: unknown) => (error === NOT_VISIBLE ? [] : raise(error)))
    : await describeRules(ec2, id);
  const { unexpected, missing } = differenceOf(flavour, rules);
  for (const egress of [true, false]) {
    const ids = unexpected
      .filter((rule) => rule.IsEgress === egress)
      .flatMap((rule) => rule.SecurityGroupRuleId ?? []);
    if (ids.length === 0) continue;
    const input = { GroupId: id, SecurityGroupRuleIds: ids };
    await tolerate(['InvalidSecurityGroupRuleId.NotFound', 'InvalidPermission.NotFound'], () =>
      egress
        ? client.send(new api.RevokeSecurityGroupEgressCommand(input))
        : client.send(new api.RevokeSecurityGroupIngressCommand(input)),
    );
  }
  for (const { direction, cidr } of missing) {
    const range = cidr.includes(':')
      ? { Ipv6Ranges: [{ CidrIpv6: cidr }] }
      : { IpRanges: [{ CidrIp: cidr }] };
    const input = { GroupId: id, IpPermissions: [{ IpProtocol: '-1', ...range }] };
    await tolerate(['InvalidPermission.Duplicate'], () =>
      direction === 'egress'
        ? client.send(new api.AuthorizeSecurityGroupEgressCommand(input))
        : client.send(new api.AuthorizeSecurityGroupIngressCommand(input)),
    );
  }
}

export const interfaceGroups = stepKind(z.object({ eni: z.string(), transit: z.boolean() }), {
  async read({ eni }, { aws }) {
    const { client, api } = await aws.ec2();
    try {
      const answer = await client.send(
        new api.DescribeNetworkInterfacesCommand({ NetworkInterfaceIds: [eni] }),
      );
      const [found] = answer.NetworkInterfaces ?? [];
      return { value: found ? [...groupIdsOf(found)] : null };
    } catch (error) {
      if (awsErrorName(error) === 'InvalidNetworkInterfaceID.NotFound') return { value: null };
      throw error;
    }
  },
  // An interface that is gone has nothing to cut.
  after: (_args, context, before) => (before === null ? null : [quarantineId(context)]),
  between({ transit }, context) {
    const id = groupIdOf(context, 'transit');
    return transit && id !== undefined ? [[id]] : [];
  },
  async apply({ eni, transit }, context, before) {
    const ec2 = await context.aws.ec2();
    const quarantine = quarantineId(context);
    // Without the transit group (its step failed) the interface is closed all the same; verify names what survives.
    const open = transit ? groupIdOf(context, 'transit') : undefined;
    try {
      if (open !== undefined) await setGroups(ec2, eni, [open]);
    } catch (error) {
      throw groupVanished(error, eni);
    }
    try {
      // Whether the hypervisor needs a moment in the open group to drop its tracking entries is unproven [M-LAB];
      // AWSSupport-ContainEC2Instance makes the two calls one after the other as well.
      await setGroups(ec2, eni, [quarantine]);
    } catch (error) {
      // Never leave it open to the world because the second call failed for good.
      if (open !== undefined && isGroupList(before)) await setGroups(ec2, eni, before);
      throw groupVanished(error, eni);
    }
    return undefined;
  },
  async revert({ eni }, context, before) {
    if (!isGroupList(before)) return { kept: `${eni} had no security groups when it was read` };
    if (before.includes(groupIdOf(context, 'transit') ?? '')) {
      return {
        kept: `${eni} was in ${GROUPS.transit.name} before: that is open to the world and is not put back`,
      };
    }
    try {
      await setGroups(await context.aws.ec2(), eni, before);
      return 'reverted';
    } catch (error) {
      switch (awsErrorName(error)) {
        case 'InvalidNetworkInterfaceID.NotFound':
          return { kept: `${eni} does not exist any more` };
        case 'InvalidGroup.NotFound':
        case 'InvalidGroupId.Malformed':
          throw cannotRestore(
            `a security group that ${eni} had (${before.join(', ')}) does not exist any more; it stays in quarantine`,
            eni,
            'Give the interface the groups it should have, by hand.',
            error,
          );
        default:
          throw error;
      }
    }
  },
});

/** One call per interface: ModifyInstanceAttribute(Groups) fails on an instance with more than one. */
async function setGroups({ client, api }: Ec2, eni: string, groups: readonly string[]): Promise<void> {
  await client.send(
    new api.ModifyNetworkInterfaceAttributeCommand({ NetworkInterfaceId: eni, Groups: [...groups] }),
  );
}

function quarantineId(context: StepContext): string {
  const id = groupIdOf(context, 'quarantine');
  if (id !== undefined) return id;
  throw new FirebreakError('StepFailed', `${GROUPS.quarantine.name} has no id`, {
    resource: context.target.id,
  });
}

/** An undo of another incident deleted our group between our two steps: the next try makes it again. */
function groupVanished(error: unknown, eni: string): unknown {
  if (awsErrorName(error) !== 'InvalidGroup.NotFound') return error;
  return new FirebreakError('ResourceBusy', 'a Firebreak security group was deleted while it was needed', {
    resource: eni,
    next: 'Nothing: the workflow tries again by itself.',
    cause: error,
  });
}

const isGroupList = (value: Json): value is readonly string[] =>
  Array.isArray(value) && value.length > 0 && value.every((id) => typeof id === 'string');

async function tolerate(names: readonly string[], call: () => Promise<unknown>): Promise<void> {
  try {
    await onceGroupVisible(call);
  } catch (error) {
    if (!names.includes(awsErrorName(error) ?? '')) throw error;
  }
}

const NOT_VISIBLE = new FirebreakError('StepFailed', 'AWS does not show yet what was just made', {
  next: 'Contain again.',
});
const isNotVisible = (error: unknown): boolean =>
  error === NOT_VISIBLE || awsErrorName(error) === 'InvalidGroup.NotFound';
function raise(error: unknown): never {
  throw error;
}
