/**
 * Members of Slack user groups, asked when somebody decides. Kept for a minute, so that a busy hour does not run into
 * usergroups.users.list's limit (Tier 2, 20 a minute); a failure is not kept.
 */
import type { MembersOf } from '../../core/approvers.ts';
import { slackClient } from '../../slack/client.ts';
import type { Runtime } from '../runtime.ts';

const KEPT_MS = 60_000;
/** Slack waits three seconds for the whole answer. */
const WITHIN_MS = 1500;

/** Per runtime: a container has one, a test as many as it starts. */
const kept = new WeakMap<
  Runtime,
  Map<string, { readonly until: number; readonly members: readonly string[] }>
>();

export function groupReader(runtime: Runtime): MembersOf {
  const groups = kept.get(runtime) ?? new Map();
  kept.set(runtime, groups);
  return async (group) => {
    const known = groups.get(group);
    const now = runtime.now().getTime();
    if (known && known.until > now) return known.members;
    groups.delete(group);
    const { botToken } = await runtime.slackSecrets();
    const client = slackClient({ botToken, slackApiUrl: runtime.env.SLACK_API_URL, withinMs: WITHIN_MS });
    const members = await client.membersOf(group);
    groups.set(group, { until: now + KEPT_MS, members });
    return members;
  };
}
