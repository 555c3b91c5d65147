import { z } from 'zod';
import { awsCommand } from '../../../core/aws/command-line.ts';
import { awsErrorName } from '../../../core/errors.ts';
import { defineInverse, textIn } from '../../common/changes/inverse.ts';
import { isForced, SECRET } from '../secret.ts';

const SECRETS = 'arn:${Partition}:secretsmanager:${Region}:${Account}:secret:*';
const THERE = 'available';
const GOING = 'scheduled for deletion';

/** A secret whose recovery window has not ended is restored. */
export const savedSecret = defineInverse({
  id: 'saved-secret',
  danger: 'destroys',
  calls: { source: 'secretsmanager.amazonaws.com', names: ['DeleteSecret'], alsoTold: ['RestoreSecret'] },
  does: 'the secret is restored within its recovery window',
  resource: z.strictObject({ secret: z.string().regex(SECRET) }),
  value: z.enum([THERE, GOING]).nullable(),
  effects(call) {
    const { name, request, response } = call;
    if (isForced(call)) return [];
    const answered = ['aRN', 'arn', 'ARN'].map((member) => textIn(response, member));
    const secret = [...answered, textIn(request, 'secretId')].find((one) => SECRET.test(one ?? ''));
    // A secret that is being deleted cannot be deleted again [M-LAB].
    if (name === 'DeleteSecret') return [{ resource: { secret }, left: GOING, before: THERE }];
    return [{ resource: { secret }, left: THERE }];
  },
  listedAs: ({ secret }) => secret,
  names: (_aws, { secret }) => [secret, secret.split(':secret:').at(-1) ?? secret],
  says: ({ secret }) => `Restore secret ${secret.split(':secret:').at(-1)}`,
  async read(aws, { secret }) {
    const { client, api } = await aws.secretsManager();
    try {
      const found = await client.send(new api.DescribeSecretCommand({ SecretId: secret }));
      return found.DeletedDate === undefined ? THERE : GOING;
    } catch (error) {
      if (awsErrorName(error) === 'ResourceNotFoundException') return null;
      throw error;
    }
  },
  async put(aws, { secret }) {
    const { client, api } = await aws.secretsManager();
    await client.send(new api.RestoreSecretCommand({ SecretId: secret }));
  },
  never({ secret }, value, { region }) {
    if (value === THERE) return undefined;
    const command = awsCommand('secretsmanager delete-secret', {
      ...{ region, 'secret-id': secret, 'recovery-window-in-days': '30' },
    });
    return `Firebreak does not delete a secret: ${command}`;
  },
  remains: () => ['who read a secret before it was deleted knows its value: rotate it'],
  permissions: {
    read: [
      {
        actions: ['secretsmanager:DescribeSecret'],
        resources: [SECRETS],
        why: 'whether a secret is being deleted; its value is never read',
      },
    ],
    write: [
      {
        actions: ['secretsmanager:RestoreSecret'],
        resources: [SECRETS],
        why: 'a secret that is being deleted is restored',
        worst: 'keeps any secret from being deleted',
      },
    ],
  },
  words: { setting: 'Secret', why: 'what reads it cannot work without it' },
  example: {
    eventName: 'DeleteSecret',
    requestParameters: { secretId: 'prod/orders', recoveryWindowInDays: 7 },
    responseElements: {
      aRN: ['arn', 'aws', 'secretsmanager', 'us-east-1', '111122223333', 'secret', 'prod/orders-a1b2c3'].join(
        ':',
      ),
      name: 'prod/orders',
      deletionDate: 'Dec 1, 2026 7:00:00 AM',
    },
  },
});
