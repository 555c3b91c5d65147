/** Lambda functions, as far as playbooks change them. */
import { createHash } from 'node:crypto';
import { arn } from '../../core/aws/arn.ts';
import { sameJson, toJson } from '../../core/json.ts';
import { awsError } from '../aws-error.ts';
import { madeUuid } from './made-id.ts';
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
  /** The package in base64, and settings; left out: not known. */
  code?: string;
  layers?: string[];
  handler?: string;
  runtime?: string;
  variables?: Record<string, string>;
  packageType?: 'Image';
  /** The key of its environment, where it has one of its own. */
  kmsKey?: string;
  /** Left out: none was published. */
  versions?: TwinVersion[];
  aliases?: Record<string, { version: string; weights: Record<string, number> }>;
}
type Runs = Pick<TwinFunction, 'CodeSha256' | 'code' | 'layers' | 'handler' | 'runtime' | 'variables'>;
interface TwinVersion extends Runs {
  Version: string;
  at: string;
  Description?: string;
}
/** This service's part of a Region. */
export interface TwinLambda {
  functions: TwinFunction[];
  /** Event source mappings by id; left out: none that a call named. */
  mappings?: Record<string, { FunctionName: string; enabled: boolean }>;
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

const arnOf = ({ scope }: TwinCall, { FunctionName }: Pick<TwinFunction, 'FunctionName'>): string =>
  arn(scope, 'lambda', `function:${FunctionName}`);

/** When a function was changed and a version published here. */
const CHANGED = '2026-11-24T07:30:00.000+0000';

function configuration(call: TwinCall, found: TwinFunction, version?: TwinVersion): object {
  const { FunctionName, Role, Timeout, packageType, capacityProvider: CapacityProviderArn } = found;
  const { CodeSha256, code = '', layers = [], handler, runtime, variables }: Runs = version ?? found;
  return {
    ...{ FunctionName, Role, Timeout, CodeSha256, PackageType: packageType ?? 'Zip' },
    FunctionArn: `${arnOf(call, found)}${version ? `:${version.Version}` : ''}`,
    ...{ CodeSize: Buffer.from(code, 'base64').length, Version: version?.Version ?? '$LATEST' },
    LastModified: version?.at ?? CHANGED,
    ...{ State: 'Active', LastUpdateStatus: 'Successful' },
    ...(found.kmsKey === undefined ? {} : { KMSKeyArn: found.kmsKey }),
    ...(version?.Description === undefined ? {} : { Description: version.Description }),
    ...(handler === undefined ? {} : { Handler: handler }),
    ...(variables === undefined ? {} : { Environment: { Variables: variables } }),
    ...(runtime === undefined ? {} : { Runtime: runtime }),
    ...(layers.length > 0 ? { Layers: layers.map((Arn) => ({ Arn, CodeSize: 1 })) } : {}),
    ...(CapacityProviderArn
      ? { CapacityProviderConfig: { LambdaManagedInstancesCapacityProviderConfig: { CapacityProviderArn } } }
      : {}),
  };
}

const runs = ({ CodeSha256, code, layers, handler, runtime, variables }: Runs): Runs => ({
  CodeSha256,
  ...(code === undefined ? {} : { code }),
  ...(layers === undefined ? {} : { layers }),
  ...(handler === undefined ? {} : { handler }),
  ...(runtime === undefined ? {} : { runtime }),
  ...(variables === undefined ? {} : { variables }),
});

function versionOf(call: TwinCall): TwinVersion | undefined {
  const qualifier = qualifierOf(call);
  if (qualifier === '' || qualifier === '$LATEST') return undefined;
  const found = functionOf(call).versions?.find(({ Version }) => Version === qualifier);
  if (found) return found;
  throw awsError('ResourceNotFoundException', `Function not found: ${qualifier}`, 404);
}

/** What has not changed since the last version is not published again. */
function publish(call: TwinCall): TwinVersion {
  const found = functionOf(call);
  const last = found.versions?.at(-1);
  if (last && sameJson(toJson(runs(last)), toJson(runs(found)))) return last;
  const { Description } = call.input;
  const version = {
    ...{ ...runs(found), Version: String((found.versions?.length ?? 0) + 1), at: CHANGED },
    ...(Description === undefined ? {} : { Description: String(Description) }),
  };
  found.versions = [...(found.versions ?? []), version];
  return version;
}

function aliasOf(call: TwinCall) {
  const name = String(call.input['Name']);
  const found = functionOf(call).aliases?.[name];
  if (found) return found;
  throw awsError('ResourceNotFoundException', `Cannot find alias arn: ${name}`, 404);
}
const aliasAnswer = (call: TwinCall): object => {
  const { version, weights } = aliasOf(call);
  const Name = String(call.input['Name']);
  return {
    ...{ AliasArn: `${arnOf(call, functionOf(call))}:${Name}`, Name, FunctionVersion: version },
    ...(Object.keys(weights).length > 0 ? { RoutingConfig: { AdditionalVersionWeights: weights } } : {}),
  };
};
function setAlias(call: TwinCall): object {
  const { Name, FunctionVersion, RoutingConfig } = call.input;
  const found = functionOf(call);
  const weights = (RoutingConfig as { AdditionalVersionWeights?: Record<string, number> } | undefined)
    ?.AdditionalVersionWeights;
  found.aliases = {
    ...found.aliases,
    [String(Name)]: { version: String(FunctionVersion), weights: { ...weights } },
  };
  return aliasAnswer(call);
}

function mappingOf({ region, input }: TwinCall) {
  const found = region.lambda.mappings?.[String(input['UUID'])];
  if (found) return found;
  throw awsError('ResourceNotFoundException', 'The resource you requested does not exist.', 404);
}
function mappingAnswer(call: TwinCall, UUID: string, held: { FunctionName: string; enabled: boolean }) {
  return { UUID, FunctionArn: arnOf(call, held), State: held.enabled ? 'Enabled' : 'Disabled' };
}

export const lambda: Readonly<Record<string, Answers>> = {
  Lambda: {
    GetFunctionConfiguration: (call) => configuration(call, functionOf(call), versionOf(call)),
    GetFunction: (call) => {
      const { code = '' } = versionOf(call) ?? functionOf(call);
      // As a signed address, it has the package for anyone who holds it.
      const Location = `data:application/zip;base64,${code}`;
      return {
        Configuration: configuration(call, functionOf(call), versionOf(call)),
        Code: { RepositoryType: 'S3', Location },
      };
    },
    ListVersionsByFunction: (call) => {
      const found = functionOf(call);
      return paged(call, [undefined, ...(found.versions ?? [])], {
        ...{ list: 'Versions', given: 'Marker', next: 'NextMarker', size: 'MaxItems' },
        show: (version) => configuration(call, found, version),
      });
    },
    PublishVersion: (call) => {
      const { CodeSha256 } = call.input;
      if (CodeSha256 !== undefined && CodeSha256 !== functionOf(call).CodeSha256)
        throw awsError('InvalidParameterValueException', 'CodeSHA256 is different from current CodeSHA256');
      return configuration(call, functionOf(call), publish(call));
    },
    UpdateFunctionCode: (call) => {
      const { ZipFile, S3Key, Publish } = call.input;
      const bytes =
        ZipFile instanceof Uint8Array
          ? Buffer.from(ZipFile)
          : ZipFile === undefined
            ? Buffer.from(String(S3Key))
            : Buffer.from(String(ZipFile), 'base64');
      const found = functionOf(call);
      found.code = bytes.toString('base64');
      found.CodeSha256 = createHash('sha256').update(bytes).digest('base64');
      return configuration(call, found, Publish ? publish(call) : undefined);
    },
    UpdateFunctionConfiguration: (call) => {
      const found = functionOf(call);
      const { Layers, Handler, Runtime, Environment } = call.input;
      if (Array.isArray(Layers)) found.layers = Layers.map(String);
      const set = Environment as { Variables?: Record<string, string> } | undefined;
      if (set) found.variables = { ...set.Variables };
      if (Handler !== undefined) found.handler = String(Handler);
      if (Runtime !== undefined) found.runtime = String(Runtime);
      return configuration(call, found);
    },
    GetAlias: aliasAnswer,
    CreateAlias: setAlias,
    UpdateAlias: (call) => {
      aliasOf(call);
      return setAlias(call);
    },
    GetEventSourceMapping: (call) => mappingAnswer(call, String(call.input['UUID']), mappingOf(call)),
    CreateEventSourceMapping: (call) => {
      const { region, input, nextId } = call;
      const UUID = madeUuid(nextId('mapping'));
      const made = { FunctionName: String(input['FunctionName']), enabled: input['Enabled'] !== false };
      region.lambda.mappings = { ...region.lambda.mappings, [UUID]: made };
      return mappingAnswer(call, UUID, made);
    },
    UpdateEventSourceMapping: (call) => {
      const found = mappingOf(call);
      if (call.input['Enabled'] !== undefined) found.enabled = call.input['Enabled'] === true;
      return mappingAnswer(call, String(call.input['UUID']), found);
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
