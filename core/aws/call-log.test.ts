import { afterEach, describe, expect, it } from 'vitest';
import { type AwsCallRecord, collectCalls } from './call-log.ts';
import { awsFor, configureAws } from './client.ts';

afterEach(() => configureAws({}));

describe('the calls of a piece of work', () => {
  it('are its own, with request ids and errors, and hold no input', async () => {
    configureAws({
      retryBaseMs: 1,
      answer: async ({ operation }) => {
        if (operation === 'GetRole') {
          throw Object.assign(new Error('no such role'), {
            name: 'NoSuchEntityException',
            $fault: 'client',
            $metadata: { httpStatusCode: 404, requestId: 'id-of-the-error' },
          });
        }
        return { PolicyNames: [], $metadata: { httpStatusCode: 200, requestId: `id-of-${operation}` } };
      },
    });
    const work = async (calls: AwsCallRecord[], names: readonly string[]) =>
      collectCalls(calls, async () => {
        const aws = awsFor({ partition: 'aws', account: '111122223333', region: 'eu-west-1' });
        const { client, api } = await aws.iam();
        for (const RoleName of names) {
          await client.send(new api.GetRoleCommand({ RoleName })).catch(() => undefined);
          await client.send(new api.ListRolePoliciesCommand({ RoleName }));
        }
      });
    const [one, two]: AwsCallRecord[][] = [[], []];
    await Promise.all([work(one ?? [], ['secret-one']), work(two ?? [], ['secret-two', 'secret-three'])]);
    expect(one?.map(({ operation, requestId, error }) => [operation, requestId, error])).toEqual([
      ['GetRole', 'id-of-the-error', 'NoSuchEntityException'],
      ['ListRolePolicies', 'id-of-ListRolePolicies', undefined],
    ]);
    expect(two).toHaveLength(4);
    expect(JSON.stringify([one, two])).not.toContain('secret');
  });
});
