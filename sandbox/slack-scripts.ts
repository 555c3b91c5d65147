/** What people do in Slack that takes more than one click; for the command line and the tests. */
import { ACTIONS, INPUTS, VIEWS, type ViewName } from '../slack/actions.ts';
import type { EndpointAnswer, OpenModal, SlackTwin } from './slack-twin.ts';

/** The button of a card, as one person. */
export interface On {
  readonly ts: string;
  readonly value: string;
  readonly userId: string;
}

/** The modal of this kind that this person has on top. Throws when there is none. */
export function openView(slack: SlackTwin, userId: string, view: ViewName): OpenModal {
  const found = slack.modals.findLast(
    (each) => each.user === userId && each.view.callback_id === VIEWS[view],
  );
  if (found) return found;
  throw new Error(`no modal ${view} is open for ${userId}`);
}

/** Deny, and why. */
export async function denies(slack: SlackTwin, on: On, reason: string): Promise<EndpointAnswer> {
  await slack.click({ ...on, actionId: ACTIONS.deny });
  const { id } = openView(slack, on.userId, 'deny');
  return slack.submit({ viewId: id, userId: on.userId, filled: { [INPUTS.reason]: reason } });
}
