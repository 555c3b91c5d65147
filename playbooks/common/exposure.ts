/** What the security groups of an instance let in, read live. */
import type { Aws } from '../../core/aws/client.ts';

export interface Opening {
  readonly groupId: string;
  /** A range, a prefix list or another group. */
  readonly from: string;
  /** `tcp 22`, `udp 53-60`, `all traffic`. */
  readonly ports: string;
}

/** Inbound rules of the groups that cover the port; without a port, all of them. */
export async function openingsOf(
  aws: Aws,
  groupIds: readonly string[],
  port?: number,
): Promise<readonly Opening[]> {
  if (groupIds.length === 0) return [];
  const { client, api } = await aws.ec2();
  const found: Opening[] = [];
  let token: string | undefined;
  do {
    const page = await client.send(
      new api.DescribeSecurityGroupRulesCommand({
        Filters: [{ Name: 'group-id', Values: [...groupIds] }],
        ...(token === undefined ? {} : { NextToken: token }),
      }),
    );
    token = page.NextToken;
    for (const rule of page.SecurityGroupRules ?? []) {
      const { IsEgress, IpProtocol = '-1', FromPort = -1, ToPort = -1 } = rule;
      const all = IpProtocol === '-1';
      const covers =
        all ||
        (['tcp', 'udp', '6', '17'].includes(IpProtocol) &&
          (FromPort === -1 || (FromPort <= (port ?? FromPort) && (port ?? ToPort) <= ToPort)));
      if (IsEgress || !covers) continue;
      found.push({
        groupId: rule.GroupId ?? '',
        from:
          rule.CidrIpv4 ??
          rule.CidrIpv6 ??
          rule.PrefixListId ??
          rule.ReferencedGroupInfo?.GroupId ??
          'unknown',
        ports: all
          ? 'all traffic'
          : `${IpProtocol} ${FromPort === ToPort ? FromPort : `${FromPort}-${ToPort}`}`,
      });
    }
  } while (token !== undefined);
  return found;
}
