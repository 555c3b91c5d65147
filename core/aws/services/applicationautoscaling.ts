/** The Application Auto Scaling calls Firebreak makes. */
export {
  ApplicationAutoScalingClient as Client,
  DescribeScalableTargetsCommand,
  RegisterScalableTargetCommand,
} from '@aws-sdk/client-application-auto-scaling';
