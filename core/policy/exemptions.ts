/** What policy.yml exempts, and what a playbook refused: neither is acted on at all. */
import type { Finding } from '../finding/finding.ts';
import { compileGlobs } from '../glob.ts';
import type { GatePart } from './facts.ts';
import type { PolicyDocument } from './schema.ts';

export interface Exemptions {
  readonly account: (finding: Finding) => boolean;
  /** Why a part is not acted on at all, or undefined. */
  readonly part: (part: GatePart) => string | undefined;
}

export function exemptionsOf({ exempt: { accounts, arns } }: PolicyDocument): Exemptions {
  const exemptArn = compileGlobs(arns);
  return {
    account: ({ account }) => accounts.includes(account),
    part({ display, plan }) {
      const exempt = [display, ...(plan?.kind === 'plan' ? plan.arns : [])].find(exemptArn);
      if (exempt !== undefined) return `${exempt} is exempt by policy`;
      if (plan?.kind !== 'refused') return undefined;
      return `not acted on: ${plan.reason}; instead: ${plan.alternative}`;
    },
  };
}
