/** Instances that carry something for others: isolation asks, and says what goes down with them. */
import { describe, expect, it } from 'vitest';
import type { AccountTwin } from '../../sandbox/twin/twin.ts';
import { addressFinding, addressWorld } from '../../sandbox/worlds.ts';
import { objects, shopCluster } from '../../test/playbooks/kubernetes-world.ts';
import { scene, sceneDatabase } from '../../test/playbooks/properties.ts';
import { isolateInstance } from './playbook.ts';

const database = sceneDatabase('isolate-instance-hosts-test');
type Change = (twin: AccountTwin, instanceId: string) => void;

async function planned(change: Change) {
  const at = scene(
    database(),
    isolateInstance,
    {
      worlds: undefined as never,
      open(twin) {
        const { instanceId } = addressWorld(twin);
        change(twin, instanceId);
        return addressFinding(twin, instanceId, { seed: 'host' });
      },
    },
    undefined,
  );
  const plan = await at.plan();
  if (plan.kind !== 'plan') throw new Error(plan.reason);
  return plan;
}
const instanceOf = (twin: AccountTwin, id: string) => {
  const found = twin.region().instances.find(({ InstanceId }) => InstanceId === id);
  if (!found) throw new Error('no instance');
  return found;
};
const tagged =
  (...keys: readonly string[]): Change =>
  (twin, id) => {
    for (const key of keys) instanceOf(twin, id).Tags[key] = 'owned';
  };

it('an instance of no one else is isolated without a question', async () => {
  const plan = await planned(tagged('Name', 'team'));
  expect(plan.askBecause).toEqual([]);
  expect(plan.blastRadius.detail).toHaveLength(1);
});

describe('a container instance of ECS', () => {
  const registered =
    (cluster: string): Change =>
    ({ region }, ec2InstanceId) => {
      const { ecs } = region();
      const at = 'arn:aws:ecs:eu-west-1:111122223333';
      const host = (id: string) => `${at}:container-instance/${cluster}/${id}`;
      ecs.containerInstances = [
        { containerInstanceArn: host('ours'), cluster, ec2InstanceId },
        { containerInstanceArn: host('other'), cluster, ec2InstanceId: 'i-0fffffffffffffff0' },
      ];
      for (const [id, on] of [
        ['1', 'ours'],
        ['2', 'ours'],
        ['3', 'other'],
      ] as const)
        ecs.tasks.push({
          taskArn: `${at}:task/${cluster}/${id.padStart(32, '0')}`,
          cluster,
          group: `service:web-${id}`,
          taskDefinitionArn: `${at}:task-definition/web:${id}`,
          launchType: 'EC2',
          lastStatus: 'RUNNING',
          desiredStatus: 'RUNNING',
          startedBy: 'ecs-svc/1',
          containerInstanceArn: host(on),
        });
    };

  it('is known by the list of ECS, without any tag, and its tasks are in the blast radius', async () => {
    const plan = await planned(registered('shop'));
    expect(plan.askBecause.join()).toMatch(/ECS container instance of cluster shop .*2 others run on it/);
    const detail = plan.blastRadius.detail.join();
    expect(detail).toMatch(/service:web-1, web:1.*service:web-2, web:2/);
    expect(detail).not.toContain('web-3');
  });

  it('of a compute environment is one of AWS Batch', async () => {
    const plan = await planned(registered('nightly_Batch_0123'));
    expect(plan.askBecause.join()).toContain('an AWS Batch instance of cluster nightly_Batch_0123');
  });

  it('that took itself off the list is known by what it cannot change', async () => {
    const plan = await planned(tagged('AmazonECSManaged'));
    expect(plan.askBecause.join()).toContain('an ECS container instance (tag AmazonECSManaged)');
    expect(plan.blastRadius.detail.join()).toContain('no cluster of ECS lists it');
  });
});

describe('a node of Kubernetes', () => {
  it('is known by its tag, and its pods are in the blast radius', async () => {
    const plan = await planned((twin, id) => {
      tagged('eks:nodegroup-name')(twin, id);
      instanceOf(twin, id).Tags['aws:eks:cluster-name'] = 'shop';
      const pod = (name: string, nodeName: string) => ({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name, namespace: 'web' },
        spec: { nodeName, containers: [] },
      });
      objects(shopCluster(twin), pod('cart', id), pod('elsewhere', 'i-0fffffffffffffff0'));
    });
    expect(plan.askBecause.join()).toMatch(/an EKS node of cluster shop .*1 other runs on it/);
    expect(plan.blastRadius.detail.join()).toMatch(/pod web\/cart/);
    expect(plan.blastRadius.detail.join()).not.toContain('elsewhere');
  });

  it('says why its pods are not known', async () => {
    const plan = await planned(tagged('kubernetes.io/cluster/other'));
    expect(plan.askBecause.join()).toContain('an EKS node of cluster other');
    expect(plan.blastRadius.detail.join()).toMatch(/is not known: /);
  });
});

describe('known without what the instance may write', () => {
  it.each<[string, string, Change]>([
    [
      'an image',
      'an EKS node',
      (twin, id) => {
        const { ImageId } = instanceOf(twin, id);
        twin.region().images = [
          {
            ImageId,
            Name: 'amazon-eks-node-1.33-v20260101',
            SourceInstanceId: '',
            CreationDate: '',
            Tags: {},
          },
        ];
      },
    ],
    [
      'a profile',
      'an Elastic Beanstalk instance',
      (twin, id) => {
        instanceOf(twin, id).profileArn =
          'arn:aws:iam::111122223333:instance-profile/aws-elasticbeanstalk-ec2-role';
      },
    ],
    [
      'a profile',
      'an EMR node',
      (twin, id) => {
        instanceOf(twin, id).profileArn = 'arn:aws:iam::111122223333:instance-profile/EMR_EC2_DefaultRole';
      },
    ],
    [
      'an Auto Scaling group',
      'an EKS node',
      ({ region }, id) => {
        region().capacity.autoScalingGroups.push({
          AutoScalingGroupName: 'eks-workers-0cc0ffee',
          AutoScalingGroupARN:
            'arn:aws:autoscaling:eu-west-1:111122223333:autoScalingGroup:1:autoScalingGroupName/eks',
          MinSize: 1,
          MaxSize: 2,
          DesiredCapacity: 1,
          HealthCheckType: 'EC2',
          TargetGroupARNs: [],
          instances: [id],
        });
      },
    ],
  ])('by %s: %s', async (_by, what, change) => {
    expect((await planned(change)).askBecause.join()).toContain(`it is ${what} (`);
  });
});

it.each([
  ['aws:eks:cluster-name', 'an EKS node'],
  ['kubernetes.io/cluster/shop', 'an EKS node'],
  ['karpenter.sh/nodepool', 'a Karpenter node'],
  ['karpenter.k8s.aws/ec2nodeclass', 'a Karpenter node'],
  ['k8s.io/role/node', 'a Kubernetes node'],
  ['kops.k8s.io/instancegroup', 'a Kubernetes node'],
  ['KubernetesCluster', 'a Kubernetes node'],
  ['aws:ecs:clusterName', 'an ECS container instance'],
  ['aws:elasticmapreduce:job-flow-id', 'an EMR node'],
  ['AWSBatchServiceTag', 'an AWS Batch instance'],
  ['elasticbeanstalk:environment-name', 'an Elastic Beanstalk instance'],
])('the tag %s says that it is %s', async (key, what) => {
  expect((await planned(tagged(key))).askBecause.join()).toContain(`it is ${what}`);
});
