/** Small helpers around AWS calls that more than one part of this playbook needs. */
import type { NetworkInterface } from '@aws-sdk/client-ec2';
import { z } from 'zod';
import { inBatches } from '../../core/aws/batches.ts';
import type { Aws } from '../../core/aws/client.ts';
import { allPages } from '../../core/aws/pages.ts';
import type { Target } from '../../core/journal/playbook.ts';
import { describeInstance } from '../common/ec2/instance.ts';

export { allPages, inBatches };

type Ec2 = Awaited<ReturnType<Aws['ec2']>>;

const known = z.object({ privateIps: z.array(z.string()).default([]) });

/** Private addresses of the target: those it has, and those the finding saw, for an instance that is gone by now. */
export async function addressesOf(aws: Aws, { id, facts }: Target): Promise<readonly string[]> {
  const { NetworkInterfaces = [] } = (await describeInstance(aws, id)) ?? {};
  const live = NetworkInterfaces.flatMap(
    ({ PrivateIpAddress, PrivateIpAddresses = [], Ipv6Addresses = [] }) => [
      PrivateIpAddress ?? '',
      ...PrivateIpAddresses.map((one) => one.PrivateIpAddress ?? ''),
      ...Ipv6Addresses.map(({ Ipv6Address }) => Ipv6Address ?? ''),
    ],
  );
  return [...live.filter((ip) => ip !== ''), ...known.parse(facts).privateIps];
}

/** All interfaces attached to the instance now; the list in DescribeInstances lacks who manages them. */
export const describeInterfaces = ({ client, api }: Ec2, instanceId: string): Promise<NetworkInterface[]> =>
  allPages(async (token) => {
    const answer = await client.send(
      new api.DescribeNetworkInterfacesCommand({
        Filters: [{ Name: 'attachment.instance-id', Values: [instanceId] }],
        ...(token ? { NextToken: token } : {}),
      }),
    );
    return { items: answer.NetworkInterfaces, next: answer.NextToken };
  });

/**
 * Why AWS will refuse to change the groups of this interface, or undefined. Interfaces of ECS tasks (awsvpc) and of
 * managed services belong to the service; secondary interfaces of the EKS CNI do not and accept the change. One in another VPC than
 * its instance takes no group of the instance's VPC.
 */
export function whyUnmodifiable(eni: NetworkInterface, vpcId: string | undefined): string | undefined {
  if (eni.VpcId !== vpcId) return `in another VPC, ${eni.VpcId}`;
  if (eni.RequesterManaged) return `managed by ${eni.RequesterId ?? 'an AWS service'}`;
  if (eni.Operator?.Managed) return `managed by ${eni.Operator.Principal ?? 'an AWS service'}`;
  if (/^arn:[^:]+:ecs:/.test(eni.Description ?? '')) return 'managed by Amazon ECS for a task';
  return undefined;
}

export const groupIdsOf = (eni: NetworkInterface): readonly string[] =>
  (eni.Groups ?? []).flatMap(({ GroupId }) => GroupId ?? []).sort();

export const unmodifiableResidual = (id: string, why: string): string =>
  `${id} keeps its security groups (${why}): traffic over it is not cut`;
