/** What DynamoDB refuses, as its client throws it. */
import {
  type AttributeValue,
  type CancellationReason,
  ConditionalCheckFailedException,
  DynamoDBServiceException,
  IdempotentParameterMismatchException,
  ResourceInUseException,
  ResourceNotFoundException,
  TransactionCanceledException,
} from '@aws-sdk/client-dynamodb';

const metadata = () => ({ $metadata: { httpStatusCode: 400 } });

/** Returns the error of a request that DynamoDB does not take. */
export const invalid = (message: string): Error =>
  new DynamoDBServiceException({ name: 'ValidationException', $fault: 'client', message, ...metadata() });

export const unknownOperation = (operation: string): Error =>
  new DynamoDBServiceException({
    name: 'UnknownOperationException',
    $fault: 'client',
    message: `the sandbox does not answer dynamodb:${operation}`,
    ...metadata(),
  });

export const noSuchTable = (): Error =>
  new ResourceNotFoundException({ message: 'Requested resource not found', ...metadata() });

export const tableExists = (name: string): Error =>
  new ResourceInUseException({ message: `Table already exists: ${name}`, ...metadata() });

/** `item`: the one that kept the condition from holding, where the request asks for it. */
export const lostCondition = (item: Record<string, AttributeValue> | undefined): Error =>
  new ConditionalCheckFailedException({
    message: 'The conditional request failed',
    ...(item ? { Item: item } : {}),
    ...metadata(),
  });

export const otherToken = (): Error =>
  new IdempotentParameterMismatchException({
    message: 'the token was used for another transaction',
    ...metadata(),
  });

export const cancelled = (reasons: readonly CancellationReason[]): Error =>
  new TransactionCanceledException({
    message: `Transaction cancelled, please refer cancellation reasons for specific reasons [${reasons.map(({ Code }) => Code).join(', ')}]`,
    CancellationReasons: [...reasons],
    ...metadata(),
  });
