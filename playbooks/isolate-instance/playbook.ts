/** Playbook `isolate-instance`: an EC2 instance is cut off from the network, its evidence kept. */

import { definePlaybook } from '../../core/journal/playbook.ts';
import { READ_PROFILE } from '../common/ec2/instance-role.ts';
import { instanceDocuments, READ_CONSOLE } from '../common/evidence/workload.ts';
import { READ_CLUSTER } from '../common/kubernetes/kubernetes-permissions.ts';
import { ACL_READ, ACL_WRITE } from '../common/network-acl.ts';
import { capacityUndoSafety } from './capacity-steps.ts';
import { LABELS } from './evidence-steps.ts';
import { READ_HOSTS } from './hosts.ts';
import { locateInstance } from './locate.ts';
import { planIsolation } from './plan.ts';
import { readState } from './read.ts';
import { GROUP_TAG } from './security-groups.ts';
import { isolateSettings } from './settings.ts';
import { instanceState } from './state.ts';
import { KINDS } from './steps.ts';
import { HANDLES, instanceFacts, targetOf } from './target.ts';
import { proveIsolation } from './verify.ts';

const ec2Arn = (resource: string) => `arn:\${Partition}:ec2:\${Region}:\${Account}:${resource}`;
const AUTO_SCALING_GROUPS =
  'arn:${Partition}:autoscaling:${Region}:${Account}:autoScalingGroup:*:autoScalingGroupName/*';
const TARGET_GROUPS = 'arn:${Partition}:elasticloadbalancing:${Region}:${Account}:targetgroup/*';
const OURS = { StringLike: { [`aws:ResourceTag/${GROUP_TAG}`]: '*' } };

export const isolateInstance = definePlaybook({
  id: 'isolate-instance',
  title: 'Isolate an EC2 instance from the network',
  about: `
Evidence first: termination protection, shutdown behaviour, volumes kept, one set of snapshots. EC2 takes neither of the first two of a
spot instance, no shutdown behaviour of one whose root volume is an instance store, and none of the three of one that a service manages:
the card says so, and the steps are left out. Then the instance leaves
its Auto Scaling group and its target groups, since a group with ELB health checks would end it. Then every network
interface goes through \`firebreak-transit\` (everything open, so that connections are untracked) to
\`firebreak-quarantine\` (no rules): that ends untracked connections at once. Where a VPC has a group of such a name that is not Firebreak's by its tag, that
group stays as it is and the case gets its own, named after it.

**Hosts of others** (ECS container instances, nodes of EKS, Karpenter and kOps, EMR, AWS Batch, Elastic Beanstalk) are never isolated
without a question: their tasks and pods go down with them, and their controller may delete them. ECS's list of container instances,
the Auto Scaling group, the instance profile and the image say what the instance is; tags do so as well, since asking is all that a
forged one achieves. The tasks, or the pods where Firebreak may read the cluster, are in the blast radius.

**Not cut** are connections that AWS always tracks: through NAT gateways, transit gateways, Network and Gateway Load
Balancers, interface endpoints, Network Firewall. They are named, and the incident ends \`residual\`, not \`contained\`.
Security groups do not filter the VPC resolver, the metadata service, NTP and DHCP either: where the finding is about DNS the incident
ends \`residual\` unless DNS Firewall blocks the finding's domain and every name below it in the VPC. Whether one moment in the open
group always suffices is unproven [M-LAB]. Images made of the instance since it was first seen are named: they carry what was
on it, and the incident ends \`residual\`.

**Credentials of its role** that were taken out before stay valid elsewhere for up to 6 hours. Unless a deny of Firebreak holds
its session, the incident ends \`residual\` and \`revoke-instance-session\` follows.

With \`natNetworkAcl: true\` in policy.yml the instance's own addresses are denied in the network ACL of each NAT gateway's
subnet as well, where that ACL carries the tag \`firebreak\`: rule numbers 1 to 99, both directions, no other address is
touched. Whether that ends a connection which is open already is unproven [M-LAB], so it is off as shipped, and the incident
still names it.

**Undo** gives every interface its own groups back if it is still in quarantine only, attaches and registers the instance
again, and restores its attributes. Snapshots and tags stay. Of Firebreak's groups the last isolated instance of the VPC takes
quarantine away. The replacement that Auto Scaling started stays, and the desired capacity is one more than before: Auto Scaling
ends an instance for good when it is lowered, another one even while this one is protected from scale-in. So undo says it and
leaves that to a person. To detach with a lower desired capacity would undo exactly, and leave the service one instance short for as
long as the isolation lasts.
`.trim(),
  handles: HANDLES,
  settings: isolateSettings,
  reversible: {
    kind: 'partly',
    lost: 'connections that were cut; a place in a full Auto Scaling group; the desired capacity, which is one more',
  },
  permissions: {
    read: [
      READ_CONSOLE,
      ...READ_HOSTS,
      READ_CLUSTER,
      READ_PROFILE,
      {
        actions: ['iam:GetRolePolicy', 'iam:ListRolePolicies'],
        resources: ['arn:${Partition}:iam::${Account}:role/*'],
        why: 'whether the session of its role is denied: credentials taken out of it work elsewhere',
      },
      {
        // Describe calls of EC2, Auto Scaling and Elastic Load Balancing have no resource level.
        actions: [
          'autoscaling:DescribeAutoScalingGroups',
          'autoscaling:DescribeAutoScalingInstances',
          'ec2:DescribeImages',
          'ec2:DescribeInstanceAttribute',
          'ec2:DescribeInstances',
          'ec2:DescribeNatGateways',
          'ec2:DescribeNetworkInterfaces',
          ...ACL_READ,
          'ec2:DescribeRegions',
          'ec2:DescribeRouteTables',
          'ec2:DescribeSecurityGroupRules',
          'ec2:DescribeSecurityGroups',
          'ec2:DescribeSnapshots',
          'ec2:DescribeVpcEndpoints',
          'elasticloadbalancing:DescribeTargetGroups',
          'elasticloadbalancing:DescribeTargetHealth',
        ],
        resources: ['*'],
        why: 'the instance, its network, volumes, Auto Scaling group and target groups',
      },
      {
        // Only the domains of a list could be named, and the rules say which lists there are.
        actions: [
          'route53resolver:ListFirewallDomains',
          'route53resolver:ListFirewallRuleGroupAssociations',
          'route53resolver:ListFirewallRules',
        ],
        resources: ['*'],
        why: 'whether the domain of a finding about DNS is blocked in its VPC',
      },
    ],
    write: [
      {
        ...ACL_WRITE,
        why: 'denies the instance at NAT gateways, in network ACLs that carry its tag only',
        worst: 'allows or denies any traffic in network ACLs that carry the tag',
      },
      {
        actions: ['ec2:ModifyInstanceAttribute'],
        resources: [ec2Arn('instance/*')],
        // Published policies spell the attribute in both cases (`userData`, `BlockDeviceMapping`): the case is ignored. [M-LAB]
        condition: {
          StringEqualsIgnoreCase: {
            'ec2:Attribute': [
              'BlockDeviceMapping',
              'DisableApiTermination',
              'InstanceInitiatedShutdownBehavior',
            ],
          },
        },
        why: 'termination protection, shutdown behavior and volumes, so that evidence stays; never user data',
        worst: 'takes termination protection away, and lets volumes go with their instance',
      },
      {
        // Asked about in addition to the instance, which has the attribute.
        actions: ['ec2:ModifyInstanceAttribute'],
        resources: [ec2Arn('volume/*')],
        why: 'the volumes of that call',
        worst: 'nothing without the right on the instance',
      },
      {
        actions: ['ec2:ModifyNetworkInterfaceAttribute'],
        resources: [ec2Arn('network-interface/*'), ec2Arn('instance/*'), ec2Arn('security-group/*')],
        why: 'moves interfaces to quarantine, and back to groups that can be any of the VPC',
        worst:
          'takes any interface off the network, or puts it into any group of its VPC, an open one of its own making included',
      },
      {
        actions: ['ec2:CreateSecurityGroup'],
        resources: [ec2Arn('security-group/*'), ec2Arn('vpc/*')],
        why: 'makes the two groups of a VPC',
        worst: 'fills the quota of groups, and makes groups to open afterwards',
      },
      {
        actions: [
          'ec2:AuthorizeSecurityGroupEgress',
          'ec2:AuthorizeSecurityGroupIngress',
          'ec2:RevokeSecurityGroupEgress',
          'ec2:RevokeSecurityGroupIngress',
        ],
        resources: [ec2Arn('security-group/*')],
        condition: OURS,
        why: 'rules of its own groups only, known by their tag',
        worst:
          'opens the quarantine to everything, or a group of its own making that it then gives to an interface',
      },
      {
        actions: ['ec2:CreateSnapshots'],
        resources: [ec2Arn('instance/*'), ec2Arn('volume/*'), 'arn:${Partition}:ec2:${Region}::snapshot/*'],
        why: 'one set of snapshots over all volumes',
        worst: 'cost: snapshots of every volume; it can neither share nor read them',
      },
      {
        actions: ['ec2:CreateTags'],
        resources: [ec2Arn('instance/*')],
        condition: { 'ForAllValues:StringEquals': { 'aws:TagKeys': LABELS } },
        why: 'names the case on the instance, under its own tag keys only',
        worst: 'false labels on any instance',
      },
      {
        actions: ['ec2:CreateTags'],
        resources: ['arn:${Partition}:ec2:${Region}::snapshot/*'],
        condition: { StringEquals: { 'ec2:CreateAction': 'CreateSnapshots' } },
        why: 'tags the snapshots that it creates, never one that exists',
        worst: 'nothing beyond the snapshots themselves',
      },
      {
        actions: ['ec2:CreateTags'],
        resources: [ec2Arn('security-group/*')],
        condition: { StringEquals: { 'ec2:CreateAction': 'CreateSecurityGroup' } },
        why: 'the tags of a group that it creates, never of one that exists',
        worst: "makes groups that count as Firebreak's",
      },
      {
        actions: ['autoscaling:DetachInstances'],
        resources: [AUTO_SCALING_GROUPS],
        why: 'out of the group that would end it',
        worst: 'takes any instance out of its Auto Scaling group',
      },
      {
        actions: ['elasticloadbalancing:DeregisterTargets'],
        resources: [TARGET_GROUPS],
        why: 'out of the target groups',
        worst: 'takes any target out of its load balancer: an outage',
      },
    ],
    undo: [
      {
        actions: ['ec2:DeleteSecurityGroup'],
        resources: [ec2Arn('security-group/*')],
        condition: OURS,
        why: 'deletes its own groups once nothing uses them, known by their tag',
        worst: 'deletes groups that carry the tag and that nothing uses',
      },
      {
        actions: ['autoscaling:AttachInstances'],
        resources: [AUTO_SCALING_GROUPS],
        why: 'back into the group',
        worst: 'puts any instance into any Auto Scaling group',
      },
      {
        actions: ['elasticloadbalancing:RegisterTargets'],
        resources: [TARGET_GROUPS],
        why: 'back into the target groups',
        worst: 'sends the traffic of any load balancer to a target of its choice',
      },
    ],
  },
  // EC2 describes are eventually consistent by seconds; flow logs would prove it after about ten minutes.
  proofDelaySeconds: 5,
  facts: instanceFacts,
  state: instanceState,
  targetOf,
  locate: locateInstance,
  read: readState,
  plan: planIsolation,
  kinds: KINDS,
  verify: proveIsolation,
  evidence: (target, aws) => instanceDocuments(aws, target.id),
  undoSafety: capacityUndoSafety,
});
