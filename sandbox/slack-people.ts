/** Everybody in the sandbox's Slack. Any of them may be played, so that two-person rules can be tried. */
import type { SlackUser } from './slack-world.ts';

export const SLACK_USERS: readonly SlackUser[] = [
  { id: 'U0ALICE', name: 'Alice, approver' },
  { id: 'U0BOB', name: 'Bob, approver' },
  { id: 'U0MALLORY', name: 'Mallory, not an approver' },
];

/** User groups, as policy.yml may name them. */
export const SLACK_GROUPS: Readonly<Record<string, readonly string[]>> = {
  S0ONCALL: ['U0ALICE', 'U0BOB'],
};
