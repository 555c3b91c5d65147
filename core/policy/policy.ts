/** policy.yml -> a decision with its reasons: the first matching rule, then gates that only lower. */
import { readFile } from 'node:fs/promises';
import { isNode, LineCounter, parseDocument } from 'yaml';
import type { z } from 'zod';
import { parseRange, rangeFinder } from '../addresses.ts';
import { type ApproverRule, idsFor, type Subject } from '../approval/approvers.ts';
import { FirebreakError } from '../errors.ts';
import type { Finding } from '../finding/finding.ts';
import { compileGlobs } from '../glob.ts';
import type { Answer, Decision, DecisionKind, FollowUp } from '../incident/incident.ts';
import type { PrincipalIncident } from '../incident/principals.ts';
import type { Plan } from '../journal/playbook.ts';
import type { JsonObject } from '../json.ts';
import { KILL_SWITCH_ON } from '../table/breaker.ts';
import { type PolicyDocument, type PolicyRule, policySchema } from './schema.ts';

/** What choosing the rule needs beside the finding. */
interface WantFacts {
  /** Set for an incident that asks for one more containment. */
  readonly followUpOf?: FollowUp | undefined;
  /** Another open incident on the finding's principal; read where a rule asks for it (`asksForPrincipal`). */
  readonly principalUnderIncident?: PrincipalIncident | undefined;
}

/** Automatic containments so far this hour: in the account, and of this kind of resource. */
interface AutoThisHour {
  readonly account: number;
  readonly kind: number;
}

/** Live facts the gates need. `undefined` where they are not known (replay touches nothing). */
export interface GateFacts extends WantFacts {
  readonly now: Date;
  /** What would be acted on, each with its plan where live state was read. */
  readonly parts?: readonly GatePart[] | undefined;
  readonly autoThisHour?: AutoThisHour | undefined;
  /** Kill switch in the table; policy.yml can set it as well. */
  readonly killSwitch?: boolean | undefined;
  /** Lines of GuardDuty's trusted lists, as `firebreak lists` keeps them in the table. */
  readonly trusted?: readonly string[] | undefined;
  /** Which playbook the registry found, or why none: no playbook lowers ask and auto to notify. */
  readonly playbook: Answer;
}

export interface GatePart {
  readonly playbook: string;
  /** ARN or id of the target, for the exemption list. */
  readonly display: string;
  readonly plan?: Plan | undefined;
}

export interface Policy {
  readonly playbookSettings: (playbookId: string) => JsonObject;
  /** Why this part must not be acted on (exempt, refused), or undefined. */
  readonly exemption: (part: GatePart) => string | undefined;
  /** Ranges of your own, from policy.yml. */
  readonly trusted: readonly string[];
  readonly protectedArns: readonly string[];
  /** Everybody who may approve something: Slack user ids and user group ids. */
  readonly approvers: readonly string[];
  /** As policy.yml has them: the first that fits names who may. */
  readonly approverRules: readonly ApproverRule[];
  /** Who may approve what concerns this target. */
  readonly approversFor: (subject: Subject) => readonly string[];
  readonly breakGlass: readonly string[];
  /** Where an approval goes that nobody answers. */
  readonly escalateTo: { readonly channel?: string | undefined; readonly mention: readonly string[] };
  readonly archiveContained: boolean;
  readonly tellSecurityHub: boolean;
  readonly sendOcsf: boolean;
  /** observe: decided and told, nothing is changed. */
  readonly mode: 'enforce' | 'observe';
  readonly killSwitch: boolean;
  /** Titles of the rules, as `Decision.rule` names them, in order. */
  readonly ruleTitles: readonly string[];
  /** The rule looks at accounts, Regions, tags or the like, so that an example finding cannot show its use. */
  readonly ruleIsNarrow: (index: number) => boolean;
  /** True when a rule of this finding's type depends on other incidents of the principal. */
  readonly asksForPrincipal: (finding: Finding) => boolean;
  /** Returns what the first matching rule wants, before live state is looked at. */
  readonly want: (finding: Finding, facts: WantFacts) => Decision;
  /** Returns false where no live state could let this finding act, so that reading it is in vain. */
  readonly actsOn: (finding: Finding, parts: readonly GatePart[]) => boolean;
  /** Lowers what the rule wants by everything known of the targets and the account. Never raises it. */
  readonly gate: (wanted: Decision, finding: Finding, facts: GateFacts) => Decision;
  /** Lowers an automatic decision where the hour's allowance is used up. */
  readonly breaker: (decision: Decision, soFar: AutoThisHour) => Decision;
  /** `want`, then `gate`. Pure: the same finding and facts give the same decision. */
  readonly decide: (finding: Finding, facts: GateFacts) => Decision;
}

/** Reads and parses a policy file. Throws PolicyInvalid with line and column of everything that is wrong. */
export async function loadPolicy(path: string): Promise<Policy> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new FirebreakError('PolicyInvalid', `${path} cannot be read`, {
      resource: path,
      next: 'Name the policy file, or restore policy.yml.',
      cause: error,
    });
  }
  return parsePolicy(text, path);
}

export function parsePolicy(text: string, file = 'policy.yml'): Policy {
  const lines = new LineCounter();
  const yaml = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  const problems = yaml.errors.map((error) => `${at(error.pos[0])}: ${error.message}`);
  if (problems.length === 0) {
    const parsed = policySchema.safeParse(yaml.toJS());
    if (parsed.success) return policyOf(parsed.data);
    for (const issue of parsed.error.issues) problems.push(...describeIssue(issue));
  }
  throw new FirebreakError('PolicyInvalid', problems.join('\n'), {
    resource: file,
    next: 'Mend the lines named; policy.schema.json shows editors what is allowed.',
  });

  function describeIssue(issue: z.core.$ZodIssue): readonly string[] {
    if (issue.code === 'invalid_union') {
      // The branch that got furthest is the one the author meant.
      const branches = issue.errors.map((errors) => errors.filter(({ path }) => path.length > 0));
      const depth = (errors: readonly z.core.$ZodIssue[]) =>
        Math.max(...errors.map(({ path }) => path.length));
      const [meant] = branches.filter((errors) => errors.length > 0).sort((a, b) => depth(b) - depth(a));
      if (meant)
        return meant.flatMap((inner) => describeIssue({ ...inner, path: [...issue.path, ...inner.path] }));
    }
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map(
        (key) => `${position([...issue.path, key])}: unknown key "${key}"${suggestion(key)}`,
      );
    }
    return [`${position(issue.path)}: ${issue.path.join('.') || 'policy'}: ${issue.message}`];
  }

  /** Position of the node, or of the nearest parent that exists (for a missing key). */
  function position(path: readonly PropertyKey[]): string {
    for (let length = path.length; length >= 0; length--) {
      const node = yaml.getIn(path.slice(0, length), true);
      if (!isNode(node) || !node.range) continue;
      const key = length > 0 ? keyOffset(path.slice(0, length)) : undefined;
      return at(key ?? node.range[0]);
    }
    return `${file}:1:1`;
  }

  function keyOffset(path: readonly PropertyKey[]): number | undefined {
    const parent = yaml.getIn(path.slice(0, -1), true);
    if (typeof parent !== 'object' || parent === null || !('items' in parent)) return undefined;
    const items = parent.items as readonly { key?: { value?: unknown; range?: readonly number[] } }[];
    return items.find((pair) => pair.key?.value === path.at(-1))?.key?.range?.[0];
  }
}

const KNOWN_KEYS = [
  ...Object.keys(policySchema.shape),
  ...[
    'name',
    'match',
    'decide',
    'onExpiry',
    'timeout',
    'approvals',
    'escalateTo',
    'channel',
    'mention',
    'page',
    'why',
    'type',
    'resourceRole',
    'account',
  ],
  ...[
    'region',
    'remoteAccountAffiliated',
    'principalUnderIncident',
    'threats',
    'sample',
    'archived',
    'low',
    'medium',
    'high',
    'critical',
    'accounts',
  ],
  ...['who', 'environment', 'severity'],
  ...['arns', 'tag', 'default', 'perAccountPerHour', 'perKindPerHour'],
];

function suggestion(key: string): string {
  const best = KNOWN_KEYS.map((known) => ({
    known,
    distance: editDistance(key.toLowerCase(), known.toLowerCase()),
  })).sort((a, b) => a.distance - b.distance)[0];
  return best && best.distance <= 3 ? ` (did you mean "${best.known}"?)` : '';
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

function policyOf(document: PolicyDocument): Policy {
  const rules = document.rules.map(compileRule);
  const exemptArn = compileGlobs(document.exempt.arns);
  const trusted = rangesOf(document.trusted);
  const byType = new Map<string, readonly CompiledRule[]>();

  function candidatesFor(finding: Finding): readonly CompiledRule[] {
    let candidates = byType.get(finding.type);
    if (!candidates) {
      candidates = rules.filter((rule) => rule.matchesType(finding.type));
      // Types come from outside: a stream of made-up ones must not fill the memory.
      if (byType.size < 2000) byType.set(finding.type, candidates);
    }
    return candidates;
  }

  const asksForPrincipal = (finding: Finding): boolean =>
    candidatesFor(finding).some(({ source }) => source.match.principalUnderIncident !== undefined);

  function want(finding: Finding, facts: WantFacts): Decision {
    // Which rule it is can depend on other incidents; once it is found, nothing raises the decision any more.
    const rule = candidatesFor(finding).find((one) => one.matches(finding, facts));
    const { followUpOf } = facts;
    const base = {
      label: finding.label,
      rule: rule?.title ?? 'no rule',
      unknownType: rule === undefined,
      // Silence never adds a second containment to the first.
      expiry: followUpOf ? 'escalate' : (rule?.source.onExpiry ?? document.approval.onExpiry),
      approvalTimeoutSeconds: rule?.source.timeout ?? document.approval.timeout,
      approvals: rule?.source.approvals ?? 1,
      followUps: followUpOf ? [] : (rule?.source.followUp ?? []).map(({ playbook }) => playbook),
    } as const;
    const first = followUpOf
      ? followUp(finding, followUpOf, rule)
      : {
          kind: rule ? decisionOf(rule.source, finding) : ('notify' as const),
          reason: rule?.reason(finding, facts),
        };
    const lowered = new Lowering({
      ...base,
      kind: first.kind,
      reasons: first.reason === undefined ? [] : [first.reason],
      page: false,
    });
    if (!rule) {
      lowered.because(`no rule knows ${finding.type}: told, never acted on`);
      // There is nothing to approve, but somebody must look.
      if ((finding.label === 'high' || finding.label === 'critical') && !finding.sample && !finding.archived)
        lowered.page = true;
    }
    if (rule?.source.page) lowered.page = true;
    if (finding.archived) lowered.to('record', 'an analyst archived the finding in GuardDuty');
    else if (finding.sample) lowered.to('notify', 'SAMPLE finding: nothing is ever changed');
    return lowered.decision();
  }

  function gate(wanted: Decision, finding: Finding, facts: GateFacts): Decision {
    const lowered = new Lowering(wanted);
    gates(lowered, finding, facts);
    if (document.mode === 'observe' && lowered.acts)
      lowered.to(
        'notify',
        `observe mode: nothing is changed; enforce mode would have decided ${lowered.kind}`,
      );
    if (document.killSwitch || facts.killSwitch === true) lowered.gated = true;
    return lowered.decision();
  }

  function breaker(decision: Decision, soFar: AutoThisHour): Decision {
    const lowered = new Lowering(decision);
    if (decision.kind === 'auto') breakerGate(lowered, soFar);
    return lowered.decision();
  }

  const malformed = ({ account }: Finding): boolean => account.length !== 12;
  const exemptAccount = ({ account }: Finding): boolean => document.exempt.accounts.includes(account);

  const actsOn = (finding: Finding, parts: readonly GatePart[]): boolean =>
    document.mode !== 'observe' &&
    !malformed(finding) &&
    !exemptAccount(finding) &&
    (parts.length === 0 || parts.some((part) => whyClosed(part) === undefined));

  /** Asked, or automatic where the rule says so of this playbook and was itself automatic: never more than the first one. */
  function followUp(
    finding: Finding,
    of: FollowUp,
    rule: CompiledRule | undefined,
  ): { readonly kind: DecisionKind; readonly reason: string } {
    const said = rule?.source.followUp?.find(({ playbook }) => playbook === of.playbook)?.decide ?? 'ask';
    const auto = said === 'auto' && rule !== undefined && decisionOf(rule.source, finding) === 'auto';
    const settled = `${of.incidentId} has settled; ${rule?.title ?? 'policy'}`;
    return auto
      ? { kind: 'auto', reason: `${settled}: ${of.playbook} follows` }
      : { kind: 'ask', reason: `${settled} asks about ${of.playbook} as well` };
  }

  function gates(lowered: Lowering, finding: Finding, facts: GateFacts): void {
    if (!lowered.acts) return;
    if (malformed(finding)) lowered.to('notify', `${finding.account} is no account id of 12 digits`);
    if ('none' in facts.playbook) {
      lowered.to('notify', facts.playbook.none);
      if (finding.label === 'high' || finding.label === 'critical') lowered.page = true;
      return;
    }
    if (exemptAccount(finding)) lowered.to('notify', `account ${finding.account} is exempt by policy`);
    const parts = (facts.parts ?? []).map((part) => ({ ...part, closed: whyClosed(part) }));
    // One part that must not be touched does not keep the others from being contained: it is left out and told.
    const allClosed = parts.length > 0 && parts.every(({ closed }) => closed !== undefined);
    for (const { closed, plan } of parts) {
      if (closed === undefined) continue;
      if (allClosed) lowered.to('notify', closed);
      else lowered.because(closed);
      if (plan?.kind === 'refused') lowered.page = true;
    }
    for (const { playbook, plan, closed } of parts) {
      if (closed === undefined && plan?.kind === 'plan') gatePlan(lowered, playbook, plan);
    }
    // Neither may be taken for a no: an automatic answer needs to know them.
    if (finding.doubt !== undefined) lowered.gate('ask', finding.doubt);
    for (const { ip } of finding.action?.remote ?? []) {
      const range = ip === undefined ? undefined : (trusted(ip) ?? rangesOf(facts.trusted ?? [])(ip));
      if (range) lowered.gate('ask', `${ip} is trusted (${range.text}): a person decides`);
    }
    if (facts.autoThisHour) breakerGate(lowered, facts.autoThisHour);
    if (document.killSwitch || facts.killSwitch) lowered.gate('ask', KILL_SWITCH_ON);
  }

  function breakerGate(lowered: Lowering, soFar: AutoThisHour): void {
    const { perAccountPerHour, perKindPerHour } = document.circuitBreaker;
    if (soFar.account < perAccountPerHour && soFar.kind < perKindPerHour) return;
    const reason = `circuit breaker: ${soFar.account} automatic containments in this account this hour`;
    if (lowered.gate('ask', reason)) lowered.page = true;
  }

  /** Why a part is not acted on at all. */
  function whyClosed({ display, plan }: GatePart): string | undefined {
    const exempt = [display, ...(plan?.kind === 'plan' ? plan.arns : [])].find(exemptArn);
    if (exempt !== undefined) return `${exempt} is exempt by policy`;
    if (plan?.kind !== 'refused') return undefined;
    return `not acted on: ${plan.reason}; instead: ${plan.alternative}`;
  }

  function gatePlan(lowered: Lowering, playbook: string, plan: Extract<Plan, { kind: 'plan' }>): void {
    // A plan that must not run without a person does not run by silence either.
    for (const reason of plan.askBecause) lowered.gate('ask', reason);
    if (Object.hasOwn(plan.tags, document.exempt.tag)) {
      lowered.gate(
        'ask',
        `tagged ${document.exempt.tag}: two people decide, since an attacker can write tags`,
      );
      lowered.second = true;
    }
    const limit = document.blastRadius.playbooks[playbook] ?? document.blastRadius.default;
    const { count, unit } = plan.blastRadius;
    if (count > limit) {
      lowered.gate('ask', `blast radius ${count} ${unit} is over the limit of ${limit}: two people decide`);
      lowered.second = true;
    }
  }

  return {
    trusted: document.trusted,
    exemption: whyClosed,
    playbookSettings: (id) => document.playbooks[id] ?? {},
    protectedArns: document.protected,
    approvers: [...new Set(document.approvers.flatMap(({ who }) => who))],
    approverRules: document.approvers,
    approversFor: (subject) => idsFor(document.approvers, subject),
    breakGlass: document.breakGlass,
    escalateTo: document.approval.escalateTo,
    archiveContained: document.archiveContained,
    tellSecurityHub: document.tellSecurityHub,
    sendOcsf: document.sendOcsf,
    mode: document.mode,
    killSwitch: document.killSwitch,
    ruleTitles: rules.map(({ title }) => title),
    ruleIsNarrow: (index) => Object.keys(rules[index]?.source.match ?? {}).some((key) => !SHOWN.has(key)),
    asksForPrincipal,
    want,
    actsOn,
    gate,
    breaker,
    decide: (finding, facts) => gate(want(finding, facts), finding, facts),
  };
}

const rangesOf = (lines: readonly string[]) => rangeFinder(lines.flatMap((line) => parseRange(line) ?? []));

/** Conditions that an example of a finding type shows by itself or in its variants. */
const SHOWN: ReadonlySet<string> = new Set([
  'type',
  'resourceRole',
  'remoteAccountAffiliated',
  'sample',
  'archived',
]);

const ORDER: readonly DecisionKind[] = ['record', 'notify', 'ask', 'auto'];

/** A decision on its way down: it never goes up. */
class Lowering {
  kind: DecisionKind;
  page: boolean;
  /** A safety gate lowered it, so that silence must not contain. */
  gated = false;
  /** One person is not enough: an exempt target, or a blast radius over the limit. */
  second = false;
  readonly reasons: string[];
  readonly #from: Decision;

  constructor(from: Decision) {
    this.#from = from;
    this.kind = from.kind;
    this.page = from.page;
    this.reasons = [...from.reasons];
  }
  /** Returns the decision as it now stands. */
  decision(): Decision {
    const { kind, page, reasons } = this;
    return {
      ...this.#from,
      kind,
      page,
      reasons,
      expiry: this.gated ? 'escalate' : this.#from.expiry,
      approvals: this.second ? 2 : this.#from.approvals,
    };
  }
  get acts(): boolean {
    return this.kind === 'ask' || this.kind === 'auto';
  }
  because(reason: string): void {
    this.reasons.push(reason);
  }
  to(kind: DecisionKind, reason: string): boolean {
    if (ORDER.indexOf(kind) >= ORDER.indexOf(this.kind)) return false;
    this.kind = kind;
    this.reasons.push(reason);
    return true;
  }
  /** Like `to`, and an ask stays an ask that silence does not turn into a containment. */
  gate(kind: DecisionKind, reason: string): boolean {
    this.gated = true;
    const changed = this.to(kind, reason);
    if (!changed) this.reasons.push(reason);
    return changed;
  }
}

interface CompiledRule {
  readonly source: PolicyRule;
  readonly title: string;
  matchesType(type: string): boolean;
  matches(finding: Finding, facts: WantFacts): boolean;
  reason(finding: Finding, facts: WantFacts): string;
}

function compileRule(rule: PolicyRule, index: number): CompiledRule {
  const { match } = rule;
  const type = match.type ? compileGlobs(match.type) : () => true;
  const account = match.account ? compileGlobs(match.account) : undefined;
  const region = match.region ? compileGlobs(match.region) : undefined;
  const threats = match.threats ? compileGlobs(match.threats) : undefined;
  const title = `rules[${index}] "${rule.name}"`;
  return {
    source: rule,
    title,
    matchesType: type,
    matches: (finding, { principalUnderIncident: other }) =>
      (match.resourceRole === undefined || match.resourceRole === finding.resourceRole) &&
      (account === undefined || account(finding.account)) &&
      (region === undefined || region(finding.region)) &&
      // A list that is cut short may leave out the one that is no test file.
      (threats === undefined ||
        (finding.malware?.complete === true && finding.malware.names.every((name) => threats(name)))) &&
      (match.principalUnderIncident === undefined ||
        match.principalUnderIncident === (other !== undefined)) &&
      (match.sample === undefined || match.sample === finding.sample) &&
      (match.archived === undefined || match.archived === finding.archived) &&
      (match.remoteAccountAffiliated === undefined ||
        match.remoteAccountAffiliated === affiliationOf(finding)),
    reason(finding, { principalUnderIncident: other }) {
      const about =
        match.principalUnderIncident && other
          ? `; ${other.incidentId} (${other.type}, ${other.status}) is about the same principal`
          : '';
      return `${title}: ${decisionOf(rule, finding)} at ${finding.label} severity${rule.why ? ` (${rule.why})` : ''}${about}`;
    },
  };
}

/** Whether the calling account is one of ours; undefined where the finding does not say. */
function affiliationOf({ action }: Finding): boolean | undefined {
  const said = (action?.remote ?? []).flatMap(({ affiliated }) => affiliated ?? []);
  return said.length === 0 ? undefined : said.includes(true);
}

const decisionOf = ({ decide }: PolicyRule, { label }: Finding): DecisionKind =>
  typeof decide === 'string' ? decide : decide[label];
