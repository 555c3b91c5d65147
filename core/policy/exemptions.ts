/** What policy.yml exempts, and what a playbook refused: neither is acted on at all. */
import type { Finding } from '../finding/finding.ts';
import type { GatePart } from './facts.ts';
import { isExact, nameMatcher } from './protected.ts';
import type { PolicyDocument } from './schema.ts';

export interface Exemptions {
  readonly account: (finding: Finding) => boolean;
  /** Why a part is not acted on at all, or undefined. */
  readonly part: (part: GatePart) => string | undefined;
  /** Patterns of `exempt.arns` that fit a name of the part: an attacker can choose one, so a person decides. */
  readonly named: (part: GatePart) => readonly string[];
}

export function exemptionsOf({ exempt: { accounts, arns } }: PolicyDocument): Exemptions {
  const entries = arns.map((entry) => ({
    entry,
    exact: isExact(entry),
    is: nameMatcher(entry),
    fits: nameMatcher(entry.toLowerCase()),
  }));
  return {
    account: ({ account }) => accounts.includes(account),
    part(part) {
      const exempt =
        entries.length === 0
          ? undefined
          : namesOf(part).find((name) => entries.some(({ exact, is }) => exact && is(name)));
      if (exempt !== undefined) return `${exempt} is exempt by policy`;
      const { plan } = part;
      if (plan?.kind !== 'refused') return undefined;
      return `not acted on: ${plan.reason}; instead: ${plan.alternative}`;
    },
    named: (part) =>
      entries
        .filter(({ fits }) => namesOf(part).some((name) => fits(name.toLowerCase())))
        .map(({ entry }) => entry),
  };
}

const namesOf = ({ display, plan }: GatePart): readonly string[] => [
  display,
  ...(plan?.kind === 'plan' ? plan.arns : []),
];
