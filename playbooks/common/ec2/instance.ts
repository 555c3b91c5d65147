/** One instance as EC2 has it now. */
import type { Instance } from '@aws-sdk/client-ec2';
import type { Aws } from '../../../core/aws/client.ts';
import { awsErrorName } from '../../../core/errors.ts';

/** Returns the instance, or undefined when EC2 does not know it (any more). */
export async function describeInstance(aws: Aws, id: string): Promise<Instance | undefined> {
  const { client, api } = await aws.ec2();
  try {
    const answer = await client.send(new api.DescribeInstancesCommand({ InstanceIds: [id] }));
    return answer.Reservations?.flatMap(({ Instances }) => Instances ?? []).find(
      ({ InstanceId }) => InstanceId === id,
    );
  } catch (error) {
    const name = awsErrorName(error);
    if (name === 'InvalidInstanceID.NotFound' || name === 'InvalidInstanceID.Malformed') return undefined;
    throw error;
  }
}

/** Returns true where the instance has ended or is ending: it can do nothing more. */
export const isGone = ({ State }: Instance): boolean =>
  State?.Name === 'terminated' || State?.Name === 'shutting-down';
