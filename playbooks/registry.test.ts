/** What the shipped policy may do automatically, over every published type and every playbook that could answer it. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parseFinding } from '../core/finding/finding.ts';
import type { JsonObject } from '../core/json.ts';
import { loadPolicy } from '../core/policy/policy.ts';
import { createTwin } from '../sandbox/twin/twin.ts';
import { findingOn } from '../sandbox/worlds.ts';
import { UNPLAYED } from '../test/conformance/unplayed.ts';
import { SCOPE } from '../test/playbooks/properties.ts';
import { publishedTypes } from './coverage.ts';
import { choosePlaybook, PLAYBOOKS } from './index.ts';
import { CHANGE_GROUPS } from './reverse-changes/playbook.ts';

const TYPES = (await publishedTypes()).map(({ type }) => type);

/** Findings that carry more than one resource, and findings that lack the one their type is about. */
const RESOURCES: readonly JsonObject[] = [
  {
    accessKeyDetails: {
      accessKeyId: 'AKIAEXAMPLE000000001',
      principalId: 'AIDAEXAMPLE000000001',
      userType: 'IAMUser',
      userName: 'someone',
    },
  },
  {
    accessKeyDetails: {
      accessKeyId: 'ASIAEXAMPLE000000001',
      principalId: 'AROAEXAMPLE000000001:i-0123456789abcdef0',
      userType: 'AssumedRole',
      userName: 'app',
    },
  },
  { instanceDetails: { instanceId: 'i-0123456789abcdef0' } },
  {},
];

const EVERY = TYPES.flatMap((type) => RESOURCES.map((resource) => ({ type, resource })));

it('never switches off credentials automatically, but for a stolen instance session', async () => {
  const policy = await loadPolicy('policy.yml');
  const twin = createTwin(SCOPE);
  const wrong = EVERY.flatMap(({ type, resource }) =>
    [2, 5, 8, 9.5].flatMap((severity) => {
      const finding = parseFinding(findingOn(twin, { seed: type, type, resource, severity }));
      const choice = choosePlaybook(finding);
      if ('none' in choice) return [];
      const { kind } = policy.decide(finding, { now: new Date(0), playbook: choice });
      const identity = choice.parts.some(({ target }) =>
        ['iam-user', 'role', 'role-session', 'sso-session'].includes(target.kind),
      );
      const stolen = type.includes('InstanceCredentialExfiltration');
      return kind === 'auto' && identity && !stolen ? [`${type} ${severity}: ${choice.id}`] : [];
    }),
  );
  expect(wrong).toEqual([]);
});

it('lets nothing follow automatically but a block, the session of what was isolated, and what lets GuardDuty report again', async () => {
  const policy = await loadPolicy('policy.yml');
  const twin = createTwin(SCOPE);
  const automatic = new Set<string>();
  for (const { type, resource } of EVERY) {
    for (const severity of [2, 5, 8, 9.5]) {
      const finding = parseFinding(findingOn(twin, { seed: type, type, resource, severity }));
      const facts = { now: new Date(0), playbook: { id: 'any', kind: 'any' } };
      const first = policy.decide(finding, facts);
      for (const playbook of first.followUps) {
        const followUpOf = { incidentId: 'fb-000000000000', playbook };
        const { kind, expiry } = policy.decide(finding, { ...facts, followUpOf });
        if (kind === 'auto') automatic.add(`${playbook} after ${first.kind}`);
        expect(expiry).toBe('escalate');
      }
    }
  }
  expect([...automatic]).toEqual([
    'revoke-instance-session after auto',
    'block-indicator after auto',
    'restore-detection after auto',
  ]);
});

it('acts on nothing that the finding does not name', () => {
  const twin = createTwin(SCOPE);
  for (const { type, resource } of EVERY) {
    const finding = parseFinding(findingOn(twin, { seed: type, type, resource }));
    const choice = choosePlaybook(finding);
    if ('none' in choice) continue;
    const text = JSON.stringify(finding.detail);
    for (const { target } of choice.parts) {
      for (const part of target.id.split(/[/?]/)) expect(text).toContain(part);
    }
  }
});

/** Every test file of a folder and the folders in it, in one text. */
const testsIn = (folder: string): string =>
  readdirSync(new URL(folder, import.meta.url), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => readFileSync(new URL(`${folder}${name}`, import.meta.url), 'utf8'))
    .join('\n');

const camel = (id: string): string => id.replace(/-([a-z])/g, (_all, letter: string) => letter.toUpperCase());

it('owes the properties of every playbook: undo, second run, crash after any call, two incidents', () => {
  const without = PLAYBOOKS.map(({ id }) => id).filter(
    (id) => !new RegExp(`playbookProperties\\(\\s*${camel(id)}\\b`).test(testsIn(`./${id}/`)),
  );
  expect(without, 'call playbookProperties(<playbook>, …) in a test of its folder').toEqual([]);
});

it('asks for every playbook that handles no finding type: a plan, a composite or followUp in policy.yml', () => {
  const policy = readFileSync(new URL('../policy.yml', import.meta.url), 'utf8');
  const sources = readdirSync(new URL('./', import.meta.url), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts') && name !== 'index.ts')
    .map((name) => ({ name, text: readFileSync(new URL(name, import.meta.url), 'utf8') }));
  const asked = (id: string) =>
    new RegExp(`followUp:([^\\n]*|\\s+\\[[^\\]]*)\\b${id}\\b`).test(policy) ||
    sources.some(
      ({ name, text }) =>
        !name.startsWith(`${id}/`) && (text.includes(`'${id}'`) || text.includes(`/${id}/playbook.ts'`)),
    );
  const idle = PLAYBOOKS.filter(({ id, handles }) => handles.length === 0 && !asked(id)).map(({ id }) => id);
  expect(idle, 'give it finding types, or have a plan or policy.yml ask for it').toEqual([]);
  expect(asked('no-such-playbook')).toBe(false);
});

it('plays every playbook on moto, or says what moto lacks', () => {
  const tests = testsIn('../test/conformance/');
  const without = PLAYBOOKS.map(({ id }) => id).filter(
    (id) => !(id in UNPLAYED) && !new RegExp(`['"\`]${id}[:,] `).test(tests),
  );
  expect(
    without,
    'begin the title of its test with "<id>: ", or name what moto lacks in unplayed.ts',
  ).toEqual([]);
  expect(Object.keys(UNPLAYED).filter((id) => !PLAYBOOKS.some((playbook) => playbook.id === id))).toEqual([]);
});

it('lists the playbook of every group of changes that are reversed', () => {
  expect(PLAYBOOKS).toEqual(expect.arrayContaining(CHANGE_GROUPS.map(({ playbook }) => playbook)));
});
