/** The CloudWatch dashboard of a stack, as a CloudFormation resource; numbers the functions write, and those of AWS. */
import { toneLooks } from '../core/incident/looks.ts';
import { isContainment, isRunning, STATUSES, statusTone, statusWords } from '../core/incident/status.ts';
import { FUNCTIONS } from './access.ts';

/** Name of a stage's resources as the Serverless Framework writes it in. */
const SERVICE = '${self:service}-${sls:stage}';
const REGION = '${AWS::Region}';
const WIDTH = 24;

type Metric = readonly (string | Readonly<Record<string, unknown>>)[];

interface Widget {
  readonly title: string;
  /** Of 24 columns. */
  readonly width: number;
  readonly metrics: readonly Metric[];
  readonly stat?: string;
  readonly view?: 'timeSeries' | 'singleValue';
  readonly period?: number;
}

const own = (name: string, more: Readonly<Record<string, unknown>> = {}): Metric => [
  'Firebreak',
  name,
  'service',
  'firebreak',
  'stage',
  '${sls:stage}',
  more,
];
const workflow = (metric: string, machine: 'respond' | 'undo', more: object = {}): Metric => [
  'AWS/States',
  metric,
  'StateMachineArn',
  `arn:\${AWS::Partition}:states:${REGION}:\${AWS::AccountId}:stateMachine:${SERVICE}-${machine}`,
  { ...more },
];
const queue = (name: string): Metric => [
  'AWS/SQS',
  'ApproximateNumberOfMessagesVisible',
  'QueueName',
  `${SERVICE}-${name}`,
  { label: name },
];
const perFunction = (metric: string, more: Readonly<Record<string, unknown>> = {}): readonly Metric[] =>
  FUNCTIONS.map(({ name }) => [
    'AWS/Lambda',
    metric,
    'FunctionName',
    `${SERVICE}-${name}`,
    { label: name, ...more },
  ]);

/** Dollars a unit, us-east-1 list prices of late 2026 [M]: Lambda on arm64 at 512 MB, Step Functions standard, DynamoDB on demand. */
const PRICE = { request: 0.2e-6, millisecond: 0.0000133334 * 0.5e-3, transition: 25e-6, write: 0.625e-6 };

/** State transitions of a finding that is contained without asking, as docs/cost.md counts them. */
const TRANSITIONS = 14;

/** Metric math is not documented to read exponents. */
const plain = (price: number): string => price.toFixed(10).replace(/0+$/, '');

/** About what an hour costs; metric math over all functions. */
const cost: readonly Metric[] = [
  ...FUNCTIONS.map(
    ({ name }, index): Metric => [
      'AWS/Lambda',
      'Duration',
      'FunctionName',
      `${SERVICE}-${name}`,
      { id: `duration${index}`, stat: 'Sum', visible: false },
    ],
  ),
  ...FUNCTIONS.map(
    ({ name }, index): Metric => [
      'AWS/Lambda',
      'Invocations',
      'FunctionName',
      `${SERVICE}-${name}`,
      { id: `calls${index}`, stat: 'Sum', visible: false },
    ],
  ),
  [
    'AWS/DynamoDB',
    'ConsumedWriteCapacityUnits',
    'TableName',
    SERVICE,
    { id: 'w', stat: 'Sum', visible: false },
  ],
  [
    {
      expression: `SUM(METRICS("duration"))*${plain(PRICE.millisecond)}+SUM(METRICS("calls"))*${plain(PRICE.request)}`,
      label: 'Lambda, $',
      id: 'lambda',
    },
  ],
  [{ expression: `w*${plain(PRICE.write)}`, label: 'DynamoDB writes, $', id: 'table' }],
  workflow('ExecutionsStarted', 'respond', { id: 'started', stat: 'Sum', visible: false }),
  [
    {
      expression: `started*${TRANSITIONS}*${plain(PRICE.transition)}`,
      label: 'Step Functions, $',
      id: 'states',
    },
  ],
];

/** What Verify can end with. */
const OUTCOMES = STATUSES.filter((status) => isContainment(status) && !isRunning(status));

const WIDGETS: readonly Widget[] = [
  {
    title: 'Findings and what was decided',
    width: 12,
    metrics: ['record', 'notify', 'ask', 'auto'].map((kind) => own(`Decision_${kind}`, { label: kind })),
  },
  {
    title: 'What became of them',
    width: 12,
    metrics: OUTCOMES.map((status) =>
      own(`Outcome_${status}`, {
        label: statusWords(status),
        color: toneLooks(statusTone(status)).colour,
      }),
    ),
  },
  {
    title: 'Malware scans of objects and recovery points',
    width: 24,
    metrics: [
      own('MalwareScans_clean', { label: 'no threats' }),
      own('MalwareScans_threats', { label: 'threats' }),
      own('MalwareScans_unscanned', { label: 'not scanned' }),
    ],
  },
  {
    title: 'Time to confirmed containment, automatic (ms)',
    width: 9,
    metrics: [
      own('TimeToContain', { label: 'median', stat: 'p50' }),
      own('TimeToContain', { label: 'p95', stat: 'p95' }),
    ],
  },
  {
    title: 'Time to confirmed containment, after approval (ms)',
    width: 9,
    metrics: [
      own('TimeToContainAsked', { label: 'median', stat: 'p50' }),
      own('TimeToContainAsked', { label: 'p95', stat: 'p95' }),
    ],
  },
  {
    title: 'Confirmed containments found removed',
    width: 12,
    stat: 'Sum',
    metrics: [own('ContainmentDrift')],
  },
  {
    title: 'Approvals waiting',
    width: 6,
    view: 'singleValue',
    stat: 'Maximum',
    metrics: [own('ApprovalsWaiting')],
  },
  {
    title: 'Workflows that did not end well',
    width: 12,
    metrics: (['respond', 'undo'] as const).flatMap((machine) =>
      ['ExecutionsFailed', 'ExecutionsTimedOut', 'ExecutionsAborted'].map((metric) =>
        workflow(metric, machine, { label: `${machine} ${metric.slice('Executions'.length)}` }),
      ),
    ),
  },
  {
    title: 'What people were not notified of, or not the usual way',
    width: 12,
    metrics: [
      'SlackFailed',
      'SlackRefused',
      'AnswerRefused',
      'ReportFailed',
      'EvidenceFailed',
      'PagerFailed',
      'UnknownFindingType',
    ].map((name) => own(name)),
  },
  { title: 'Errors by function', width: 12, metrics: perFunction('Errors') },
  { title: 'Duration by function, p95 (ms)', width: 12, stat: 'p95', metrics: perFunction('Duration') },
  {
    title: 'Queues',
    width: 12,
    stat: 'Maximum',
    metrics: [queue('undelivered'), queue('dead'), queue('scans')],
  },
  { title: 'Cost an hour, about', width: 12, period: 3600, metrics: cost },
];

/** `AWS::CloudWatch::Dashboard`, named as the stage and the Region. */
export const dashboard = (): object => ({
  Type: 'AWS::CloudWatch::Dashboard',
  Properties: {
    // Names of dashboards are the account's, not the Region's (CloudWatch API reference, PutDashboard).
    DashboardName: { 'Fn::Sub': `${SERVICE}-\${AWS::Region}` },
    DashboardBody: { 'Fn::Sub': JSON.stringify({ widgets: placed() }) },
  },
});

/** From left to right, a new row where the next one does not fit. */
function placed(): readonly object[] {
  const height = 6;
  let x = 0;
  let y = 0;
  return WIDGETS.map(({ title, width, metrics, stat = 'Sum', view = 'timeSeries', period = 300 }) => {
    if (x + width > WIDTH) {
      x = 0;
      y += height;
    }
    const at = { x, y };
    x += width;
    return {
      type: 'metric',
      ...at,
      width,
      height,
      properties: { title, view, stat, period, metrics, region: REGION, stacked: false },
    };
  });
}
