/** What policy.yml says, once checked -> decisions with their reasons: the first matching rule, then gates that only lower. */
import { readFile } from 'node:fs/promises';
import { type ApproverRule, idsFor, type Subject } from '../approval/approvers.ts';
import type { Mapping } from '../approval/door.ts';
import { FirebreakError } from '../errors.ts';
import type { Finding } from '../finding/finding.ts';
import type { Decision } from '../incident/incident.ts';
import { type JsonObject, own } from '../json.ts';
import type { BreakerLimits } from '../table/breaker.ts';
import type { Mode } from '../table/mode.ts';
import { exemptionsOf } from './exemptions.ts';
import type { GateFacts, GatePart, WantFacts } from './facts.ts';
import { gatesOf } from './gates.ts';
import { isExact } from './protected.ts';
import { rulesOf } from './rules.ts';
import type { PolicyDocument } from './schema.ts';

export interface Policy {
  readonly playbookSettings: (playbookId: string) => JsonObject;
  /** Why this part must not be acted on (exempt, refused), or undefined. */
  readonly exemption: (part: GatePart) => string | undefined;
  /** Ranges of your own, from policy.yml. */
  readonly trusted: readonly string[];
  /** What no playbook changes: the exact entries of `protected`. */
  readonly protectedArns: readonly string[];
  /** What a person decides: every entry of `protected`, for names that a pattern or another spelling fits. */
  readonly protectedNames: readonly string[];
  /** Everybody who may approve something: Slack user ids and user group ids. */
  readonly approvers: readonly string[];
  /** As policy.yml has them: the first that fits names who may. */
  readonly approverRules: readonly ApproverRule[];
  /** Who may approve what concerns this target. */
  readonly approversFor: (subject: Subject) => readonly string[];
  readonly breakGlass: readonly string[];
  /** Who in Slack an AWS identity is. */
  readonly people: readonly Mapping[];
  /** Where an approval goes that no one answers. */
  readonly escalateTo: { readonly channel?: string | undefined; readonly mention: readonly string[] };
  /** Whether a finding is read back from GuardDuty before anything automatic. */
  readonly verifyFinding: PolicyDocument['verifyFinding'];
  /** Seconds between proving reads of a confirmed containment. */
  readonly reprove: PolicyDocument['reprove'];
  readonly archiveContained: boolean;
  readonly tellSecurityHub: boolean;
  readonly sendOcsf: boolean;
  /** The mode in which a new stack starts; the table says which one is in force (`modeInForce`). */
  readonly mode: Mode;
  readonly killSwitch: boolean;
  /** Titles of the rules, as `Decision.rule` names them, in order. */
  readonly ruleTitles: readonly string[];
  /** Titles of the rules that contain when no one answers an approval. */
  readonly containOnExpiry: readonly string[];
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
  readonly breakerLimits: BreakerLimits;
  /** Lowers an automatic decision where the hour's allowance is used up: `tripped` says of what (`countAuto`). */
  readonly breaker: (decision: Decision, tripped: string | undefined) => Decision;
  /** `want`, then `gate`. Pure: the same finding and facts give the same decision. */
  readonly decide: (finding: Finding, facts: GateFacts) => Decision;
}

/**
 * Reads the policy as packaging checked and wrote it (deploy/packaged-policy.js): in a function nothing is parsed or checked again.
 * Throws PolicyInvalid where the package has none.
 */
export async function readCompiled(path: string): Promise<Policy> {
  let document: PolicyDocument;
  try {
    document = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw new FirebreakError('PolicyInvalid', `${path} cannot be read`, {
      resource: path,
      next: 'Package and deploy again: the policy is compiled into the package.',
      cause: error,
    });
  }
  return policyOf(document);
}

/** Returns the decisions that a checked policy makes. */
export function policyOf(document: PolicyDocument): Policy {
  const rules = rulesOf(document);
  const exemptions = exemptionsOf(document);
  const gates = gatesOf(document, exemptions);
  return {
    trusted: document.trusted,
    exemption: exemptions.part,
    playbookSettings: (id) => own(document.playbooks, id) ?? {},
    protectedArns: document.protected.filter(isExact),
    protectedNames: document.protected,
    approvers: [...new Set(document.approvers.flatMap(({ who }) => who))],
    approverRules: document.approvers,
    approversFor: (subject) => idsFor(document.approvers, subject),
    breakGlass: document.breakGlass,
    people: document.people,
    escalateTo: document.approval.escalateTo,
    verifyFinding: document.verifyFinding,
    reprove: document.reprove,
    archiveContained: document.archiveContained,
    tellSecurityHub: document.tellSecurityHub,
    sendOcsf: document.sendOcsf,
    breakerLimits: document.circuitBreaker,
    mode: document.mode,
    killSwitch: document.killSwitch,
    ruleTitles: rules.titles,
    containOnExpiry: rules.containOnExpiry,
    ruleIsNarrow: rules.isNarrow,
    asksForPrincipal: rules.asksForPrincipal,
    want: rules.want,
    ...gates,
    decide: (finding, facts) => gates.gate(rules.want(finding, facts), finding, facts),
  };
}
