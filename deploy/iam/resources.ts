/**
 * Where a call's input names the resources that IAM asks about. Most input fields are called as the ARN's own variable
 * (`${InstanceId}`); the others stand here, by `prefix:type` of the Service Authorization Reference.
 */
import type { Input } from './actions.ts';

/** Fields that hold the last part of the ARN, or whole ARNs; a dot goes into them. The first that is there counts. */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  'autoscaling:autoScalingGroup': ['AutoScalingGroupName'],
  'bedrock:guardrail': ['guardrailIdentifier'],
  'cloudtrail:trail': ['Name', 'TrailName', 'ResourceIdList'],
  // An association names its instance to EC2 alone.
  'ec2:instance': ['InstanceId', 'InstanceIds', 'InstanceSpecification.InstanceId', 'AssociationId'],
  'ec2:network-acl': ['NetworkAclId'],
  'ec2:route-table': ['RouteTableId'],
  'ec2:security-group': ['GroupId', 'Groups', 'SecurityGroupIds'],
  'ec2:vpc-flow-log': ['FlowLogIds'],
  'eks:cluster': ['clusterName', 'name'],
  'elasticloadbalancing:targetgroup': ['TargetGroupArn'],
  'events:event-bus': ['Entries.EventBusName', 'EventBusName'],
  'guardduty:detector': ['DetectorId'],
  'iam:group': ['GroupName'],
  'iam:instance-profile': ['InstanceProfileName'],
  'iam:role': ['RoleName', 'PolicySourceArn'],
  'kms:key': ['KeyId'],
  'rds:cluster': ['DBClusterIdentifier'],
  'rds:cluster-pg': ['DBClusterParameterGroupName'],
  'rds:cluster-snapshot': ['DBClusterSnapshotIdentifier'],
  'rds:db': ['DBInstanceIdentifier'],
  'rds:pg': ['DBParameterGroupName'],
  'rds:proxy': ['DBProxyName'],
  'rds:snapshot': ['DBSnapshotIdentifier'],
  // The call names the proxy alone.
  'rds:target-group': ['TargetGroupName', 'DBProxyName'],
  'route53resolver:firewall-rule-group': ['FirewallRuleGroupId'],
  'route53resolver:firewall-domain-list': ['FirewallDomainListId'],
  'route53resolver:resolver-query-log-config': ['ResolverQueryLogConfigId'],
  's3:bucket': ['Bucket'],
  'secretsmanager:Secret': ['SecretId'],
  'ssm:document': ['Name'],
  'states:statemachine': ['stateMachineArn'],
  'states:execution': ['executionArn'],
};

type Derive = (input: Input) => readonly string[];
const text = (value: unknown): string => String(value ?? '');
/** The table of a call, or of every item of a transaction. */
const tablesOf = (table: unknown, together: unknown): readonly string[] =>
  Array.isArray(together)
    ? [
        ...new Set(
          together.flatMap((item: Record<string, Input>) =>
            Object.values(item).map(({ TableName }) => text(TableName)),
          ),
        ),
      ]
    : [text(table)];
/** An ECS resource by its short name carries the cluster in its ARN. */
const inCluster =
  (field: string): Derive =>
  (input) =>
    [input[field] ?? []]
      .flat()
      .map(
        (name) =>
          `${text(input['cluster'] ?? 'default').replace(/^.*cluster\//, '')}/${text(name).replace(/^.*\//, '')}`,
      );

const inDetector =
  (type: string, ...fields: readonly string[]): Derive =>
  (input) => {
    const name = fields.map((field) => input[field]).find((value) => value !== undefined);
    return name === undefined ? [] : [`${text(input['DetectorId'])}/${type}/${text(name)}`];
  };
/** Either of the two, and both are written alike. */
const qualified: Derive = ({ FunctionName, Qualifier }) =>
  Qualifier === undefined ? [] : [`${text(FunctionName)}:${text(Qualifier)}`];

/** Calls do not name the organisation: as the twin has it. */
const ORGANISATION = 'exampleorgid';

/** Where more than one field makes the ARN. */
const DERIVED: Readonly<Record<string, Derive>> = {
  // What follows a query names its id alone.
  'athena:workgroup': ({ WorkGroup }) => [text(WorkGroup ?? 'of-the-query')],
  'cloudtrail:eventdatastore': ({ EventDataStore, QueryStatement }) => [
    text(EventDataStore ?? / FROM (\S+)/.exec(text(QueryStatement))?.[1] ?? 'of-the-query'),
  ],
  'config:ConfigurationRecorder': (input) =>
    ['ConfigurationRecorderName', 'ConfigurationRecorderNames', 'ConfigurationRecorder.name']
      .flatMap((field) => valuesAt(input, field))
      .map((name) => `${name}/id`),
  'ecs:cluster': ({ cluster }) => [
    text(cluster ?? 'default')
      .split('/')
      .at(-1) ?? '',
  ],
  'ecs:container-instance': (input) => [`${text(input['cluster'] ?? 'default')}/any`],
  'eks:podidentityassociation': ({ clusterName, associationId }) =>
    associationId === undefined ? [] : [`${text(clusterName)}/${text(associationId)}`],
  'events:rule-on-default-event-bus': ({ EventBusName, Name, Rule }) =>
    EventBusName === undefined ? [Name ?? Rule ?? []].flat().map(text) : [],
  'events:rule-on-custom-event-bus': ({ EventBusName, Name, Rule }) =>
    EventBusName === undefined ? [] : [`${text(EventBusName)}/${text(Name ?? Rule)}`],
  'guardduty:filter': inDetector('filter', 'FilterName', 'Name'),
  'guardduty:ipset': inDetector('ipset', 'IpSetId'),
  'guardduty:publishingDestination': inDetector('publishingDestination', 'DestinationId'),
  'guardduty:threatentityset': inDetector('threatentityset', 'ThreatEntitySetId'),
  'guardduty:threatintelset': inDetector('threatintelset', 'ThreatIntelSetId'),
  'guardduty:trustedentityset': inDetector('trustedentityset', 'TrustedEntitySetId'),
  // The call names the key alone.
  'iam:user': ({ AccessKeyId, UserName, PolicySourceArn }) =>
    [UserName ?? PolicySourceArn ?? (AccessKeyId === undefined ? [] : 'of-the-key')].flat().map(text),
  'identitystore:User': () => ['of-the-name'],
  // By an alias or a version IAM asks about that alone.
  'lambda:function': (input) =>
    input['Qualifier'] === undefined ? valuesAt(input, 'FunctionName') : qualified(input),
  'lambda:eventSourceMapping': ({ UUID }) => (UUID === undefined ? [] : [text(UUID)]),
  // Not named by the calls of functions themselves.
  'lambda:layerVersion': () => [],
  'lambda:function alias': qualified,
  'lambda:function version': qualified,
  'organizations:account': ({ AccountId, TargetId }) =>
    [AccountId ?? TargetId ?? []]
      .flat()
      .flatMap((id) => (/^\d{12}$/.test(text(id)) ? [`${ORGANISATION}/${text(id)}`] : [])),
  'organizations:policy': ({ PolicyId }) =>
    PolicyId === undefined ? [] : [`${ORGANISATION}/service_control_policy/${text(PolicyId)}`],
  'organizations:awspolicy': () => [],
  // Policies are attached to accounts alone.
  'organizations:organizationalunit': () => [],
  'organizations:root': () => [],
  // The name begins with the slash that follows `parameter`.
  'ssm:parameter': ({ Name, Names }) =>
    [Names ?? Name ?? []].flat().map((name) => text(name).replace(/^\//, '')),
  // moto leaves the type out of the ARN.
  'sso:PermissionSet': ({ PermissionSetArn }) =>
    PermissionSetArn === undefined ? [] : [text(PermissionSetArn).replace(/^.*:(permissionSet\/)?/, '')],
  'sso:Account': ({ TargetId, TargetType }) => [
    TargetType === 'AWS_ACCOUNT' ? text(TargetId) : 'all-provisioned',
  ],
  'scheduler:schedule': ({ GroupName, Name }) => [`${text(GroupName ?? 'default')}/${text(Name)}`],
  'securityhub:hub': () => ['hub/default'],
  'sqs:queue': ({ QueueName, QueueUrl }) => {
    const named = text(QueueName ?? QueueUrl).replace(/^.*\//, '');
    return named === '' ? [] : [named];
  },
  'wafv2:ipset': ({ Scope, Name, Id }) => [
    `${Scope === 'CLOUDFRONT' ? 'global' : 'regional'}/ipset/${text(Name)}/${text(Id)}`,
  ],
  // A query of an index is judged by the index alone.
  'dynamodb:table': ({ IndexName, TableName, TransactItems }) =>
    IndexName === undefined ? tablesOf(TableName, TransactItems) : [],
  'dynamodb:index': (input) =>
    input['IndexName'] === undefined ? [] : [`${text(input['TableName'])}/index/${text(input['IndexName'])}`],
  'ecs:service': (input) => inCluster(input['services'] === undefined ? 'service' : 'services')(input),
  'ecs:task': (input) => inCluster(input['tasks'] === undefined ? 'task' : 'tasks')(input),
  'eks:access-entry': (input) => {
    const [, account, kind, name] = /::(\d*):(role|user)\/(.+)$/.exec(text(input['principalArn'])) ?? [];
    return [`${text(input['clusterName'])}/${kind}/${account}/${name}/uuid`];
  },
  'ec2:volume': (input) => [
    ...[input['BlockDeviceMappings'] ?? []].flat().map(() => 'vol-of-the-mapping'),
    ...[input['VolumeId'] ?? []].flat().map(text),
  ],
  's3:object': (input) => [`${text(input['Bucket'])}/${text(input['Key'])}`],
};

/**
 * What a call makes: IAM asks about it before it has a name of its own. `created` stands for one that has not.
 */
const MADE: Readonly<Record<string, readonly string[]>> = {
  'ec2:CreateSecurityGroup': ['security-group'],
  'ec2:CreateFlowLogs': ['vpc-flow-log'],
  'ec2:CreateSnapshots': ['snapshot', 'volume'],
};

/** CreateTags names resources of any type by their ids. */
const EC2_IDS: Readonly<Record<string, string>> = {
  image: 'ami',
  instance: 'i',
  'network-acl': 'acl',
  'network-interface': 'eni',
  'security-group': 'sg',
  snapshot: 'snap',
  subnet: 'subnet',
  volume: 'vol',
  vpc: 'vpc',
  'vpc-flow-log': 'fl',
};

/** The last parts, or whole ARNs, of the resources of one type that the call names; none when it names none. */
export function namedResources(
  prefix: string,
  action: string,
  type: string,
  variable: string,
  input: Input,
): readonly string[] {
  if (MADE[`${prefix}:${action}`]?.includes(type)) return ['created'];
  // Flow logs name what they watch the same way.
  const ids = { CreateFlowLogs: 'ResourceIds', CreateTags: 'Resources', DeleteTags: 'Resources' }[action];
  if (prefix === 'ec2' && ids !== undefined) {
    return valuesAt(input, ids).filter((id) => id.startsWith(`${EC2_IDS[type]}-`));
  }
  const key = `${prefix}:${type}`;
  const derived = DERIVED[key];
  if (derived) return derived(input);
  for (const field of FIELDS[key] ?? [variable, `${variable}s`]) {
    const found = valuesAt(input, field);
    if (found.length > 0) return found;
  }
  return [];
}

/** Texts at a path of field names, whatever their case; lists on the way are gone through. */
function valuesAt(value: unknown, path: string): readonly string[] {
  if (Array.isArray(value)) return value.flatMap((one) => valuesAt(one, path));
  if (path === '') return typeof value === 'string' ? [value] : [];
  if (typeof value !== 'object' || value === null) return [];
  const [first = '', ...rest] = path.split('.');
  const member = Object.entries(value).find(([name]) => name.toLowerCase() === first.toLowerCase());
  return member ? valuesAt(member[1], rest.join('.')) : [];
}
