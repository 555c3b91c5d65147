/** Slack, and what the stage has in Systems Manager about it. */
import { randomUUID } from 'node:crypto';
import { SLACK_GROUPS, SLACK_USERS } from '../../sandbox/slack-people.ts';
import { type SlackTwin, startSlackTwin } from '../../sandbox/slack-twin.ts';

/** Parameters of the stage. */
export const SECRETS = {
  ...{ channel: 'C0INCIDENTS', 'team-id': 'T0FIREBREAK', 'app-id': 'A0FIREBREAK' },
  ...{ 'bot-token': `xoxb-test-${randomUUID()}`, 'signing-secret': randomUUID() },
};
/** Slack as the stage knows it, whose requests are delivered to its endpoint. */
export const slackOf = (deliver: Parameters<typeof startSlackTwin>[0]['deliver']): Promise<SlackTwin> =>
  startSlackTwin({
    ...{ botToken: SECRETS['bot-token'], signingSecret: SECRETS['signing-secret'] },
    ...{ teamId: SECRETS['team-id'], appId: SECRETS['app-id'], channel: SECRETS.channel },
    ...{ now: () => new Date(), users: SLACK_USERS, groups: SLACK_GROUPS, deliver },
  });
