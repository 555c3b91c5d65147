/** What lowers a decision once live state is known: exemptions, plans, trusted addresses, circuit breaker, kill switch. */
import type { Finding } from '../finding/finding.ts';
import type { Confirmation, Decision } from '../incident/incident.ts';
import { statusWords } from '../incident/status.ts';
import type { Plan } from '../journal/playbook.ts';
import { own } from '../json.ts';
import { type EntryFinder, entryFinder } from '../lists/entries.ts';
import { KILL_SWITCH_ON } from '../table/breaker.ts';
import { OBSERVING } from '../table/mode.ts';
import type { Exemptions } from './exemptions.ts';
import type { GateFacts, GatePart } from './facts.ts';
import { Lowering } from './lowering.ts';
import type { PolicyDocument } from './schema.ts';

export interface Gates {
  readonly actsOn: (finding: Finding, parts: readonly GatePart[]) => boolean;
  readonly gate: (wanted: Decision, finding: Finding, facts: GateFacts) => Decision;
  readonly breaker: (decision: Decision, tripped: string | undefined) => Decision;
}

export function gatesOf(document: PolicyDocument, exempt: Exemptions): Gates {
  const trusted = entryFinder(document.trusted);
  return {
    actsOn: (finding, parts) =>
      !malformed(finding) &&
      !exempt.account(finding) &&
      (parts.length === 0 || parts.some((part) => exempt.part(part) === undefined)),
    gate(wanted, finding, facts) {
      const lowered = new Lowering(wanted);
      if (lowered.acts) {
        gateTarget(lowered, finding, facts, { document, exempt, trusted });
        if (lowered.acts && facts.mode === 'observe')
          lowered.to('notify', `${OBSERVING}; enforce mode would have decided ${lowered.kind}`);
      }
      if (document.killSwitch || facts.killSwitch === true) lowered.gated = true;
      return lowered.decision();
    },
    breaker(decision, tripped) {
      const lowered = new Lowering(decision);
      // Noise that uses up the allowance must not also take away what happens when no one answers: no `gate` here.
      if (tripped !== undefined && decision.kind === 'auto') {
        lowered.to('ask', `circuit breaker: ${tripped}`);
        lowered.page = true;
      }
      return lowered.decision();
    },
  };
}

const malformed = ({ account }: Finding): boolean => account.length !== 12;

/** What is made of the policy once, for every finding. */
interface Compiled {
  readonly document: PolicyDocument;
  readonly exempt: Exemptions;
  readonly trusted: EntryFinder;
}

function gateTarget(
  lowered: Lowering,
  finding: Finding,
  facts: GateFacts,
  { document, exempt, trusted }: Compiled,
): void {
  if (malformed(finding)) lowered.to('notify', `${finding.account} is no account id of 12 digits`);
  if ('none' in facts.playbook) {
    lowered.to('notify', facts.playbook.none);
    if (finding.label === 'high' || finding.label === 'critical') lowered.page = true;
    return;
  }
  if (exempt.account(finding)) lowered.to('notify', `account ${finding.account} is exempt by policy`);
  gateParts(lowered, facts.parts ?? [], document, exempt);
  // Neither may be taken for a no: an automatic answer needs to know them.
  if (finding.doubt !== undefined) lowered.gate('ask', finding.doubt);
  if (facts.confirmation) gateConfirmation(lowered, facts.confirmation, document);
  gateServices(lowered, finding);
  gateTrusted(lowered, finding, facts.trusted ? [trusted, entryFinder(facts.trusted)] : [trusted]);
  if (document.killSwitch || facts.killSwitch) lowered.gate('ask', KILL_SWITCH_ON);
  // What is contained automatically does not wait for the sequence's approval.
  if (facts.sequence && lowered.kind === 'ask')
    lowered.to(
      'notify',
      `signal of the attack sequence ${facts.sequence.incidentId}, which answers for the same resource (${statusWords(facts.sequence.status)})`,
    );
}

/** An event can be forged; what GuardDuty itself holds cannot. */
function gateConfirmation(
  lowered: Lowering,
  confirmation: Confirmation,
  { verifyFinding }: PolicyDocument,
): void {
  switch (confirmation.kind) {
    case 'confirmed':
      return;
    case 'differs':
      lowered.gate('ask', confirmation.reason);
      return;
    case 'awaited':
      if (verifyFinding === 'required') lowered.to('notify', confirmation.reason);
      else lowered.because(confirmation.reason);
      return;
    case 'unread':
      if (verifyFinding === 'required') lowered.gate('ask', confirmation.reason);
      else lowered.because(confirmation.reason);
  }
}

const ANYONE = 'names are for anyone to choose, so a person decides';

/** One part that must not be touched does not keep the others from being contained: it is left out and reported. */
function gateParts(
  lowered: Lowering,
  given: readonly GatePart[],
  document: PolicyDocument,
  exempt: Exemptions,
): void {
  const open = given.filter((part) => exempt.part(part) === undefined);
  for (const part of given) {
    const closed = exempt.part(part);
    if (closed === undefined) continue;
    if (open.length === 0) lowered.to('notify', closed);
    else lowered.because(closed);
    if (part.plan?.kind === 'refused') lowered.page = true;
  }
  for (const part of open) {
    const { playbook, plan } = part;
    for (const entry of exempt.named(part)) lowered.gate('ask', `fits ${entry} of exempt.arns: ${ANYONE}`);
    if (plan?.kind === 'plan') gatePlan(lowered, playbook, plan, document);
  }
}

function gatePlan(
  lowered: Lowering,
  playbook: string,
  plan: Extract<Plan, { kind: 'plan' }>,
  { exempt, blastRadius }: PolicyDocument,
): void {
  // A plan that must not run without a person does not run by silence either.
  for (const reason of plan.askBecause) lowered.gate('ask', reason);
  if (plan.twoPeople !== undefined) {
    lowered.gate('ask', `${plan.twoPeople}: two people decide`);
    lowered.second = true;
  }
  if (Object.hasOwn(plan.tags, exempt.tag)) {
    lowered.gate('ask', `tagged ${exempt.tag}: two people decide, since an attacker can write tags`);
    lowered.second = true;
  }
  const limit = own(blastRadius.playbooks, playbook) ?? blastRadius.default;
  const { count, unit } = plan.blastRadius;
  if (count > limit) {
    lowered.gate('ask', `blast radius ${count} ${unit} is over the limit of ${limit}: two people decide`);
    lowered.second = true;
  }
}

/** A service of AWS that calls from an account of its own is no stranger, though the account is not of the organisation. */
function gateServices(lowered: Lowering, { action }: Finding): void {
  for (const { account, awsService } of action?.remote ?? [])
    if (awsService !== undefined)
      lowered.gate('ask', `account ${account ?? 'of the caller'} is ${awsService}'s own: a person decides`);
}

/** The policy's own lines come first: they are what a person can look up at once. */
function gateTrusted(lowered: Lowering, { action }: Finding, finders: readonly EntryFinder[]): void {
  for (const { ip } of action?.remote ?? []) {
    const [range] = ip === undefined ? [] : finders.flatMap((find) => find.address(ip) ?? []);
    if (range) lowered.gate('ask', `${ip} is trusted (${range.text}): a person decides`);
  }
  // Of a call, `domain` names the AWS service that made it.
  const { domain } = action ?? {};
  if (domain === undefined || action?.callingService !== undefined) return;
  const [entry] = finders.flatMap((find) => find.domain(domain) ?? []);
  if (entry !== undefined) lowered.gate('ask', `${domain} is trusted (${entry}): a person decides`);
}
