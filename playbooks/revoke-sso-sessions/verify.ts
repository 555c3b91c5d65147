/** The proving reads: the statement is in the permission set, provisioning has succeeded, and the role carries it. */

import type {
  Proof,
  ProofCheck,
  StepContext,
  StepView,
  StepViewOf,
  UndoSafety,
} from '../../core/journal/playbook.ts';
import { sameJson } from '../../core/json.ts';
import { utcMinute } from '../../core/words.ts';
import { statementIn } from '../common/iam/policy-statements.ts';
import { clusterRisks } from '../common/kubernetes/known-clusters.ts';
import { proveEverywhere } from './everywhere.ts';
import { inlinePolicyOf } from './identity-center.ts';
import { provisioningOf } from './provisioning.ts';
import type { SsoState } from './state.ts';
import { denyUserArgs, type KINDS, onRole } from './steps.ts';
import type { SsoFacts } from './target.ts';

type Step = StepViewOf<typeof KINDS>;

export async function proveDenied(context: StepContext<SsoFacts>, steps: readonly Step[]): Promise<Proof> {
  const looks = await Promise.all(steps.map((step) => look(context, step)));
  const checks = looks.flatMap((each) => each.checks);
  const proven = checks.length > 0 && checks.every(({ ok }) => ok);
  const nexts = looks.map(({ next }) => next);
  const next = nexts.includes('recontain') ? 'recontain' : nexts.includes('wait') ? 'wait' : 'final';
  const { roleName } = context.target.facts;
  const clusters = proven ? await clusterRisks(context.aws, `role/${roleName}`) : [];
  const everywhere = steps.some(({ kind }) => kind === 'deny-user-everywhere')
    ? ['AWS enforces the deny in other accounts within minutes, which no read of it shows']
    : [];
  return { proven, checks, residual: [...clusters, ...everywhere], next: proven ? 'final' : next };
}

async function look(
  context: StepContext<SsoFacts>,
  step: Step,
): Promise<{ readonly checks: readonly ProofCheck[]; readonly next: Proof['next'] }> {
  if (step.kind === 'deny-user-everywhere') {
    const { check, written } = await proveEverywhere(context, step.id, step.args);
    return { checks: [check], next: written ? 'final' : 'recontain' };
  }
  const { aws } = context;
  const args = denyUserArgs(step.args);
  const { place, sid, statement } = args;
  const there = aws.inAccount(place.account, place.region);
  const [policy, onTheRole, provisioning] = await Promise.all([
    inlinePolicyOf(there, place),
    onRole(aws, args),
    typeof step.output === 'string' ? provisioningOf(there, place, step.output) : undefined,
  ]);
  const written = sameJson(statementIn(policy, sid), statement);
  const carried = sameJson(onTheRole, statement);
  const failed = provisioning?.status === 'FAILED';
  const checks = [
    {
      id: `${step.id}:permission-set`,
      ok: written,
      saw: written
        ? `the permission set denies ${sid}`
        : `the deny ${sid} is not in the permission set as it was written`,
    },
    {
      id: `${step.id}:provisioning`,
      ok: provisioning === undefined || provisioning.status === 'SUCCEEDED',
      saw: failed
        ? `provisioning failed: ${provisioning.why}`
        : `provisioning ${provisioning?.status ?? 'is not known by a request id'}`,
    },
    {
      id: `${step.id}:role`,
      ok: carried,
      saw: `the role ${args.roleName} ${carried ? 'carries the deny' : 'does not carry the deny yet'}`,
    },
  ];
  // Denied by the principal that rewrote the policy meanwhile is a case for the journal: drift is never overwritten.
  const next = !written ? 'recontain' : failed ? 'final' : 'wait';
  return { checks, next };
}

/** Sessions from before the deny live as long as the permission set lets them; anyone who is denied outright comes back at once. */
export function ssoUndoSafety(
  steps: readonly StepView[],
  state: SsoState | undefined,
  now: Date,
): UndoSafety {
  const inPlace = steps.filter(({ status }) => !['planned', 'skipped', 'already', 'undone'].includes(status));
  if (inPlace.length === 0) return { safe: true, why: 'no deny of this incident is in place' };
  const parsed = state?.center;
  const seconds = parsed?.reachable ? parsed.sessionSeconds : 12 * 3600;
  const starts = inPlace
    .map(({ doneAt }) => Date.parse(doneAt ?? ''))
    .map((at) => (Number.isNaN(at) ? now.getTime() : at));
  const safeAt = new Date(Math.max(...starts) + seconds * 1000).toISOString();
  const outright = inPlace.some(({ kind, args }) =>
    kind === 'deny-user-everywhere'
      ? args['issuedBefore'] === null
      : !JSON.stringify(denyUserArgs(args)).includes('aws:TokenIssueTime'),
  );
  if (outright)
    return {
      safe: false,
      why: 'undo lets the user in again, and anyone who holds the portal session with it',
    };
  if (now.toISOString() >= safeAt) {
    return { safe: true, why: `every session from before the deny has ended (${utcMinute(safeAt)})`, safeAt };
  }
  return {
    safe: false,
    why: `sessions from before the deny may live until ${utcMinute(safeAt)}: removing it earlier restores the attacker's access`,
    safeAt,
  };
}
