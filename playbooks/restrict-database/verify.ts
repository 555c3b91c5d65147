/** The proving read: every association is active, and no rule in front of the database lets the source in. */
import type { Proof, StepContext } from '../../core/journal/playbook.ts';
import { describeDatabase } from '../common/rds/database.ts';
import type { DatabaseFacts } from '../common/rds/database-target.ts';
import { letsIn, ruleText } from './rules.ts';
import { rulesOf } from './state.ts';

/** `adding` and `removing` become `active` within minutes [M]. */
export async function proveRestriction({ aws, target }: StepContext<DatabaseFacts>): Promise<Proof> {
  const { sources, cluster } = target.facts;
  const { groups } = await describeDatabase(aws, { id: target.id, cluster });
  const rules = await rulesOf(
    aws,
    groups.map(({ id }) => id),
  );
  const open = rules.filter((rule) => letsIn(rule, sources));
  const moving = groups.filter(({ status }) => status !== 'active');
  const checks = [
    {
      id: 'associations',
      ok: groups.length > 0 && moving.length === 0,
      saw: groups.map(({ id, status }) => `${id} ${status}`).join(', ') || 'no security group',
    },
    {
      id: 'rules',
      ok: open.length === 0,
      saw:
        open.length === 0
          ? `no range lets ${sources.join(', ')} in`
          : `still let in: ${open.map(ruleText).join('; ')}`,
    },
  ];
  const proven = checks.every(({ ok }) => ok);
  const next = proven ? 'final' : moving.length > 0 ? 'wait' : 'recontain';
  return { proven, checks, residual: [], next };
}
