/** Incidents as an attacker would have them: every string of others hostile, every list short, long or absurd. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { parseFinding } from '../core/finding/finding.ts';
import type { IncidentContext } from '../core/incident/context.ts';
import type { ApprovalView, Incident, IncidentTarget } from '../core/incident/incident.ts';
import type { Relative } from '../core/incident/relatives.ts';
import type { SimilarIncidents } from '../core/incident/similar.ts';
import { STATUSES } from '../core/incident/status.ts';
import type { StepRecord } from '../core/journal/hold.ts';
import type { StepStatus } from '../core/journal/playbook.ts';
import type { Json } from '../core/json.ts';
import { anyCharacter } from './any-character.ts';

export const AT = '2026-11-24T07:40:00.000Z';

/** Names that every object has, and that no record may be asked for by mistake. */
export const INHERITED = ['constructor', '__proto__', 'toString', 'hasOwnProperty', 'valueOf'] as const;

export const text: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(...INHERITED),
  fc.string({ unit: anyCharacter, maxLength: 300 }),
  fc.constantFrom(
    '',
    '<!channel>',
    '<!here|x>',
    '<@U0ALICE>',
    '<https://evil.example|click>',
    'https://evil.example/login',
    '\u202eevil\u200b',
    '```\n*done*\n```',
    '*'.repeat(5000),
    '&'.repeat(5000),
    '<'.repeat(4000),
    '😀'.repeat(2000),
    '`'.repeat(3500),
    'x'.repeat(12_000),
  ),
);
const lines = (maxLength: number) => fc.array(text, { maxLength });
const key = fc.oneof(fc.string({ maxLength: 20 }), fc.constantFrom(...INHERITED));
const json: fc.Arbitrary<Json> = fc.oneof(
  text,
  fc.constant(null),
  fc.dictionary(key, text, { maxKeys: 5 }),
) as fc.Arbitrary<Json>;

const STEP_STATUSES: readonly StepStatus[] = [
  ...(['planned', 'applying', 'done', 'already', 'failed', 'skipped', 'drift', 'undoing', 'undone'] as const),
];

const step = fc.record({
  describe: text,
  before: json,
  after: json,
  note: fc.option(text, { nil: undefined }),
});

const target: fc.Arbitrary<IncidentTarget> = fc
  .record({
    display: text,
    steps: fc.array(step, { maxLength: 6 }),
    words: lines(4),
    kind: fc.constantFrom('plan', 'refused', 'problem', 'unread'),
    key: fc.uuid(),
  })
  .map(({ display, steps, words, kind, key }): IncidentTarget => {
    const base = {
      key,
      playbook: 'isolate-instance',
      target: {
        partition: 'aws',
        account: '1',
        region: 'r',
        kind: 'ec2-instance',
        id: 'i',
        display,
        facts: {},
      },
      undo: { safe: words.length % 2 === 0, why: words[0] ?? '' },
      proof: {
        proven: false,
        checks: words.map((saw, index) => ({ id: String(index), ok: index % 2 === 0, saw })),
        residual: words,
        next: 'wait' as const,
      },
      notes: words,
    };
    if (kind === 'problem') return { ...base, problem: display };
    if (kind === 'unread') return base;
    if (kind === 'refused') return { ...base, plan: { kind, reason: display, alternative: display } };
    return {
      ...base,
      plan: {
        kind: 'plan',
        steps: steps.map(({ describe, before, after }, index) => ({
          ...{ id: `s${index}`, kind: 's', role: 'contain', describe, args: {}, before, after },
        })),
        blastRadius: { count: steps.length, unit: display, detail: words },
        warnings: words,
        residual: words,
        askBecause: [],
        tags: {},
        arns: [],
        identity: words.map((what, index) => ({
          ...{ what, by: index % 2 === 0 ? [`s${index}`] : [], left: display },
          ...(index === 3 ? { followUp: 'reverse-changes' } : {}),
        })),
      },
    };
  });

/** Follow-ups of an incident. */
export const relatives: fc.Arbitrary<readonly Relative[]> = fc.array(
  fc
    .record({
      what: text,
      why: text,
      state: fc.constantFrom('asked' as const, 'contained' as const, 'left' as const),
    })
    .map((row) => ({
      ...{ id: 'fb-0123456789ab', what: 'follow-up: reverse changes', status: 'awaiting-approval' as const },
      ...{ slack: { channel: 'C0A', ts: '1.2' }, followUp: 'reverse-changes', identity: [row] },
    })),
  { maxLength: 6 },
);

const approval: fc.Arbitrary<ApprovalView> = fc
  .record({
    id: fc.constant('a'.repeat(32)),
    purpose: fc.constantFrom('contain' as const, 'undo' as const),
    requestedAt: fc.constant(AT),
    expiresAt: fc.constant(AT),
    remindAt: fc.constant(AT),
    escalateAt: fc.constant(AT),
    needed: fc.constantFrom(1 as const, 2 as const),
    approvedBy: fc.subarray(['U0ALICE', 'U0BOB']),
    clock: fc.constantFrom(
      {},
      { remindedAt: AT, escalatedAt: AT },
      { snoozed: { by: 'U0BOB', until: '2026-11-25T00:00:00.000Z' } },
    ),
  })
  .map(({ clock, ...open }) => ({ ...open, ...clock }))
  .chain((open) =>
    fc.oneof(
      fc.constant(open),
      fc
        .record({
          outcome: fc.constantFrom('approved' as const, 'denied' as const, 'expired' as const),
          reason: text,
          breakGlass: fc.boolean(),
          chosen: fc.constant(['0/s0']),
        })
        .map((end) => ({
          ...open,
          ...end,
          decidedBy: 'U0BOB',
          decidedAt: AT,
        })),
    ),
  );

export const incident: fc.Arbitrary<Incident> = fc
  .record({
    strings: fc.tuple(text, text, text, text),
    reasons: lines(30),
    targets: fc.oneof(fc.array(target, { maxLength: 3 }), fc.array(target, { minLength: 11, maxLength: 40 })),
    unhandled: lines(30),
    status: fc.constantFrom(...STATUSES),
    label: fc.constantFrom('low' as const, 'medium' as const, 'high' as const, 'critical' as const),
    approval: fc.option(approval, { nil: undefined }),
    sample: fc.boolean(),
    owned: fc.boolean(),
    overwrites: fc.array(fc.record({ describe: text, live: json, before: json }), { maxLength: 20 }),
  })
  .map((given): Incident => {
    const [type, title, display, region] = given.strings;
    return {
      ...{
        id: 'fb-000000000001',
        findingId: 'f',
        type,
        title,
        display,
        region,
        severity: 8,
        label: given.label,
      },
      ...{ account: '111122223333', partition: 'aws', sample: given.sample, archived: false, count: 1 },
      ...{ findingUpdatedAt: AT, createdAt: AT, updatedAt: AT, execution: 'e', status: given.status },
      ...{ playbook: 'isolate-instance', passes: 0, version: 1, unhandled: given.unhandled },
      activeAfterContainment: given.sample,
      decision: {
        ...{ kind: 'ask', label: given.label, reasons: given.reasons, rule: type, unknownType: false },
        ...{ page: false, expiry: 'contain', approvalTimeoutSeconds: 60, approvals: 1, followUps: [] },
      },
      targets: given.targets,
      undo: { safe: false, why: title },
      undoOverwrites: {
        at: AT,
        steps: given.overwrites.map((each) => ({ ...each, target: 'k', step: 's' })),
      },
      ...(given.approval ? { approval: given.approval } : {}),
      ...(given.owned ? { owner: { by: 'U0BOB', at: AT } } : {}),
    };
  });

export const steps: fc.Arbitrary<readonly StepRecord[]> = fc.array(
  fc.tuple(step, fc.constantFrom(...STEP_STATUSES), fc.nat(99)).map(
    ([given, status, number]): StepRecord => ({
      ...{ id: `s${number}`, kind: 's', role: 'contain', status, number, args: {}, needs: [] },
      ...{ output: undefined, doneAt: AT, ...given },
    }),
  ),
  { maxLength: 20 },
);

export const context: fc.Arbitrary<IncidentContext> = fc
  .record({
    events: fc.array(fc.record({ name: text, source: text, ip: text, agent: text, error: text }), {
      maxLength: 100,
    }),
    owner: text,
    tags: fc.dictionary(key, text, { maxKeys: 10 }),
  })
  .map(
    ({ events, owner, tags }): IncidentContext => ({
      at: AT,
      owner,
      tags,
      attack: [
        { kind: 'technique', id: 'T1078', name: owner, url: 'https://attack.mitre.org/techniques/T1078' },
      ],
      links: [{ label: 'GuardDuty', url: 'https://eu-west-1.console.aws.amazon.com/guardduty/home' }],
      activity: {
        ...{ kind: 'read', of: owner, from: AT, to: AT, more: true },
        events: events.map((event) => ({ ...event, at: AT, region: 'r', readOnly: false })),
      },
    }),
  );

export const similar: fc.Arbitrary<SimilarIncidents> = fc
  .array(fc.record({ display: text, reason: text, sameResource: fc.boolean() }), { maxLength: 200 })
  .map((found) => ({
    days: 90,
    more: true,
    found: found.map((each, index) => ({
      ...each,
      ...{
        id: `fb-${String(index).padStart(12, '0')}`,
        at: AT,
        status: 'declined',
        decided: 'denied',
        decidedBy: 'U0BOB',
      },
    })),
  }));

export const finding = parseFinding(
  JSON.parse(
    readFileSync(
      new URL('./fixtures/findings/canary-ec2-stateless-integtest-1.json', import.meta.url),
      'utf8',
    ),
  ),
);

/** Markup in these texts that is not Firebreak's own: mentions of approvers, times, links it made. */
export const foreignMarkup = (view: unknown): readonly string[] =>
  textsOf(view)
    .flatMap((each) => each.match(/<[^>]*>|<[^>]*$/g) ?? [])
    .filter(
      (mark) =>
        !/^<@U0(?:BOB|ALICE)>$|^<!subteam\^S0ONCALL>$|^<!date\^\d+\^\{date_short_pretty\} \{time\}\|[\d: -]+UTC>$/.test(
          mark,
        ) &&
        !/^<https:\/\/(?:attack\.mitre\.org|eu-west-1\.console\.aws\.amazon\.com|console\.example)\/[\w/.-]*\|[^<>]*>$/.test(
          mark,
        ) &&
        mark !== '<https://slack.com/app_redirect?channel=C0A&message_ts=1.2|fb-0123456789ab>',
    );

/** Every mrkdwn text in a message or modal. */
export function textsOf(view: unknown): readonly string[] {
  if (Array.isArray(view)) return view.flatMap(textsOf);
  if (typeof view !== 'object' || view === null) return [];
  const own = 'type' in view && view.type === 'mrkdwn' && 'text' in view ? [String(view.text)] : [];
  return [...own, ...Object.values(view).flatMap(textsOf)];
}
