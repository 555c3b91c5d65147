/**
 * What of Slack's Web API Firebreak calls, and the bot scopes each method wants as Slack documents them with the method.
 * The app manifest asks for these scopes and no more; a test holds the two together and finds calls that are not here.
 */
export const METHOD_SCOPES = {
  'auth.test': [],
  'chat.postEphemeral': ['chat:write'],
  'chat.postMessage': ['chat:write'],
  'chat.update': ['chat:write'],
  'files.completeUploadExternal': ['files:write'],
  'files.getUploadURLExternal': ['files:write'],
  // One for public channels, one for private ones: the incident channel may be either.
  'conversations.info': ['channels:read', 'groups:read'],
  'usergroups.users.list': ['usergroups:read'],
  'views.open': [],
  'views.update': [],
} as const satisfies Record<string, readonly string[]>;

export type SlackMethod = keyof typeof METHOD_SCOPES;

/** For the slash command itself: no method wants it. */
const COMMAND_SCOPE = 'commands';

/** For the picture of the attack alone: an app of an earlier release has cards without it. */
export const PICTURE_SCOPE = 'files:write';

/** The bot scopes the app asks for, in the order of the alphabet. */
export const BOT_SCOPES: readonly string[] = [
  ...new Set([COMMAND_SCOPE, ...Object.values(METHOD_SCOPES).flat()]),
].sort();
