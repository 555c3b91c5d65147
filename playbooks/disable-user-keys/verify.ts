/** The proving reads: the deny as written, keys and credentials Inactive, none new of the attacker, and IAM's own judgement. */
import type {
  Proof,
  ProofCheck,
  StepContext,
  StepView,
  StepViewOf,
  UndoSafety,
} from '../../core/journal/playbook.ts';
import { sameJson } from '../../core/json.ts';
import { PROBE, simulate, simulated } from '../common/iam/deny-proof.ts';
import { userPolicy } from '../common/iam/user-policies.ts';
import { clusterRisks } from '../common/kubernetes/known-clusters.ts';
import { credentialsOf, nameOf, unreadWords } from './credentials.ts';
import { signIns } from './plan.ts';
import { attachedOf, keysOf, keysToDisable, type UserState } from './state.ts';
import type { KINDS } from './steps.ts';
import type { UserFacts } from './target.ts';

type Step = StepViewOf<typeof KINDS>;

export async function proveDisabled(context: StepContext<UserFacts>, steps: readonly Step[]): Promise<Proof> {
  const { aws, target } = context;
  const { facts } = target;
  const [keys, credentials, deny, effect] = await Promise.all([
    keysOf(aws, facts.userName),
    credentialsCheck(context, steps),
    denyCheck(context, steps),
    effectOn(context),
  ]);
  const planned = new Set(steps.flatMap(({ kind, args }) => (kind === 'key' ? [args.keyId] : [])));
  const active = keysToDisable({ keys }, facts).filter(({ status }) => status === 'Active');
  // During the few seconds in which IAM does not yet enforce the deny, the attacker may have made another key.
  const newcomers = active.filter(({ id }) => !planned.has(id));
  const checks: ProofCheck[] = [
    deny,
    {
      id: 'keys',
      ok: active.length === 0,
      saw:
        active.length === 0
          ? `no suspect key is Active (${keys.map(({ id, status }) => `${id} ${status}`).join(', ') || 'no keys'})`
          : `still Active: ${active.map(({ id }) => id).join(', ')}`,
    },
    ...credentials.checks,
    ...effect.checks,
  ];
  const proven = checks.every(({ ok }) => ok);
  const again = newcomers.length > 0 || !deny.ok || active.length > 0 || credentials.active;
  const drifted =
    steps.some(({ status }) => status === 'drift') && newcomers.length === 0 && !credentials.newcomers;
  // Temporary credentials of the user outlive its keys, and sign in to a cluster under the deny.
  const clusters = proven ? await clusterRisks(aws, `user/${facts.userName}`) : [];
  return {
    proven,
    checks,
    residual: [...credentials.residual, ...effect.residual, ...clusters],
    next: proven || drifted ? 'final' : again ? 'recontain' : 'wait',
  };
}

/** Credentials that are not access keys: none is Active. One that the attacker made meanwhile is contained as well. */
async function credentialsCheck({ aws, target }: StepContext<UserFacts>, steps: readonly Step[]) {
  const { found, unread } = await credentialsOf(aws, target.facts.userName);
  const planned = steps.flatMap(({ kind, args }) => (kind === 'credential' ? [args] : []));
  const active = found.filter(({ status }) => status === 'Active');
  // Of what was set Inactive, a form that is not listed any more is not known to hold.
  const unseen = unread.filter(({ form }) => planned.some((args) => args.form === form));
  const ok = active.length === 0 && unseen.length === 0;
  const saw = ok
    ? `no other credential is Active (${found.map((one) => `${nameOf(one)} ${one.status}`).join(', ')})`
    : [
        ...(active.length > 0 ? [`still Active: ${active.map(nameOf).join(', ')}`] : []),
        ...unseen.map((one) => `not listed: ${unreadWords(one)}`),
      ].join('; ');
  return {
    checks: found.length > 0 || unseen.length > 0 ? [{ id: 'credentials', ok, saw }] : [],
    active: active.length > 0,
    newcomers: active.some(({ id }) => !planned.some((args) => args.keyId === id)),
    residual: unread
      .filter((one) => !unseen.includes(one))
      .map((one) => `${unreadWords(one)} could not be listed: the deny holds for them, and no longer`),
  };
}

async function denyCheck({ aws }: StepContext, steps: readonly Step[]): Promise<ProofCheck> {
  const id = 'deny';
  const step = steps.find((one) => one.kind === 'deny-policy' || one.kind === 'deny-attached');
  if (!step) return { id, ok: false, saw: 'no deny was planned' };
  const { userName } = step.args;
  if (step.kind === 'deny-attached') {
    const ok = (await attachedOf(aws, userName)).includes(step.args.policyArn);
    return { id, ok, saw: ok ? 'AWSDenyAll is attached' : 'AWSDenyAll is not attached' };
  }
  const name = step.args.policyName;
  const live = (await userPolicy(aws, userName, name))?.value ?? null;
  const ok = live !== null && step.after !== undefined && sameJson(live, step.after);
  const saw =
    live === null ? `${name} is not there` : `${name} is ${ok ? 'as written' : 'not what was written'}`;
  return { id, ok, saw };
}

/** What IAM would answer the user. */
async function effectOn({
  aws,
  target,
}: StepContext<UserFacts>): Promise<Pick<Proof, 'checks' | 'residual'>> {
  const { client, api } = await aws.iam();
  const { User } = await client.send(new api.GetUserCommand({ UserName: target.facts.userName }));
  return simulated(async () => {
    const { decision, explicit } = await simulate(aws, {
      caller: User?.Arn ?? target.display,
      action: PROBE,
    });
    return [{ id: 'effect', ok: explicit, saw: `${PROBE} by the user: ${decision} (simulated)` }];
  });
}

/** Undo makes a key work again that was reported as stolen: anyone who has it is back in. */
export function userUndoSafety(steps: readonly StepView[], state: UserState | undefined): UndoSafety {
  const given = steps.filter(({ status, before }) => status === 'done' && before !== undefined);
  if (given.length === 0) return { safe: true, why: 'nothing of this incident is in place' };
  const keys = given.flatMap(({ kind, args }) =>
    kind === 'key' || kind === 'credential' ? [String(args['keyId'])] : [],
  );
  const what =
    keys.length > 0
      ? `re-activates ${keys.join(', ')}`
      : 'lets the user in again with the credentials it had';
  const left = state
    ? signIns(state).map((why) => `sign-in sessions of the user (aws login, MCP clients): ${why}`)
    : [];
  return {
    safe: false,
    why: `undo ${what}, which the principal that took them still has: rotate them instead`,
    ...(left.length > 0 ? { residual: left } : {}),
  };
}
