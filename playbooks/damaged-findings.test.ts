/**
 * Every published type's simulated finding, damaged at every place in every way: what is lost or of another kind never
 * makes the answer more automatic, never ends it as a record, and the same finding is always answered the same.
 */
import { expect, it } from 'vitest';
import { isFirebreakError } from '../core/errors.ts';
import { parseFinding } from '../core/finding/finding.ts';
import type { DecisionKind } from '../core/incident/incident.ts';
import { decideAlone } from '../core/policy/backtest.ts';
import { loadPolicy } from '../core/policy/policy.ts';
import { simulatedEvent } from '../sandbox/simulated/event.ts';
import { publishedTypes } from './coverage.ts';
import { choosePlaybook } from './index.ts';

const policy = await loadPolicy('policy.yml');
const ORDER: readonly DecisionKind[] = ['record', 'notify', 'ask', 'auto'];
type Place = Record<string, unknown>;

/** `invalid`: the workflow fails and pages. */
function decided(raw: unknown): DecisionKind | 'invalid' {
  try {
    const finding = parseFinding(raw);
    return decideAlone(policy, finding, choosePlaybook(finding)).kind;
  } catch (error) {
    if (isFirebreakError(error, 'FindingInvalid') && error.message !== '') return 'invalid';
    throw error;
  }
}

function* placesIn(value: unknown, at: readonly string[] = []): Generator<readonly string[]> {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, member] of Object.entries(value)) {
    yield [...at, key];
    yield* placesIn(member, [...at, key]);
  }
}

const DAMAGE: Readonly<Record<string, (at: Place, key: string) => void>> = {
  dropped: (at, key) => (Array.isArray(at) ? at.splice(Number(key), 1) : delete at[key]),
  null: (at, key) => (at[key] = null),
  'an empty text': (at, key) => (at[key] = ''),
  'a number': (at, key) => (at[key] = 7),
  'a list of it': (at, key) => (at[key] = [at[key]]),
  'an empty list': (at, key) => (at[key] = []),
  'an object around it': (at, key) => (at[key] = { x: at[key] }),
  'an empty object': (at, key) => (at[key] = {}),
  'a huge text': (at, key) => (at[key] = 'x'.repeat(5000)),
  'its key in capitals': (at, key) => {
    if (Array.isArray(at)) return;
    const member = at[key];
    delete at[key];
    at[key.toUpperCase()] = member;
  },
};

function damaged(base: unknown, path: readonly string[], damage: (at: Place, key: string) => void): unknown {
  const copy = { ...(base as Place) };
  let at = copy;
  // Only what stands above the damage is copied.
  for (const key of path.slice(0, -1)) {
    const inner = at[key] as Place;
    at[key] = Array.isArray(inner) ? [...inner] : { ...inner };
    at = at[key] as Place;
  }
  damage(at, path.at(-1) ?? '');
  return copy;
}

const made = (type: string, change: (detail: Place) => void = () => {}): unknown => {
  const scope = { partition: 'aws', account: '111122223333', region: 'eu-west-1' };
  const now = new Date('2026-01-01T00:00:00Z');
  const event = structuredClone(
    simulatedEvent(type, { scope, severity: 'high', now, seed: 's', sample: false }),
  );
  change(event['detail'] as Place);
  return event;
};

it('no damage makes an answer more automatic, ends it in a record, or throws what is not named', async () => {
  const inside = 'UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.InsideAWS';
  const bases = [
    ...(await publishedTypes()).map(({ type }) => [type, made(type)] as const),
    [
      `${inside}, an account of ours`,
      made(inside, ({ service }) => {
        const { action } = service as { action: { awsApiCallAction: Place } };
        action.awsApiCallAction['remoteAccountDetails'] = { accountId: '210987654321', affiliated: true };
      }),
    ] as const,
  ];
  const wrong: string[] = [];
  let count = 0;
  for (const [name, base] of bases) {
    const before = decided(base);
    expect(before).not.toBe('invalid');
    for (const path of placesIn(base)) {
      // A higher severity is another finding, and any number is one.
      if (path.at(-1) === 'severity') continue;
      for (const [how, damage] of Object.entries(DAMAGE)) {
        count += 1;
        const raw = damaged(base, path, damage);
        const after = decided(raw);
        if (after === 'invalid') continue;
        const rose = ORDER.indexOf(after) > ORDER.indexOf(before as DecisionKind);
        if (rose || after === 'record')
          wrong.push(`${name}: ${path.join('.')} ${how}: ${before} -> ${after}`);
        if (count % 50 === 0 && decided(raw) !== after)
          wrong.push(`${name}: ${path.join('.')} ${how}: not the same twice`);
      }
    }
  }
  expect(wrong).toEqual([]);
  expect(count).toBeGreaterThan(100_000);
}, 120_000);

it.each([
  ['archived', (detail: Place, value: unknown) => ((detail['service'] as Place)['archived'] = value)],
  [
    'additionalInfo.sample',
    (detail: Place, value: unknown) => ((detail['service'] as Place)['additionalInfo'] = { sample: value }),
  ],
] as const)('a service.%s that cannot be read is never taken for a no', (_name, set) => {
  for (const value of ['', 'yes', 1, 7, [], [true], {}, { x: true }])
    expect(decided(made('Trojan:EC2/DropPoint', (detail) => set(detail, value)))).toBe('ask');
  expect(decided(made('Trojan:EC2/DropPoint', (detail) => delete detail['service']))).toBe('ask');
  expect(decided(made('Trojan:EC2/DropPoint'))).toBe('auto');
});
