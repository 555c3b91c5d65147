/** Create, then use: each endpoint of AWS learns of what is new in its own time. */
import { pause } from '../../core/aws/client.ts';
import { awsErrorName } from '../../core/errors.ts';

/** Tries again while `work` fails because AWS does not show yet what we just made. Up to about four seconds. */
export async function onceVisible<T>(
  work: () => Promise<T>,
  notYet: (error: unknown) => boolean,
): Promise<T> {
  for (const wait of [250, 500, 1000, 2000]) {
    try {
      return await work();
    } catch (error) {
      if (!notYet(error)) throw error;
    }
    await pause(wait);
  }
  return work();
}

/** One endpoint of EC2 that lists a new security group does not mean that the next one knows it. */
export const onceGroupVisible = <T>(work: () => Promise<T>): Promise<T> =>
  onceVisible(work, (error) => awsErrorName(error) === 'InvalidGroup.NotFound');
