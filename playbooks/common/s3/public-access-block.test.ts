import { describe, expect, it } from 'vitest';
import { awsError } from '../../../sandbox/aws-error.ts';
import { ALL_BLOCKED, blockOf, blockValue } from './public-access-block.ts';

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

it.each([
  ['a fifth switch', { ...ALL_BLOCKED, Other: true }],
  ['three switches', { BlockPublicAcls: true, BlockPublicPolicy: true, IgnorePublicAcls: true }],
  ['a text', 'BlockPublicAcls'],
])('%s is not a value of the block', (_what, value) => {
  expect(blockValue.safeParse(value).success).toBe(false);
});
