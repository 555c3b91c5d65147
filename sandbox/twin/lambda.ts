/** Lambda functions, as far as playbooks change them. */
import { arn } from '../../core/aws/arn.ts';
import { awsError } from '../aws-error.ts';
import { paged } from './pages.ts';
import type { Answers, TwinCall } from './twin.ts';

export interface TwinFunction {
  FunctionName: string;
  Role: string;
  Timeout: number;
  CodeSha256: string;
  /** Null: not set. */
  reserved: number | null;
  provisioned: Record<string, number>;
  eventSources: string[];
  Tags: Record<string, string>;
  /** Statements of its policy, by the qualifier that they are about, or ''; left out: it has none. */
  permissions?: Record<string, object[]>;
  /** Who may call its URLs, by the qualifier, or ''; left out: it has none. */
  urls?: Record<string, string>;
  /** Of a function on Lambda Managed Instances. */
  capacityProvider?: string;
}
/** This service's part of a Region. */
export interface TwinLambda {
  functions: TwinFunction[];
}
export const emptyLambda = (): TwinLambda => ({ functions: [] });

function functionOf({ region, input }: TwinCall): TwinFunction {
  const name = String(input['FunctionName'] ?? input['Resource']).replace(/^.*:function:/, '');
  const found = region.lambda.functions.find(({ FunctionName }) => FunctionName === name);
  if (found) return found;
  throw awsError('ResourceNotFoundException', `Function not found: ${name}`, 404);
}

const qualifierOf = ({ input }: TwinCall): string => String(input['Qualifier'] ?? '');

function urlOf(call: TwinCall): string {
  const auth = functionOf(call).urls?.[qualifierOf(call)];
  if (auth === undefined)
    throw awsError('ResourceNotFoundException', 'The resource you requested does not exist.', 404);
  return auth;
}
const urlAnswer = (call: TwinCall, AuthType: string): object => ({
  FunctionUrl: `https://${'a1'.repeat(16)}.lambda-url.${call.scope.region}.on.aws/`,
  FunctionArn: arnOf(call, functionOf(call)),
  ...{ AuthType, CreationTime: '2026-11-24T07:00:00Z', LastModifiedTime: '2026-11-24T07:00:00Z' },
});

/** A statement as Lambda writes it. */
function statementOf(call: TwinCall, { FunctionName }: TwinFunction) {
  const { scope, input } = call;
  const { StatementId, Action, Principal, SourceArn, SourceAccount, PrincipalOrgID } = input;
  const { FunctionUrlAuthType, InvokedViaFunctionUrl } = input;
  const who = String(Principal);
  const account = /^\d{12}$/.test(who)
    ? arn({ ...scope, account: who }, 'iam', 'root', { global: true })
    : who;
  const equals = {
    ...(SourceAccount === undefined ? {} : { 'AWS:SourceAccount': SourceAccount }),
    ...(PrincipalOrgID === undefined ? {} : { 'aws:PrincipalOrgID': PrincipalOrgID }),
    ...(FunctionUrlAuthType === undefined ? {} : { 'lambda:FunctionUrlAuthType': FunctionUrlAuthType }),
  };
  const Condition = {
    ...(Object.keys(equals).length > 0 ? { StringEquals: equals } : {}),
    ...(SourceArn === undefined ? {} : { ArnLike: { 'AWS:SourceArn': SourceArn } }),
    ...(InvokedViaFunctionUrl ? { Bool: { 'lambda:InvokedViaFunctionUrl': 'true' } } : {}),
  };
  return {
    ...{ Sid: String(StatementId), Effect: 'Allow', Action },
    Principal: who === '*' ? '*' : who.endsWith('.amazonaws.com') ? { Service: who } : { AWS: account },
    Resource: arn(scope, 'lambda', `function:${FunctionName}`),
    ...(Object.keys(Condition).length > 0 ? { Condition } : {}),
  };
}

const arnOf = ({ scope }: TwinCall, { FunctionName }: TwinFunction): string =>
  arn(scope, 'lambda', `function:${FunctionName}`);

export const lambda: Readonly<Record<string, Answers>> = {
  Lambda: {
    GetFunctionConfiguration: (call) => {
      const found = functionOf(call);
      const { FunctionName, Role, Timeout, CodeSha256, capacityProvider: CapacityProviderArn } = found;
      return {
        ...{ FunctionName, FunctionArn: arnOf(call, found), Role, Timeout, CodeSha256 },
        ...(CapacityProviderArn
          ? {
              CapacityProviderConfig: {
                LambdaManagedInstancesCapacityProviderConfig: { CapacityProviderArn },
              },
            }
          : {}),
      };
    },
    ListTags: (call) => ({ Tags: functionOf(call).Tags }),
    GetPolicy: (call) => {
      const Statement = functionOf(call).permissions?.[qualifierOf(call)];
      if (!Statement)
        throw awsError('ResourceNotFoundException', 'The resource you requested does not exist.', 404);
      return { Policy: JSON.stringify({ Version: '2012-10-17', Id: 'default', Statement }) };
    },
    AddPermission: (call) => {
      const found = functionOf(call);
      const { permissions = {} } = found;
      const all = (permissions[qualifierOf(call)] ?? []) as { Sid?: unknown }[];
      const statement = statementOf(call, found);
      if (all.some(({ Sid }) => Sid === statement.Sid))
        throw awsError(
          'ResourceConflictException',
          `The statement id (${statement.Sid}) already exists.`,
          409,
        );
      found.permissions = { ...permissions, [qualifierOf(call)]: [...all, statement] };
      return { Statement: JSON.stringify(statement) };
    },
    RemovePermission: (call) => {
      const found = functionOf(call);
      const { [qualifierOf(call)]: all = [], ...rest } = found.permissions ?? {};
      const kept = (all as { Sid?: unknown }[]).filter(({ Sid }) => Sid !== call.input['StatementId']);
      if (kept.length === all.length)
        throw awsError('ResourceNotFoundException', 'The resource you requested does not exist.', 404);
      const left = kept.length === 0 ? rest : { ...rest, [qualifierOf(call)]: kept };
      if (Object.keys(left).length === 0) delete found.permissions;
      else found.permissions = left;
      return {};
    },
    GetFunctionUrlConfig: (call) => urlAnswer(call, urlOf(call)),
    CreateFunctionUrlConfig: (call) => {
      const found = functionOf(call);
      if (found.urls?.[qualifierOf(call)] !== undefined)
        throw awsError('ResourceConflictException', 'The function has a URL.', 409);
      found.urls = { ...found.urls, [qualifierOf(call)]: String(call.input['AuthType']) };
      return urlAnswer(call, urlOf(call));
    },
    UpdateFunctionUrlConfig: (call) => {
      const found = functionOf(call);
      const AuthType = String(call.input['AuthType'] ?? urlOf(call));
      found.urls = { ...found.urls, [qualifierOf(call)]: AuthType };
      return urlAnswer(call, AuthType);
    },
    GetFunctionConcurrency: (call) => {
      const { reserved } = functionOf(call);
      return reserved === null ? {} : { ReservedConcurrentExecutions: reserved };
    },
    PutFunctionConcurrency: (call) => {
      const found = functionOf(call);
      const wanted = Number(call.input['ReservedConcurrentExecutions']);
      if (found.capacityProvider)
        throw awsError(
          'InvalidParameterValueException',
          'Reserved concurrency is not supported for functions on Lambda Managed Instances',
        );
      const provisioned = Object.values(found.provisioned).reduce((sum, count) => sum + count, 0);
      // Reserved below provisioned is refused [M].
      if (wanted < provisioned) {
        throw awsError(
          'InvalidParameterValueException',
          'ReservedConcurrentExecutions is below the provisioned concurrency of the function',
        );
      }
      found.reserved = wanted;
      return { ReservedConcurrentExecutions: wanted };
    },
    DeleteFunctionConcurrency: (call) => {
      functionOf(call).reserved = null;
      return {};
    },
    ListProvisionedConcurrencyConfigs: (call) => {
      const found = functionOf(call);
      return paged(call, Object.entries(found.provisioned), {
        list: 'ProvisionedConcurrencyConfigs',
        given: 'Marker',
        next: 'NextMarker',
        size: 'MaxItems',
        show: ([qualifier, count]) => ({
          FunctionArn: `${arnOf(call, found)}:${qualifier}`,
          RequestedProvisionedConcurrentExecutions: count,
          Status: 'READY',
        }),
      });
    },
    PutProvisionedConcurrencyConfig: (call) => {
      const found = functionOf(call);
      const count = Number(call.input['ProvisionedConcurrentExecutions']);
      if (found.reserved !== null && found.reserved < count) {
        throw awsError(
          'InvalidParameterValueException',
          'more than the reserved concurrency of the function',
        );
      }
      found.provisioned[String(call.input['Qualifier'])] = count;
      return { RequestedProvisionedConcurrentExecutions: count, Status: 'IN_PROGRESS' };
    },
    DeleteProvisionedConcurrencyConfig: (call) => {
      delete functionOf(call).provisioned[String(call.input['Qualifier'])];
      return {};
    },
    ListEventSourceMappings: (call) =>
      paged(call, functionOf(call).eventSources, {
        list: 'EventSourceMappings',
        given: 'Marker',
        next: 'NextMarker',
        size: 'MaxItems',
        show: (EventSourceArn) => ({ EventSourceArn, State: 'Enabled' }),
      }),
  },
};
