import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { sandboxSource, slackOf } from '../../cli/console.ts';
import { startConsole } from '../../console/server.ts';
import { parsePolicy } from '../../core/policy/policy.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import {
  addressFinding,
  addressWorld,
  credentialFinding,
  credentialWorld,
  groupsOfInstance,
} from '../../sandbox/worlds.ts';
import { admit, openConsole } from '../console-visitor.ts';
import { idle, until } from '../workflow/people.ts';
import { type Chromium, fitsWidth, PHONE, startChromium, violations } from './harness.ts';

/** A rule of policy.yml that wants two people. */
const POLICY = new URL('../../policy.yml', import.meta.url);
const RULE = '- name: instance talks to a listed or hidden address';
const SHOTS = process.env['FIREBREAK_SCREENSHOTS'];

let chromium: Chromium;
let sandbox: Sandbox;
let url: string;
let cookie: string;
let close: () => Promise<void>;
beforeAll(async () => {
  chromium = await startChromium();
  const policy = await readFile(POLICY, 'utf8');
  expect(policy).toContain(RULE);
  sandbox = await startSandbox({ policy: parsePolicy(policy.replace(RULE, `${RULE}\n    approvals: 2`)) });
  ({ url, close } = await startConsole(sandboxSource(sandbox, 'policy.yml'), {
    extras: [slackOf(sandbox)],
  }));
  cookie = await openConsole(url);
});
afterAll(async () => {
  await chromium.close();
  await close();
  await sandbox.close();
});

let page: Page;
beforeEach(async () => {
  page = await chromium.open({ screen: PHONE });
  await admit(page, url, cookie);
});

const slack = (as: string) => page.goto(new URL(`/slack?as=${as}`, url).href);
const shot = async (name: string) => {
  if (SHOTS) await page.screenshot({ path: `${SHOTS}/${name}.png`, fullPage: !name.includes('modal') });
};
const press = (name: string | RegExp) => page.getByRole('button', { name, exact: true }).first().click();
/** What a responder can rely on, whatever they look at. */
async function usable() {
  expect(await violations(page)).toEqual([]);
  expect(await fitsWidth(page)).toBe(true);
}

it('shows the card, its details and who may not, and contains once a second person has agreed', async () => {
  const { instanceId } = addressWorld(sandbox.twin);
  await sandbox.deliver(addressFinding(sandbox.twin, instanceId, { seed: 'browser', severity: 8 }));
  await slack('U0ALICE');
  await page.getByRole('heading', { name: /HIGH · awaiting approval/ }).waitFor();
  await shot('card');
  await usable();

  await press('Details');
  const chapter = page.getByLabel('Chapter');
  await chapter.waitFor();
  await shot('modal-finding');
  await usable();
  await chapter.selectOption({ label: 'Plan: before and after' });
  await page.getByRole('dialog').getByText('Protect the instance from termination').waitFor();
  await shot('modal-plan');
  await usable();
  await chapter.selectOption({ label: 'Similar incidents' });
  await page.getByRole('dialog').getByText('No other of this type').waitFor();
  await press('Close');

  await slack('U0MALLORY');
  await press('Contain now');
  await shot('modal-sure');
  await usable();
  await press('Contain');
  await page.getByText('not on the list of approvers').waitFor();
  await shot('refused');

  await slack('U0ALICE');
  await press('Contain now');
  await press('Contain');
  await page.getByText(/1 of 2 people/).waitFor();
  await shot('one-of-two');

  await slack('U0BOB');
  await press('Contain now');
  await press('Contain');
  await page.getByRole('heading', { name: /HIGH · contained/ }).waitFor();
  await page.getByText(/Containment approved by @Alice and @Bob/).waitFor();
  await idle(sandbox);
  await page.reload();
  await shot('contained');
  await usable();
  expect(await page.getByRole('button', { name: 'Contain now' }).count()).toBe(0);
  expect(groupsOfInstance(sandbox.twin, instanceId)).toEqual(['firebreak-quarantine']);
});

it('denies only with a reason, which then stands on the card', async () => {
  const { stolen } = credentialWorld(sandbox.twin);
  await sandbox.deliver(credentialFinding(sandbox.twin, stolen, { seed: 'deny', severity: 5 }));
  await slack('U0BOB');
  await page.getByRole('heading', { name: /MEDIUM · awaiting approval/ }).waitFor();
  await press('Deny…');
  await page.getByRole('heading', { name: 'Deny containment' }).waitFor();
  await shot('modal-deny');
  await usable();
  await press('Deny');
  await page.getByText('Please complete this required field.').waitFor();
  await page.getByLabel('Why?').fill('The scanner of the platform team, ticket 4711');
  await press('Deny');
  await page.getByRole('heading', { name: /MEDIUM · declined/ }).waitFor();
  await page.getByText('The scanner of the platform team, ticket 4711').waitFor();
  await idle(sandbox);
});

it('works without scripts: every press is a form', async () => {
  const { stolen } = credentialWorld(sandbox.twin);
  await sandbox.deliver(credentialFinding(sandbox.twin, stolen, { seed: 'plain', severity: 5 }));
  await until(() => (sandbox.slack.messages.at(-1)?.text.includes('awaiting approval') ? true : undefined));
  page = await chromium.open({ screen: PHONE, scripts: false });
  await admit(page, url, cookie);
  await slack('U0ALICE');
  await press('Deny…');
  await page.getByLabel('Why?').fill('Known to the platform team');
  await press('Deny');
  await until(() => (sandbox.slack.messages.at(-1)?.text.includes('declined') ? true : undefined));
  await page.reload();
  await page.getByText('Known to the platform team').waitFor();
  await page.getByRole('textbox', { name: 'Message' }).fill('/firebreak status');
  await press('Send');
  await page.getByText('The kill switch is off').waitFor();
  await idle(sandbox);
});
