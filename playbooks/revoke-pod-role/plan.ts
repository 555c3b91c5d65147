/** One inline deny on the role: by the tags that EKS Pod Identity puts on a session, or for IRSA by the time of issue. Pure. */

import type { Plan, PlanOptions, Target } from '../../core/journal/playbook.ts';
import { denyTagged } from '../common/iam/policy-documents.ts';
import { type DenyStep, planRevocation } from '../common/role-session/plan.ts';
import type { RoleState } from '../common/role-session/state.ts';
import type { SessionFacts } from '../common/role-session/target.ts';
import type { PodRoleFacts } from './target.ts';

/**
 * Tags of every session that EKS Pod Identity opens (EKS user guide, "Grant Pods access to AWS resources based on tags").
 * An association may leave them out (`disableSessionTags`): such a session is not denied, and the simulation cannot tell.
 */
const TAG = 'aws:PrincipalTag/';
const POD_UID = `${TAG}kubernetes-pod-uid`;

/** The session tags by which the deny knows its sessions. */
export function sessionTags({
  cluster,
  namespace,
  serviceAccount,
  podUids,
}: PodRoleFacts): Record<string, string[]> {
  if (podUids.length > 0) return { [POD_UID]: [...podUids] };
  return {
    [`${TAG}eks-cluster-name`]: [cluster],
    [`${TAG}kubernetes-namespace`]: [namespace],
    [`${TAG}kubernetes-service-account`]: [serviceAccount],
  };
}

/** The role as the playbooks for sessions read and plan it. */
export function asSession(target: Target<PodRoleFacts>, roleId: string): Target<SessionFacts> {
  const { roleName, findingRegion } = target.facts;
  const facts: SessionFacts = {
    roleName,
    roleId,
    instanceId: 'pods',
    userId: `${roleId}:pods`,
    accessKeyId: null,
    remoteIps: [],
    remoteAccounts: [],
    findingRegion,
  };
  return { ...target, kind: 'role-session', facts };
}

/** What must not be changed, and what fits on the role, is judged as for any other session; the deny is another one. */
export function planPodRole(
  state: RoleState,
  target: Target<PodRoleFacts>,
  options: PlanOptions,
): Plan<DenyStep> {
  const { facts } = target;
  const { role } = state;
  const byTags = facts.by === 'Pod Identity';
  // The tags replace what the plan would deny.
  const settings = { lever: byTags ? 'name' : 'role' };
  const base = planRevocation(state, asSession(target, role.roleId), { ...options, settings });
  if (base.kind === 'refused') return base;
  const tags = sessionTags(facts);
  const { namespace, serviceAccount, podUids, others, doubtful } = facts;
  const who =
    podUids.length > 0
      ? `${podUids.length} pods of ${namespace}/${serviceAccount}`
      : `pods of ${namespace}/${serviceAccount}`;
  return {
    ...base,
    steps: base.steps.map((step) =>
      step.kind === 'deny-session'
        ? {
            ...step,
            describe: `Deny everything to the ${who} in role ${role.name} (session tags of EKS Pod Identity)`,
            args: { ...step.args, lever: 'session' as const, sessionTags: tags },
            after: denyTagged(tags),
          }
        : step,
    ),
    blastRadius: {
      count: Math.max(1, podUids.length),
      unit: 'pods',
      detail: [
        byTags
          ? `${who}; other pods of role ${role.name} go on`
          : `every session of role ${role.name} issued before now`,
      ],
    },
    warnings: [
      byTags
        ? 'the pods get no working credentials of the role until undo, new ones neither'
        : `every pod and every other user of ${role.name} loses AWS until it gets new credentials, for up to an hour where they are cached`,
      ...doubtful,
      ...(others.length > 0 ? [`the pods may use further roles: ${others.join(', ')}`] : []),
    ],
    residual: [
      ...(byTags
        ? ['sessions of an association that leaves session tags out (disableSessionTags) are not denied']
        : [
            `${who} can get new credentials of ${role.name}: quarantine the pods, or the token of the service account is used again`,
          ]),
      'sessions of other roles that these opened live on on their own for up to an hour',
    ],
    askBecause: byTags ? [] : [`everybody who uses ${role.name} loses their sessions`],
  };
}
