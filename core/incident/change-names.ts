/** What people call the ids in an incident's changes: by the state its playbooks read, and the groups its steps made. */
import { namesIn } from '../journal/change-words.ts';
import type { StepRecord } from '../journal/hold.ts';
import type { Incident } from './incident.ts';

/** Names are untrusted. */
export function changeNames(
  { targets }: Pick<Incident, 'targets'>,
  steps: readonly StepRecord[],
): Readonly<Record<string, string>> {
  const made = steps.flatMap(({ kind, args, output }) =>
    kind === 'security-group' && typeof output === 'string' && typeof args['flavour'] === 'string'
      ? [[output, `firebreak-${args['flavour']}`] as const]
      : [],
  );
  return { ...namesIn(targets.map(({ state }) => state)), ...Object.fromEntries(made) };
}
