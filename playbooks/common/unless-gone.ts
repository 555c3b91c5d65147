import { awsErrorName } from '../../core/errors.ts';

const isNotFound = (error: unknown): boolean => awsErrorName(error) === 'ResourceNotFoundException';

/** Returns what the work found; undefined where what it names is gone, which most services answer alike. */
export async function unlessGone<T>(
  work: Promise<T>,
  isGone: (error: unknown) => boolean = isNotFound,
): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}
