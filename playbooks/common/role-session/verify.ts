/** The proving reads: the deny is on the role as written, the stolen session is denied, a sibling is not. */
import type { Aws } from '../../../core/aws/client.ts';
import type { Proof, ProofCheck, StepContext, StepView, StepViewOf } from '../../../core/journal/playbook.ts';
import { hashJson, type Json, sameJson } from '../../../core/json.ts';
import { awsReason } from '../iam/aws-reason.ts';
import { type ContextKey, NO_DENY, nextFor, PROBE, simulate, simulated } from '../iam/deny-proof.ts';
import { cutOffOf, revokesAtLeast } from '../iam/policy-documents.ts';
import { clusterRisks } from '../kubernetes/known-clusters.ts';
import { instancesOf, type RoleInstances } from './instances.ts';
import type { DenyArgs, KINDS } from './policy-step.ts';
import { profileArnsOf, readPolicy } from './state.ts';
import type { SessionFacts } from './target.ts';

type Step = StepViewOf<typeof KINDS>;
type FindingRegion = Pick<SessionFacts, 'findingRegion'>;

/** Stands for a caller elsewhere and for a sibling where none is known; both are made up (RFC 5737). */
const ELSEWHERE = '192.0.2.1';
const NO_INSTANCE = 'i-00000000000000000';

export async function proveRevocation(
  context: StepContext<SessionFacts>,
  steps: readonly Step[],
): Promise<Proof> {
  const [step] = steps;
  if (!step) return NO_DENY;
  const { args } = step;
  const live = (await readPolicy(context.aws, args.roleName, args.policyName))?.value ?? null;
  const document = documentCheck(args, step, live);
  if (!document.ok || live === null)
    return { proven: false, checks: [document], residual: [], next: nextFor(context, step, live) };
  const others = await countOthers(context, args);
  const effect = await effectOn(context.aws, args, casesFor(args, context, live, others.sample));
  const checks = [document, ...others.checks, ...effect.checks];
  const proven = checks.every(({ ok }) => ok);
  const clusters = proven ? await clustersOpen(context.aws, args, context.target.facts) : [];
  const residual = [...effect.residual, ...freshCredentials(args, others), ...clusters];
  return { proven, checks, residual, next: proven ? 'final' : 'wait' };
}

/** Clusters that a denied session signs in to. Read once the deny is proven, which it must not delay. */
const clustersOpen = (aws: Aws, { roleName }: DenyArgs, { findingRegion }: FindingRegion) =>
  clusterRisks(aws.inRegion(findingRegion), `role/${roleName}`);

/** `lever: role` ends what was issued; the metadata service goes on issuing. */
const freshCredentials = ({ lever, instanceId, roleName }: DenyArgs, { runs }: Others): readonly string[] =>
  lever === 'role' && runs
    ? [`${instanceId} goes on getting new credentials of ${roleName}, which are not denied: isolate it`]
    : [];

function documentCheck({ policyName, roleName }: DenyArgs, { after }: StepView, live: Json): ProofCheck {
  const id = 'document';
  const where = `inline policy ${policyName} on role ${roleName}`;
  if (live === null) return { id, ok: false, saw: `${where} is not there` };
  const ok = after !== undefined && (sameJson(live, after) || revokesAtLeast(live, after));
  const hash = hashJson(live).slice(0, 12);
  return {
    id,
    ok,
    saw: ok ? `${where} is as written (sha256 ${hash})` : `${where} is not what was written (sha256 ${hash})`,
  };
}

/** The deny is on the role as written, and IAM answers each caller as it should. For denies that know their callers otherwise. */
export async function proveDeny(
  context: StepContext<FindingRegion>,
  step: Step,
  cases: readonly Case[],
): Promise<Proof> {
  const { args } = step;
  const live = (await readPolicy(context.aws, args.roleName, args.policyName))?.value ?? null;
  const document = documentCheck(args, step, live);
  if (!document.ok)
    return { proven: false, checks: [document], residual: [], next: nextFor(context, step, live) };
  const effect = await effectOn(context.aws, args, cases);
  const checks = [document, ...effect.checks];
  const proven = checks.every(({ ok }) => ok);
  const clusters = proven ? await clustersOpen(context.aws, args, context.target.facts) : [];
  const residual = [...effect.residual, ...clusters];
  return { proven, checks, residual, next: proven ? 'final' : 'wait' };
}

interface Others {
  readonly checks: readonly ProofCheck[];
  /** Another instance of the role, to be simulated. */
  readonly sample: string;
  /** The session's own instance still has the role. */
  readonly runs: boolean;
}

/**
 * Counted here and not before: a deny by session does not depend on it, and must not wait for the EC2 client. The count
 * is reported and proves nothing, so a failure to count is reported as well.
 */
async function countOthers({ aws, target }: StepContext<SessionFacts>, args: DenyArgs): Promise<Others> {
  const { roleName, instanceId } = args;
  const { users, unread, found } = await instancesOf(
    aws,
    target.facts.findingRegion,
    await profileArnsOf(aws, roleName),
    instanceId,
  ).catch(uncounted);
  const others = users.filter((user) => user.instanceId !== instanceId);
  const not = unread.map(({ region, why }) => `${region} (${why})`).join(', ');
  const counted =
    not === ''
      ? `${others.length} other instances use role ${roleName}`
      : `at least ${others.length} other instances use role ${roleName} (not counted: ${not})`;
  const saw =
    args.lever === 'role'
      ? `${counted}; their older sessions are revoked as well`
      : `${counted}; the deny names session ${instanceId} only`;
  return {
    checks: [{ id: 'blast-radius', ok: true, saw }],
    sample: others[0]?.instanceId ?? NO_INSTANCE,
    runs: found !== undefined,
  };
}

function uncounted(error: unknown): RoleInstances {
  return { users: [], unread: [{ region: 'every Region', why: awsReason(error) }], found: undefined };
}

/** A caller with the context keys its requests carry, and what is to become of it. */
export interface Case {
  readonly id: string;
  readonly who: string;
  readonly denied: boolean;
  readonly keys: readonly ContextKey[];
}

/** Callers with the context keys their requests carry. */
function casesFor(args: DenyArgs, { now }: StepContext, live: Json, sibling: string): readonly Case[] {
  const stolen = `stolen session ${args.instanceId}`;
  switch (args.lever) {
    case 'session': {
      const siblingId = `${args.userId.split(':')[0]}:${sibling}`;
      return [
        { id: 'stolen-session', who: stolen, denied: true, keys: [['aws:userid', 'string', args.userId]] },
        {
          id: 'sibling',
          who: `session ${sibling} of the same role`,
          denied: false,
          keys: [['aws:userid', 'string', siblingId]],
        },
      ];
    }
    case 'pin': {
      const from = (instanceArn: string, ip: string): Case['keys'] => [
        ['ec2:SourceInstanceArn', 'string', instanceArn],
        ['aws:SourceIp', 'ip', ip],
        ['aws:Ec2InstanceSourceVpc', 'string', args.vpcId],
        ['aws:ViaAWSService', 'boolean', 'false'],
      ];
      const remote = args.remoteIp ?? ELSEWHERE;
      const home = (args.egress[0] ?? '').replace(/\/\d+$/, '');
      const siblingArn = args.instanceArn.replace(/i-[0-9a-f]+$/, sibling);
      return [
        {
          id: 'stolen-session',
          who: `${stolen} from ${remote}`,
          denied: true,
          keys: from(args.instanceArn, remote),
        },
        {
          id: 'owner',
          who: `${args.instanceId} itself through ${home}`,
          denied: false,
          keys: from(args.instanceArn, home),
        },
        {
          id: 'sibling',
          who: `session ${sibling} of the same role`,
          denied: false,
          keys: from(siblingArn, remote),
        },
      ];
    }
    case 'earlier':
    case 'role': {
      const cutOff = cutOffOf(live)?.getTime() ?? now().getTime();
      const name = args.lever === 'earlier' ? `session ${args.instanceId}` : 'a session';
      const issued = (seconds: number): Case['keys'] => [
        ['aws:TokenIssueTime', 'date', new Date(cutOff + seconds * 1000).toISOString()],
        ...(args.lever === 'earlier' ? ([['aws:userid', 'string', args.userId]] as const) : []),
      ];
      return [
        {
          id: 'stolen-session',
          who: `${name} of ${args.roleName} from before the cut-off`,
          denied: true,
          keys: issued(-1),
        },
        {
          id: 'later-session',
          who: `${name} of ${args.roleName} from after the cut-off`,
          denied: false,
          keys: issued(1),
        },
      ];
    }
  }
}

/** What IAM would answer each caller. */
const effectOn = (aws: Aws, args: DenyArgs, cases: readonly Case[]) =>
  simulated(() => Promise.all(cases.map((each) => answerTo(aws, args, each))));

async function answerTo(
  aws: Aws,
  { roleArn, policyName }: DenyArgs,
  { id, who, denied, keys }: Case,
): Promise<ProofCheck> {
  const { decision, explicit, answered, matched } = await simulate(aws, {
    caller: roleArn,
    action: PROBE,
    keys,
  });
  if (denied) return { id, ok: explicit, saw: `${who}: ${decision} (simulated)` };
  // Another deny on the role is not ours to judge. Where the answer does not name a statements, ours is assumed.
  const byUs = explicit && (matched.length === 0 || matched.some((policy) => policy.includes(policyName)));
  const saw = byUs
    ? `denied by ${policyName}, which it must not be`
    : `not denied by Firebreak (${decision})`;
  return { id, ok: !byUs && answered, saw: `${who}: ${saw} (simulated)` };
}
