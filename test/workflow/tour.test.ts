/** The tour of `npm start` ticks off what people did, and nothing that they did not. */
import { afterEach, expect, it } from 'vitest';
import { hasScreen } from '../../cli/open-browser.ts';
import { tourPage } from '../../console/tour.ts';
import { type ApprovalStage, approvalStage } from './approvals.ts';
import { idle } from './people.ts';

let stage: ApprovalStage | undefined;
afterEach(() => stage?.sandbox.close());

it('ticks off the approval, the look at what changed, and the undo', async () => {
  stage = await approvalStage();
  const { sandbox } = stage;
  const tour = tourPage(sandbox);
  const page = async () => (await tour.get(new URL('http://x/tour'), 'csrf'))?.main.text ?? '';
  const done = async () => [...(await page()).matchAll(/✓ ([^<]+) </g)].map(([, title]) => title);
  const changed = (incident: string) => tour.post('/tour/changed', new URLSearchParams({ incident }));

  expect(await done()).toEqual([]);
  expect(await page()).toContain('href="/slack"');
  const asking = await stage.find();
  const { id } = asking.incident;
  expect(await done()).toEqual([]);
  await stage.approve(asking, 'U0BOB');
  await idle(sandbox);
  expect(await done()).toEqual(['Approve a containment']);
  expect(await page()).toContain(`/incident/${id}/undo`);

  expect(await changed('fb-000000000000')).toBeUndefined();
  expect(await tour.post('/tour/other', new URLSearchParams({ incident: id }))).toBeUndefined();
  expect(await changed(id)).toBe(`/incident/${id}`);
  expect(await done()).toEqual(['Approve a containment', 'See what changed']);
  expect(await page()).not.toContain('whole response');

  await (await sandbox.undo(id, 'U0ALICE')).ended;
  expect(await done()).toEqual(['Approve a containment', 'See what changed', 'Undo it']);
  expect(await page()).toContain('whole response');
});

it.each([
  ['a build', { CI: 'true', DISPLAY: ':0' }, 'linux', true],
  ['a remote shell', { SSH_CONNECTION: '1 2 3 4', DISPLAY: ':0' }, 'linux', true],
  ['no screen', {}, 'linux', true],
  ['no terminal', { DISPLAY: ':0' }, 'linux', false],
  ['no terminal', {}, 'darwin', false],
] as const)('opens no browser in or with %s', (_what, env, platform, isTerminal) => {
  expect(hasScreen(env, platform, isTerminal)).toBe(false);
});

it('opens one where a person sits in front of a screen', () => {
  expect(hasScreen({ WAYLAND_DISPLAY: 'wayland-0' }, 'linux', true)).toBe(true);
  expect(hasScreen({}, 'darwin', true)).toBe(true);
});
