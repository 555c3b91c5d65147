/** Auto Scaling and load balancing: the twin's account has none yet, and says so by its state; changes throw. */
import type { Answers } from './twin.ts';

export const capacity: Readonly<Record<string, Answers>> = {
  AutoScaling: {
    DescribeAutoScalingInstances: () => ({ AutoScalingInstances: [] }),
    DescribeAutoScalingGroups: () => ({ AutoScalingGroups: [] }),
  },
  ElasticLoadBalancingV2: {
    DescribeTargetGroups: () => ({ TargetGroups: [] }),
  },
};
