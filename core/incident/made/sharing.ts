/** Calls that open a resource to others: its policy, a grant, a share. */
import { awsCommand } from '../../aws/command-line.ts';
import { isJsonObject, type Json } from '../../json.ts';
import { ACCOUNT, ANY_ARN, type Call, type EventReader, grantees, ID, named } from './call.ts';
import { membersNamed, textsNamed } from './record.ts';

const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const QUEUE = /^https:\/\/[a-z0-9.-]{1,100}\/\d{12}\/[\w.-]{1,80}$/;

const sharing = (source: string, names: readonly string[], read: Call['read']): Call => ({
  gives: 'sharing',
  ...{ source, names, read },
});

const TAKE_OUT = 'Read the policy and take out the statements that were added';

/** A policy document that takes the place of the one before, which the record does not hold. */
const policyOf =
  (
    kind: string,
    member: (event: EventReader) => string | undefined,
    documents: readonly string[],
    command: (event: EventReader, id: string | undefined) => string | undefined,
  ): Call['read'] =>
  (event) => ({
    what: `policy of ${kind} ${named(member(event))}${grantees(event, ...documents)}`,
    action: TAKE_OUT,
    command: command(event, member(event)),
  });

/** What was added; undefined where the call only took something away. */
function added(event: EventReader, ...members: readonly string[]): Json | undefined {
  const [found] = members.flatMap((name) => membersNamed(event.record.requestParameters ?? undefined, name));
  const isEmpty =
    found === undefined || (isJsonObject(found) && Object.keys(found).length === 0) || found === null;
  return isEmpty ? undefined : found;
}

/** Accounts and groups to whom a snapshot or an image was opened. */
function openedTo(event: EventReader): { readonly accounts: readonly string[]; readonly all: boolean } {
  const add = added(event, 'add');
  return {
    accounts: textsNamed(add, 'userId', ACCOUNT).slice(0, 20),
    all: textsNamed(add, 'group', /^all$/).length > 0,
  };
}

/** `--user-ids` and `--group-names`, those that there are. */
const receivers = ({ accounts, all }: ReturnType<typeof openedTo>) => ({
  ...(accounts.length > 0 ? { 'user-ids': accounts } : {}),
  ...(all ? { 'group-names': 'all' } : {}),
});
const shownTo = ({ accounts, all }: ReturnType<typeof openedTo>): string =>
  [...(all ? ['everyone'] : []), ...accounts].join(', ') || 'others';

const EC2: readonly Call[] = [
  sharing('ec2', ['ModifySnapshotAttribute'], (event) => {
    if (added(event, 'add') === undefined) return undefined;
    const id = event.asked('snapshotId', /^snap-[0-9a-f]{8,17}$/);
    const to = openedTo(event);
    return {
      what: `snapshot ${named(id)} shared with ${shownTo(to)}`,
      action: 'End the sharing',
      command: event.regional('ec2 modify-snapshot-attribute', {
        'snapshot-id': id,
        attribute: 'createVolumePermission',
        'operation-type': 'remove',
        ...receivers(to),
      }),
    };
  }),
  sharing('ec2', ['ModifyImageAttribute'], (event) => {
    if (added(event, 'add') === undefined) return undefined;
    const id = event.asked('imageId', /^ami-[0-9a-f]{8,17}$/);
    const to = openedTo(event);
    return {
      what: `image ${named(id)} shared with ${shownTo(to)}`,
      action: 'End the sharing',
      command: event.regional('ec2 modify-image-attribute', {
        'image-id': id,
        attribute: 'launchPermission',
        'operation-type': 'remove',
        ...receivers(to),
      }),
    };
  }),
];

const RDS: readonly Call[] = (['DBSnapshot', 'DBClusterSnapshot'] as const).map((kind) =>
  sharing('rds', [`Modify${kind}Attribute`], (event) => {
    const to = added(event, 'valuesToAdd');
    if (to === undefined || (Array.isArray(to) && to.length === 0)) return undefined;
    const values = [to].flat().filter((each) => typeof each === 'string' && /^(\d{12}|all)$/.test(each));
    const id = event.asked(`d${kind.slice(1)}Identifier`, ID);
    const option = kind === 'DBSnapshot' ? 'db-snapshot' : 'db-cluster-snapshot';
    return {
      what: `database snapshot ${named(id)} shared with ${values.join(', ') || 'others'}`,
      action: 'End the sharing',
      command: event.regional(`rds modify-${option}-attribute`, {
        [`${option}-identifier`]: id,
        'attribute-name': 'restore',
        'values-to-remove': values as readonly string[],
      }),
    };
  }),
);

const DATA: readonly Call[] = [
  sharing(
    's3',
    ['PutBucketPolicy'],
    policyOf(
      'bucket',
      (event) => event.asked('bucketName', BUCKET),
      ['bucketPolicy', 'policy'],
      (_event, bucket) => awsCommand('s3api get-bucket-policy', { bucket, query: 'Policy', output: 'text' }),
    ),
  ),
  sharing('s3', ['PutBucketAcl'], (event) => {
    const bucket = event.asked('bucketName', BUCKET);
    return {
      what: `access control list of bucket ${named(bucket)}`,
      action: 'Make the list private again',
      command: awsCommand('s3api put-bucket-acl', { bucket, acl: 'private' }),
    };
  }),
  sharing('s3', ['PutBucketReplication'], (event) => {
    const bucket = event.asked('bucketName', BUCKET);
    return {
      what: `replication of bucket ${named(bucket)}${grantees(event, 'ReplicationConfiguration')}`,
      action: 'Read the replication and take out the rules that were added',
      command: awsCommand('s3api get-bucket-replication', { bucket }),
    };
  }),
  sharing(
    'kms',
    ['PutKeyPolicy'],
    policyOf(
      'key',
      (event) => event.asked('keyId', ID),
      ['policy'],
      (event, key) => event.regional('kms get-key-policy', { 'key-id': key, output: 'text' }),
    ),
  ),
  sharing('kms', ['CreateGrant'], (event) => {
    // Volumes and databases make grants for themselves all day long.
    if (event.record.userIdentity.invokedBy !== undefined) return undefined;
    const key = event.asked('keyId', ID);
    const grant = event.text('grantId', ID);
    return {
      what: `grant ${named(grant)} on key ${named(key)} for ${named(event.asked('granteePrincipal', ID))}`,
      action: 'Revoke the grant',
      command: event.regional('kms revoke-grant', { 'key-id': key, 'grant-id': grant }),
    };
  }),
  sharing(
    'secretsmanager',
    ['PutResourcePolicy'],
    policyOf(
      'secret',
      (event) => event.asked('secretId', ID),
      ['resourcePolicy'],
      (event, secret) => event.regional('secretsmanager get-resource-policy', { 'secret-id': secret }),
    ),
  ),
  sharing(
    'dynamodb',
    ['PutResourcePolicy'],
    policyOf(
      'table',
      (event) => event.asked('resourceArn', ANY_ARN),
      ['policy'],
      (event, resource) => event.regional('dynamodb get-resource-policy', { 'resource-arn': resource }),
    ),
  ),
  sharing(
    'ecr',
    ['SetRepositoryPolicy'],
    policyOf(
      'repository',
      (event) => event.asked('repositoryName', ID),
      ['policyText'],
      (event, name) => event.regional('ecr get-repository-policy', { 'repository-name': name }),
    ),
  ),
];

const MESSAGES: readonly Call[] = [
  sharing('sqs', ['AddPermission'], (event) => {
    const queue = event.asked('queueUrl', QUEUE);
    const label = event.asked('label', ID);
    return {
      what: `permission ${named(label)} on queue ${named(queue)}`,
      action: 'Remove the permission',
      command: event.regional('sqs remove-permission', { 'queue-url': queue, label }),
    };
  }),
  sharing('sqs', ['SetQueueAttributes'], (event) =>
    added(event, 'Policy') === undefined
      ? undefined
      : {
          what: `policy of queue ${named(event.asked('queueUrl', QUEUE))}${grantees(event, 'Policy')}`,
          action: TAKE_OUT,
          command: event.regional('sqs get-queue-attributes', {
            'queue-url': event.asked('queueUrl', QUEUE),
            'attribute-names': 'Policy',
          }),
        },
  ),
  sharing('sns', ['AddPermission'], (event) => {
    const topic = event.asked('topicArn', ANY_ARN);
    const label = event.asked('label', ID);
    return {
      what: `permission ${named(label)} on topic ${named(topic)}`,
      action: 'Remove the permission',
      command: event.regional('sns remove-permission', { 'topic-arn': topic, label }),
    };
  }),
  sharing('sns', ['SetTopicAttributes'], (event) =>
    event.asked('attributeName', /^Policy$/) === undefined
      ? undefined
      : {
          what: `policy of topic ${named(event.asked('topicArn', ANY_ARN))}${grantees(event, 'attributeValue')}`,
          action: TAKE_OUT,
          command: event.regional('sns get-topic-attributes', {
            'topic-arn': event.asked('topicArn', ANY_ARN),
          }),
        },
  ),
  sharing('events', ['PutPermission'], (event) => {
    const statement = event.asked('statementId', ID);
    const bus = event.asked('eventBusName', ID);
    return {
      what: `permission ${named(statement)} on event bus ${bus ?? 'default'}${grantees(event, 'principal', 'policy')}`,
      action: 'Remove the permission',
      command: event.regional('events remove-permission', {
        'statement-id': statement,
        ...(bus === undefined ? {} : { 'event-bus-name': bus }),
      }),
    };
  }),
  sharing('ram', ['CreateResourceShare', 'AssociateResourceShare'], (event) => {
    const share = event.text('resourceShareArn', ANY_ARN);
    return {
      what: `resource share ${named(share)}${grantees(event, 'principals')}`,
      action: 'Delete the share',
      command: event.regional('ram delete-resource-share', { 'resource-share-arn': share }),
    };
  }),
];

export const SHARING_CALLS: readonly Call[] = [...DATA, ...EC2, ...RDS, ...MESSAGES];
