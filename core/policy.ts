/** policy.yml -> a decision with its reasons. */
import type { Finding } from './finding.ts';
import type { Decision } from './incident.ts';
import type { JsonObject } from './json.ts';
import type { Plan } from './playbook.ts';

/** Live facts the gates need. `undefined` where they are not known (replay touches nothing). */
export interface GateFacts {
  readonly now: Date;
  readonly plan?: Plan | undefined;
  /** Automatic containments so far this hour: in the account, and of this kind of resource. */
  readonly autoThisHour?: { readonly account: number; readonly kind: number } | undefined;
  /** Kill switch in the table; policy.yml can set it as well. */
  readonly killSwitch?: boolean | undefined;
  /** Which playbook the registry found, or why none: no playbook lowers ask and auto to notify. */
  readonly playbook: { readonly id: string; readonly kind: string } | { readonly none: string };
  /** ARN or id of the target, for the exemption list. */
  readonly display?: string | undefined;
}

export interface Policy {
  readonly playbookSettings: (playbookId: string) => JsonObject;
  readonly protectedArns: readonly string[];
  readonly approvers: readonly string[];
  readonly decide: (finding: Finding, facts: GateFacts) => Decision;
}
