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
      functionOf(call);
      throw awsError('ResourceNotFoundException', 'The resource you requested does not exist.', 404);
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
