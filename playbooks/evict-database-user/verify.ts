/** The proving reads: another version of the secret is current, TLS is required, no session was open. */
import { z } from 'zod';
import type { Proof, ProofCheck, StepContext, StepViewOf } from '../../core/journal/playbook.ts';
import { describeDatabase } from '../common/rds/database.ts';
import type { DatabaseUserFacts } from '../common/rds/user-target.ts';
import { labelsIfThere } from './secret.ts';
import type { KINDS } from './steps.ts';
import { readParameter } from './tls.ts';

type Step = StepViewOf<typeof KINDS>;
type Seen = ProofCheck & { readonly next: Proof['next'] };

export async function proveEviction(
  context: StepContext<DatabaseUserFacts>,
  steps: readonly Step[],
): Promise<Proof> {
  const seen = await Promise.all(steps.map((step) => checkOf(context, step)));
  const proven = seen.length > 0 && seen.every(({ ok }) => ok);
  const open = seen.filter(({ ok }) => !ok).map(({ next }) => next);
  return {
    proven,
    checks: seen.map(({ id, ok, saw }) => ({ id, ok, saw })),
    residual: [],
    next:
      proven || open.length === 0 ? 'final' : open.includes('recontain') ? 'recontain' : (open[0] ?? 'final'),
  };
}

function checkOf(context: StepContext<DatabaseUserFacts>, step: Step): Promise<Seen> | Seen {
  switch (step.kind) {
    case 'rotate-password':
      return rotated(context, step.args);
    case 'require-tls':
      return required(context, step.args, step.after);
    case 'end-sessions':
      return ended(step.output);
  }
}

async function rotated(
  { aws }: StepContext,
  { secret, version }: { readonly secret: string; readonly version: string },
): Promise<Seen> {
  const labels = await labelsIfThere(aws, secret);
  if (!labels) return { id: 'password', ok: false, saw: `${secret} is gone`, next: 'final' };
  const { current, pending } = labels;
  const ok = current !== undefined && current !== version;
  const saw = ok
    ? `${secret} has a new current version`
    : `${secret} still has the version that was current before${pending === undefined ? '' : ': its rotation is under way'}`;
  return { id: 'password', ok, saw, next: 'wait' };
}

/** RDS writes a dynamic parameter to the engine some moments after the group has it [M]. */
async function required(
  { aws, target }: StepContext<DatabaseUserFacts>,
  args: { readonly group: string; readonly cluster: boolean; readonly parameter: string },
  wanted: unknown,
): Promise<Seen> {
  const [found, { parametersApplied }] = await Promise.all([
    readParameter(aws, args),
    describeDatabase(aws, { id: target.id, cluster: target.facts.cluster }),
  ]);
  const isSet = found !== undefined && found.set === wanted;
  return {
    id: 'tls',
    ok: isSet && parametersApplied,
    saw: `${args.parameter} in ${args.group} is ${found?.set ?? 'not set'}${parametersApplied ? '' : ', and the database does not have it yet'}`,
    next: isSet ? 'wait' : 'recontain',
  };
}

const output = z.object({ ended: z.number(), open: z.number(), at: z.string() });

/** What the step itself read after it had ended them: a later look would need the right to run statements. */
function ended(given: unknown): Seen {
  const { data } = output.safeParse(given);
  if (!data) return { id: 'sessions', ok: false, saw: 'sessions were not read', next: 'final' };
  const at = `${data.at.slice(0, 16).replace('T', ' ')} UTC`;
  return {
    id: 'sessions',
    ok: data.open === 0,
    saw: `${data.ended} ended, ${data.open} open on the writer at ${at}`,
    next: 'recontain',
  };
}
