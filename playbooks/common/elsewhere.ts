/** ARNs in a finding that say where their resource is: what is in another account or Region is not taken for one's own of that name. */
import { parseArn } from '../../core/aws/arn.ts';
import type { Finding } from '../../core/finding/finding.ts';
import type { TargetChoice } from '../../core/journal/playbook.ts';

/** Returns the refusal where one of the ARNs is of another account or Region than the finding; undefined where none is. */
export function elsewhere(
  { account, region }: Finding,
  what: string,
  ...arns: readonly (string | undefined)[]
): Extract<TargetChoice<never>, { ok: false }> | undefined {
  const other = arns
    .flatMap((text) => parseArn(text ?? '') ?? [])
    .find((parsed) => parsed.account !== account || parsed.region !== region);
  return (
    other && {
      ok: false,
      reason: `the ${what} is of account ${shown(other.account)} in ${shown(other.region)}, the finding of ${account} in ${region}`,
      named: 'resource',
    }
  );
}

const shown = (text: string): string => text.slice(0, 40) || 'none';
