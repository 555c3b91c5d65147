import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { failureText } from '../../cli/failure.ts';
import { isFirebreakError } from '../errors.ts';
import { type Finding, parseFinding } from '../finding/finding.ts';
import type { DecisionKind } from '../incident/incident.ts';
import type { Plan } from '../journal/playbook.ts';
import { readCompiled } from './compiled.ts';
import { compilePolicy, type GateFacts, loadPolicy, type Policy, parsePolicy } from './policy.ts';

const fixture = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../test/fixtures/findings/${name}`, import.meta.url), 'utf8'));
const types: unknown = JSON.parse(
  readFileSync(new URL('../../playbooks/finding-types.json', import.meta.url), 'utf8'),
);
const canary = parseFinding(fixture('canary-ec2-stateless-integtest-1.json'));
const known = (types as { types: { type: string }[] }).types.map(({ type }) => type);
const ORDER: readonly DecisionKind[] = ['record', 'notify', 'ask', 'auto'];

const facts = (more: Partial<GateFacts> = {}): GateFacts => ({
  now: new Date(0),
  playbook: { id: 'isolate-instance', kind: 'ec2-instance' },
  ...more,
});
/** Facts with one part that has this plan. */
const planned = (given: Plan, display = 'arn:aws:ec2:us-east-1:111122223333:instance/i-1') =>
  facts({ parts: [{ playbook: 'isolate-instance', display, plan: given }] });
const plan = (count: number, more: Partial<Extract<Plan, { kind: 'plan' }>> = {}): Plan => ({
  kind: 'plan',
  steps: [],
  blastRadius: { count, unit: 'instances', detail: [] },
  warnings: [],
  residual: [],
  askBecause: [],
  tags: {},
  arns: [],
  ...more,
});
const of = (type: string, label: Finding['label'] = 'high'): Finding => ({
  ...canary,
  type,
  label,
  severity: 8,
});

let policy: Policy;
beforeAll(async () => {
  policy = await loadPolicy('policy.yml');
});

describe('a policy that packaging compiled', () => {
  const text = readFileSync('policy.yml', 'utf8');
  const folder = mkdtempSync(join(tmpdir(), 'firebreak-policy-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('decides as its text does, for every published type at every severity', async () => {
    const file = join(folder, 'policy.json');
    writeFileSync(file, compilePolicy(text, 'policy.yml'));
    const compiled = await readCompiled(file);
    const { decided, same } = Object.groupBy(
      known.flatMap((type) =>
        (['low', 'medium', 'high', 'critical'] as const).map((label) => {
          const [finding, given] = [of(type, label), planned(plan(1))];
          const [a, b] = [policy, compiled].map((each) => JSON.stringify(each.decide(finding, given)));
          return a === b && a !== undefined ? 'same' : `${type} ${label}: ${a} and ${b}`;
        }),
      ),
      (line) => (line === 'same' ? 'same' : 'decided'),
    );
    expect(decided).toBeUndefined();
    expect(same).toHaveLength(known.length * 4);
    const data = (one: Policy) =>
      JSON.stringify({ ...one, settings: one.playbookSettings('block-indicator') });
    expect(data(compiled)).toBe(data(policy));
  });

  it('is refused with its lines where the text is wrong, and where the package has none', async () => {
    expect(() => compilePolicy(text.replace(/^mode: .*/m, 'mode: dream'), 'team.yml')).toThrow(
      /team\.yml:\d+:\d+/,
    );
    await expect(readCompiled(join(folder, 'none.json'))).rejects.toMatchObject({ code: 'PolicyInvalid' });
  });
});

describe('the default policy', () => {
  it('knows every published type', () => {
    expect(known).toHaveLength(238);
    expect(known.filter((type) => policy.decide(of(type), facts()).unknownType)).toEqual([]);
  });

  it('tells an unknown type and never acts on it', () => {
    expect(policy.decide(of('Novelty:Toaster/Burnt', 'critical'), facts())).toMatchObject({
      kind: 'notify',
      unknownType: true,
    });
  });

  it.each([
    ['Backdoor:EC2/C&CActivity.B', 'low', 'notify'],
    ['Backdoor:EC2/C&CActivity.B', 'medium', 'ask'],
    ['Backdoor:EC2/C&CActivity.B', 'high', 'auto'],
    ['UnauthorizedAccess:EC2/MaliciousIPCaller.Custom', 'medium', 'ask'],
    ['UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.OutsideAWS', 'high', 'auto'],
    ['Policy:IAMUser/RootCredentialUsage', 'high', 'notify'],
  ] as const)('decides %s at %s: %s', (type, label, kind) => {
    expect(policy.decide(of(type, label), facts()).kind).toBe(kind);
  });

  it('asks about every attack sequence, pages, and never lets silence contain one', () => {
    const sequences = known.filter((type) => type.startsWith('AttackSequence:'));
    expect(sequences.length).toBeGreaterThan(3);
    for (const type of sequences) {
      expect(policy.decide(of(type, 'critical'), facts()), type).toMatchObject({
        kind: 'ask',
        page: true,
        expiry: 'escalate',
      });
    }
  });
});

describe('gates', () => {
  const wanted = of('Backdoor:EC2/C&CActivity.B');
  it.each([
    ['the number in the blast radius', planned(plan(40)), 'ask', '40 instances'],
    [
      'an exemption tag to a question only',
      planned(plan(1, { tags: { 'firebreak:exempt': '' } })),
      'ask',
      'tag',
    ],
    [
      'a refused plan to a page',
      planned({ kind: 'refused', reason: 'protected', alternative: 'SCP' }),
      'notify',
      'SCP',
    ],
    ['the kill switch', facts({ killSwitch: true }), 'ask', 'kill switch'],
    ['no playbook', facts({ playbook: { none: 'no playbook' } }), 'notify', 'no playbook'],
  ] as const)('lower by %s', (_name, given, kind, reason) => {
    const decision = policy.decide(wanted, given);
    expect(decision.kind).toBe(kind);
    expect(decision.reasons.join('; ')).toContain(reason);
    if (kind === 'ask') expect(decision.expiry).toBe('escalate');
  });

  it('leave a part out that is refused, and contain the others', () => {
    const parts = [
      { playbook: 'isolate-instance', display: 'i-1', plan: plan(1) },
      {
        playbook: 'isolate-instance',
        display: 'i-2',
        plan: { kind: 'refused', reason: 'protected', alternative: 'SCP' } as const,
      },
    ];
    const decision = policy.decide(wanted, facts({ parts }));
    expect(decision).toMatchObject({ kind: 'auto', page: true });
    expect(decision.reasons.join('; ')).toContain('not acted on: protected; instead: SCP');
  });

  it('of the circuit breaker lowers auto to ask, pages, says what tripped it, and keeps the expiry action', () => {
    const auto = policy.gate(policy.want(wanted, facts()), wanted, facts());
    expect(policy.breaker(auto, undefined)).toEqual(auto);
    const decision = policy.breaker(auto, 'principal user:ci has had 5 automatic containments this hour');
    expect(decision).toMatchObject({ kind: 'ask', page: true, expiry: 'contain' });
    expect(decision.reasons.join()).toContain('circuit breaker: principal user:ci');
    const asked = { ...auto, kind: 'notify' } as const;
    expect(policy.breaker(asked, 'account has had 10')).toEqual(asked);
  });

  it('of several targets say one reason once', () => {
    const part = { playbook: 'isolate-instance', display: 'i-1', plan: plan(1, { askBecause: ['a tick'] }) };
    const { reasons } = policy.decide(wanted, facts({ parts: [part, part, part] }));
    expect(reasons.filter((reason) => reason === 'a tick')).toHaveLength(1);
  });

  it('never raise a decision, whatever the facts', () => {
    const anyFacts = fc.record({
      parts: fc.array(
        fc
          .tuple(fc.nat(50), fc.array(fc.string(), { maxLength: 2 }), fc.boolean())
          .map(([count, askBecause, refused]) => ({
            playbook: 'isolate-instance',
            display: 'i-1',
            plan: refused
              ? ({ kind: 'refused', reason: 'protected', alternative: 'SCP' } as const)
              : plan(count, { askBecause }),
          })),
        { maxLength: 3 },
      ),
      killSwitch: fc.option(fc.boolean(), { nil: undefined }),
    });
    const finding = fc
      .tuple(
        fc.constantFrom(...known),
        fc.constantFrom<Finding['label']>('low', 'medium', 'high', 'critical'),
        fc.boolean(),
        fc.boolean(),
      )
      .map(([type, label, archived, sample]): Finding => ({ ...of(type, label), archived, sample }));
    fc.assert(
      fc.property(finding, anyFacts, (given, live) => {
        const plain = policy.decide({ ...given, archived: false, sample: false }, facts());
        const gated = policy.decide(given, facts(live));
        expect(ORDER.indexOf(gated.kind)).toBeLessThanOrEqual(ORDER.indexOf(plain.kind));
        if (given.sample) expect(['record', 'notify']).toContain(gated.kind);
        expect(policy.decide(given, facts(live))).toEqual(gated);
      }),
    );
  });
});

describe('two people', () => {
  const wanted = of('Backdoor:EC2/C&CActivity.B');
  it.each([
    ['an exempt target', plan(1, { tags: { 'firebreak:exempt': '' } }), 2],
    ['a blast radius over the limit', plan(2), 2],
    ['a plan that one person is never enough for', plan(1, { twoPeople: 'it is an account' }), 2],
    ['neither', plan(1), 1],
  ])('for %s', (_what, given, approvals) => {
    expect(policy.decide(wanted, planned(given)).approvals).toBe(approvals);
  });
});

describe('approvers', () => {
  const named = (lines: string) =>
    parsePolicy(`version: 1\napprovers:\n${lines}\nrules: [{ name: all, match: {}, decide: ask }]`);
  const subject = { account: '111122223333', label: 'high', environment: undefined } as const;

  it('are a plain list, or rules of which the first that fits names them', () => {
    expect(named('  [U0ALICE, S0ONCALL]').approversFor(subject)).toEqual(['U0ALICE', 'S0ONCALL']);
    const rules = named('  - { who: [U0ALICE], environment: [Prod] }\n  - { who: [U0BOB] }');
    expect(rules.approversFor({ ...subject, environment: 'prod' })).toEqual(['U0ALICE']);
    // Not read is not prod.
    expect(rules.approversFor(subject)).toEqual(['U0BOB']);
    expect(rules.approvers).toEqual(['U0ALICE', 'U0BOB']);
  });

  it('are no one where no rule fits', () => {
    expect(named('  - { who: [U0ALICE], severity: critical }').approversFor(subject)).toEqual([]);
  });

  it('are ids, not names, and a mistake in a rule is named where it is', () => {
    expect(() => named('  [alice]')).toThrow('Slack user id');
    expect(() => named('  - { who: [alice] }')).toThrow(/policy\.yml:3:.*Slack user id/);
    expect(() => named('  - { who: [U0ALICE], severity: hihg }')).toThrow(/policy\.yml:3:.*severity/);
    expect(() => named('  - { who: [U0ALICE], acount: "1" }')).toThrow(/unknown key "acount".*"account"/);
  });
});

describe('a policy with mistakes', () => {
  it.each([
    [
      'version: 1\napprovrs: []\nrules: []\n',
      'policy.yml:2:1: unknown key "approvrs" (did you mean "approvers"?)',
    ],
    ['version: [', 'policy.yml:1:'],
    [
      'version: 1\nrules:\n  - name: a\n    match: {}\n    decide: {low: notify, medium: aks, high: ask, critical: ask}\n',
      'policy.yml:5:27',
    ],
    [
      'version: 1\nrules:\n  - name: a\n    match: {}\n    decide: ask\n    timeout: soon\n',
      'policy.yml:6:5',
    ],
  ])('names line and column: %j', (text, message) => {
    expect(() => parsePolicy(text)).toThrow(message);
  });

  const known = new Map([
    ['isolate-instance', z.strictObject({ transit: z.boolean(), speed: z.enum(['slow', 'fast']) })],
    ['stop-task', z.strictObject({})],
  ]);
  const rule = (lines: string) => `rules: [{ name: a, match: {}, ${lines} }]`;
  it.each([
    [
      rule('decide: atuo'),
      'decide: "atuo" is not allowed, expected record, notify, ask, auto (did you mean "auto"?)',
    ],
    [
      rule('decide: { low: ask, medium: ask, high: aks, critical: ask }'),
      'rules.0.decide.high: "aks" is not allowed',
    ],
    [
      rule('decide: { low: ask, medium: ask, hihg: ask, critical: ask }'),
      'unknown key "hihg" (did you mean "high"?)',
    ],
    [rule('decide: ask, folowUp: stop-task'), 'unknown key "folowUp" (did you mean "followUp"?)'],
    [rule('decide: ask, onExpiry: escalat'), '(did you mean "escalate"?)'],
    [rule('decide: ask, approvals: 3'), 'rules.0.approvals: "3" is not allowed, expected 1, 2'],
    [
      rule('decide: ask, followUp: stop-tsak'),
      '"stop-tsak" is not allowed, expected isolate-instance, stop-task (did you mean "stop-task"?)',
    ],
    [
      rule('decide: ask, followUp: [{ playbook: stop-task, decide: aut }]'),
      'rules.0.followUp.0.decide: "aut" is not allowed',
    ],
    ['rules: [{ name: a, match: { resourceRole: TARGETT }, decide: ask }]', '(did you mean "TARGET"?)'],
    ['rules: [{ name: a, match: { resorceRole: TARGET }, decide: ask }]', '(did you mean "resourceRole"?)'],
    ['rules: [{ name: a, match: {} }]', 'rules.0.decide: missing'],
    [
      `mode: observ\n${rule('decide: ask')}`,
      'mode: "observ" is not allowed, expected enforce, observe (did you mean "observe"?)',
    ],
    [`approval: { timout: 30m }\n${rule('decide: ask')}`, 'unknown key "timout" (did you mean "timeout"?)'],
    [`approval: { escalateTo: { chanel: C012ABCDEF } }\n${rule('decide: ask')}`, '(did you mean "channel"?)'],
    [
      `circuitBreaker: { perAcountPerHour: 3 }\n${rule('decide: ask')}`,
      '(did you mean "perAccountPerHour"?)',
    ],
    [`approvers: [{ who: [U0ALICE], severity: hihg }]\n${rule('decide: ask')}`, '(did you mean "high"?)'],
    [
      `playbooks: { isolate-instanc: {} }\n${rule('decide: ask')}`,
      'unknown key "isolate-instanc" (did you mean "isolate-instance"?)',
    ],
    [
      `playbooks: { isolate-instance: { transti: true, speed: slow } }\n${rule('decide: ask')}`,
      'unknown key "transti" (did you mean "transit"?)',
    ],
    [
      `playbooks: { isolate-instance: { transit: true, speed: fats } }\n${rule('decide: ask')}`,
      'playbooks.isolate-instance.speed: "fats" is not allowed, expected slow, fast (did you mean "fast"?)',
    ],
    [
      `blastRadius: { playbooks: { stop-tsk: 2 } }\n${rule('decide: ask')}`,
      'unknown key "stop-tsk" (did you mean "stop-task"?)',
    ],
  ])('says what was probably meant: %s', (text, message) => {
    expect(() => parsePolicy(`version: 1\n${text}`, 'policy.yml', known)).toThrow(message);
  });

  it('is reported line by line, a mistake a line', () => {
    const text = 'version: 1\nmode: observ\nkilSwitch: true\nrules: [{ name: a, match: {}, decide: atuo }]';
    try {
      parsePolicy(text);
      expect.unreachable();
    } catch (error) {
      if (!isFirebreakError(error)) throw error;
      expect(error.lines.map((line) => line.slice(0, 14))).toEqual([
        'policy.yml:2:1',
        'policy.yml:4:3',
        'policy.yml:3:1',
      ]);
      expect(failureText(error).split('\n')).toEqual([...error.lines, `Fix: ${error.next}`]);
    }
  });

  it('of an unknown playbook is left to the playbook where the playbooks are not known', () => {
    expect(
      parsePolicy(`version: 1\nplaybooks: { other: { a: 1 } }\n${rule('decide: ask')}`).playbookSettings(
        'other',
      ),
    ).toEqual({ a: 1 });
  });
});
