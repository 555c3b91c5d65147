/** What a stolen key made, opened and shared is reversed after one approval, and undo restores what the thief left. */
import '../../sandbox/quiet.ts';
import { afterEach, expect, it } from 'vitest';
import { loadPolicy } from '../../core/policy/policy.ts';
import { persistentWorld } from '../../sandbox/persistent.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { accountOf } from '../../sandbox/saved.ts';
import { bobApproves, idle } from './people.ts';

let sandbox: Sandbox | undefined;
afterEach(async () => {
  await sandbox?.close();
  sandbox = undefined;
});

it('reverses the user, key, trust, port and snapshot, proves it, and undoes it field for field', async () => {
  const own = await startSandbox({ policy: await loadPolicy('policy.yml') });
  sandbox = own;
  const { twin } = own;
  const { event, show } = persistentWorld(twin);
  const before = structuredClone(accountOf(twin.state));
  const usable = () => show().map(([, works]) => works);
  expect(usable()).toEqual([true, true, true, true]);

  await own.deliver(event);
  await bobApproves(own, ({ followUpOf }) => followUpOf === undefined);
  await bobApproves(own, ({ followUpOf }) => followUpOf !== undefined);
  await idle(own);
  expect(usable()).toEqual([false, false, false, false]);
  const incidents = await own.incidents();
  const followUp = incidents.find(({ followUpOf }) => followUpOf?.playbook === 'reverse-changes');
  const first = incidents.find(({ followUpOf }) => followUpOf === undefined);
  if (!followUp || !first) throw new Error('an incident is missing');
  expect(followUp.targets.map(({ playbook, proof }) => [playbook, proof?.proven])).toEqual([
    ['reverse-iam-changes', true],
    ['reverse-sharing-changes', true],
    ['reverse-network-changes', true],
  ]);
  const { GroupId, rules } = twin.region().groups.find(({ GroupName }) => GroupName === 'database') ?? {};
  expect(
    rules?.map(({ FromPort }) => FromPort),
    GroupId,
  ).toEqual([5432]);

  // It lets the thief back in: a second person is asked.
  const undoing = await own.undo(followUp.id, 'U0ALICE');
  await bobApproves(own, ({ id }) => id === followUp.id, 'undo');
  await undoing.ended;
  const undone = await own.undo(first.id, 'U0ALICE');
  await bobApproves(own, ({ id }) => id === first.id, 'undo');
  await undone.ended;
  expect(usable()).toEqual([true, true, true, true]);
  const after = accountOf(twin.state);
  expect(after).toEqual(before);
  expect(JSON.stringify(after)).toContain('"sharedWith":["444455556666"]');
});
