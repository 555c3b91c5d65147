/**
 * The deny at the NAT gateway: connections through a NAT gateway are always tracked, so the move to quarantine does not cut them. A deny
 * of the instance's own addresses in the network ACL of the NAT gateway's subnet stands in their way, and in no one
 * else's. That it ends a connection which is open already is unproven [M-LAB]: what is denied is named as a residual risk
 * all the same. Off unless policy.yml says `natNetworkAcl: true`.
 */
import type { NetworkInterface, RouteTable } from '@aws-sdk/client-ec2';
import { arn } from '../../core/aws/arn.ts';
import type { Aws } from '../../core/aws/client.ts';
import type { StepContext, Target } from '../../core/journal/playbook.ts';
import {
  type AclStep,
  type AclView,
  aclsOf,
  denySteps,
  entryState,
  isTagged,
  subnetsOf,
} from '../common/network-acl.ts';
import { protectedBy } from '../common/protected.ts';
import { allPages } from './aws-calls.ts';
import type { InstanceState, NatDenial } from './state.ts';
import { routeTableOf } from './tracked-paths.ts';

/** The NAT gateways on the instance's routes, with the ACL in front of each and the addresses that reach it. */
export async function natDenials(
  aws: Aws,
  interfaces: readonly NetworkInterface[],
  tables: readonly RouteTable[],
): Promise<NatDenial[]> {
  const reached = new Map<string, { readonly ips: Set<string>; readonly subnets: Set<string> }>();
  for (const eni of interfaces) {
    for (const { NatGatewayId, State } of routeTableOf(eni.SubnetId ?? '', tables)?.Routes ?? []) {
      if (!NatGatewayId || State === 'blackhole') continue;
      const known = reached.get(NatGatewayId) ?? { ips: new Set(), subnets: new Set() };
      reached.set(NatGatewayId, known);
      known.subnets.add(eni.SubnetId ?? '');
      for (const { PrivateIpAddress } of eni.PrivateIpAddresses ?? []) {
        if (PrivateIpAddress) known.ips.add(PrivateIpAddress);
      }
    }
  }
  if (reached.size === 0) return [];
  const { client, api } = await aws.ec2();
  const gateways = await allPages(async (token) => {
    const answer = await client.send(
      new api.DescribeNatGatewaysCommand({
        Filter: [{ Name: 'nat-gateway-id', Values: [...reached.keys()] }],
        ...(token ? { NextToken: token } : {}),
      }),
    );
    return { items: answer.NatGateways, next: answer.NextToken };
  });
  const subnets = [...new Set(gateways.flatMap(({ SubnetId }) => SubnetId ?? []))];
  const acls = await aclsOf(aws, subnets);
  return [...reached].map(([natGateway, { ips, subnets: from }]) => {
    const subnetId = gateways.find(({ NatGatewayId }) => NatGatewayId === natGateway)?.SubnetId ?? null;
    const acl = acls.find((one) => subnetId !== null && subnetsOf(one).includes(subnetId));
    return {
      natGateway,
      subnetId,
      acl: acl?.NetworkAclId ?? null,
      tagged: acl !== undefined && isTagged(acl),
      inside: subnetId !== null && from.has(subnetId),
      ips: [...ips].sort(),
    };
  });
}

export interface NatPlan {
  readonly steps: readonly AclStep[];
  /** Gateways that the steps deny; the others stay a plain residual risk. */
  readonly denied: readonly string[];
  readonly warnings: readonly string[];
  readonly arns: readonly string[];
}

/** Pure. */
export function planNatDenials(
  { natDenials: live }: InstanceState,
  target: Target,
  protectedArns: readonly string[],
): NatPlan {
  const warnings: string[] = [];
  const usable = live.flatMap((denial) => {
    const why = whyNot(denial, target, protectedArns);
    if (why === undefined && denial.acl !== null && denial.subnetId !== null)
      return [{ ...denial, acl: denial.acl, subnetId: denial.subnetId }];
    warnings.push(`${denial.natGateway} is not denied to it: ${why ?? 'its network ACL is not known'}`);
    return [];
  });
  return {
    steps: usable.flatMap(({ natGateway, acl, subnetId, ips }) =>
      ips.flatMap((ip) =>
        denySteps({
          region: target.region,
          acl,
          cidr: `${ip}/32`,
          subnets: [subnetId],
          what: `${ip} at ${natGateway}`,
        }),
      ),
    ),
    denied: usable.map(({ natGateway }) => natGateway),
    warnings,
    arns: usable.map(({ acl }) => aclArn(target, acl)),
  };
}

const aclArn = (target: Target, acl: string): string => arn(target, 'ec2', `network-acl/${acl}`);

function whyNot(
  { subnetId, acl, tagged, inside, ips }: NatDenial,
  target: Target,
  protectedArns: readonly string[],
): string | undefined {
  if (subnetId === null || acl === null) return 'it has no subnet with a network ACL';
  if (inside) return 'the instance is in its subnet, and traffic within a subnet passes no network ACL';
  if (!tagged) return `its network ACL ${acl} does not carry the tag firebreak`;
  if (ips.length === 0) return 'no private address of the instance is known';
  const pattern = protectedBy([acl, aclArn(target, acl)], protectedArns);
  return pattern === undefined
    ? undefined
    : `its network ACL is protected by policy.yml (protected: ${pattern})`;
}

/** What the entries are worth now, for every address at every gateway. */
export async function natResiduals(
  context: StepContext,
  entries: readonly AclView[],
): Promise<readonly string[]> {
  const looked = await Promise.all(
    entries.map(async ({ args }) => ({
      what: args.what,
      acl: args.acl,
      state: await entryState(args, context),
    })),
  );
  return [...new Set(looked.map(({ what }) => what))].map((what) => {
    const own = looked.filter((look) => look.what === what);
    const acl = own[0]?.acl ?? '';
    return own.every(({ state }) => state.value === 'denied' && state.covers)
      ? `${what} is denied in both directions by ${acl}: that this ends connections which are open already is not proven`
      : `tracked flows possible: ${what} is not denied in both directions by ${acl}, connections open before isolation may live on`;
  });
}
