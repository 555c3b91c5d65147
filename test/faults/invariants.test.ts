/** Each check of the harness sees the violation that is planted for it, and a death leaves nothing running. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readHold, writeHold, writeStep } from '../../core/journal/hold.ts';
import { holdOf, journalOf } from '../../core/journal/journal.ts';
import { afterUndo, type Undisturbed, violations } from './invariants.ts';
import { openInvocations, ProcessExited } from './invocations.ts';
import { SCENARIOS } from './scenarios.ts';
import { openStage, type Stage } from './stage.ts';

let stage: Stage;
let undisturbed: Undisturbed;
beforeEach(async () => {
  const scenario = SCENARIOS.get('isolate-instance');
  if (!scenario) throw new Error('no scenario');
  stage = await openStage(scenario);
  await stage.deliver();
  undisturbed = { contained: stage.account() };
  expect(await violations(stage, undisturbed, 'contain')).toEqual([]);
});
afterEach(() => stage.close());

const seen = async (phase: 'contain' | 'undo' = 'contain') =>
  (await violations(stage, undisturbed, phase)).map(({ kind, text }) => `${kind}: ${text}`);

async function theIncident() {
  const [incident] = await stage.incidents();
  const [entry] = incident?.targets ?? [];
  if (!incident || !entry) throw new Error('no incident');
  return { incident, entry, ...stage.sandbox.runtime };
}
const setStatus = async (status: 'containing' | 'failed' | 'undone' | 'notified') => {
  const { incident, incidents, now } = await theIncident();
  await incidents.change(incident.id, now(), () => ({ status }));
};
/** The interface of the contained instance is put into another group. */
function moveInterface(name: string): void {
  const region = stage.sandbox.twin.region();
  const contained =
    region.groups.find(({ GroupName }) => GroupName === 'firebreak-quarantine')?.GroupId ?? '';
  const group = region.groups.find(({ GroupName }) => GroupName === name)?.GroupId ?? '';
  for (const one of region.interfaces) if (one.Groups.includes(contained)) one.Groups = [group];
}

it('sees an interface in the open transit group', async () => {
  moveInterface('firebreak-transit');
  expect(await seen()).toContainEqual(expect.stringMatching(/^worse: eni-\w+ is in the open transit group/));
});

it('sees a status of work that no execution does', async () => {
  await setStatus('containing');
  expect(await seen()).toContain('unowned: containing, and no execution runs');
});

it('sees a step and a hold that no one moves', async () => {
  const { entry, table } = await theIncident();
  const hold = await holdOf(table, entry.target, entry.playbook);
  const [step] = await journalOf(table, entry.target, entry.playbook);
  if (!hold || !step) throw new Error('no journal');
  await writeStep(table, hold, { ...step, status: 'applying' }, step);
  await writeHold(table, { ...hold, state: 'undoing', version: hold.version + 1 }, hold);
  expect((await readHold(table, hold.key))?.state).toBe('undoing');
  expect(await seen()).toEqual([
    expect.stringMatching(/^unowned: hold of .* is undoing/),
    expect.stringMatching(/^unowned: step .* is applying for ever/),
  ]);
});

it('sees a containment that is said and not there', async () => {
  moveInterface('web');
  expect(await seen()).toContain(
    'untrue: contained, but the account is not as an undisturbed containment leaves it',
  );
});

it('sees a containment that is there, and of which the status says nothing', async () => {
  await setStatus('undone');
  expect(await seen('undo')).toContain('untrue: undone, but the account is not as it was before');
});

it('sees a failure that no page and no card names', async () => {
  await setStatus('failed');
  stage.sandbox.twin.state.pages.length = 0;
  stage.sandbox.slack.messages.length = 0;
  expect(await seen()).toContainEqual(
    expect.stringMatching(/^untold: failed, and no page or card names fb-/),
  );
});

it('sees an undo that did not happen, and of which no page says so', async () => {
  expect(await seen('undo')).toContainEqual(
    expect.stringMatching(/^untold: undo was asked for and ends contained, and no page names fb-/),
  );
});

it('sees an event that was not taken in, and a severe finding that was only notified', async () => {
  const { incident } = await theIncident();
  const later = { ...stage, newest: () => '2026-11-24T04:00:00.000Z' };
  expect((await violations(later, undisturbed, 'contain')).map(({ kind }) => kind)).toEqual(['lost']);
  expect(incident.findingUpdatedAt).toBe(stage.newest());
  await setStatus('notified');
  expect(await seen()).toContain('lost: a severe finding ended notified');
});

it('sees an account that undo did not restore', async () => {
  expect((await afterUndo(stage)).map(({ text }) => text)).toEqual([
    'undone again, and the account is not as before',
    'all faults are over, and undo ends contained',
  ]);
});

it('lets an invocation that died do nothing more, not even in finally', async () => {
  const { seams, inject } = openInvocations();
  const did: string[] = [];
  const call = (operation: string) =>
    seams.call(
      { service: 'EC2', operation, input: {}, partition: 'aws', account: '1', region: 'eu-west-1' },
      async () => {
        did.push(operation);
        return {};
      },
    );
  inject(async (point, answer) => {
    await answer();
    return point.name === 'contain EC2:CreateTags #2' ? point.die() : {};
  });
  const work = seams.invocation('contain', async () => {
    const beside = call('CreateTags').then(() => call('DeleteTags'));
    try {
      await Promise.all([call('CreateTags'), beside]);
    } finally {
      did.push('finally');
    }
  });
  await expect(work).rejects.toBeInstanceOf(ProcessExited);
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(did.filter((what) => what === 'finally')).toEqual([]);
  expect(did.filter((what) => what === 'DeleteTags').length).toBeLessThanOrEqual(1);
});
