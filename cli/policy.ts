/** `firebreak policy`: is it valid, what differs between two, what would a change have decided about the past? */

import { isFirebreakError } from '../core/errors.ts';
import { exampleOf } from '../core/finding/example.ts';
import { type Finding, parseFinding } from '../core/finding/finding.ts';
import { incidentStore } from '../core/incident/store.ts';
import { type BacktestLine, backtest, effectInWords, policyDifferences } from '../core/policy/backtest.ts';
import { placeholdersIn } from '../core/policy/placeholders.ts';
import { loadPolicy, type Policy } from '../core/policy/policy.ts';
import { customTypes, LABELS, publishedTypes, SCAN_RESULTS } from '../playbooks/coverage.ts';
import { answersFor, choosePlaybook } from '../playbooks/index.ts';
import { KNOWN_PLAYBOOKS } from '../playbooks/known.ts';
import { reverseChanges } from '../playbooks/reverse-changes/playbook.ts';
import { failureText } from './failure.ts';
import { readFindings } from './input/input.ts';
import { openPlace, type PlaceOptions } from './place.ts';
import { fitting, plainText, table, terminal } from './terminal.ts';

const typeNames = async (): Promise<readonly string[]> =>
  [...(await publishedTypes()), ...SCAN_RESULTS].map(({ type }) => type);

/** The first playbook that may answer a type: which one does depends on what the finding carries. */
const answerOf = (type: string) => {
  const [id] = answersFor(type);
  return id === undefined
    ? { none: `no playbook answers ${type}: it is only reported` }
    : { id, kind: 'any' };
};

/** Exit status 0 valid and every rule has a use, 1 a rule has none, 2 invalid. */
export async function policyCheck(file: string, json: boolean): Promise<number> {
  const { out, paint } = terminal();
  let policy: Policy;
  try {
    policy = await loadPolicy(file, KNOWN_PLAYBOOKS);
  } catch (error) {
    if (!isFirebreakError(error, 'PolicyInvalid')) throw error;
    if (json) out(JSON.stringify({ file, valid: false, problems: error.lines }));
    else out(paint('red', failureText(error)));
    return 2;
  }
  const unused = unusedRules(policy, [...(await typeNames()), ...customTypes()]);
  const { protectedArns: exact, protectedNames } = policy;
  const asked = protectedNames.filter((entry) => !exact.includes(entry));
  const placeholders = placeholdersIn(policy);
  if (json)
    out(
      JSON.stringify({
        file,
        valid: true,
        rules: policy.ruleTitles.length,
        unused,
        containOnExpiry: policy.containOnExpiry,
        placeholders,
        protected: { exact, asked },
      }),
    );
  else {
    out(`${file}: ${paint('green', 'valid')}, ${policy.ruleTitles.length} rules`);
    if (exact.length > 0) out(`Never changed: ${plainText(exact.join(', '))}`);
    if (asked.length > 0)
      out(`Asked about, since names are for anyone to choose: ${plainText(asked.join(', '))}`);
    for (const line of onSilence(policy)) for (const text of fitting(plainText(line), '', '  ')) out(text);
    if (placeholders.length > 0)
      out(
        paint(
          'yellow',
          `${placeholders.join(', ')}: examples, in no Slack workspace. Fix: put your own people under approvers`,
        ),
      );
    if (!(await typeNames()).some((type) => followUpsOf(policy, type).includes(reverseChanges.id)))
      out(
        paint(
          'yellow',
          `No rule asks what a contained identity changed. Fix: followUp: ${reverseChanges.id} under the rules that contain one`,
        ),
      );
    for (const title of unused)
      out(
        paint('yellow', `${title} decides about no published finding type: an earlier rule is always first`),
      );
  }
  return unused.length > 0 ? 1 : 0;
}

const followUpsOf = (policy: Policy, type: string): readonly string[] =>
  policy.want(exampleOf(type, 'high'), {}).followUps;

/** What happens to a question that no one answers, rule by rule where it is contained. */
export const onSilence = ({ containOnExpiry }: Policy): readonly string[] =>
  containOnExpiry.length === 0
    ? ['No rule contains when no one answers an approval.']
    : [
        `Contained when no one answers an approval (onExpiry: contain), unless a gate lowered it:`,
        ...containOnExpiry.map((title) => `  ${title}`),
      ];

/** Rules that never come first, whatever the resource's role, the account's affiliation, the sample and archived marks. */
function unusedRules(policy: Policy, types: readonly string[]): readonly string[] {
  const used = new Set<string>();
  for (const finding of types.flatMap((type) => LABELS.flatMap((label) => variants(exampleOf(type, label)))))
    used.add(policy.decide(finding, { now: new Date(0), playbook: answerOf(finding.type) }).rule);
  return policy.ruleTitles.filter((title, index) => !used.has(title) && !policy.ruleIsNarrow(index));
}

function variants(finding: Finding): readonly Finding[] {
  const by = (affiliated: boolean) => ({ kind: 'AWS_API_CALL', remote: [{ affiliated }] });
  return [
    finding,
    { ...finding, sample: true },
    { ...finding, archived: true },
    { ...finding, resourceRole: 'TARGET' },
    { ...finding, resourceRole: 'ACTOR' },
    { ...finding, action: by(true) },
    { ...finding, action: by(false) },
  ];
}

/** Exit status 0 the same, 1 they differ. */
export async function policyDiff(from: string, to: string, json: boolean): Promise<number> {
  const { out, paint } = terminal();
  const policies = {
    before: await loadPolicy(from, KNOWN_PLAYBOOKS),
    after: await loadPolicy(to, KNOWN_PLAYBOOKS),
  };
  const differences = policyDifferences(policies, await typeNames(), answerOf);
  if (json) {
    for (const { type, label, before, after } of differences)
      out(
        JSON.stringify({ type, severity: label, before: effectInWords(before), after: effectInWords(after) }),
      );
  } else if (differences.length === 0) {
    out('The two decide the same about every published finding type at every severity.');
    out(
      paint(
        'dim',
        'Rules by account, Region or tags, and gates, show in a backtest over real findings only.',
      ),
    );
  } else {
    const rows = differences.map(({ type, label, before, after }) => [
      type,
      label,
      effectInWords(before),
      effectInWords(after),
      after.rule,
    ]);
    for (const line of table(['finding type', 'severity', from, to, 'decided by'], rows)) out(line);
    out(`${differences.length} cells differ`);
  }
  return differences.length > 0 ? 1 : 0;
}

/** A file of something else is one mistake, not a screen full of them. */
const SHOWN_ERRORS = 5;

export interface BacktestInput extends PlaceOptions {
  readonly files: readonly string[];
  /** File of the changed policy; `policy` is the one of today. */
  readonly changed: string;
  /** Milliseconds back, with `live`. */
  readonly since: number;
  readonly json: boolean;
}

/** Exit status 0 nothing would change, 1 something would, 2 a finding could not be read. */
export async function policyBacktest(input: BacktestInput): Promise<number> {
  const { out, paint } = terminal();
  if (input.files.length === 0 && !input.live) {
    console.error(
      'firebreak policy backtest: name files with findings, or --live for the incidents of a stack',
    );
    return 2;
  }
  const policies = { before: input.policy, after: await loadPolicy(input.changed) };
  let seen = 0;
  let unread = 0;
  const changed: BacktestLine[] = [];
  /** What the form of a finding does not carry, and how many findings lack it. */
  const lacking = new Map<string, number>();
  for await (const item of pastFindings(input)) {
    if ('error' in item) {
      unread += 1;
      if (input.json) out(JSON.stringify({ error: item.error }));
      else if (unread <= SHOWN_ERRORS) out(paint('red', plainText(item.error)));
      continue;
    }
    seen += 1;
    const line = backtest(policies, item.finding, choosePlaybook(item.finding));
    for (const lack of item.lacks) lacking.set(lack, (lacking.get(lack) ?? 0) + 1);
    if (input.json)
      out(JSON.stringify({ ...asJson(line), ...(item.lacks.length > 0 ? { lacks: item.lacks } : {}) }));
    if (line.changed) changed.push(line);
  }
  if (!input.json) {
    if (unread > SHOWN_ERRORS) out(paint('red', `and ${unread - SHOWN_ERRORS} more that could not be read`));
    print(changed, seen);
    for (const [lack, count] of lacking) out(paint('yellow', `${count} of ${seen}: ${plainText(lack)}`));
  }
  if (unread > 0) return 2;
  return changed.length > 0 ? 1 : 0;
}

type Past = { readonly finding: Finding; readonly lacks: readonly string[] } | { readonly error: string };

async function* pastFindings(input: BacktestInput): AsyncGenerator<Past> {
  if (input.files.length > 0) {
    for await (const item of readFindings(input.files))
      yield 'error' in item ? item : parsed(item.raw, item.lacks);
    return;
  }
  const place = await openPlace(input);
  try {
    const store = incidentStore(place.table);
    const to = new Date();
    const span = { from: new Date(to.getTime() - input.since).toISOString(), to: to.toISOString() };
    let cursor: string | undefined;
    do {
      const page = await store.list({ ...span, limit: 100, ...(cursor ? { cursor } : {}) });
      for (const { id, followUpOf } of page.items) {
        // A follow-up is about the same finding again.
        const detail = followUpOf === undefined ? await store.finding(id) : undefined;
        if (detail) yield parsed(detail);
      }
      cursor = page.cursor;
    } while (cursor);
  } finally {
    await place.close();
  }
}

function parsed(raw: unknown, lacks: readonly string[] = []): Past {
  try {
    return { finding: parseFinding(raw), lacks };
  } catch (error) {
    if (!isFirebreakError(error, 'FindingInvalid')) throw error;
    return { error: error.message };
  }
}

const asJson = ({ finding, answer, before, after, changed }: BacktestLine) => ({
  finding: finding.id,
  type: finding.type,
  severity: finding.severity,
  account: finding.account,
  region: finding.region,
  playbook: 'none' in answer ? null : answer.id,
  changed,
  before: { effect: effectInWords(before), rule: before.rule },
  after: { effect: effectInWords(after), rule: after.rule },
});

function print(changed: readonly BacktestLine[], seen: number): void {
  const { out, paint } = terminal();
  const rows = changed
    .slice(0, 200)
    .map(({ finding, before, after }) => [
      finding.type,
      `${finding.severity}`,
      finding.account,
      effectInWords(before),
      effectInWords(after),
      after.rule,
    ]);
  if (rows.length > 0)
    for (const line of table(['finding type', 'sev', 'account', 'today', 'changed', 'decided by'], rows))
      out(line);
  if (changed.length > 200) out(`and ${changed.length - 200} more`);
  const more = changed.filter(({ before, after }) => after.kind === 'auto' && before.kind !== 'auto').length;
  out(`${changed.length} of ${seen} findings would be answered differently`);
  if (more > 0) out(paint('yellow', `${more} of them would be contained without asking anybody`));
  out(
    paint(
      'dim',
      'Exemption tags, blast radius, circuit breaker and the kill switch need live state and were not asked.',
    ),
  );
}
