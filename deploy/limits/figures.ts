/** What the packaged stack takes of AWS's limits: every figure by what is counted, with the limit and where AWS says it. */

import { readFileSync } from 'node:fs';
import { arn } from '../../core/aws/arn.ts';
import { SESSION_POLICY_CHARACTERS } from '../../core/aws/client.ts';
import type { Playbook } from '../../core/journal/playbook.ts';
import { sessionPolicy } from '../../core/journal/session-policy.ts';
import { QUOTA } from '../managed-policies.ts';
import type { Deployment } from '../render.ts';
import { namesOf } from './names.ts';
import { ofType, type Resource, resolved, type Template } from './template.ts';
import { unzippedBytes } from './zip.ts';

export interface Figure {
  readonly what: string;
  readonly figure: number;
  readonly limit: number;
  /** The document of AWS that has the limit. */
  readonly from: string;
  /** Why it may come closer to the limit than others: something else keeps it below. */
  readonly held?: string;
}

/** The share of a limit that fails the check: what is above leaves no room for the next change. */
export const SHARE = 0.9;
export const isOver = ({ figure, limit, held }: Figure): boolean => figure > limit * (held ? 1 : SHARE);

const MB = 1024 ** 2;
/** The longest name of a Region in the commercial partition. */
const REGION = 'ap-southeast-1';
/** For what is known only once it is deployed: as long as the ARN of a state machine's alias. */
const UNKNOWN = 'x'.repeat(120);

const compact = (value: unknown): string => JSON.stringify(value ?? null);
const largest = (values: readonly number[]): number => Math.max(0, ...values);

/** Text as long as CloudFormation makes it. */
function rendered(value: unknown, deployment: Deployment): unknown {
  if (Array.isArray(value)) return value.map((one) => rendered(one, deployment));
  if (typeof value !== 'object' || value === null) return value;
  const [key = ''] = Object.keys(value);
  if (key === 'Ref' || key.startsWith('Fn::')) {
    if (key === 'Fn::If') return rendered(Reflect.get(value, key)[1], deployment);
    return resolved(value, deployment) ?? UNKNOWN;
  }
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, rendered(one, deployment)]));
}

/** Returns the figures of the stack. `text`: the template as it is uploaded; `directory`: of the packages. */
export function stackFigures(text: string, template: Template, directory: string, stage: string): Figure[] {
  const deployment = { partition: 'aws', account: '123456789012', region: REGION, stage };
  const of = (type: string) => ofType(template, type).map(([id, resource]) => ({ id, ...resource }));
  const size = (value: unknown): number => compact(rendered(value, deployment)).length;
  const count = (type: string): number => of(type).length;
  return [
    ...templateFigures(text, template),
    ...nameFigures(template, deployment),
    ...policyFigures(of('AWS::IAM::Role'), of('AWS::IAM::ManagedPolicy'), size),
    ...functionFigures(
      of('AWS::Lambda::Function'),
      (name) => `${directory}/${name.slice(`firebreak-${stage}-`.length)}.zip`,
      size,
    ),
    {
      what: 'largest definition of a state machine, characters',
      figure: largest(
        of('AWS::StepFunctions::StateMachine').map(({ Properties }) => definition(Properties, size)),
      ),
      limit: MB,
      from: 'Step Functions quotas',
    },
    ...tableFigures(of('AWS::DynamoDB::Table')),
    {
      what: 'largest body of a dashboard: metrics',
      figure: (compact(of('AWS::CloudWatch::Dashboard')).match(/\\"(AWS\/|Firebreak)/g) ?? []).length,
      limit: 2500,
      from: 'CloudWatch quotas',
    },
    {
      what: 'longest event pattern, characters',
      figure: largest(
        of('AWS::Events::Rule').map(({ Properties }) => size(Properties['EventPattern'] ?? '')),
      ),
      limit: 2048,
      from: 'EventBridge quotas',
    },
    ...accountFigures(count, of('AWS::Lambda::Function')),
  ];
}

const templateFigures = (text: string, { Resources, Outputs, Parameters }: Template): Figure[] => [
  { what: 'template, bytes', figure: Buffer.byteLength(text), limit: MB, from: 'CloudFormation quotas' },
  {
    what: 'resources of the template',
    figure: Object.keys(Resources).length,
    limit: 500,
    from: 'CloudFormation quotas',
  },
  {
    what: 'outputs of the template',
    figure: Object.keys(Outputs).length,
    limit: 200,
    from: 'CloudFormation quotas',
  },
  {
    what: 'parameters of the template',
    figure: Object.keys(Parameters).length,
    limit: 200,
    from: 'CloudFormation quotas',
  },
];

/** The longest name of each type, against the characters that the type takes. */
function nameFigures(template: Template, deployment: Deployment): Figure[] {
  const longest = new Map<string, { figure: number; limit: number }>();
  for (const { type, name, most } of namesOf(template, deployment)) {
    if (most === undefined) continue;
    const figure = Math.max(name.length, longest.get(type)?.figure ?? 0);
    longest.set(type, { figure, limit: most });
  }
  return [...longest].map(([type, one]) => ({
    what: `longest name of ${type}, characters`,
    ...one,
    from: 'CloudFormation reference of the type',
  }));
}

interface Named extends Resource {
  readonly id: string;
}
type Size = (value: unknown) => number;

function policyFigures(roles: readonly Named[], managed: readonly Named[], size: Size): Figure[] {
  const from = 'IAM and STS quotas';
  const inline = ({ Properties: { Policies } }: Named): number =>
    Array.isArray(Policies)
      ? Policies.reduce<number>((sum, one: { PolicyDocument?: unknown }) => sum + size(one.PolicyDocument), 0)
      : 0;
  const attached = ({ Properties: { ManagedPolicyArns } }: Named): number =>
    Array.isArray(ManagedPolicyArns) ? ManagedPolicyArns.length : 0;
  return [
    {
      what: 'largest managed policy, characters',
      figure: largest(managed.map(({ Properties }) => size(Properties['PolicyDocument']))),
      limit: QUOTA.managed,
      from,
      held: 'statements are packed into as many policies as they need (deploy/managed-policies.ts)',
    },
    {
      what: 'managed policies of a role',
      figure: largest(roles.map(attached)),
      limit: QUOTA.managedPerRole,
      from,
    },
    {
      what: 'inline policies of a role together, characters',
      figure: largest(roles.map(inline)),
      limit: QUOTA.inlinePerRole,
      from,
    },
    {
      what: 'largest trust policy, characters',
      figure: largest(roles.map(({ Properties }) => size(Properties['AssumeRolePolicyDocument']))),
      limit: 2048,
      from,
    },
  ];
}

/** Trust, managed policies and their number in a member account, from the template that is rolled out there. */
export function memberFigures(template: Template): Figure[] {
  const deployment = { partition: 'aws', account: '123456789012', region: REGION, stage: 'prod' };
  const of = (type: string) => ofType(template, type).map(([id, resource]) => ({ id, ...resource }));
  const size = (value: unknown): number => compact(rendered(value, deployment)).length;
  return policyFigures(of('AWS::IAM::Role'), of('AWS::IAM::ManagedPolicy'), size).map((one) => ({
    ...one,
    what: `member account: ${one.what}`,
  }));
}

/** The session policy of each playbook for a target with long names: the largest of those that are written within the share. */
export function sessionFigure(playbooks: readonly Playbook[]): Figure {
  const scope = { partition: 'aws-us-gov', account: '123456789012', region: 'us-gov-west-1' };
  const arns = [0, 1].map((index) => arn(scope, 'ec2', `instance/${index}${'x'.repeat(60)}`));
  const most = Math.floor(SESSION_POLICY_CHARACTERS * SHARE);
  const lengths = playbooks.map((playbook) => sessionPolicy(playbook, scope, arns, 'undo', most).length);
  return {
    what: 'largest session policy, characters',
    figure: largest(lengths),
    limit: SESSION_POLICY_CHARACTERS,
    from: 'STS API reference, AssumeRole',
  };
}

function functionFigures(functions: readonly Named[], zipOf: (name: string) => string, size: Size): Figure[] {
  const variables = ({ Properties }: Named): number => {
    const given: unknown = Properties['Environment'];
    // The quota counts names and values, not what JSON puts between them.
    return size(given) - '{"Variables":{}}'.length;
  };
  const zips = functions.map(({ Properties: { FunctionName } }) => {
    const bytes = readFileSync(zipOf(String(FunctionName)));
    return { zipped: bytes.length, unzipped: unzippedBytes(bytes) };
  });
  const from = 'Lambda quotas';
  return [
    {
      what: 'largest environment of a function, bytes',
      figure: largest(functions.map(variables)),
      limit: 4096,
      from,
    },
    {
      what: 'largest function, unzipped bytes',
      figure: largest(zips.map(({ unzipped }) => unzipped)),
      limit: 250 * MB,
      from,
    },
    {
      what: 'largest function as a direct upload, bytes',
      figure: largest(zips.map(({ zipped }) => zipped)),
      limit: 50 * MB,
      from,
    },
    {
      what: 'code of ten deployments in a Region, bytes',
      figure: 10 * zips.reduce((sum, { zipped }) => sum + zipped, 0),
      limit: 75 * 1024 * MB,
      from,
    },
  ];
}

/** The definition is `Fn::Sub` with a map, or text. */
function definition(properties: Resource['Properties'], size: Size): number {
  const given: unknown = properties['DefinitionString'] ?? properties['Definition'];
  if (typeof given === 'object' && given !== null && 'Fn::Sub' in given)
    return compact(given['Fn::Sub']).length;
  return size(given);
}

function tableFigures(tables: readonly Named[]): Figure[] {
  const from = 'DynamoDB quotas';
  const indexes = tables.map(({ Properties: { GlobalSecondaryIndexes } }) =>
    Array.isArray(GlobalSecondaryIndexes) ? GlobalSecondaryIndexes : [],
  );
  const projected = (index: { Projection?: { NonKeyAttributes?: readonly string[] } }): number =>
    index.Projection?.NonKeyAttributes?.length ?? 0;
  return [
    { what: 'indexes of the table', figure: largest(indexes.map(({ length }) => length)), limit: 20, from },
    {
      what: 'attributes projected into its indexes',
      figure: largest(indexes.map((all) => all.reduce((sum, index) => sum + projected(index), 0))),
      limit: 100,
      from,
    },
  ];
}

/** Quotas of an account, as a new one has them, and what a stack takes of each. */
function accountFigures(count: (type: string) => number, functions: readonly Named[]): Figure[] {
  const reserved = functions.filter(
    ({ Properties: { ReservedConcurrentExecutions: given } }) =>
      typeof given === 'number' && Number.isFinite(given),
  );
  const quota = (what: string, type: string, limit: number, from: string): Figure => ({
    what: `new account: ${what}`,
    figure: count(type),
    limit,
    from,
  });
  return [
    quota('roles', 'AWS::IAM::Role', 1000, 'IAM and STS quotas'),
    quota('managed policies', 'AWS::IAM::ManagedPolicy', 1500, 'IAM and STS quotas'),
    quota('rules of an event bus', 'AWS::Events::Rule', 100, 'EventBridge quotas (the smallest Region)'),
    quota('event buses', 'AWS::Events::EventBus', 100, 'EventBridge quotas'),
    quota('schema registries', 'AWS::EventSchemas::Registry', 10, 'EventBridge schemas quotas'),
    quota('alarms', 'AWS::CloudWatch::Alarm', 5000, 'CloudWatch quotas'),
    quota('log groups', 'AWS::Logs::LogGroup', 1_000_000, 'CloudWatch Logs quotas'),
    quota('metric filters of a log group', 'AWS::Logs::MetricFilter', 100, 'CloudWatch Logs quotas'),
    quota('state machines', 'AWS::StepFunctions::StateMachine', 100_000, 'Step Functions quotas'),
    quota('tables', 'AWS::DynamoDB::Table', 2500, 'DynamoDB quotas'),
    quota('buckets', 'AWS::S3::Bucket', 10_000, 'S3 quotas'),
    quota('topics', 'AWS::SNS::Topic', 100_000, 'SNS quotas'),
    quota('routes of an HTTP API', 'AWS::ApiGatewayV2::Route', 300, 'API Gateway quotas'),
    {
      // A new account may have ten executions at once; Lambda leaves none of them to reserve.
      what: 'new account: functions that reserve executions as shipped',
      figure: reserved.length,
      limit: 0,
      from: 'Lambda quotas',
    },
  ];
}
