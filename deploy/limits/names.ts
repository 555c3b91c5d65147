/** How far the name of a resource has to be unique, by its CloudFormation type, and how long it may be. */
import type { Deployment } from '../render.ts';
import { resolved, type Template } from './template.ts';

/** `account`: once in an account for all Regions. `parent`: within the resource that it belongs to. */
type NameScope = 'global' | 'account' | 'region' | 'parent';

interface Named {
  /** The property that names it; without one CloudFormation makes up a name that no other resource has. */
  readonly property?: string;
  readonly scope: NameScope;
  /** Characters of the name, by the reference of the type. */
  readonly most?: number;
}

/** Every type that the stack or a template next to it has: another one has to be looked up and added. */
export const NAMED: Readonly<Record<string, Named>> = {
  'AWS::ApiGatewayV2::Api': { scope: 'region' },
  'AWS::ApiGatewayV2::Integration': { scope: 'parent' },
  'AWS::ApiGatewayV2::Route': { scope: 'parent' },
  'AWS::ApiGatewayV2::Stage': { scope: 'parent' },
  'AWS::CloudFormation::StackSet': { property: 'StackSetName', scope: 'region', most: 128 },
  'AWS::CloudWatch::Alarm': { property: 'AlarmName', scope: 'region', most: 255 },
  'AWS::CloudWatch::Dashboard': { property: 'DashboardName', scope: 'account', most: 255 },
  'AWS::DynamoDB::Table': { property: 'TableName', scope: 'region', most: 255 },
  'AWS::EventSchemas::Registry': { property: 'RegistryName', scope: 'region', most: 64 },
  'AWS::EventSchemas::Schema': { scope: 'parent' },
  'AWS::Events::EventBus': { property: 'Name', scope: 'region', most: 256 },
  'AWS::Events::EventBusPolicy': { scope: 'parent' },
  // Unique on its bus: the default bus is the Region's, another bus of ours carries the stage in its own name.
  'AWS::Events::Rule': { property: 'Name', scope: 'region', most: 64 },
  'AWS::IAM::ManagedPolicy': { property: 'ManagedPolicyName', scope: 'account', most: 128 },
  'AWS::IAM::Policy': { scope: 'parent' },
  'AWS::IAM::Role': { property: 'RoleName', scope: 'account', most: 64 },
  'AWS::IAM::RolePolicy': { scope: 'parent' },
  'AWS::Lambda::Alias': { scope: 'parent' },
  'AWS::Lambda::EventInvokeConfig': { scope: 'parent' },
  'AWS::Lambda::EventSourceMapping': { scope: 'region' },
  'AWS::Lambda::Function': { property: 'FunctionName', scope: 'region', most: 64 },
  'AWS::Lambda::Permission': { scope: 'parent' },
  'AWS::Logs::LogGroup': { property: 'LogGroupName', scope: 'region', most: 512 },
  'AWS::Logs::MetricFilter': { property: 'FilterName', scope: 'parent' },
  'AWS::Organizations::Policy': { property: 'Name', scope: 'account', most: 128 },
  'AWS::S3::Bucket': { property: 'BucketName', scope: 'global', most: 63 },
  'AWS::S3::BucketPolicy': { scope: 'parent' },
  'AWS::SNS::Subscription': { scope: 'parent' },
  'AWS::SNS::Topic': { property: 'TopicName', scope: 'region', most: 256 },
  'AWS::SNS::TopicPolicy': { scope: 'parent' },
  'AWS::SQS::Queue': { property: 'QueueName', scope: 'region', most: 80 },
  'AWS::SQS::QueuePolicy': { scope: 'parent' },
  'AWS::StepFunctions::StateMachine': { property: 'StateMachineName', scope: 'region', most: 80 },
  'AWS::StepFunctions::StateMachineAlias': { scope: 'parent' },
  'AWS::StepFunctions::StateMachineVersion': { scope: 'parent' },
};

export interface ResourceName {
  readonly id: string;
  readonly type: string;
  readonly scope: NameScope;
  readonly name: string;
  readonly most: number | undefined;
}

/** Returns the names that the template chooses itself. Throws for a type that is not in the table. */
export function namesOf({ Resources }: Template, deployment: Deployment): readonly ResourceName[] {
  return Object.entries(Resources).flatMap(([id, { Type, Properties }]) => {
    const known = NAMED[Type];
    if (!known)
      throw new Error(`${id}: deploy/limits/names.ts does not say how far a name of ${Type} is unique`);
    const { property, scope, most } = known;
    const given = property === undefined ? undefined : Properties[property];
    if (given === undefined || scope === 'parent') return [];
    const name = resolved(given, deployment);
    if (name === undefined) throw new Error(`${id}: its name cannot be known before it is deployed`);
    return [{ id, type: Type, scope, name, most }];
  });
}

/** Returns each name that two deployments would both take, with who takes it. */
export function collisions(
  stacks: readonly { readonly template: Template; readonly deployment: Deployment }[],
): readonly string[] {
  const taken = new Map<string, string[]>();
  for (const { template, deployment } of stacks) {
    const { partition, account, region, stage } = deployment;
    for (const { id, type, scope, name } of namesOf(template, deployment)) {
      const within = {
        global: [],
        account: [partition, account],
        region: [partition, account, region],
        parent: [],
      };
      const key = [type, ...within[scope], name].join(' ');
      taken.set(key, [...(taken.get(key) ?? []), `${id} of ${stage} in ${region}`]);
    }
  }
  return [...taken].flatMap(([key, who]) => (who.length > 1 ? [`${key}: ${who.join(', ')}`] : []));
}
