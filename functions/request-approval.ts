/** Asks a person, and records when the approval expired instead. */
import { z } from 'zod';
import { expire, openApproval } from '../core/approval/approval.ts';
import { approverIdsOf, isGroup, namedApprovers } from '../core/approval/approvers.ts';
import { questionOf, type Shared, shareQuestion } from '../core/approval/join.ts';
import { readDecision } from '../core/incident/approval-record.ts';
import { type ApprovalView, type Incident, isAskedAgain } from '../core/incident/incident.ts';
import { showPicture } from '../pipeline/attack-picture.ts';
import { showCard } from '../pipeline/cards.ts';
import { pageIncident, reachAbout } from '../pipeline/incident-page.ts';
import { switchedOff } from '../pipeline/kill-switch.ts';
import { undecided } from '../pipeline/prove.ts';
import type { Runtime } from '../pipeline/runtime.ts';
import { incidentInput, workflowTask } from '../pipeline/workflow.ts';

const input = z.discriminatedUnion('phase', [
  incidentInput.extend({ phase: z.literal('contain'), taskToken: z.string().min(1) }),
  incidentInput.extend({ phase: z.literal('undo'), taskToken: z.string().min(1) }),
  incidentInput.extend({ phase: z.literal('expire') }),
]);

/** What the workflow does next; the answer of a person comes through SendTaskSuccess in the same form. */
export interface ApprovalOutcome {
  readonly outcome: 'waiting' | 'approved' | 'denied' | 'expired' | 'contain-on-expiry';
}

export const handler = workflowTask(
  'request-approval',
  input,
  async (request, runtime): Promise<ApprovalOutcome> => {
    switch (request.phase) {
      case 'contain':
      case 'undo':
        await ask(runtime, request.incidentId, request.phase, request.taskToken);
        return { outcome: 'waiting' };
      case 'expire':
        return { outcome: await expired(runtime, request.incidentId) };
    }
  },
);

async function ask(
  runtime: Runtime,
  incidentId: string,
  purpose: 'contain' | 'undo',
  taskToken: string,
): Promise<void> {
  const { approvals, incidents, now } = runtime;
  const incident = await incidents.get(incidentId);
  const again = purpose === 'contain' && incident.targets.some((entry) => isAskedAgain(incident, entry));
  // The card of the first question says that there is another one; then that one gets a card of its own.
  if (again) await showCard(runtime, incidentId, { quietly: true });
  // Before there is a question: no one can take the first card for the one that asks it.
  if (again) await incidents.change(incidentId, now(), () => ({ slack: undefined }));
  const view = await openApproval(approvals, {
    incidentId,
    purpose,
    ...(purpose === 'undo' ? undoApproval(incident) : { needed: incident.decision?.approvals ?? 1 }),
    timeoutSeconds: incident.decision?.approvalTimeoutSeconds ?? 3600,
    taskToken,
    at: now(),
  });
  if (purpose === 'contain') {
    await incidents.change(incidentId, now(), (read) =>
      read.status === 'received' ? { status: 'awaiting-approval' } : {},
    );
  }
  const { approval, tookOver } = purpose === 'contain' ? await share(runtime, incident) : { approval: view };
  if (again && approval.joined) await incidents.change(incidentId, now(), () => ({ slack: incident.slack }));
  const how = approval.joined ? `decided with ${approval.joined.incident}` : `until ${view.expiresAt}`;
  await incidents.note(incidentId, `approval to ${purpose} requested, ${how}`, now());
  await showCard(runtime, incidentId);
  if (tookOver !== undefined) {
    await incidents.note(tookOver, `decided with ${incidentId} from now on: it is graver`, now());
    await showCard(runtime, tookOver, { quietly: true });
  }
  if (!approval.joined) await pageIfTooFew(runtime, incident, view);
  await showPicture(runtime, incidentId);
}

/** One question for all incidents that ask for the same. */
const share = ({ approvals, policy, now }: Runtime, incident: Incident): Promise<Shared> =>
  shareQuestion(approvals, {
    incidentId: incident.id,
    question: questionOf(incident, approverIdsOf(policy, incident)),
    at: now(),
  });

/** Two people for an undo that is not safe. The requester is one of them where their door proves who they are. */
function undoApproval({ undo, undoPerson, undoRequestedBy }: Incident) {
  const requestedBy = undoPerson ?? undoRequestedBy;
  if (undo?.safe === true) return { needed: 1, requestedBy } as const;
  return { needed: 2, requestedBy, approvedBy: undoPerson === undefined ? [] : [undoPerson] } as const;
}

/** A question that no one can answer is not left to its clock. Who is in a user group is Slack's to say. */
async function pageIfTooFew(runtime: Runtime, incident: Incident, view: ApprovalView): Promise<void> {
  const ids = await namedApprovers(runtime.table, runtime.policy, incident);
  const people = ids.filter((id) => id !== view.requestedBy);
  const missing = view.needed - view.approvedBy.length;
  if (ids.some(isGroup) || people.length >= missing) return;
  const why = `${missing} must approve, and policy names ${people.length === 0 ? 'no one' : people.join(', ')} for it`;
  await runtime.incidents.note(incident.id, `too few approvers: ${why}`, runtime.now());
  await reachAbout(
    runtime,
    { ...incident, approval: view },
    `Firebreak ${incident.id}: too few approvers to ${view.purpose}`,
    [`${why}. Fix \`approvers\` in policy.yml, or act by hand.`],
  );
}

const hasExpired = async ({ table }: Runtime, decisionId: string): Promise<boolean> =>
  (await readDecision(table, decisionId))?.view.outcome === 'expired';

/** After the workflow's timeout. A person's click in the same instant stands if its write came first. */
async function expired(runtime: Runtime, incidentId: string): Promise<ApprovalOutcome['outcome']> {
  const { approvals, incidents, now } = runtime;
  const view = await expire(approvals, incidentId, now());
  if (view.outcome === 'approved' || view.outcome === 'denied') return view.outcome;
  const incident = await incidents.get(incidentId);
  if (view.purpose === 'undo') {
    await incidents.note(incidentId, 'the approval to undo expired: the containment stays', now());
    return 'expired';
  }
  const contains =
    incident.decision?.expiry === 'contain' && (await switchedOff(runtime, incident)) === undefined;
  if (contains) {
    await incidents.note(incidentId, 'the approval expired: policy says contain', now());
    return 'contain-on-expiry';
  }
  await incidents.note(incidentId, 'the approval expired: escalated, nothing was changed', now());
  const ended = await incidents.change(incidentId, now(), (read) => undecided(read, 'expired'));
  // The one page about the question is that of the incident that asked.
  if (view.joined && (await hasExpired(runtime, view.joined.decision))) return 'expired';
  await pageIncident(runtime, ended, `Firebreak ${incidentId}: approval expired, nothing is contained`);
  return 'expired';
}
