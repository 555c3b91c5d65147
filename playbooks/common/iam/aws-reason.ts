import { awsErrorName } from '../../../core/errors.ts';

/** What AWS answered, in short; anything that is no answer of AWS is a bug and is thrown on. */
export function awsReason(error: unknown): string {
  if (!(error instanceof Error && '$metadata' in error)) throw error;
  const { httpStatusCode } = error.$metadata as { httpStatusCode?: number };
  return `${awsErrorName(error)}${httpStatusCode === undefined ? '' : `, HTTP ${httpStatusCode}`}`;
}

/** Returns true for what came back from AWS, and not for what kept the call from it. */
export const isAnswer = (error: unknown): boolean =>
  error instanceof Error &&
  '$metadata' in error &&
  (error.$metadata as { httpStatusCode?: number }).httpStatusCode !== undefined;

/** Returns true where IAM does not know what was named: SDK v3 names the class, the wire names the code. */
export const isNoSuchEntity = (error: unknown): boolean =>
  ['NoSuchEntityException', 'NoSuchEntity'].includes(awsErrorName(error) ?? '');
