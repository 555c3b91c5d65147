/** The Auto Scaling calls Firebreak makes. */
export {
  AttachInstancesCommand,
  AutoScalingClient as Client,
  DescribeAutoScalingGroupsCommand,
  DescribeAutoScalingInstancesCommand,
  DetachInstancesCommand,
} from '@aws-sdk/client-auto-scaling';
