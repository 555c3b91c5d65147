/** The steps that cut the network: make sure of both groups, then move each interface. */
import type { SecurityGroup } from '@aws-sdk/client-ec2';
import { z } from 'zod';
import type { Aws } from '../../core/aws/client.ts';
import { unfenced } from '../../core/aws/fence.ts';
import { awsErrorName, FirebreakError } from '../../core/errors.ts';
import type { StepContext } from '../../core/journal/playbook.ts';
import { describeInstance } from '../common/ec2/instance.ts';
import { onceGroupVisible, onceVisible } from '../common/once-visible.ts';
import { cannotRestore, damaged, stepKind } from '../common/step-kind.ts';
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
  isOurs,
  nameFor,
  ownerOf,
  type RuleDifference,
} from './security-groups.ts';

type Ec2 = Awaited<ReturnType<Aws['ec2']>>;

export const groupStepId = (flavour: Flavour): string => `group:${flavour}`;

/** Id of one of our groups, from the step that made sure of it. */
export function groupIdOf({ outputs }: Pick<StepContext, 'outputs'>, flavour: Flavour): string | undefined {
  const output = outputs[groupStepId(flavour)];
  return typeof output === 'string' ? output : undefined;
}

const facts = z.object({
  vpcId: z.string().nullish(),
  interfaces: z.array(z.string()).default([]),
});

/** Throws unless the groups whose ids the steps of groups left are Firebreak's: a record could name any group. */
async function ownGroups(context: StepContext, flavours: readonly Flavour[]): Promise<void> {
  const named = flavours.flatMap((flavour) => {
    const id = groupIdOf(context, flavour);
    return id === undefined ? [] : [{ flavour, id }];
  });
  if (named.length === 0) return;
  const found = await groupsOf(
    await context.aws.ec2(),
    named.map(({ id }) => id),
  );
  for (const { flavour, id } of named) {
    if (found.some((group) => group.GroupId === id && isOurs(flavour, group))) continue;
    throw damaged(`${id} is not ${GROUPS[flavour].name}`, context.target.display);
  }
}

async function groupsOf({ client, api }: Ec2, ids: readonly string[]) {
  const { SecurityGroups = [] } = await onceGroupVisible(() =>
    client.send(new api.DescribeSecurityGroupsCommand({ GroupIds: [...ids] })),
  );
  return SecurityGroups;
}

/**
 * The group's state in one word. The group is ours by tag and name, so whatever is in it is put right rather than
 * called drift: a stray rule in quarantine is an open door, and a crash between create and revoke leaves the default
 * egress rule behind.
 */
type GroupValue = 'absent' | 'wrong' | 'right';

export const securityGroup = stepKind(z.object({ vpcId: z.string(), flavour: z.enum(FLAVOURS) }), {
  value: z.enum(['absent', 'wrong', 'right']),
  async foreign({ vpcId }, { aws, target }) {
    const known = facts.parse(target.facts).vpcId ?? (await describeInstance(aws, target.id))?.VpcId;
    // An instance that is gone says nothing; the group is Firebreak's by its name in any VPC.
    return known === undefined || known === vpcId
      ? undefined
      : `the instance is in ${known}, not in ${vpcId}`;
  },
  async read({ vpcId, flavour }, { aws }) {
    const ec2 = await aws.ec2();
    const id = await findGroup(ec2, vpcId, flavour);
    if (id === undefined) return { value: 'absent' satisfies GroupValue };
    const right = isAsWanted(flavour, await describeRules(ec2, id));
    return { value: (right ? 'right' : 'wrong') satisfies GroupValue, output: id };
  },
  expects: true,
  after: () => 'right' satisfies GroupValue,
  between: () => ['absent', 'wrong'] satisfies GroupValue[],
  shared: 'absent' satisfies GroupValue,
  async apply({ vpcId, flavour }, { aws, caseId }, before) {
    const ec2 = await aws.ec2();
    // Nothing was there a moment ago: where something is by now, its name is taken.
    return before === 'absent' ? made(ec2, vpcId, flavour, caseId) : madeSureOf(ec2, vpcId, flavour, caseId);
  },
  async revert({ vpcId, flavour }, { aws }, before) {
    const { name, description } = GROUPS[flavour];
    // No interface stays in it, so the incident that made it can delete it: it need not wait for the last one.
    if (flavour === 'transit' && before !== 'absent')
      return { kept: `${name} was there before this incident` };
    const ec2 = await aws.ec2();
    const id = await findGroup(ec2, vpcId, flavour);
    const [group] = id === undefined ? [] : await groupsOf(ec2, [id]);
    if (id === undefined || group === undefined) return 'absent';
    // As with its name, the description of a group never changes.
    if (group.Description !== description) return { kept: `Firebreak did not make ${name} (${id})` };
    try {
      // EC2 may still show the interface in it that was moved out a moment ago.
      await onceVisible(
        () => ec2.client.send(new ec2.api.DeleteSecurityGroupCommand({ GroupId: id })),
        (error) => awsErrorName(error) === 'DependencyViolation',
      );
    } catch (error) {
      switch (awsErrorName(error)) {
        case 'InvalidGroup.NotFound':
          return 'reverted';
        // Another isolated instance of this VPC, or a rule that refers to the group.
        case 'DependencyViolation':
          return { kept: `${name} (${id}) is still in use in ${vpcId}` };
        default:
          throw error;
      }
    }
    return 'reverted';
  },
});

/** Returns the id of our group in the VPC with the rules that it should have; it is made where there is none. */
async function madeSureOf(ec2: Ec2, vpcId: string, flavour: Flavour, caseId: string): Promise<string> {
  const found = await findGroup(ec2, vpcId, flavour);
  if (found === undefined) return made(ec2, vpcId, flavour, caseId);
  await settleRules(ec2, found, flavour);
  return found;
}

/**
 * Returns the id of a new group with its rules, tagged from the start. Where the name is taken, another incident of this VPC has
 * just made the group, or it is someone else's: the case then gets a group of its own.
 */
async function made(ec2: Ec2, vpcId: string, flavour: Flavour, caseId: string): Promise<string> {
  for (const name of [nameFor(flavour), nameFor(flavour, caseId)]) {
    const id = await makeGroup(ec2, vpcId, flavour, name);
    if (id !== undefined) {
      // Whichever attempt makes them, the rules of the new group are the same.
      await unfenced(() => settleNewRules(ec2, id, flavour));
      return id;
    }
    const known = await oursNamed(ec2, vpcId, flavour, name);
    if (known !== undefined) {
      await settleRules(ec2, known, flavour);
      return known;
    }
  }
  throw new FirebreakError('StepFailed', `the names of a new ${GROUPS[flavour].name} are taken`, {
    resource: vpcId,
    next: `Look at the security groups named ${nameFor(flavour)}… that lack the tag ${GROUP_TAG}, then contain again.`,
  });
}

/** Returns undefined where the VPC has a group of that name. */
async function makeGroup(
  { client, api }: Ec2,
  vpcId: string,
  flavour: Flavour,
  name: string,
): Promise<string | undefined> {
  try {
    const { GroupId } = await client.send(
      new api.CreateSecurityGroupCommand({
        GroupName: name,
        Description: GROUPS[flavour].description,
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
    if (GroupId) return GroupId;
  } catch (error) {
    if (awsErrorName(error) === 'InvalidGroup.Duplicate') return undefined;
    throw error;
  }
  throw new FirebreakError('StepFailed', `${name} was created without an id`, { resource: vpcId });
}

/** Returns the id of the group that has the name, if it is ours. DescribeSecurityGroups may lag behind its creation. */
async function oursNamed(
  ec2: Ec2,
  vpcId: string,
  flavour: Flavour,
  name: string,
): Promise<string | undefined> {
  const owner = await onceVisible(
    async () => (await ownerOf(ec2, vpcId, flavour, name)) ?? raise(NOT_VISIBLE),
    isNotVisible,
  );
  return owner === 'foreign' ? undefined : owner.ours;
}

/** Revokes every rule that should not be there, then adds what is missing. Safe to repeat. */
async function settleRules(ec2: Ec2, id: string, flavour: Flavour): Promise<void> {
  const { client, api } = ec2;
  const { unexpected, missing } = differenceOf(flavour, await describeRules(ec2, id));
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
  await Promise.all(missing.map((rule) => authorize(ec2, id, rule)));
}

const permission = (cidr: string) => ({
  IpProtocol: '-1',
  ...(cidr.includes(':') ? { Ipv6Ranges: [{ CidrIpv6: cidr }] } : { IpRanges: [{ CidrIp: cidr }] }),
});

const authorize = (
  { client, api }: Ec2,
  GroupId: string,
  { direction, cidr }: RuleDifference['missing'][number],
): Promise<void> => {
  const input = { GroupId, IpPermissions: [permission(cidr)] };
  return tolerate(['InvalidPermission.Duplicate'], () =>
    direction === 'egress'
      ? client.send(new api.AuthorizeSecurityGroupEgressCommand(input))
      : client.send(new api.AuthorizeSecurityGroupIngressCommand(input)),
  );
};

/**
 * The rules of a group that was made a moment ago, without a read of what it has: everything may leave it over IPv4, and over
 * IPv6 where the VPC has such addresses. Verify looks at the rules in any case.
 */
async function settleNewRules(ec2: Ec2, GroupId: string, flavour: Flavour): Promise<void> {
  const { client, api } = ec2;
  const { missing } = differenceOf(flavour, []);
  const revoke = async (cidr: string): Promise<boolean> => {
    const input = { GroupId, IpPermissions: [permission(cidr)] };
    try {
      await onceGroupVisible(() => client.send(new api.RevokeSecurityGroupEgressCommand(input)));
      return true;
    } catch (error) {
      if (awsErrorName(error) !== 'InvalidPermission.NotFound') throw error;
      return false;
    }
  };
  const open = GROUPS[flavour].open;
  const [revoked = true] = await Promise.all([
    ...['0.0.0.0/0', '::/0'].filter((cidr) => !open.includes(cidr)).map(revoke),
    ...missing.map((rule) => authorize(ec2, GroupId, rule)),
  ]);
  // The rule is not visible yet, or EC2 made another one.
  if (revoked === false) await settleRules(ec2, GroupId, flavour);
}

export const interfaceGroups = stepKind(z.object({ eni: z.string(), transit: z.boolean() }), {
  value: z.array(z.string().startsWith('sg-')).min(1).nullable(),
  async foreign({ eni, transit }, context, writing) {
    const { aws, target } = context;
    const moved: readonly Flavour[] = transit ? FLAVOURS : ['quarantine'];
    // In the same moment: the groups it is moved to must be Firebreak's, since a record could name any.
    const [live] = await Promise.all([
      interfaceOf(await aws.ec2(), eni),
      writing === 'apply' ? ownGroups(context, moved) : undefined,
    ]);
    // One that was detached since is still the finding's.
    const holder = live?.Attachment?.InstanceId;
    if (!live || holder === target.id) return undefined;
    if (holder === undefined && facts.parse(target.facts).interfaces.includes(eni)) return undefined;
    return `${eni} is not an interface of the instance`;
  },
  async read({ eni }, { aws }) {
    const found = await interfaceOf(await aws.ec2(), eni);
    return { value: found ? [...groupIdsOf(found)] : null };
  },
  expects: true,
  // An interface that is gone has nothing to cut.
  after: (_args, context, before) => (before === null ? null : [quarantineId(context)]),
  between({ transit }, context) {
    const id = groupIdOf(context, 'transit');
    return transit && id !== undefined ? [[id]] : [];
  },
  worse({ eni }, context, { live, before }) {
    const id = groupIdOf(context, 'transit');
    const isOpen = id !== undefined && live?.includes(id) === true && before?.includes(id) !== true;
    return isOpen
      ? `instance ${context.target.id} is open to every address: its interface ${eni} is in the transit group ${id}`
      : undefined;
  },
  async close({ eni }, context, { live, before }) {
    const ec2 = await context.aws.ec2();
    const id = groupIdOf(context, 'transit');
    const others = (live ?? []).filter((group) => group !== id);
    const groups = others.length > 0 ? others : await priorGroups(ec2, before ?? []);
    const { VpcId } = (await interfaceOf(ec2, eni)) ?? {};
    if (groups) await setGroups(ec2, eni, groups);
    // An undo may have deleted the quarantine group: no interface was in it.
    else if (VpcId) await setGroups(ec2, eni, [await madeSureOf(ec2, VpcId, 'quarantine', context.caseId)]);
  },
  async apply({ eni, transit }, context, before) {
    const ec2 = await context.aws.ec2();
    // Without the transit group (its step failed) the interface is closed all the same; verify names what survives.
    const quarantine = quarantineId(context);
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
      if (open !== undefined && before !== null) await setGroups(ec2, eni, before);
      throw groupVanished(error, eni);
    }
    return undefined;
  },
  async revert({ eni }, context, before) {
    if (before === null) return { kept: `${eni} had no security groups when it was read` };
    const ec2 = await context.aws.ec2();
    try {
      if ((await groupsOf(ec2, before)).some(isTransit)) {
        return {
          kept: `${eni} was in ${GROUPS.transit.name} before: that is open to the world and is not restored`,
        };
      }
      await setGroups(ec2, eni, before);
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

const isTransit = (group: SecurityGroup): boolean =>
  group.GroupName === GROUPS.transit.name || isOurs('transit', group);

/** The groups that an interface had; undefined where one is gone, or lets everything through as the transit group does. */
async function priorGroups(ec2: Ec2, ids: readonly string[]): Promise<readonly string[] | undefined> {
  try {
    const known = ids.length > 0 ? await groupsOf(ec2, ids) : [];
    return known.length === 0 || known.some(isTransit) ? undefined : ids;
  } catch (error) {
    if (awsErrorName(error) === 'InvalidGroup.NotFound') return undefined;
    throw error;
  }
}

/** The interface, or undefined when AWS does not know it (any more). */
async function interfaceOf({ client, api }: Ec2, eni: string) {
  try {
    const answer = await client.send(
      new api.DescribeNetworkInterfacesCommand({ NetworkInterfaceIds: [eni] }),
    );
    return answer.NetworkInterfaces?.[0];
  } catch (error) {
    if (awsErrorName(error) === 'InvalidNetworkInterfaceID.NotFound') return undefined;
    throw error;
  }
}

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
    next: 'Nothing: the workflow tries again automatically.',
    cause: error,
  });
}

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
