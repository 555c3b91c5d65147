/** Rules of security groups as data: which of them let the source in, and how EC2 wants them written. */
import type { IpPermission, SecurityGroupRule } from '@aws-sdk/client-ec2';
import { z } from 'zod';
import { parseRange, rangeFinder } from '../../core/addresses.ts';
import { canonicalJson } from '../../core/json.ts';

export const ruleSchema = z.object({
  egress: z.boolean(),
  protocol: z.string(),
  from: z.number().nullable(),
  to: z.number().nullable(),
  peer: z.enum(['ipv4', 'ipv6', 'prefix-list', 'group']),
  value: z.string(),
});
export type Rule = z.infer<typeof ruleSchema>;

/** Undefined for a rule of a form that EC2 does not have today. */
export function ruleOf(rule: SecurityGroupRule): Rule | undefined {
  const peer = rule.CidrIpv4
    ? (['ipv4', rule.CidrIpv4] as const)
    : rule.CidrIpv6
      ? (['ipv6', rule.CidrIpv6] as const)
      : rule.PrefixListId
        ? (['prefix-list', rule.PrefixListId] as const)
        : rule.ReferencedGroupInfo?.GroupId
          ? (['group', rule.ReferencedGroupInfo.GroupId] as const)
          : undefined;
  if (!peer) return undefined;
  return {
    egress: rule.IsEgress === true,
    protocol: rule.IpProtocol ?? '-1',
    // All protocols have no ports, which EC2 writes as -1.
    from: rule.IpProtocol === '-1' ? null : (rule.FromPort ?? null),
    to: rule.IpProtocol === '-1' ? null : (rule.ToPort ?? null),
    peer: peer[0],
    value: peer[1],
  };
}

/** The range of an inbound rule holds one of the addresses. What a prefix list holds is not looked up: it may. */
export function letsIn({ egress, peer, value }: Rule, sources: readonly string[]): boolean {
  if (egress || (peer !== 'ipv4' && peer !== 'ipv6')) return false;
  const range = parseRange(value);
  const find = rangeFinder(range ? [range] : []);
  return sources.some((ip) => find(ip) !== undefined);
}

export const ruleText = ({ egress, protocol, from, to, value }: Rule): string => {
  const ports = protocol === '-1' ? 'all' : from === to ? `${protocol} ${from}` : `${protocol} ${from}-${to}`;
  return `${ports} ${egress ? 'to' : 'from'} ${value}`;
};

/** Without doubles, in an order of its own: equal sets give equal JSON. */
export const sortedRules = (rules: readonly Rule[]): Rule[] => {
  const byText = new Map(rules.map((rule) => [canonicalJson({ ...rule }), rule]));
  return [...byText.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, rule]) => rule);
};

export function permissionOf({ protocol, from, to, peer, value }: Rule): IpPermission {
  const permission: IpPermission = {
    IpProtocol: protocol,
    ...(from === null || to === null ? {} : { FromPort: from, ToPort: to }),
  };
  switch (peer) {
    case 'ipv4':
      return { ...permission, IpRanges: [{ CidrIp: value }] };
    case 'ipv6':
      return { ...permission, Ipv6Ranges: [{ CidrIpv6: value }] };
    case 'prefix-list':
      return { ...permission, PrefixListIds: [{ PrefixListId: value }] };
    case 'group':
      return { ...permission, UserIdGroupPairs: [{ GroupId: value }] };
  }
}
