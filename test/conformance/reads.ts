/** What the scenarios look at: AWS itself, through the SDK, and nothing Firebreak says about it. */
import { z } from 'zod';
import type { Stage } from './stage.ts';

/** Security groups of each interface of an instance, by interface. */
export async function groupsOf(stage: Stage, instanceId: string): Promise<Record<string, readonly string[]>> {
  const { client, api } = await stage.aws().ec2();
  const { NetworkInterfaces = [] } = await client.send(
    new api.DescribeNetworkInterfacesCommand({
      Filters: [{ Name: 'attachment.instance-id', Values: [instanceId] }],
    }),
  );
  return Object.fromEntries(
    NetworkInterfaces.map(({ NetworkInterfaceId = '', Groups = [] }) => [
      NetworkInterfaceId,
      Groups.map(({ GroupId = '' }) => GroupId).sort(),
    ]),
  );
}

/** The group of that name in the VPC, with every rule it has. */
export async function namedGroup(stage: Stage, vpcId: string, name: string) {
  const { client, api } = await stage.aws().ec2();
  const { SecurityGroups = [] } = await client.send(
    new api.DescribeSecurityGroupsCommand({
      Filters: [
        { Name: 'vpc-id', Values: [vpcId] },
        { Name: 'group-name', Values: [name] },
      ],
    }),
  );
  const id = SecurityGroups[0]?.GroupId;
  if (id === undefined) return undefined;
  const { SecurityGroupRules = [] } = await client.send(
    new api.DescribeSecurityGroupRulesCommand({ Filters: [{ Name: 'group-id', Values: [id] }] }),
  );
  return { id, rules: SecurityGroupRules.length };
}

/** The attributes that containment changes. */
export async function attributesOf(stage: Stage, instanceId: string) {
  const { client, api } = await stage.aws().ec2();
  const read = (Attribute: 'disableApiTermination' | 'instanceInitiatedShutdownBehavior') =>
    client.send(new api.DescribeInstanceAttributeCommand({ InstanceId: instanceId, Attribute }));
  const [termination, shutdown] = await Promise.all([
    read('disableApiTermination'),
    read('instanceInitiatedShutdownBehavior'),
  ]);
  const { Reservations = [] } = await client.send(
    new api.DescribeInstancesCommand({ InstanceIds: [instanceId] }),
  );
  const mappings = Reservations[0]?.Instances?.[0]?.BlockDeviceMappings ?? [];
  return {
    terminationProtection: termination.DisableApiTermination?.Value ?? false,
    shutdownBehaviour: shutdown.InstanceInitiatedShutdownBehavior?.Value,
    deleteOnTermination: Object.fromEntries(
      mappings.map(({ DeviceName = '', Ebs }) => [DeviceName, Ebs?.DeleteOnTermination]),
    ),
  };
}

/** Volumes that a snapshot of this case exists of. */
export async function snapshottedVolumes(stage: Stage, caseId: string): Promise<readonly string[]> {
  const { client, api } = await stage.aws().ec2();
  const { Snapshots = [] } = await client.send(
    new api.DescribeSnapshotsCommand({
      OwnerIds: ['self'],
      Filters: [{ Name: 'tag:firebreak:case', Values: [caseId] }],
    }),
  );
  return Snapshots.map(({ VolumeId = '' }) => VolumeId).sort();
}

const document = z.object({
  Statement: z.array(
    z.looseObject({
      Effect: z.string(),
      Condition: z.record(z.string(), z.record(z.string(), z.unknown())).optional(),
    }),
  ),
});

/** Inline policies of a role, by name. */
export async function inlinePolicies(
  stage: Stage,
  RoleName: string,
): Promise<Record<string, z.infer<typeof document>>> {
  const { client, api } = await stage.aws().iam();
  const { PolicyNames = [] } = await client.send(new api.ListRolePoliciesCommand({ RoleName }));
  const given: Record<string, z.infer<typeof document>> = {};
  for (const PolicyName of PolicyNames) {
    const { PolicyDocument = '' } = await client.send(new api.GetRolePolicyCommand({ RoleName, PolicyName }));
    given[PolicyName] = document.parse(JSON.parse(decodeURIComponent(PolicyDocument)));
  }
  return given;
}

/** What IAM decides for a call of the session of that instance. */
export async function simulate(
  stage: Stage,
  roleArn: string,
  userId: string,
  instanceId: string,
): Promise<string | undefined> {
  const { client, api } = await stage.aws().iam();
  const { scope } = stage;
  const text = (ContextKeyName: string, value: string) => ({
    ContextKeyName,
    ContextKeyType: 'string' as const,
    ContextKeyValues: [value],
  });
  const { EvaluationResults = [] } = await client.send(
    new api.SimulatePrincipalPolicyCommand({
      PolicySourceArn: roleArn,
      ActionNames: ['s3:GetObject'],
      ContextEntries: [
        text('aws:userid', userId),
        text(
          'ec2:SourceInstanceArn',
          `arn:${scope.partition}:ec2:${scope.region}:${scope.account}:instance/${instanceId}`,
        ),
      ],
    }),
  );
  return EvaluationResults[0]?.EvalDecision;
}

/** Entries of a network ACL: `in 100 allow 0.0.0.0/0`. */
export async function aclEntries(stage: Stage, acl: string): Promise<readonly string[]> {
  const { client, api } = await stage.aws().ec2();
  const { NetworkAcls } = await client.send(new api.DescribeNetworkAclsCommand({ NetworkAclIds: [acl] }));
  return (NetworkAcls?.[0]?.Entries ?? [])
    .map(
      ({ RuleNumber, Egress, RuleAction, CidrBlock, Ipv6CidrBlock }) =>
        `${Egress ? 'out' : 'in'} ${RuleNumber} ${RuleAction} ${CidrBlock ?? Ipv6CidrBlock}`,
    )
    .sort();
}
