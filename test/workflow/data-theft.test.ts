/** Data is read with a stolen password and a snapshot is shared: path, password, session, key and share, each cut, and what undo restores. */
import '../../sandbox/quiet.ts';
import { afterEach, expect, it } from 'vitest';
import { loadPolicy, parsePolicy } from '../../core/policy/policy.ts';
import { dataTheftWorld, EVICTION_SETTINGS } from '../../sandbox/data-theft.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { accountOf, withoutLost } from '../../sandbox/saved.ts';
import { bobApproves, idle, until } from './people.ts';

let sandbox: Sandbox | undefined;
afterEach(async () => {
  await sandbox?.close();
  sandbox = undefined;
});

/** The shipped policy, with the login that ends sessions. */
async function withLogin() {
  const policy = await loadPolicy('policy.yml');
  return {
    ...policy,
    playbookSettings: (id: string) =>
      id === 'evict-database-user' ? EVICTION_SETTINGS : policy.playbookSettings(id),
  };
}

it('closes the path, rotates, ends the session, reverses the share, and undoes all but rotation and session', async () => {
  const own = await startSandbox({ policy: await withLogin() });
  sandbox = own;
  const { twin } = own;
  const { events, show } = dataTheftWorld(twin);
  const before = structuredClone(accountOf(twin.state));
  const usable = () => show().theft.map(([, works]) => works);
  expect(usable()).toEqual([true, true, true, true, true]);

  const [theft, share] = events;
  await own.deliver(theft);
  await bobApproves(own, ({ playbook }) => playbook === 'restrict-database');
  await bobApproves(own, ({ playbook }) => playbook === 'evict-database-user');
  await idle(own);
  expect(usable()).toEqual([false, false, false, true, true]);
  expect(show().application).toBe(true);
  await own.deliver(share);
  await bobApproves(own, ({ playbook }) => playbook === 'disable-user-keys');
  await bobApproves(own, ({ followUpOf }) => followUpOf?.playbook === 'reverse-changes');
  await idle(own);
  expect(usable()).toEqual([false, false, false, false, false]);

  const incidents = await own.incidents();
  const evicted = incidents.find(({ playbook }) => playbook === 'evict-database-user');
  expect(evicted?.targets[0]?.proof).toMatchObject({
    proven: true,
    checks: [
      { id: 'password' },
      { id: 'tls' },
      { id: 'sessions', saw: expect.stringContaining('1 ended, 0 open') },
    ],
  });
  const reversed = incidents.find(({ followUpOf }) => followUpOf?.playbook === 'reverse-changes');
  expect(reversed?.targets).toMatchObject([{ playbook: 'reverse-sharing-changes', proof: { proven: true } }]);

  const newest = [...incidents].sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1));
  for (const { id } of newest) {
    const undoing = await own.undo(id, 'U0ALICE');
    // What lets the thief back in needs a second person.
    void bobApproves(own, (one) => one.id === id, 'undo').catch(() => undefined);
    await undoing.ended;
  }
  await idle(own);
  expect(usable()).toEqual([true, false, false, true, true]);
  const after = accountOf(twin.state);
  expect(after).not.toEqual(before);
  expect(withoutLost(after)).toEqual(withoutLost(before));
  const timeline = await own.runtime.incidents.timeline(evicted?.id ?? '');
  expect(JSON.stringify([timeline, own.slack.messages])).toContain('does not come back');
});

it('is asked about the user whatever policy says, and silence changes nothing of the database', async () => {
  const own = await startSandbox({
    policy: parsePolicy(
      JSON.stringify({
        version: 1,
        approvers: ['U0BOB'],
        approval: { timeout: '30m', onExpiry: 'contain' },
        playbooks: { 'evict-database-user': EVICTION_SETTINGS },
        rules: [
          {
            ...{ name: 'databases', match: { type: 'Exfiltration:RDS/*' }, decide: 'auto' },
            followUp: [{ playbook: 'evict-database-user', decide: 'auto' }],
          },
        ],
      }),
    ),
    approvalTimeoutSeconds: () => 0.05,
  });
  sandbox = own;
  const { events, show } = dataTheftWorld(own.twin);
  await own.deliver(events[0]);
  const asked = await until(async () =>
    (await own.incidents()).find(
      ({ playbook, status }) => playbook === 'evict-database-user' && status === 'expired',
    ),
  );
  expect(asked.decision?.kind).toBe('ask');
  expect(
    show()
      .theft.slice(0, 3)
      .map(([, works]) => works),
  ).toEqual([false, true, true]);
});
