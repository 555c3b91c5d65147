/** What deciding needs to know besides the finding. `undefined` where it is not known: a replay touches nothing. */
import type { Answer, Confirmation, FollowUp } from '../incident/incident.ts';
import type { PrincipalIncident } from '../incident/principals.ts';
import type { SequenceIncident } from '../incident/sequence.ts';
import type { Plan } from '../journal/playbook.ts';
import type { Mode } from '../table/mode.ts';

/** What choosing the rule needs besides the finding. */
export interface WantFacts {
  /** Set for an incident that asks for one more containment. */
  readonly followUpOf?: FollowUp | undefined;
  /** Another open incident on the finding's principal; read where a rule asks for it (`asksForPrincipal`). */
  readonly principalUnderIncident?: PrincipalIncident | undefined;
}

/** Live facts the gates need. `undefined` where they are not known (replay touches nothing). */
export interface GateFacts extends WantFacts {
  readonly now: Date;
  /** What would be acted on, each with its plan where live state was read. */
  readonly parts?: readonly GatePart[] | undefined;
  /** What GuardDuty said of the finding when it was read back; replay reads nothing. */
  readonly confirmation?: Confirmation | undefined;
  /** The mode in force; without it what enforce mode decides. */
  readonly mode?: Mode | undefined;
  /** Kill switch in the table; policy.yml can set it as well. */
  readonly killSwitch?: boolean | undefined;
  /** Entries of GuardDuty's trusted lists, of addresses and of entities, as `firebreak lists` keeps them in the table. */
  readonly trusted?: readonly string[] | undefined;
  /** The incident of the attack sequence that this is a signal of, where it answers for every resource of it. */
  readonly sequence?: SequenceIncident | undefined;
  /** Which playbook the registry found, or why none: no playbook lowers ask and auto to notify. */
  readonly playbook: Answer;
}

export interface GatePart {
  readonly playbook: string;
  /** ARN or id of the target, for the exemption list. */
  readonly display: string;
  readonly plan?: Plan | undefined;
}
