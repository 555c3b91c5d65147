import { describe, expect, it } from 'vitest';
import { awsError } from '../../../sandbox/aws-error.ts';
import { ALL_BLOCKED, blockOf, configurationOf } from './public-access-block.ts';

describe('blockOf', () => {
  it('takes a switch that S3 leaves out for one that is off', async () => {
    expect(
      await blockOf(async () => ({ PublicAccessBlockConfiguration: { BlockPublicAcls: true } })),
    ).toEqual({
      BlockPublicAcls: true,
      BlockPublicPolicy: false,
      IgnorePublicAcls: false,
      RestrictPublicBuckets: false,
    });
  });

  it('returns null where no configuration is set, and passes every other error on', async () => {
    const fails = (name: string) => blockOf(() => Promise.reject(awsError(name, 'as S3 says it', 404)));
    expect(await fails('NoSuchPublicAccessBlockConfiguration')).toBeNull();
    await expect(fails('NoSuchBucket')).rejects.toMatchObject({ name: 'NoSuchBucket' });
  });
});

it('configurationOf sends what blockOf returned', async () => {
  const read = await blockOf(async () => ({ PublicAccessBlockConfiguration: { ...ALL_BLOCKED } }));
  expect(configurationOf(read)).toEqual(ALL_BLOCKED);
});
