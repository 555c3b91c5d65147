/**
 * Members of Slack user groups, asked when someone decides. Kept for a minute, so that a busy hour does not run into
 * usergroups.users.list's limit (Tier 2, 20 a minute); a failure for some seconds, so that one request with several
 * targets waits for Slack once.
 */
import type { MembersOf } from '../core/approval/approvers.ts';
import { slackClient } from '../slack/client.ts';
import type { Runtime } from './runtime.ts';

const KEPT_MS = 60_000;
/** Slack waits three seconds for the whole answer. */
const WITHIN_MS = 1500;

const FAILED_MS = 3000;

interface Kept {
  readonly until: number;
  /** Rejects where Slack did not say. */
  readonly members: Promise<readonly string[]>;
}
/** Per runtime: a container has one, a test as many as it starts. */
const kept = new WeakMap<Runtime, Map<string, Kept>>();

export function groupReader(runtime: Runtime): MembersOf {
  const groups: Map<string, Kept> = kept.get(runtime) ?? new Map();
  kept.set(runtime, groups);
  return (group) => {
    const now = runtime.now().getTime();
    const known = groups.get(group);
    if (known && known.until > now) return known.members;
    const members = ask(runtime, group);
    groups.set(group, { until: now + KEPT_MS, members });
    members.catch(() => groups.set(group, { until: runtime.now().getTime() + FAILED_MS, members }));
    return members;
  };
}

async function ask(runtime: Runtime, group: string): Promise<readonly string[]> {
  const { botToken } = await runtime.slackSecrets();
  const slack = slackClient({ botToken, slackApiUrl: runtime.env.SLACK_API_URL, withinMs: WITHIN_MS });
  return slack.membersOf(group);
}
