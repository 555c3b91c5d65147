import type { SecurityGroupRule } from '@aws-sdk/client-ec2';
import { z } from 'zod';
import type { Aws } from '../../../core/aws/client.ts';
import { allPages } from '../../../core/aws/pages.ts';
import { isJsonObject, type JsonObject } from '../../../core/json.ts';
import { defineInverse, itemsIn, textIn } from '../../common/changes/inverse.ts';
import {
  ec2Arn,
  ec2Names,
  firstText,
  idOf,
  numberIn,
  prefixList,
  range,
  SOURCE,
  spelled,
  unless,
} from '../network.ts';

const port = z.int().min(-1).max(65_535);
const rule = z.strictObject({
  group: idOf('sg'),
  egress: z.boolean(),
  protocol: z.string().regex(/^(-1|tcp|udp|icmp|icmpv6|\d{1,3})$/),
  from: port,
  to: port,
  /** A range, a prefix list, a group, or `account/group` of a peered VPC. */
  peer: z.union([prefixList, idOf('sg'), z.string().regex(/^\d{12}\/sg-[0-9a-f]{8,17}$/), range]),
});
type Rule = z.infer<typeof rule>;

/** A rule is there, with what people wrote about it, or it is not. */
const value = z
  .strictObject({
    description: z
      .string()
      .regex(/^[\w .:/()#,@[\]+=&;{}!$*-]{0,255}$/)
      .nullable(),
  })
  .nullable();

interface Shown {
  readonly resource: { readonly [name in keyof Rule]: unknown };
  readonly description: string | null;
}

/** The parts that answers and requests share. Ports do not count where the protocol is every one. */
function shown(
  group: string | undefined,
  egress: boolean,
  from: JsonObject,
  peer: string | undefined,
): Shown {
  const protocol = textIn(from, 'ipProtocol');
  const all = protocol === '-1';
  return {
    resource: {
      ...{ group, egress, protocol, peer },
      from: all ? -1 : numberIn(from, 'fromPort', -1),
      to: all ? -1 : numberIn(from, 'toPort', -1),
    },
    description: textIn(from, 'description') ?? null,
  };
}

const withAccount = (group: string | undefined, user: string | undefined, own: string): string | undefined =>
  group !== undefined && user !== undefined && user !== own ? `${user}/${group}` : group;

/** The rules that the answer lists, each as AWS made or removed it. */
const answered = (items: readonly JsonObject[], own: string): readonly Shown[] =>
  items.map((item) => {
    const info = isJsonObject(item['referencedGroupInfo']) ? item['referencedGroupInfo'] : {};
    const group = textIn(info, 'groupId') ?? textIn(item, 'referencedGroupId');
    const peer =
      firstText(item, ['cidrIpv4', 'cidrIpv6', 'prefixListId']) ??
      withAccount(group, textIn(info, 'userId'), own);
    return shown(textIn(item, 'groupId'), item['isEgress'] === true, item, peer);
  });

/** The rules of a request, for records that do not show the answer's. */
const asked = (request: JsonObject, egress: boolean, own: string): readonly Shown[] =>
  itemsIn(request, 'ipPermissions').flatMap((permission) => {
    const peers = [
      ...itemsIn(permission, 'ipRanges'),
      ...itemsIn(permission, 'ipv6Ranges'),
      ...itemsIn(permission, 'prefixListIds'),
      ...itemsIn(permission, 'groups'),
    ];
    return peers.map((given) => {
      const peer =
        firstText(given, ['cidrIp', 'cidrIpv6', 'prefixListId']) ??
        withAccount(textIn(given, 'groupId'), textIn(given, 'userId'), own);
      const parts = shown(textIn(request, 'groupId'), egress, permission, peer);
      return { ...parts, description: textIn(given, 'description') ?? null };
    });
  });

/** A rule that was opened is removed; undo makes it again, with another id. To open a group is a right of undo alone. */
export const reversedGroupRule = defineInverse({
  id: 'reversed-group-rule',
  danger: 'opens the network',
  calls: {
    source: SOURCE,
    names: ['AuthorizeSecurityGroupIngress', 'AuthorizeSecurityGroupEgress'],
    alsoTold: ['RevokeSecurityGroupIngress', 'RevokeSecurityGroupEgress'],
  },
  does: 'a rule that was added is removed',
  resource: rule,
  value,
  effects({ name, request, response }, { account }) {
    const adds = name.startsWith('Authorize');
    const listed = itemsIn(response, adds ? 'securityGroupRuleSet' : 'revokedSecurityGroupRuleSet');
    const rules =
      listed.length > 0 ? answered(listed, account) : asked(request, name.endsWith('Egress'), account);
    // EC2 refuses to add a rule that is there. What it lists [M-LAB] is as it made it.
    return rules.map(({ resource, description }) =>
      adds ? { resource, left: { description }, before: null } : { resource, left: null },
    );
  },
  listedAs: ({ group }) => group,
  names: (aws, { group }) => ec2Names(aws, 'security-group', group),
  says: (of) => `Remove ${inWords(of)} from ${of.group}`,
  async read(aws, of) {
    const live = await liveRule(aws, of);
    return live ? value.catch({ description: null }).parse({ description: live.Description ?? null }) : null;
  },
  async put(aws, of, to) {
    const { client, api } = await aws.ec2();
    // By its parts: an id would have to be read, and a read may show what was.
    const input = { GroupId: of.group, IpPermissions: [permissionOf(of, to?.description ?? null)] };
    if (to === null)
      await unless('InvalidPermission.NotFound', () =>
        of.egress
          ? client.send(new api.RevokeSecurityGroupEgressCommand(input))
          : client.send(new api.RevokeSecurityGroupIngressCommand(input)),
      );
    else
      await unless('InvalidPermission.Duplicate', () =>
        of.egress
          ? client.send(new api.AuthorizeSecurityGroupEgressCommand(input))
          : client.send(new api.AuthorizeSecurityGroupIngressCommand(input)),
      );
  },
  // A description opens nothing, and records of a rule may leave it out.
  same: (a, b) => (a === null) === (b === null),
  remains: ({ group }) => [
    `connections that ${group} let through may live on until they end: EC2 tracks most of them`,
  ],
  permissions: {
    read: [
      {
        // DescribeSecurityGroupRules has no resource level.
        actions: ['ec2:DescribeSecurityGroupRules'],
        resources: ['*'],
        why: 'whether a rule that the principal changed is there',
      },
    ],
    write: [
      {
        actions: ['ec2:RevokeSecurityGroupEgress', 'ec2:RevokeSecurityGroupIngress'],
        resources: [ec2Arn('security-group/*')],
        why: 'a rule that the principal opened is removed',
        worst: 'cuts off all that is behind any security group',
      },
    ],
    undo: [
      {
        actions: ['ec2:AuthorizeSecurityGroupEgress', 'ec2:AuthorizeSecurityGroupIngress'],
        resources: [ec2Arn('security-group/*')],
        why: 'makes a rule again that was removed',
        worst: 'opens any security group to the internet',
      },
    ],
  },
  words: { setting: 'Security group rule', why: 'it says who may connect' },
  example: {
    eventName: 'AuthorizeSecurityGroupIngress',
    requestParameters: {
      groupId: 'sg-0123456789abcdef0',
      ipPermissions: {
        items: [
          {
            ...{ ipProtocol: 'tcp', fromPort: 22, toPort: 22, groups: {}, ipv6Ranges: {}, prefixListIds: {} },
            ipRanges: { items: [{ cidrIp: '0.0.0.0/0' }] },
          },
        ],
      },
    },
  },
});

function inWords({ egress, protocol, from, to, peer }: Rule): string {
  const ports = from === -1 ? '' : from === to ? ` ${from}` : ` ${from}-${to}`;
  return `${protocol === '-1' ? 'all traffic' : `${protocol}${ports}`} ${egress ? 'to' : 'from'} ${peer}`;
}

function permissionOf({ protocol, from, to, peer }: Rule, description: string | null) {
  const Description = description === null ? {} : { Description: description };
  const [group, account] = peer.split('/').reverse();
  return {
    IpProtocol: protocol,
    ...(protocol === '-1' ? {} : { FromPort: from, ToPort: to }),
    ...(peer.startsWith('pl-')
      ? { PrefixListIds: [{ PrefixListId: peer, ...Description }] }
      : group?.startsWith('sg-')
        ? {
            UserIdGroupPairs: [
              { GroupId: group, ...(account === undefined ? {} : { UserId: account }), ...Description },
            ],
          }
        : peer.includes(':')
          ? { Ipv6Ranges: [{ CidrIpv6: peer, ...Description }] }
          : { IpRanges: [{ CidrIp: peer, ...Description }] }),
  };
}

async function liveRule(aws: Aws, of: Rule): Promise<SecurityGroupRule | undefined> {
  const { client, api } = await aws.ec2();
  const rules = await allPages(async (token) => {
    const answer = await client.send(
      new api.DescribeSecurityGroupRulesCommand({
        Filters: [{ Name: 'group-id', Values: [of.group] }],
        ...(token === undefined ? {} : { NextToken: token }),
      }),
    );
    return { items: answer.SecurityGroupRules, next: answer.NextToken };
  });
  return rules.find((live) => isRule(live, of, aws.scope.account));
}

function isRule(live: SecurityGroupRule, of: Rule, own: string): boolean {
  const { GroupId, UserId } = live.ReferencedGroupInfo ?? {};
  const addresses = live.CidrIpv4 ?? live.CidrIpv6;
  const peer =
    addresses === undefined ? (live.PrefixListId ?? withAccount(GroupId, UserId, own)) : spelled(addresses);
  const ports = of.protocol === '-1' || ((live.FromPort ?? -1) === of.from && (live.ToPort ?? -1) === of.to);
  return live.IsEgress === of.egress && live.IpProtocol === of.protocol && ports && peer === of.peer;
}
