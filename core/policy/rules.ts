/** The first rule that matches a finding, and what it wants before live state is looked at. */
import type { Finding } from '../finding/finding.ts';
import { remembered } from '../glob.ts';
import type { Decision, DecisionKind, FollowUp } from '../incident/incident.ts';
import type { WantFacts } from './facts.ts';
import { Lowering } from './lowering.ts';
import { type CompiledRule, compileRule, decisionOf, isNarrow } from './rule.ts';
import type { PolicyDocument } from './schema.ts';

export interface Rules {
  /** As `Decision.rule` names them, in order. */
  readonly titles: readonly string[];
  /** Titles of the rules that contain where an approval expires. */
  readonly containOnExpiry: readonly string[];
  readonly isNarrow: (index: number) => boolean;
  readonly asksForPrincipal: (finding: Finding) => boolean;
  readonly want: (finding: Finding, facts: WantFacts) => Decision;
}

export function rulesOf({ rules: sources, approval }: PolicyDocument): Rules {
  const rules = sources.map(compileRule);
  const candidatesFor = remembered((type) => rules.filter((rule) => rule.matchesType(type)));

  return {
    titles: rules.map(({ title }) => title),
    containOnExpiry: rules
      .filter(({ source: { decide, onExpiry } }) => {
        const asks = typeof decide === 'string' ? decide === 'ask' : Object.values(decide).includes('ask');
        return asks && (onExpiry ?? approval.onExpiry) === 'contain';
      })
      .map(({ title }) => title),
    isNarrow: (index) => {
      const rule = rules[index];
      return rule !== undefined && isNarrow(rule);
    },
    asksForPrincipal: (finding) =>
      candidatesFor(finding.type).some(({ source }) => source.match.principalUnderIncident !== undefined),
    want: (finding, facts) =>
      // Which rule it is can depend on other incidents; once it is found, nothing raises the decision any more.
      wantOf(
        candidatesFor(finding.type).find((rule) => rule.matches(finding, facts)),
        finding,
        facts,
        approval,
      ),
  };
}

function wantOf(
  rule: CompiledRule | undefined,
  finding: Finding,
  facts: WantFacts,
  approval: PolicyDocument['approval'],
): Decision {
  const { followUpOf } = facts;
  const first = followUpOf
    ? followUp(finding, followUpOf, rule)
    : {
        kind: rule ? decisionOf(rule.source, finding) : ('notify' as const),
        reason: rule?.reason(finding, facts),
      };
  const lowered = new Lowering({
    kind: first.kind,
    reasons: first.reason === undefined ? [] : [first.reason],
    page: false,
    label: finding.label,
    rule: rule?.title ?? 'no rule',
    // What a scan said is of a type of our own: no list of GuardDuty's knows it.
    unknownType: rule === undefined && finding.scan === undefined,
    // Silence never adds a second containment to the first.
    expiry: followUpOf ? 'escalate' : (rule?.source.onExpiry ?? approval.onExpiry),
    approvalTimeoutSeconds: rule?.source.timeout ?? approval.timeout,
    approvals: rule?.source.approvals ?? 1,
    followUps: followUpOf ? [] : (rule?.followUps ?? []),
  });
  if (!rule) {
    lowered.because(`no rule knows ${finding.type}: the channel is notified, nothing is changed`);
    // There is nothing to approve, but someone must look.
    if ((finding.label === 'high' || finding.label === 'critical') && !finding.sample && !finding.archived)
      lowered.page = true;
  }
  if (rule?.source.page) lowered.page = true;
  if (finding.scan === 'clean') lowered.to('record', 'a scan that finds no threats is only counted');
  if (finding.archived) lowered.to('record', 'an analyst archived the finding in GuardDuty');
  else if (finding.sample) lowered.to('notify', 'SAMPLE finding: nothing is ever changed');
  return lowered.decision();
}

/** Asked, or automatic where the rule says so of this playbook and was itself automatic: never more than the first one. */
function followUp(
  finding: Finding,
  of: FollowUp,
  rule: CompiledRule | undefined,
): { readonly kind: DecisionKind; readonly reason: string } {
  const said = rule?.source.followUp?.find(({ playbook }) => playbook === of.playbook)?.decide ?? 'ask';
  const by = rule?.title ?? 'policy';
  const auto = said === 'auto' && rule !== undefined && decisionOf(rule.source, finding) === 'auto';
  return auto
    ? { kind: 'auto', reason: `follow-up to ${of.incidentId}: ${by} contains by ${of.playbook} too` }
    : {
        kind: 'ask',
        reason: `follow-up to ${of.incidentId}: ${by} requests approval for ${of.playbook} too`,
      };
}
