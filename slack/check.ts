/**
 * Is Slack set up? Proves each part by using it, changes nothing, and says what to fix. The endpoint is tried with a
 * signed request that holds nothing, with a wrongly signed one and with an old one.
 */
import type { WebClient } from '@slack/web-api';
import { UNREACHED } from './client.ts';
import { BOT_SCOPES, PICTURE_SCOPE } from './methods.ts';
import { signatureOf } from './request.ts';

export interface SlackSettings {
  readonly botToken: string;
  readonly signingSecret: string;
  /** Of the cards, and the one of the second tier if policy names one. */
  readonly channels: readonly string[];
  readonly teamId: string;
  readonly appId: string;
  /** The deployed API without a path; undefined before there is one. */
  readonly endpoint: string | undefined;
  /** Slack ids that policy names: users `U…`, `W…` and user groups `S…`. */
  readonly people: readonly string[];
  /** Only the sandbox sets these. */
  readonly slackApiUrl?: string | undefined;
  readonly sandbox?: boolean;
}

type CheckName =
  | 'network'
  | 'token'
  | 'workspace'
  | 'app'
  | 'scopes'
  | 'channel'
  | 'approvers'
  | 'endpoint'
  | 'signature';
export interface CheckResult {
  readonly check: CheckName;
  /** warn: works, with less than it could · skipped: could not be tried, `saw` says why. */
  readonly status: 'ok' | 'warn' | 'wrong' | 'skipped';
  readonly saw: string;
  /** What to do about it. */
  readonly fix?: string;
}

const ok = (check: CheckName, saw: string): CheckResult => ({ check, status: 'ok', saw });
const wrong = (check: CheckName, saw: string, fix: string): CheckResult => ({
  check,
  status: 'wrong',
  saw,
  fix,
});
const skipped = (check: CheckName, saw: string, fix?: string): CheckResult => ({
  ...{ check, status: 'skipped', saw },
  ...(fix ? { fix } : {}),
});

export async function* slackChecks(settings: SlackSettings): AsyncGenerator<CheckResult> {
  const web = await clientOf(settings);
  const session = await openSession(web, settings);
  yield* session.results;
  if (session.works) {
    for (const channel of settings.channels) yield await channelCheck(web, channel);
    yield* approverChecks(web, settings);
  } else {
    yield skipped('channel', 'the token does not work');
    yield skipped('approvers', 'the token does not work');
  }
  yield* endpointChecks(settings);
}

async function clientOf({ botToken, slackApiUrl }: SlackSettings): Promise<WebClient> {
  const { LogLevel, WebClient: Client } = await import('./web-api.ts');
  return new Client(botToken, {
    retryConfig: { retries: 2, minTimeout: 200, maxTimeout: 2000 },
    timeout: 8000,
    rejectRateLimitedCalls: true,
    logLevel: LogLevel.ERROR,
    ...(slackApiUrl ? { slackApiUrl } : {}),
  });
}

/** Slack's own word for what went wrong. The client's errors can carry the request with its token: nothing else goes on. */
function wordOf(error: unknown): string {
  const part = (value: unknown, name: string): unknown =>
    typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
  return String(part(part(error, 'data'), 'error') ?? part(error, 'code') ?? 'unknown');
}

/** The system's word where the request came to no answer at all; undefined where Slack answered. */
function networkOf(error: unknown): string | undefined {
  const { code, original } = error as { readonly code?: unknown; readonly original?: NodeJS.ErrnoException };
  return code === UNREACHED ? (original?.code ?? 'no answer') : undefined;
}

/** Token, workspace, app and scopes: one call tells all four. */
async function openSession(
  web: WebClient,
  { teamId, appId, botToken }: SlackSettings,
): Promise<{ readonly works: boolean; readonly results: readonly CheckResult[] }> {
  let answer: Awaited<ReturnType<WebClient['auth']['test']>>;
  try {
    answer = await web.auth.test();
  } catch (error) {
    const unreached = networkOf(error);
    if (unreached !== undefined) {
      const results = [
        wrong(
          'network',
          `Slack cannot be reached from here (${unreached}): the token was not tried`,
          'Check your network, its name server and its proxy, then check again.',
        ),
        ...(['token', 'workspace', 'app', 'scopes'] as const).map((check) =>
          skipped(check, 'Slack cannot be reached'),
        ),
      ];
      return { works: false, results };
    }
    const word = wordOf(error);
    const kind = botToken.startsWith('xoxb-') ? '' : ' (a bot token begins with xoxb-)';
    const results = [
      wrong('token', `Slack says ${word}${kind}`, tokenFix(word)),
      ...(['workspace', 'app', 'scopes'] as const).map((check) => skipped(check, 'the token does not work')),
    ];
    return { works: false, results };
  }
  const { team = '?', team_id = '?', user = '?', app_id } = answer;
  const scopes = scopesOf(answer.response_metadata);
  return {
    works: true,
    results: [
      ok('token', `works, as @${user}`),
      team_id === teamId
        ? ok('workspace', `${team} (${team_id})`)
        : wrong(
            'workspace',
            `the token is of ${team} (${team_id}), the stack takes clicks of ${teamId}`,
            `Store ${team_id} as team-id and deploy, or use the bot token of the other workspace.`,
          ),
      appCheck(app_id, appId),
      scopesCheck(scopes),
    ],
  };
}

function scopesCheck(scopes: readonly string[]): CheckResult {
  const missing = BOT_SCOPES.filter((scope) => !scopes.includes(scope));
  const spare = scopes.filter((scope) => !BOT_SCOPES.includes(scope));
  if (missing.length === 0)
    return ok(
      'scopes',
      `${BOT_SCOPES.join(', ')}${spare.length > 0 ? `; not needed: ${spare.join(', ')}` : ''}`,
    );
  const fix =
    'Paste the manifest again (npx firebreak slack manifest) or add them under OAuth & Permissions, then reinstall the app.';
  return missing.every((scope) => scope === PICTURE_SCOPE)
    ? {
        check: 'scopes',
        status: 'warn',
        saw: `missing: ${PICTURE_SCOPE}; cards show no picture of the attack`,
        fix,
      }
    : wrong('scopes', `missing: ${missing.join(', ')}`, fix);
}

/** Slack names the app of a bot token in its newer answers only. */
function appCheck(given: string | undefined, appId: string): CheckResult {
  if (given === undefined) {
    return /^A[A-Z0-9]{2,}$/.test(appId)
      ? skipped('app', `${appId}; Slack does not say which app the token is of`)
      : wrong(
          'app',
          `${JSON.stringify(appId)} is no app id`,
          'Store the App ID (A…) of Basic Information as app-id.',
        );
  }
  return given === appId
    ? ok('app', given)
    : wrong(
        'app',
        `the token is of app ${given}, the stack takes clicks of ${appId}`,
        `Store ${given} as app-id and deploy, or use the bot token of the other app.`,
      );
}

function scopesOf(metadata: unknown): readonly string[] {
  const scopes =
    typeof metadata === 'object' && metadata !== null && 'scopes' in metadata ? metadata.scopes : undefined;
  return Array.isArray(scopes) ? scopes.map(String) : [];
}

function tokenFix(word: string): string {
  switch (word) {
    case 'invalid_auth':
    case 'not_authed':
      return 'Store the Bot User OAuth Token (xoxb-…) of OAuth & Permissions as bot-token.';
    case 'token_revoked':
    case 'token_expired':
    case 'account_inactive':
      return 'Install the app to the workspace again and store its new bot token.';
    default:
      return 'Try again; look at status.slack.com and at the network between here and Slack.';
  }
}

async function channelCheck(web: WebClient, channel: string): Promise<CheckResult> {
  try {
    const { channel: found } = await web.conversations.info({ channel });
    const name = `#${found?.name ?? channel} (${channel})`;
    if (found?.is_archived) {
      return wrong('channel', `${name} is archived`, 'Unarchive it, or store another channel.');
    }
    return found?.is_member
      ? ok('channel', `the bot is in ${name}`)
      : wrong('channel', `the bot is not in ${name}`, `In ${name} say: /invite @firebreak`);
  } catch (error) {
    const word = wordOf(error);
    return word === 'missing_scope'
      ? skipped('channel', 'cannot be read without the scopes')
      : wrong(
          'channel',
          `${channel}: ${word}`,
          word === 'channel_not_found'
            ? 'Store the id of the channel (C…, in its details), and invite the bot where it is private.'
            : 'Try again; run with the token of the workspace that has the channel.',
        );
  }
}

/** Only groups can be asked about: that needs no right to read the people of the workspace. */
async function* approverChecks(
  web: WebClient,
  { people, sandbox }: SlackSettings,
): AsyncGenerator<CheckResult> {
  if (people.length === 0) {
    yield wrong(
      'approvers',
      'policy.yml names no one',
      'Name people (U…) or user groups (S…) under approvers.',
    );
  }
  // policy.yml comes with people of the sandbox, who would never be found in a workspace.
  const examples = sandbox ? [] : people.filter((id) => /^[USW]0(?:ALICE|BOB|ONCALL)$/.test(id));
  if (examples.length > 0) {
    yield wrong(
      'approvers',
      `${examples.join(', ')} live in the sandbox`,
      'Put your own people and groups under approvers in policy.yml, and deploy.',
    );
  }
  for (const usergroup of people.filter((id) => id.startsWith('S') && !examples.includes(id))) {
    yield await groupCheck(web, usergroup);
  }
  const users = people.filter((id) => !id.startsWith('S') && !examples.includes(id));
  if (users.length > 0) yield ok('approvers', `by id: ${users.join(', ')}`);
}

async function groupCheck(web: WebClient, usergroup: string): Promise<CheckResult> {
  try {
    const { users = [] } = await web.usergroups.users.list({ usergroup });
    return users.length > 0
      ? ok(
          'approvers',
          `group ${usergroup} has ${users.length === 1 ? '1 person' : `${users.length} people`}`,
        )
      : wrong('approvers', `group ${usergroup} is empty`, 'Add the on-call engineers to it.');
  } catch (error) {
    const word = wordOf(error);
    return word === 'missing_scope'
      ? skipped('approvers', `group ${usergroup} cannot be read without the scopes`)
      : wrong(
          'approvers',
          `group ${usergroup}: ${word}`,
          'Name the id of a user group (S…) that is not disabled; it is in the address of the group in a browser.',
        );
  }
}

const PATHS = ['/slack/interactivity', '/slack/command'] as const;
const TRY_MS = 10_000;
/** Holds nothing that Firebreak knows: it is verified and then put aside. */
const PROBE = 'firebreak_check=1';

async function* endpointChecks({ endpoint, signingSecret }: SlackSettings): AsyncGenerator<CheckResult> {
  if (endpoint === undefined) {
    const why = 'no endpoint is known yet';
    yield skipped('endpoint', why, 'Deploy first, or name it: --url https://…');
    yield skipped('signature', why);
    return;
  }
  for (const path of PATHS) {
    const url = `${endpoint}${path}`;
    const signed = await knock(url, signingSecret, 0);
    const reached = reachedCheck(url, signed);
    yield reached;
    if (reached.status === 'ok') yield await signatureCheck(url, path, signingSecret, signed);
    else yield skipped('signature', `${path} was not reached`);
  }
}

type Knock = { readonly status: number } | { readonly failed: string };

function reachedCheck(url: string, knocked: Knock): CheckResult {
  if ('failed' in knocked) {
    return wrong(
      'endpoint',
      `${url}: ${knocked.failed}`,
      'Is the address the deployed one, and open to Slack?',
    );
  }
  if (knocked.status === 404 || knocked.status === 405) {
    return wrong(
      'endpoint',
      `${url}: HTTP ${knocked.status}`,
      'Name the address that the deployment printed.',
    );
  }
  if (knocked.status >= 500) {
    return wrong(
      'endpoint',
      `${url}: HTTP ${knocked.status}`,
      'The function fails: read its log group (/aws/lambda/firebreak-STAGE-slack).',
    );
  }
  return ok('endpoint', url);
}

async function signatureCheck(
  url: string,
  path: string,
  signingSecret: string,
  signed: Knock,
): Promise<CheckResult> {
  const [forged, old] = [await knock(url, `${signingSecret}x`, 0), await knock(url, signingSecret, 360)];
  if (!refuses(forged) || !refuses(old)) {
    return wrong(
      'signature',
      `${path} takes ${refuses(forged) ? 'an old request' : 'a wrongly signed request'}`,
      'This is not the endpoint of Firebreak, or something before it answers: do not use it.',
    );
  }
  return refuses(signed)
    ? wrong(
        'signature',
        `${path} refuses what the signing secret signs`,
        'Store the Signing Secret of Basic Information as signing-secret; the function reads it again within five minutes.',
      )
    : ok('signature', `${path} takes what is signed, refuses what is forged or old`);
}

const refuses = (knocked: Knock): boolean => 'status' in knocked && knocked.status === 401;

async function knock(url: string, secret: string, ageSeconds: number): Promise<Knock> {
  const timestamp = String(Math.floor(Date.now() / 1000) - ageSeconds);
  try {
    const answer = await fetch(url, {
      method: 'POST',
      body: PROBE,
      redirect: 'manual',
      signal: AbortSignal.timeout(TRY_MS),
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        'x-slack-request-timestamp': timestamp,
        'x-slack-signature': signatureOf(secret, timestamp, PROBE),
      },
    });
    await answer.body?.cancel();
    return { status: answer.status };
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    return { failed: cause instanceof Error ? cause.message : 'no answer' };
  }
}
