/** One rule of policy.yml, compiled: which findings it matches, what it decides and why. */
import { specialRange } from '../addresses.ts';
import type { Finding, SeverityLabel } from '../finding/finding.ts';
import { compileGlobs } from '../glob.ts';
import type { DecisionKind } from '../incident/incident.ts';
import type { WantFacts } from './facts.ts';
import type { PolicyRule } from './schema.ts';

export interface CompiledRule {
  readonly source: PolicyRule;
  readonly title: string;
  /** Playbooks of its follow-ups. */
  readonly followUps: readonly string[];
  matchesType(type: string): boolean;
  matches(finding: Finding, facts: WantFacts): boolean;
  reason(finding: Finding, facts: WantFacts): string;
}

export function compileRule(rule: PolicyRule, index: number): CompiledRule {
  const { match } = rule;
  const type = match.type ? compileGlobs(match.type) : () => true;
  const account = match.account ? compileGlobs(match.account) : undefined;
  const region = match.region ? compileGlobs(match.region) : undefined;
  const threats = match.threats ? compileGlobs(match.threats) : undefined;
  const title = `rules[${index}] "${rule.name}"`;
  const says = (label: SeverityLabel) =>
    `${title}: ${decisionOf(rule, { label })} at ${label} severity${rule.why ? ` (${rule.why})` : ''}`;
  const said = { low: says('low'), medium: says('medium'), high: says('high'), critical: says('critical') };
  return {
    source: rule,
    title,
    followUps: (rule.followUp ?? []).map(({ playbook }) => playbook),
    matchesType: type,
    matches: (finding, { principalUnderIncident: other }) =>
      (match.resourceRole === undefined || match.resourceRole === finding.resourceRole) &&
      (account === undefined || account(finding.account)) &&
      (region === undefined || region(finding.region)) &&
      (match.remoteInside === undefined || match.remoteInside === isInside(finding)) &&
      // A list that is cut short may leave out the one that is no test file.
      (threats === undefined ||
        (finding.malware?.complete === true && finding.malware.names.every((name) => threats(name)))) &&
      (match.principalUnderIncident === undefined ||
        match.principalUnderIncident === (other !== undefined)) &&
      (match.sample === undefined || match.sample === finding.sample) &&
      (match.archived === undefined || match.archived === finding.archived) &&
      (match.remoteAccountAffiliated === undefined ||
        match.remoteAccountAffiliated === affiliationOf(finding)),
    reason: ({ label }, { principalUnderIncident: other }) =>
      match.principalUnderIncident && other
        ? `${said[label]}; ${other.incidentId} (${other.type}, ${other.status}) is about the same principal`
        : said[label],
  };
}

/** Whether the calling account is one of ours; undefined where the finding does not say. */
function affiliationOf({ action }: Finding): boolean | undefined {
  const said = (action?.remote ?? []).flatMap(({ affiliated }) => affiliated ?? []);
  return said.length === 0 ? undefined : said.includes(true);
}

/** Whether the other side is inside; undefined where the finding does not name an address. */
function isInside({ action }: Finding): boolean | undefined {
  const ips = (action?.remote ?? []).flatMap(({ ip }) => ip ?? []);
  return ips.length === 0 ? undefined : ips.every((ip) => specialRange(ip) !== undefined);
}

export const decisionOf = ({ decide }: PolicyRule, { label }: Pick<Finding, 'label'>): DecisionKind =>
  typeof decide === 'string' ? decide : decide[label];

/** Conditions that an example of a finding type shows on its own or in its variants. */
const SHOWN: ReadonlySet<string> = new Set([
  'type',
  'resourceRole',
  'remoteAccountAffiliated',
  'sample',
  'archived',
]);

/** Returns true where the rule looks at accounts, Regions, tags or the like, so that an example finding cannot show its use. */
export const isNarrow = ({ source }: CompiledRule): boolean =>
  Object.keys(source.match).some((key) => !SHOWN.has(key));
