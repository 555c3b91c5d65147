/** `firebreak slack check` and `slack manifest`: the set-up of a deployed stack, of flags and variables, or of the sandbox. */
import { awsFor } from '../core/aws/client.ts';
import { FirebreakError } from '../core/errors.ts';
import type { Policy } from '../core/policy/policy.ts';
import { type CheckResult, type SlackSettings, slackChecks } from '../slack/check.ts';
import { manifestText } from '../slack/manifest-text.ts';
import type { PlaceOptions } from './place.ts';
import { regionOf } from './region.ts';
import { checkLines, terminal } from './terminal.ts';

export interface SlackCheckInput extends PlaceOptions {
  /** What flags say; comes before what is stored. */
  readonly given: Readonly<Record<'endpoint' | 'channel' | 'teamId' | 'appId', string | undefined>>;
  readonly sandbox: boolean;
  readonly json: boolean;
}

/** Exit status 0 all is well, 1 something is to be fixed. Throws where a value is nowhere to be found. */
export async function slackCheck(input: SlackCheckInput): Promise<number> {
  const { settings, close } = input.sandbox ? await ofSandbox(input.policy) : await ofStack(input);
  try {
    const results: CheckResult[] = [];
    for await (const result of slackChecks(settings)) {
      results.push(result);
      show(result, input.json);
    }
    const bad = results.filter(({ status }) => status === 'wrong').length;
    const open = results.filter(({ status }) => status === 'skipped').length;
    if (!input.json) summary(bad, open);
    return bad > 0 ? 1 : 0;
  } finally {
    await close();
  }
}

const MARKS = { ok: '✓', warn: '!', wrong: '✗', skipped: '–' } as const;
const COLOURS = { ok: 'green', warn: 'yellow', wrong: 'red', skipped: 'dim' } as const;

function show(result: CheckResult, json: boolean): void {
  const { out, paint } = terminal();
  if (json) {
    out(JSON.stringify(result));
    return;
  }
  const { check, status, saw, fix } = result;
  for (const line of checkLines({ mark: paint(COLOURS[status], MARKS[status]), check, saw, fix }, 10))
    out(line);
}

function summary(bad: number, open: number): void {
  const { out, paint } = terminal();
  const untried = open > 0 ? `, ${open} not tried` : '';
  out(
    bad > 0
      ? paint('red', `${bad} to fix${untried}. Then check again.`)
      : paint('green', `All that was tried works${untried}. Try it whole: /firebreak simulate`),
  );
}

interface Found {
  readonly settings: SlackSettings;
  close(): Promise<void>;
}

/** Everybody whom policy names, the second tier too. */
const peopleOf = ({ approvers, breakGlass, escalateTo: { mention } }: Policy): readonly string[] => [
  ...new Set([...approvers, ...breakGlass, ...mention]),
];

async function ofSandbox(policy: Policy): Promise<Found> {
  const { startSandbox } = await import('../sandbox/sandbox.ts');
  const sandbox = await startSandbox({ policy });
  const { env, slackSecrets } = sandbox.runtime;
  return {
    settings: {
      ...(await slackSecrets()),
      channels: [env.SLACK_CHANNEL],
      teamId: env.SLACK_TEAM_ID,
      appId: env.SLACK_APP_ID,
      endpoint: sandbox.endpoint,
      people: peopleOf(policy),
      slackApiUrl: env.SLACK_API_URL,
      sandbox: true,
    },
    close: () => sandbox.close(),
  };
}

const secondTier = ({ escalateTo: { channel } }: Policy): readonly string[] =>
  channel === undefined ? [] : [channel];

const PARAMETERS = ['bot-token', 'signing-secret', 'channel', 'team-id', 'app-id'] as const;
type ParameterName = (typeof PARAMETERS)[number];

/** Secrets come from variables, never from flags: other people on the machine can read those. */
export async function ofStack({ given, policy, stage, region }: SlackCheckInput): Promise<Found> {
  const own: Readonly<Record<ParameterName, string | undefined>> = {
    'bot-token': process.env['SLACK_BOT_TOKEN'],
    'signing-secret': process.env['SLACK_SIGNING_SECRET'],
    channel: given.channel,
    'team-id': given.teamId,
    'app-id': given.appId,
  };
  const missing = PARAMETERS.filter((name) => !own[name]);
  const stored =
    missing.length > 0 ? await storedParameters(stage, await regionOf(region, stage), missing) : {};
  const value = (name: ParameterName): string => own[name] ?? stored[name] ?? '';
  const nowhere = PARAMETERS.filter((name) => value(name) === '');
  if (nowhere.length > 0) {
    throw new FirebreakError('NotFound', `not stored: ${nowhere.join(', ')}`, {
      resource: nowhere.map((name) => parameterName(stage, name)).join(', '),
      next: 'Store them as docs/slack.md shows, or check another --stage or --region.',
    });
  }
  return {
    settings: {
      botToken: value('bot-token'),
      signingSecret: value('signing-secret'),
      channels: [value('channel'), ...secondTier(policy)],
      teamId: value('team-id'),
      appId: value('app-id'),
      endpoint:
        given.endpoint ??
        (missing.length > 0 ? await deployedEndpoint(stage, await regionOf(region, stage)) : undefined),
      people: peopleOf(policy),
    },
    close: async () => {},
  };
}

const parameterName = (stage: string, name: ParameterName): string => `/firebreak/${stage}/slack/${name}`;

/** The account is whatever the credentials are of: nothing here builds an ARN. */
const awsIn = (region: string) => awsFor({ partition: 'aws', account: '', region });

async function storedParameters(
  stage: string,
  region: string,
  names: readonly ParameterName[],
): Promise<Partial<Record<ParameterName, string>>> {
  const { client, api } = await awsIn(region).ssm();
  const answer = await client.send(
    new api.GetParametersCommand({
      Names: names.map((name) => parameterName(stage, name)),
      WithDecryption: true,
    }),
  );
  return Object.fromEntries(
    names.map((name) => [
      name,
      answer.Parameters?.find((parameter) => parameter.Name === parameterName(stage, name))?.Value,
    ]),
  );
}

/** From the function that takes Slack's requests; undefined where nothing is deployed. */
async function deployedEndpoint(stage: string, region: string): Promise<string | undefined> {
  const { client, api } = await awsIn(region).lambda();
  try {
    const { Environment } = await client.send(
      new api.GetFunctionConfigurationCommand({ FunctionName: `firebreak-${stage}-slack` }),
    );
    return Environment?.Variables?.['SLACK_ENDPOINT'];
  } catch (error) {
    if (error instanceof Error && error.name === 'ResourceNotFoundException') return undefined;
    throw error;
  }
}

/** Exit status 0. */
export async function manifest(input: {
  readonly stage: string;
  readonly region: string | undefined;
  readonly endpoint: string | undefined;
}): Promise<number> {
  const { out } = terminal();
  out(
    manifestText(
      input.endpoint ?? (await deployedEndpoint(input.stage, await regionOf(input.region, input.stage))),
    ).trimEnd(),
  );
  return 0;
}
