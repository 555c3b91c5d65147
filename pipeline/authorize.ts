/** May this person do this to this incident, as policy, Slack and the table say at this moment? */
import { removedApprovers, type Standing, standing, subjectsOf } from '../core/approval/approvers.ts';
import type { Incident } from '../core/incident/incident.ts';
import type { ActionKind } from '../slack/actions.ts';
import { countMetric, type Runtime } from './runtime.ts';
import { groupReader } from './user-groups.ts';

export type Right = ActionKind['for'];

/** Every target's approvers must have the person; one that may for some of them may not for the incident. */
export async function authorize(
  runtime: Runtime,
  user: string,
  right: Right,
  incident: Incident | undefined,
): Promise<Standing> {
  const { table } = runtime;
  if ((await removedApprovers(table)).includes(user)) {
    return { ok: false, reason: 'no longer an approver', unread: [] };
  }
  const read = groupReader(runtime);
  const lists = listsFor(runtime, right, incident);
  for (const ids of lists) {
    const reason = right === 'break-glass' ? 'not on the break-glass list' : 'not on the list of approvers';
    const found = await standing(user, ids, read, reason);
    if (found.ok) continue;
    if (found.unread.length > 0) countMetric('ApproverGroupUnread');
    return found;
  }
  return lists.length > 0
    ? { ok: true }
    : {
        ok: false,
        reason:
          right === 'break-glass' && needsTwo(incident)
            ? 'two people must approve this, whatever their role'
            : 'policy.yml names no one for it',
        unread: [],
      };
}

/** A containment for which one person's word is never enough. */
const needsTwo = (incident: Incident | undefined): boolean =>
  incident?.approval?.purpose !== 'undo' &&
  incident?.targets.some(({ plan }) => plan?.kind === 'plan' && plan.twoPeople !== undefined) === true;

function listsFor(
  { policy }: Runtime,
  right: Right,
  incident: Incident | undefined,
): readonly (readonly string[])[] {
  switch (right) {
    case 'responder':
      return [policy.approvers];
    case 'break-glass':
      return needsTwo(incident) ? [] : [policy.breakGlass];
    case 'approver':
      return incident ? subjectsOf(incident).map((subject) => policy.approversFor(subject)) : [];
  }
}
