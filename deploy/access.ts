/**
 * What each function may do in addition to its playbooks: the table, its log group, its secrets, the topic. One list, from
 * which deploy/roles.ts makes the IAM roles and deploy/docs.ts the permission page.
 *
 * Resources are written with `${Partition}`, `${Account}` and `${Region}` as in playbooks, and with the names of this
 * stack: `${Service}` is `firebreak-STAGE`. Names instead of `Ref` keep the stack free of circular dependencies.
 */
import type { Permission } from '../core/journal/playbook.ts';
import { MANAGEMENT_ROLES, MEMBER_ROLES } from '../core/policy/protected.ts';
import { PARTITIONS, type Partition } from '../core/table/partitions.ts';

/** Which parts of every playbook's permissions a function gets; each includes the one before it. */
export type PlaybookAccess = 'none' | 'read' | 'write' | 'undo';

export interface FunctionAccess {
  readonly name: string;
  readonly playbooks: PlaybookAccess;
  readonly base: readonly Permission[];
  /** Only executions that an earlier release started call it: the workflow whose role may. */
  readonly earlier?: 'respond';
}

const regional = (service: string, resource: string): string =>
  `arn:\${Partition}:${service}:\${Region}:\${Account}:${resource}`;
const TABLE = regional('dynamodb', 'table/${Service}');
const SLACK_SECRETS = ['bot-token', 'signing-secret'].map((name) =>
  regional('ssm', `parameter/firebreak/\${Stage}/slack/${name}`),
);

/** Only where the deployment names a key; table, queues, topics, buckets and environment are read and written through it. */
export const CUSTOMER_KEY: Permission = {
  actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
  resources: ['*'],
  why: "data under the customer's own key",
};

/**
 * Only where the deployment names a store of events: the right of every function that plans, contains or undoes, in Firebreak's own
 * account. By the parameter that names it, which is the name of its condition as well.
 */
export const EVENT_STORES: Readonly<Record<string, readonly Permission[]>> = {
  EventDataStoreArn: [
    {
      actions: ['cloudtrail:StartQuery', 'cloudtrail:GetQueryResults', 'cloudtrail:CancelQuery'],
      resources: ['${EventDataStore}'],
      why: 'calls that the event history does not keep, in CloudTrail Lake; no query changes data',
    },
  ],
  TrailTableArn: [
    {
      actions: [
        'athena:StartQueryExecution',
        'athena:GetQueryExecution',
        'athena:GetQueryResults',
        'athena:StopQueryExecution',
      ],
      resources: ['arn:${Partition}:athena:*:${Account}:workgroup/${TrailWorkgroup}'],
      why: 'calls that the event history does not keep, in a trail in S3',
    },
    {
      // Athena reads as its caller. Databases cannot be named before the table is.
      actions: ['glue:GetDatabase', 'glue:GetTable', 'glue:GetPartitions'],
      resources: [
        'arn:${Partition}:glue:*:${Account}:catalog',
        'arn:${Partition}:glue:*:${Account}:database/*',
        '${TrailTable}',
      ],
      why: 'where the log files of the trail are, for its queries',
    },
    {
      actions: ['s3:GetBucketLocation', 's3:ListBucket'],
      resources: ['arn:${Partition}:s3:::${TrailBucket}'],
      why: 'the log files of the trail, for its queries',
    },
    {
      actions: ['s3:GetObject'],
      resources: ['arn:${Partition}:s3:::${TrailBucket}/*'],
      why: 'the log files of the trail, for its queries',
    },
    {
      // Their key is in the account of the logs, whose key policy must name the roles as well.
      actions: ['kms:Decrypt'],
      resources: ['arn:${Partition}:kms:*:*:key/*'],
      condition: { Null: { 'kms:EncryptionContext:aws:cloudtrail:arn': 'false' } },
      why: 'log files of a trail under a key, and nothing else',
    },
  ],
};

const readTable: Permission = {
  actions: ['dynamodb:GetItem', 'dynamodb:Query'],
  resources: [TABLE],
  why: 'incidents, journal, holds and approvals',
};
/** Items of these partitions and no others. A request without a key would satisfy `ForAllValues` alone. */
const writeTable = (
  partitions: readonly Partition[],
  actions: readonly ('Put' | 'Update')[] = ['Put', 'Update'],
): Permission => ({
  actions: actions.map((action) => `dynamodb:${action}Item`),
  resources: [TABLE],
  condition: {
    // Operators on the key compare with wildcards as well [M].
    'ForAllValues:StringLike': {
      'dynamodb:LeadingKeys': partitions.map((partition) => PARTITIONS[partition].replace(/#$/, '#*')),
    },
    Null: { 'dynamodb:LeadingKeys': 'false' },
  },
  why: 'the items that this function keeps',
});
/** The record of an incident, its attachments, the counters of the list, and that it is not over. */
// Functions of the earlier release write the old counters while a deployment is under way.
const INCIDENT = ['incident', 'work', 'count', 'counts', 'monthCounts'] as const;
/** What Classify decides, and what it counts for the next decision. */
const DECISION = ['verdict', 'breaker', 'principal'] as const;
/** What is changed on AWS, step by step. */
const JOURNAL = ['hold', 'lease'] as const;
/** What showing a card keeps: that Slack did not take it, and which card others stand under. */
const CARDS = ['owedCard', 'conversation'] as const;
const tableIndex: Permission = {
  actions: ['dynamodb:Query'],
  resources: [`${TABLE}/index/gsi1`],
  why: 'newest incidents, pending decisions',
};
/** The list by one of its facets has an index of its own. */
const facetIndex = (facet: 'status' | 'account', why: string): Permission => ({
  actions: ['dynamodb:Query'],
  resources: [`${TABLE}/index/${facet}`],
  why,
});
const page: Permission = {
  actions: ['sns:Publish'],
  resources: [regional('sns', '${Service}-page')],
  why: 'pages a person',
};
const PAGER_SECRET = regional('ssm', 'parameter/firebreak/${Stage}/pagerduty/routing-key');
const pagerSecret: readonly Permission[] = [
  {
    actions: ['ssm:GetParameters'],
    resources: [PAGER_SECRET],
    why: 'PagerDuty routing key, where there is one',
  },
  {
    actions: ['kms:Decrypt'],
    resources: [regional('kms', 'key/*')],
    condition: { StringEquals: { 'kms:EncryptionContext:PARAMETER_ARN': PAGER_SECRET } },
    why: 'decrypts that parameter and nothing else',
  },
];
const slackSecrets: readonly Permission[] = [
  { actions: ['ssm:GetParameters'], resources: SLACK_SECRETS, why: 'Slack bot token and signing secret' },
  {
    // Needed only when the parameters are encrypted with a key of your own; aws/ssm needs no statement.
    actions: ['kms:Decrypt'],
    resources: [regional('kms', 'key/*')],
    condition: { StringEquals: { 'kms:EncryptionContext:PARAMETER_ARN': SLACK_SECRETS } },
    why: 'decrypts those two parameters and nothing else',
  },
];
const answerTask: Permission = {
  // No resource level, says AWS's reference; anyone who has the task token, which is in the table alone, may answer.
  actions: ['states:SendTaskSuccess'],
  resources: ['*'],
  why: 'tells the waiting workflow what a person decided',
};
/** Executions are started at the alias; IAM may ask about it or about the machine behind it. */
export const start = (name: 'respond' | 'undo', why: string): Permission => ({
  actions: ['states:StartExecution'],
  resources: ['', ':live'].map((alias) => regional('states', `stateMachine:\${Service}-${name}${alias}`)),
  why,
});

/** Whether an execution that an incident waits for still runs. */
const watch = (...machines: readonly ('respond' | 'undo')[]): Permission => ({
  actions: ['states:DescribeExecution'],
  resources: machines.map((name) => regional('states', `execution:\${Service}-${name}:*`)),
  why: 'an incident whose execution is gone is not under way',
});

/** The alias, and not the function: by the alias Contain warms up and does nothing else. */
const warm: Permission = {
  actions: ['lambda:InvokeFunction'],
  resources: [regional('lambda', 'function:${Service}-contain:warm')],
  why: 'starts Contain ahead of the workflow',
};

/** Every function of serverless.yml. */
export const FUNCTIONS: readonly FunctionAccess[] = [
  {
    name: 'enrich',
    playbooks: 'read',
    base: [readTable, writeTable([...INCIDENT, 'finding', 'plan', 'lapse', ...DECISION]), page, warm],
  },
  {
    name: 'classify',
    playbooks: 'none',
    base: [readTable, writeTable([...INCIDENT, ...DECISION]), page],
    earlier: 'respond',
  },
  {
    name: 'request-approval',
    playbooks: 'none',
    base: [readTable, writeTable([...INCIDENT, 'approval', ...CARDS]), page, ...slackSecrets, answerTask],
  },
  {
    name: 'contain',
    playbooks: 'write',
    base: [
      readTable,
      writeTable([...INCIDENT, 'plan', ...JOURNAL, 'lapse', ...CARDS, 'progress']),
      ...slackSecrets,
    ],
  },
  {
    name: 'verify',
    playbooks: 'read',
    base: [readTable, writeTable([...INCIDENT, 'verdict', 'reproof']), page],
  },
  {
    name: 'investigate',
    playbooks: 'read',
    base: [
      readTable,
      writeTable(INCIDENT),
      page,
      {
        // The bucket has a name CloudFormation gives it: only it carries this stack's name in front.
        actions: ['s3:PutObject'],
        resources: ['arn:${Partition}:s3:::${Service}-evidencebucket-*/incidents/*'],
        why: 'evidence, written once',
      },
      {
        // LookupEvents and DescribeRegions have no resource level.
        actions: ['cloudtrail:LookupEvents', 'ec2:DescribeRegions'],
        resources: ['*'],
        why: 'what the principal did around the finding, and what it made before, in every Region',
      },
    ],
  },
  {
    name: 'report',
    playbooks: 'none',
    base: [
      readTable,
      writeTable([...INCIDENT, 'reproof', ...CARDS]),
      page,
      ...pagerSecret,
      ...slackSecrets,
      {
        actions: ['events:PutEvents'],
        resources: [regional('events', 'event-bus/default')],
        why: '`Firebreak Incident` events for other systems',
      },
      {
        // Archiving and listing have no resource level. Only the administrator's account may archive.
        actions: ['guardduty:ArchiveFindings', 'guardduty:ListDetectors'],
        resources: ['*'],
        why: 'archives contained findings where policy says so',
      },
      {
        actions: ['securityhub:BatchUpdateFindings'],
        resources: [`arn:\${Partition}:securityhub:*:\${Account}:hub/default`],
        why: 'the outcome on the finding in Security Hub, where policy says so',
      },
      start('respond', 'asks about a follow-up once a containment has settled'),
      watch('respond'),
    ],
  },
  {
    name: 'undo',
    playbooks: 'undo',
    base: [readTable, writeTable([...INCIDENT, 'plan', ...JOURNAL]), page, watch('undo')],
  },
  {
    name: 'slack',
    playbooks: 'none',
    base: [
      readTable,
      writeTable([...INCIDENT, 'approval', 'ticket', 'killSwitch', 'mode', 'slackDoor']),
      tableIndex,
      ...slackSecrets,
      answerTask,
      start('undo', 'a person presses Undo'),
      watch('respond', 'undo'),
      start('respond', '/firebreak simulate'),
      {
        actions: ['lambda:InvokeFunction'],
        resources: [regional('lambda', 'function:${Service}-slack-work')],
        why: 'hands over what comes after the answer to Slack',
      },
    ],
  },
  {
    name: 'slack-work',
    playbooks: 'none',
    base: [
      readTable,
      writeTable(['incident', ...CARDS]),
      tableIndex,
      facetIndex('account', 'similar incidents'),
      page,
      ...pagerSecret,
      ...slackSecrets,
      {
        // The lists have no resource level.
        actions: ['guardduty:ListDetectors', 'guardduty:ListFilters'],
        resources: ['*'],
        why: 'the detector of a finding that names none, and whether the filter is there',
      },
      {
        // In the finding's Region, whichever it is.
        actions: ['guardduty:CreateFilter'],
        resources: ['arn:${Partition}:guardduty:*:${Account}:detector/*/filter/firebreak-*'],
        why: 'archives findings that a person called noise',
      },
    ],
  },
  { name: 'pager', playbooks: 'none', base: pagerSecret },
  {
    name: 'redrive',
    playbooks: 'none',
    base: [
      readTable,
      writeTable(['intake'], ['Put']),
      page,
      start('respond', 'starts what EventBridge could not'),
      watch('respond'),
      watch('undo'),
      {
        actions: [
          'sqs:ReceiveMessage',
          'sqs:DeleteMessage',
          'sqs:GetQueueAttributes',
          'sqs:ChangeMessageVisibility',
        ],
        resources: [regional('sqs', '${Service}-undelivered')],
        why: 'events that did not start the workflow',
      },
    ],
  },
  {
    name: 'scans',
    playbooks: 'none',
    base: [
      {
        actions: ['dynamodb:GetItem'],
        resources: [TABLE],
        condition: {
          'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': [`${PARTITIONS.scan}*`] },
          Null: { 'dynamodb:LeadingKeys': 'false' },
        },
        why: 'how many scans are counted already, and nothing else of the table',
      },
      writeTable(['scan'], ['Update']),
      start('respond', 'notifies of what was not scanned for malware'),
      {
        actions: ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'],
        resources: [regional('sqs', '${Service}-scans')],
        why: 'results of malware scans',
      },
    ],
  },
  {
    name: 'canary',
    playbooks: 'none',
    base: [
      {
        actions: ['dynamodb:GetItem', 'dynamodb:Query'],
        resources: [TABLE],
        why: 'which canary was sent last, and the incident it became',
      },
      writeTable(['canary']),
      page,
      {
        actions: ['events:PutEvents'],
        resources: [regional('events', 'event-bus/default')],
        why: 'sends the canary',
      },
    ],
  },
  {
    name: 'sweep',
    playbooks: 'write',
    base: [
      readTable,
      // An undo whose execution failed before it could say so is recorded as ended, with the plan.
      writeTable([
        ...INCIDENT,
        ...JOURNAL,
        ...CARDS,
        ...(['plan', 'lapse', 'reproof', 'approval', 'mode', 'intake'] as const),
      ]),
      // What became of an answer that a person wrote.
      writeTable(['awsDoor'], ['Update']),
      tableIndex,
      facetIndex('status', 'how many wait for a person'),
      page,
      ...pagerSecret,
      ...slackSecrets,
      answerTask,
      start('undo', 'reverts what has lapsed'),
      start(
        'respond',
        'contains again what was removed, and goes on with what an execution left undecided or undone',
      ),
      watch('respond', 'undo'),
      warm,
    ],
  },
];

/** What every function may do to be seen. */
export const telemetry = (name: string): readonly Permission[] => [
  {
    actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
    resources: [regional('logs', `log-group:/aws/lambda/\${Service}-${name}:*`)],
    why: 'its own log',
  },
  {
    // X-Ray has no resource types for these.
    actions: ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'],
    resources: ['*'],
    why: 'traces',
  },
];

/** Which of the two a function assumes; the session policy of a containment leaves out what only undo needs. */
export const memberRoleOf = (access: Exclude<PlaybookAccess, 'none'>): keyof typeof MEMBER_ROLES =>
  access === 'read' ? 'read' : 'write';

/** Lets a function use its role in the finding's account when that is another one. */
export const assumeMemberRole = (access: Exclude<PlaybookAccess, 'none'>): Permission => ({
  actions: ['sts:AssumeRole'],
  resources: [MEMBER_ROLES, MANAGEMENT_ROLES].map(
    (roles) => `arn:\${Partition}:iam::*:role/${roles[memberRoleOf(access)]}`,
  ),
  why: 'the same rights in member accounts, and service control policies in the management account',
});
