/** From a Kubernetes node to its EC2 instance. */
import type { Aws } from '../../../core/aws/client.ts';

const INSTANCE_ID = /^i-[0-9a-f]{8,17}$/;

/** `aws:///eu-west-1a/i-0abc`: how the cloud provider names a node's instance. Undefined for Fargate. */
export const instanceOfProvider = (providerId: string | undefined): string | undefined => {
  const id = providerId?.split('/').at(-1) ?? '';
  return INSTANCE_ID.test(id) ? id : undefined;
};

/** A node is named after its instance's private DNS name, or in EKS Auto Mode after the instance itself. */
export async function instanceOfNodeName(aws: Aws, node: string): Promise<string | undefined> {
  const { client, api } = await aws.ec2();
  const filter = INSTANCE_ID.test(node)
    ? { Name: 'instance-id', Values: [node] }
    : { Name: 'private-dns-name', Values: [node] };
  const { Reservations = [] } = await client.send(new api.DescribeInstancesCommand({ Filters: [filter] }));
  const found = Reservations.flatMap(({ Instances = [] }) => Instances);
  return found.length === 1 ? found[0]?.InstanceId : undefined;
}
