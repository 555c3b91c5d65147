import { z } from 'zod';
import { arn } from '../../../core/aws/arn.ts';
import type { Aws } from '../../../core/aws/client.ts';
import { awsCommand } from '../../../core/aws/command-line.ts';
import { awsErrorName } from '../../../core/errors.ts';
import { defineInverse, textIn } from '../../common/changes/inverse.ts';

const KEYS = 'arn:${Partition}:kms:${Region}:${Account}:key/*';
const ID = '(?:mrk-[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})';
/** Of an id, or of the ARN that ends with it. */
const keyId = new RegExp(`(?:^|:key/)(${ID})$`);

/** By its ARN, under which CloudTrail lists the calls of a key [M-LAB]. */
const key = z.strictObject({
  key: z.string().regex(new RegExp(`^arn:[a-z-]+:kms:[a-z0-9-]+:\\d{12}:key/${ID}$`)),
});
/** As KMS says it; null: there is no such key. */
const state = z
  .string()
  .regex(/^[A-Z][A-Za-z]{1,39}$/)
  .nullable();

const idOf = (of: string): string => of.split('/').at(-1) ?? of;
const isPending = (value: string | null): boolean => /^Pending(Replica)?Deletion$/.test(value ?? '');

/** The deletion of a key is cancelled, and a key that was enabled is enabled again: cancelling leaves it disabled. */
export const savedKey = defineInverse({
  id: 'saved-key',
  danger: 'destroys',
  calls: {
    source: 'kms.amazonaws.com',
    names: ['ScheduleKeyDeletion', 'DisableKey', 'EnableKey'],
    alsoTold: ['CancelKeyDeletion', 'CreateKey'],
  },
  does: 'the deletion is cancelled; the key is enabled or disabled, as CloudTrail or AWS Config shows it was, and stays disabled where neither does',
  resource: key,
  value: state,
  effects({ name, request, response }, scope) {
    const named = textIn(request, 'keyId') ?? textIn(response, 'keyMetadata', 'keyId') ?? '';
    const [, id] = keyId.exec(named) ?? [];
    const resource = { key: id && arn(scope, 'kms', `key/${id}`) };
    if (name === 'ScheduleKeyDeletion')
      return [{ resource, left: textIn(response, 'keyState') ?? 'PendingDeletion', guess: 'Disabled' }];
    if (name === 'CreateKey')
      return [{ resource, left: textIn(response, 'keyMetadata', 'keyState') ?? 'Enabled' }];
    return [{ resource, left: name === 'EnableKey' ? 'Enabled' : 'Disabled' }];
  },
  listedAs: ({ key: of }) => of,
  recorded: {
    of: ({ key: of }) => ({ type: 'AWS::KMS::Key', id: idOf(of) }),
    // As KMS says it [M].
    value: ({ configuration }) => textIn(configuration, 'keyState'),
  },
  names: (_aws, { key: of }) => [of, idOf(of)],
  says({ key: of }, wanted) {
    if (wanted === 'Enabled') return `Enable key ${idOf(of)}, and cancel its deletion`;
    return `Leave key ${idOf(of)} disabled, and cancel its deletion`;
  },
  async read(aws, { key: KeyId }) {
    const { client, api } = await aws.kms();
    try {
      const { KeyMetadata } = await client.send(new api.DescribeKeyCommand({ KeyId }));
      return KeyMetadata?.KeyState ?? null;
    } catch (error) {
      if (awsErrorName(error) === 'NotFoundException') return null;
      throw error;
    }
  },
  async put(aws, { key: KeyId }, to, from) {
    if (isPending(from)) await cancelDeletion(aws, KeyId);
    const { client, api } = await aws.kms();
    if (to === 'Enabled') await client.send(new api.EnableKeyCommand({ KeyId }));
    // Cancelling a deletion leaves a key disabled.
    else if (!isPending(from)) await client.send(new api.DisableKeyCommand({ KeyId }));
  },
  between: (_key, left, wanted) => (isPending(left) && wanted === 'Enabled' ? ['Disabled'] : []),
  never({ key: of }, value, { region }) {
    if (value === 'Enabled' || value === 'Disabled') return undefined;
    if (!isPending(value)) return `no call makes key ${idOf(of)} ${value ?? 'gone'}`;
    const command = awsCommand('kms schedule-key-deletion', { region, 'key-id': of });
    return `Firebreak does not schedule the deletion of key ${idOf(of)}: ${command}`;
  },
  permissions: {
    read: [
      {
        actions: ['kms:DescribeKey'],
        resources: [KEYS],
        why: 'whether a key is enabled, disabled or being deleted',
      },
    ],
    write: [
      {
        actions: ['kms:CancelKeyDeletion', 'kms:DisableKey', 'kms:EnableKey'],
        resources: [KEYS],
        why: 'the deletion of a key is cancelled; it is enabled or disabled as it was',
        worst:
          'disables any key, so that what is encrypted under it cannot be read until it is enabled; enables one that its owner disabled',
      },
    ],
  },
  words: { setting: 'KMS key', why: 'what is encrypted under it cannot be read without it' },
  example: {
    eventName: 'ScheduleKeyDeletion',
    requestParameters: { keyId: '1234abcd-12ab-34cd-56ef-1234567890ab', pendingWindowInDays: 7 },
    responseElements: { keyState: 'PendingDeletion' },
  },
});

/** Cancels it, unless it is cancelled already: a lost answer of this very call, or another caller. */
async function cancelDeletion(aws: Aws, KeyId: string): Promise<void> {
  const { client, api } = await aws.kms();
  try {
    await client.send(new api.CancelKeyDeletionCommand({ KeyId }));
  } catch (error) {
    if (awsErrorName(error) !== 'KMSInvalidStateException') throw error;
  }
}
