/** Firebreak's two security groups of a VPC: what they must hold, and what they hold now. */
import type { Filter, SecurityGroup, SecurityGroupRule } from '@aws-sdk/client-ec2';
import type { Aws } from '../../core/aws/client.ts';
import { allPages } from './aws-calls.ts';

type Ec2 = Awaited<ReturnType<Aws['ec2']>>;

export const FLAVOURS = ['transit', 'quarantine'] as const;
export type Flavour = (typeof FLAVOURS)[number];

/** Tag key on both groups; the right to change rules is limited to groups that carry it. */
export const GROUP_TAG = 'firebreak';

const ANYWHERE = ['0.0.0.0/0', '::/0'] as const;

interface WantedGroup {
  readonly name: string;
  readonly description: string;
  /** CIDRs open for every protocol, in each direction. Anything else in the group is revoked. */
  readonly open: readonly string[];
}

/**
 * Flows that rules allow to and from everywhere are not tracked, so they end when the rule goes: hence an interface
 * passes through the open group on its way to the closed one. Names are unique per VPC.
 */
export const GROUPS: Readonly<Record<Flavour, WantedGroup>> = {
  transit: {
    name: 'firebreak-transit',
    description: 'Firebreak: open for a moment on the way to quarantine. Attach nothing to it.',
    open: ANYWHERE,
  },
  quarantine: {
    name: 'firebreak-quarantine',
    description: 'Firebreak: no traffic. Interfaces of isolated instances.',
    open: [],
  },
};

/** Its own name, or that of a case whose VPC had a group of that name which is not Firebreak's. */
export const nameFor = (flavour: Flavour, caseId?: string): string =>
  caseId === undefined ? GROUPS[flavour].name : `${GROUPS[flavour].name}-${caseId}`;

/** True of a group with Firebreak's tag and a name that it gives: a name can never be changed, a tag can be anyone's. */
export function isOurs(flavour: Flavour, { GroupName = '', Tags = [] }: SecurityGroup): boolean {
  return (
    (GroupName === nameFor(flavour) || GroupName.startsWith(nameFor(flavour, ''))) &&
    Tags.some(({ Key, Value }) => Key === GROUP_TAG && Value === flavour)
  );
}

/** Returns the id of Firebreak's group in this VPC; one that has its name or its tag alone is someone else's. */
export const findGroup = async (ec2: Ec2, vpcId: string, flavour: Flavour): Promise<string | undefined> =>
  firstOf(flavour, await groupsOf(ec2, vpcId, { Name: `tag:${GROUP_TAG}`, Values: [flavour] }));

/** Returns the ids of both groups in this VPC, by one read. */
export async function findGroups(
  ec2: Ec2,
  vpcId: string,
): Promise<Readonly<Record<Flavour, string | undefined>>> {
  const groups = await groupsOf(ec2, vpcId, { Name: `tag:${GROUP_TAG}`, Values: [...FLAVOURS] });
  return { transit: firstOf('transit', groups), quarantine: firstOf('quarantine', groups) };
}

const firstOf = (flavour: Flavour, groups: readonly SecurityGroup[]): string | undefined =>
  groups
    .filter((group) => isOurs(flavour, group))
    .sort((a, b) => ((a.GroupName ?? '') < (b.GroupName ?? '') ? -1 : 1))[0]?.GroupId;

/** Returns whose the group of this name is; undefined where the VPC shows none. */
export async function ownerOf(
  ec2: Ec2,
  vpcId: string,
  flavour: Flavour,
  name: string,
): Promise<{ readonly ours: string } | 'foreign' | undefined> {
  const [found] = await groupsOf(ec2, vpcId, { Name: 'group-name', Values: [name] });
  if (!found?.GroupId) return undefined;
  return isOurs(flavour, found) ? { ours: found.GroupId } : 'foreign';
}

/** Another VPC's group cannot be attached here. */
const groupsOf = ({ client, api }: Ec2, vpcId: string, filter: Filter): Promise<SecurityGroup[]> =>
  allPages(async (token) => {
    const answer = await client.send(
      new api.DescribeSecurityGroupsCommand({
        Filters: [{ Name: 'vpc-id', Values: [vpcId] }, filter],
        ...(token ? { NextToken: token } : {}),
      }),
    );
    return { items: answer.SecurityGroups, next: answer.NextToken };
  });

export const describeRules = ({ client, api }: Ec2, groupId: string): Promise<SecurityGroupRule[]> =>
  allPages(async (token) => {
    const answer = await client.send(
      new api.DescribeSecurityGroupRulesCommand({
        Filters: [{ Name: 'group-id', Values: [groupId] }],
        ...(token ? { NextToken: token } : {}),
      }),
    );
    return { items: answer.SecurityGroupRules, next: answer.NextToken };
  });

/** A rule in words: `egress all 0.0.0.0/0`, `ingress tcp 22-22 sg-0abc`. */
export function ruleText(rule: SecurityGroupRule): string {
  const { IpProtocol: protocol = '?', FromPort: from, ToPort: to } = rule;
  const peer =
    rule.CidrIpv4 ?? rule.CidrIpv6 ?? rule.PrefixListId ?? rule.ReferencedGroupInfo?.GroupId ?? '?';
  const ports = protocol === '-1' ? 'all' : `${protocol} ${from ?? 'any'}-${to ?? 'any'}`;
  return `${rule.IsEgress ? 'egress' : 'ingress'} ${ports} ${peer}`;
}

const wantedRules = (flavour: Flavour): readonly string[] =>
  GROUPS[flavour].open.flatMap((cidr) => [`egress all ${cidr}`, `ingress all ${cidr}`]);

export interface RuleDifference {
  readonly unexpected: readonly SecurityGroupRule[];
  readonly missing: readonly { readonly direction: 'egress' | 'ingress'; readonly cidr: string }[];
}

/** What must go and what must come for the group to be as it should. */
export function differenceOf(flavour: Flavour, rules: readonly SecurityGroupRule[]): RuleDifference {
  const wanted = new Set(wantedRules(flavour));
  const live = new Set(rules.map(ruleText));
  return {
    unexpected: rules.filter((rule) => !wanted.has(ruleText(rule))),
    missing: GROUPS[flavour].open.flatMap((cidr) =>
      (['egress', 'ingress'] as const)
        .filter((direction) => !live.has(`${direction} all ${cidr}`))
        .map((direction) => ({ direction, cidr })),
    ),
  };
}

export const isAsWanted = (flavour: Flavour, rules: readonly SecurityGroupRule[]): boolean => {
  const { unexpected, missing } = differenceOf(flavour, rules);
  return unexpected.length === 0 && missing.length === 0;
};
