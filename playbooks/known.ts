/** What the registry says as a whole, to those who check a policy or make roles. Functions do not ask: they load what they run. */
import { z } from 'zod';
import type { Change, Playbook } from '../core/journal/playbook.ts';
import type { KnownPlaybooks } from '../core/policy/schema.ts';
import { COMPOSITES, NOTICE, PLAYBOOKS } from './index.ts';

/** Before anything automatic the finding itself is read back, in the account and Region it is of. */
const READ_BACK: Pick<Playbook, 'id' | 'permissions'> = {
  id: 'read-back',
  permissions: {
    read: [
      {
        // Neither has a resource level.
        actions: ['guardduty:GetFindings', 'guardduty:ListDetectors'],
        resources: ['*'],
        why: 'the finding as its detector holds it, before anything automatic',
      },
      {
        actions: ['guardduty:GetDetector'],
        resources: ['arn:${Partition}:guardduty:*:${Account}:detector/*'],
        why: 'whether a finding follows the result of a malware scan',
      },
    ],
    write: [],
  },
};

/** Every id that policy.yml may name, with the settings it takes. */
export const KNOWN_PLAYBOOKS: KnownPlaybooks = new Map([
  ...PLAYBOOKS.map(({ id, settings }) => [id, settings ?? z.strictObject({})] as const),
  ...COMPOSITES.map(({ id }) => [id, z.strictObject({})] as const),
]);

/** Whose rights the functions need: those of every playbook, and what the other answers read for themselves. */
export const RIGHTS: readonly Pick<Playbook, 'id' | 'permissions'>[] = [
  ...PLAYBOOKS,
  READ_BACK,
  ...[...COMPOSITES, NOTICE].flatMap(({ id, reads }) =>
    reads ? [{ id, permissions: { read: reads, write: [] as readonly Change[] } }] : [],
  ),
];
