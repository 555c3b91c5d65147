/**
 * Firebreak's own errors: what happened, to which resource, and what to do next.
 * `code` is stable (ASL matches on `name`, which equals it); `next` is one instruction for a person.
 */
export type ErrorCode =
  | 'FindingInvalid' // the input is no GuardDuty finding
  | 'PolicyInvalid' // policy.yml does not parse or does not fit the schema
  | 'InputInvalid' // a workflow state or a table record that no version of Firebreak writes
  | 'ResourceNotFound' // the finding names a resource that AWS does not know (any more)
  | 'ResourceBusy' // another incident is changing the resource right now: try again
  | 'Superseded' // another invocation has taken over the work of this one, which ends
  | 'Refused' // Firebreak will not act on this target (protected, unmodifiable, identity mismatch)
  | 'Drift' // live state is neither what was before nor what we wrote
  | 'AccessDenied' // our own role may not do this
  | 'ResponderMissing' // the member account has no responder role
  | 'Unreachable' // an endpoint does not answer from where we run: no route, a time-out, overload
  | 'StepFailed' // AWS answered an error that a retry does not fix
  | 'NotFound' // no such incident
  | 'Conflict'; // a conditional write lost

export interface ErrorDetail {
  /** Which resource, as an ARN, an id or a file path. */
  readonly resource?: string;
  /** What a person does next, in one sentence. */
  readonly next?: string;
  /** The message as lines, where it tells of several mistakes: a terminal prints one a line. */
  readonly lines?: readonly string[];
  readonly cause?: unknown;
}

export class FirebreakError extends Error {
  readonly code: ErrorCode;
  readonly resource: string | undefined;
  readonly next: string | undefined;
  readonly lines: readonly string[];

  constructor(code: ErrorCode, message: string, detail: ErrorDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.name = code;
    this.code = code;
    this.resource = detail.resource;
    this.next = detail.next;
    this.lines = detail.lines ?? [message];
  }
}

export const isFirebreakError = (error: unknown, code?: ErrorCode): error is FirebreakError =>
  error instanceof FirebreakError && (code === undefined || error.code === code);

/** The work is another's for now: it is not done, and has not failed. */
export const isOutOfTurn = (error: unknown): error is FirebreakError =>
  isFirebreakError(error, 'ResourceBusy') || isFirebreakError(error, 'Superseded');

/**
 * Our own table did not answer. Not a FirebreakError, nor an answer of AWS: what is caught as the outcome of a step, a plan
 * or a read must not be this. The invocation fails with it, Step Functions runs it again, and the journal resumes.
 */
export class TableUnavailable extends Error {
  override readonly name = 'TableUnavailable';
}

/** The AWS error name (`error.name` in SDK v3, e.g. `InvalidGroup.Duplicate`), or undefined. */
export const awsErrorName = (error: unknown): string | undefined =>
  error instanceof Error ? error.name : undefined;

/** Error names by which AWS says "not allowed"; a retry cannot fix these. */
const DENIED = new Set([
  'AccessDenied',
  'AccessDeniedException',
  'UnauthorizedOperation',
  'Client.UnauthorizedOperation',
  'NotAuthorized',
]);
export const isAccessDenied = (error: unknown): boolean => DENIED.has(awsErrorName(error) ?? '');

/**
 * An answer of AWS (SDK v3 service exceptions carry `$fault`). A lost connection is none: it is thrown on, the task fails,
 * and the workflow runs it again.
 */
export const isAwsError = (error: unknown): error is Error => error instanceof Error && '$fault' in error;

/**
 * What AWS documents for the calls that playbooks make while another operation on the same thing is under way, or has not
 * arrived everywhere: it passes on its own. The names are without the ending that the SDK or the service puts behind some.
 */
const PASSING = new Set([
  ...['DependencyViolation', 'IncorrectState', 'IncorrectInstanceState', 'ConcurrentTagAccess'], // EC2
  ...['ConcurrentSnapshotLimitExceeded', 'SnapshotCreationPerVolumeRateExceeded'],
  ...['ResourceContention', 'ScalingActivityInProgress'], // Auto Scaling
  'ConcurrentUpdate', // Application Auto Scaling
  ...['ConcurrentModification', 'EntityTemporarilyUnmodifiable'], // IAM; the first one CloudTrail as well
  'OperationAborted', // S3
  'ResourceConflict', // Lambda
  ...['InvalidDBInstanceState', 'InvalidDBClusterState', 'InvalidResourceState'], // RDS
  ...['ResourceInUse', 'ResourcePropagationDelay'], // EKS
  'UpdateInProgress', // ECS
  ...['WAFOptimisticLock', 'WAFUnavailableEntity'],
  // CloudTrail, ECS, Bedrock, Route 53 Resolver, IAM Identity Center; and a cluster's API, as Firebreak's own error.
  'Conflict',
]);
export const passesByItself = (error: unknown): boolean =>
  PASSING.has((awsErrorName(error) ?? '').replace(/(Exception|Fault)$/, ''));

/** Worth another pass: throttling, 5xx, lost connections and what passes on its own. Another 4xx will be the same next time. */
export function mayRetry(error: unknown): boolean {
  if (isFirebreakError(error, 'Unreachable') || passesByItself(error)) return true;
  if (isAccessDenied(error) || error instanceof FirebreakError) return false;
  const { $metadata: meta, name } = error as { $metadata?: { httpStatusCode?: number }; name?: string };
  if (
    /Throttl|RequestLimitExceeded|TooManyRequests|Timeout|ServiceUnavailable|InternalError/i.test(name ?? '')
  ) {
    return true;
  }
  const status = meta?.httpStatusCode;
  return status === undefined || status >= 500;
}

/** One line for a person: code, message, resource, next step. Never holds a token or a secret. */
export function describeError(error: unknown): string {
  if (error instanceof FirebreakError) {
    const parts = [`${error.code}: ${error.message}`];
    if (error.resource) parts.push(`resource: ${error.resource}`);
    if (error.next) parts.push(`next: ${error.next}`);
    return parts.join(' · ');
  }
  if (error instanceof Error) return `${error.name}: ${error.message}`;
  return String(error);
}
