/**
 * `firebreak init`: from credentials to a working stack, and the same again for an upgrade. What is asked for is what flags,
 * variables and an earlier run did not say; nothing is changed before all of it is known.
 */
import { resolve } from 'node:path';
import type { z } from 'zod';
import { FirebreakError } from '../../core/errors.ts';
import { placeholdersIn } from '../../core/policy/placeholders.ts';
import { type Policy, parsePolicy } from '../../core/policy/policy.ts';
import { NO_SLACK } from '../../pipeline/environment.ts';
import { slackManifest } from '../../slack/manifest.ts';
import { onSilence } from '../policy.ts';
import { namedRegion } from '../region.ts';
import * as settings from '../settings.ts';
import { fitting, plainText, terminal } from '../terminal.ts';
import { canReserve, detectorHere, whoAmI } from './account.ts';
import { PARAMETERS, type ParameterName, pathOf, storedNames, storeParameters } from './parameters.ts';
import { changedPolicy, policyPath, writePolicy } from './policy-file.ts';
import { ask, askMode, askSecret, somebodyThere } from './questions.ts';
import { blockerOf } from './remains.ts';
import { serverless } from './serverless.ts';

export interface InitInput {
  readonly stage: string;
  readonly region: string | undefined;
  readonly mode: 'observe' | 'enforce' | undefined;
  /** Slack ids; undefined leaves policy.yml's. */
  readonly approvers: readonly string[] | undefined;
  readonly channel: string | undefined;
  readonly teamId: string | undefined;
  readonly appId: string | undefined;
  /** `name=value`, passed on to the Serverless Framework. */
  readonly params: Readonly<Record<string, string>>;
  /** `--policy`; otherwise the one that firebreak.json names, or a new one of the team's own. */
  readonly policyFile: string | undefined;
  /** False: without Slack. Undefined: as the stage was set up before, with Slack where it is new. */
  readonly slack: boolean | undefined;
  readonly allowPlaceholder: boolean;
  readonly dryRun: boolean;
}

/**
 * Exit status 0: deployed (or shown, with `dryRun`). Throws FirebreakError. Until everything is known nothing is changed; then
 * policy.yml, firebreak.json and the Slack values are written before the stack is deployed from them, and an error from there
 * on names what was written. `deploy` is a parameter so that a test need not deploy.
 */
export async function init(input: InitInput, deploy: typeof serverless = serverless): Promise<number> {
  const { out, paint } = terminal();
  const stage = checked(settings.stageName, input.stage, '--stage');
  const former = await settings.readStage(stage);
  const region = await regionOf(input.region ?? former?.region);
  const caller = await whoAmI(region);
  out(`Account ${paint('bold', caller.account)}, ${region}, as ${caller.arn}`);
  await mustBeFree(region, stage);
  const detector = await detectorHere(region);
  out(paint(detector.status === 'ok' ? 'green' : 'yellow', plainText(detector.saw)));
  if (detector.status !== 'ok') out(`  ${plainText(detector.fix)}`);

  const stored = await storedNames(region, stage);
  const isUpgrade = former !== undefined || stored.size > 0;
  const hasSlack = input.slack ?? former?.slack ?? true;
  if (hasSlack && stored.size === 0 && process.env['SLACK_BOT_TOKEN'] === undefined) offerApp();
  const values = hasSlack ? await slackValues(input, stored) : NO_SLACK_VALUES;
  const file = await policyPath(input.policyFile);
  const mode = input.mode ?? (await modeOf(file.text, isUpgrade));
  const approvers = await approversOf(input, former === undefined, hasSlack);
  const text = changedPolicy(file.text, { mode, approvers }, file.path);
  const policy = parsePolicy(text, file.path);
  refusePlaceholders(policy, file.path, input.allowPlaceholder);
  const params = { ...former?.params, ...input.params };
  params['reserve-concurrency'] ??= await reserves(region);

  const plan = [
    `${file.path}${file.isNew ? ' (new)' : ''}: mode ${mode}${approvers ? `, approvers ${approvers.join(', ')}` : ''}`,
    `${settings.FILE}: stage ${stage}`,
    hasSlack
      ? `Systems Manager: ${Object.keys(values).join(', ') || 'nothing new'} under /firebreak/${stage}/slack/`
      : 'Slack: none; the page topic asks, and people decide with firebreak approve',
    `CloudFormation: stack firebreak-${stage} in ${region} (${Object.entries(params)
      .map(([name, value]) => `${name}=${value}`)
      .join(', ')})`,
  ];
  out(input.dryRun ? 'This would be done:' : 'Now:');
  for (const line of plan) out(`  ${plainText(line)}`);
  for (const line of onSilence(policy)) for (const text of fitting(plainText(line), '', '  ')) out(text);
  if (input.dryRun) {
    out('Nothing was changed.');
    return 0;
  }
  const flags = `--stage ${stage} --region ${region}`;
  const written: string[] = [];
  try {
    const changed = await writePolicy(file.path, text);
    if (changed) written.push(`${file.path} (mode ${mode}${approvers ? ', approvers' : ''})`);
    await settings.writeStage(stage, { region, params, ...(hasSlack ? {} : { slack: false }) }, file.named);
    written.push(`${settings.FILE} (stage ${stage})`);
    await storeParameters(region, stage, values, (name) => written.push(pathOf(stage, name)));
    const policyFile = resolve(file.path);
    await deploy('deploy', { stage, region, params, policyFile, allowPlaceholder: input.allowPlaceholder });
  } catch (error) {
    throw written.length === 0 ? error : halfDone(error, written, flags);
  }
  out(paint('green', `firebreak-${stage} is deployed in ${mode} mode.`));
  if (isUpgrade)
    out(
      `A mode that was switched stays as it is: npx firebreak mode --live ${flags} shows the one in force.`,
    );
  const next = [
    hasSlack
      ? 'Give Slack the two request URLs printed above (docs/slack.md).'
      : 'Map each approver to an AWS identity under people in the policy: they decide with firebreak approve.',
    'Subscribe the on-call to PageTopicArn.',
    `npx firebreak doctor ${flags}`,
    ...(mode === 'observe'
      ? [
          `Read for a week what it would have done, then two people run: npx firebreak mode enforce --live ${flags}`,
        ]
      : []),
  ];
  out('Next:');
  for (const [index, line] of next.entries()) out(`  ${index + 1}. ${line}`);
  return 0;
}

/** A deployment that must fail is not begun. What may not be looked at does not keep anyone from deploying. */
async function mustBeFree(region: string, stage: string): Promise<void> {
  const blocker = await blockerOf(region, stage).catch((error: unknown) => {
    const { out, paint } = terminal();
    const why = plainText(String(error)).slice(0, 120);
    out(paint('yellow', `Whether a failed deployment left something could not be read (${why})`));
    return undefined;
  });
  if (blocker)
    throw new FirebreakError('StepFailed', blocker.what, {
      resource: `firebreak-${stage}`,
      next: blocker.fix,
    });
}

/**
 * policy.yml is the team's own on an upgrade, and its mode is kept: a team that enforces must not stop, unasked. A first
 * set-up observes, since the policy that comes with Firebreak says `enforce`. The file is that of every stage, though: one
 * more stage must not take another out of `enforce`, so someone has to say which it shall be.
 */
async function modeOf(text: string, upgrade: boolean): Promise<'observe' | 'enforce'> {
  const kept = parsePolicy(text).mode;
  const others = (await settings.stageNames()).length > 0;
  const initial = upgrade || others ? kept : 'observe';
  if (somebodyThere()) return askMode(initial);
  if (!upgrade && others && kept === 'enforce') throw missing('--mode');
  return initial;
}

/** The files and values are ahead of what is deployed: no one may take them for what is running. */
const halfDone = (error: unknown, written: readonly string[], flags: string): FirebreakError =>
  new FirebreakError(
    'StepFailed',
    `${error instanceof Error ? error.message : String(error)}. Written before that, and left so: ${written.join(', ')}. What runs, if anything does, is still what was deployed last, but it reads Slack's secrets as they are now`,
    {
      next: `Fix the reason above and run the same command again (what is stored is not asked for again); git diff shows what changed in the files, npx firebreak doctor ${flags} what is running.`,
      cause: error,
    },
  );

/** A deployment that cannot reserve fails; one that does not reserve works until someone fills the account's quota. */
async function reserves(region: string): Promise<string> {
  try {
    return String(await canReserve(region));
  } catch (error) {
    const { out, paint } = terminal();
    out(
      paint(
        'yellow',
        `Lambda's quota could not be read (${plainText(String(error)).slice(0, 120)}): none is reserved`,
      ),
    );
    return 'false';
  }
}

async function regionOf(given: string | undefined): Promise<string> {
  const region = await namedRegion(given);
  if (region !== undefined) return checked(settings.regionName, region, '--region');
  if (!somebodyThere()) throw missing('--region');
  return ask('AWS Region (where GuardDuty is enabled)', settings.regionName, 'eu-west-1');
}

/** The stack wants a value of each; these say that there is none. */
const NO_SLACK_VALUES: Partial<Record<ParameterName, string>> = {
  channel: NO_SLACK,
  'team-id': NO_SLACK,
  'app-id': NO_SLACK,
};

const SLACK: Readonly<
  Record<
    ParameterName,
    {
      readonly question: string;
      readonly flag: string;
      readonly schema: z.ZodType<string>;
      readonly isSecret?: true;
      readonly example: string;
    }
  >
> = {
  'bot-token': {
    question: 'Slack bot token (OAuth & Permissions)',
    flag: 'SLACK_BOT_TOKEN',
    schema: settings.botToken,
    isSecret: true,
    example: 'xoxb-…',
  },
  'signing-secret': {
    question: 'Slack signing secret (Basic Information)',
    flag: 'SLACK_SIGNING_SECRET',
    schema: settings.signingSecret,
    isSecret: true,
    example: '',
  },
  channel: {
    question: 'Channel for incident cards',
    flag: '--channel',
    schema: settings.channel,
    example: 'C…',
  },
  'team-id': { question: 'Slack workspace', flag: '--team-id', schema: settings.teamId, example: 'T…' },
  'app-id': { question: 'Slack app', flag: '--app-id', schema: settings.appId, example: 'A…' },
};

/** What is to be stored: given now, or asked for where nothing is stored yet. */
async function slackValues(
  input: InitInput,
  stored: ReadonlySet<ParameterName>,
): Promise<Partial<Record<ParameterName, string>>> {
  const given: Readonly<Record<ParameterName, string | undefined>> = {
    // Secrets come from variables or a prompt, never from flags: other people on the machine can read those.
    'bot-token': process.env['SLACK_BOT_TOKEN'],
    'signing-secret': process.env['SLACK_SIGNING_SECRET'],
    channel: input.channel,
    'team-id': input.teamId,
    'app-id': input.appId,
  };
  const values: Partial<Record<ParameterName, string>> = {};
  for (const name of PARAMETERS) {
    const { question, flag, schema, isSecret, example } = SLACK[name];
    const value = given[name];
    if (value !== undefined)
      values[name] = isSecret ? checkedSecret(schema, value, flag) : checked(schema, value, flag);
    else if (stored.has(name)) continue;
    else if (!somebodyThere()) throw missing(flag);
    else values[name] = isSecret ? await askSecret(question, schema) : await ask(question, schema, example);
  }
  return values;
}

/** The policy that comes with Firebreak names people of the sandbox; the first set-up must name others. */
async function approversOf(
  input: InitInput,
  first: boolean,
  hasSlack: boolean,
): Promise<readonly string[] | undefined> {
  const form = hasSlack ? settings.approver : settings.user;
  const given = input.approvers?.map((id) => checked(form, id, '--approvers'));
  if (given !== undefined || !first) return given;
  if (!somebodyThere()) throw missing('--approvers');
  return [await ask('Who may approve? A Slack user or user group', form, 'S… or U…')];
}

/** A secret is never repeated, not even where it is wrong. */
function checkedSecret(schema: z.ZodType<string>, value: string, flag: string): string {
  const parsed = schema.safeParse(value.trim());
  if (parsed.success) return parsed.data;
  throw new FirebreakError('InputInvalid', `${flag} is not ${parsed.error.issues[0]?.message}`);
}

/** A policy by which no one could approve is not deployed. */
function refusePlaceholders(policy: Policy, path: string, allowed: boolean): void {
  const invented = placeholdersIn(policy);
  if (invented.length === 0 || allowed) return;
  throw new FirebreakError(
    'InputInvalid',
    `${path} names ${invented.join(', ')}, who are in no Slack workspace: no one could approve`,
    {
      resource: path,
      next: 'Give --approvers with your own people, or --allow-placeholder to deploy it all the same.',
    },
  );
}

/** The page on which Slack makes the app, with its manifest filled in. */
function offerApp(): void {
  const { out, paint } = terminal();
  const manifest = encodeURIComponent(JSON.stringify(slackManifest()));
  out(
    'Create the Slack app on this page, install it, and invite it to the incident channel (docs/slack.md):',
  );
  out(`  ${paint('cyan', `https://api.slack.com/apps?new_app=1&manifest_json=${manifest}`)}`);
  out(`  or deploy without Slack first: npx firebreak init --no-slack`);
}

function checked(schema: z.ZodType<string>, value: string, flag: string): string {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new FirebreakError(
    'InputInvalid',
    `${flag}: ${JSON.stringify(value)} is not ${parsed.error.issues[0]?.message}`,
  );
}

const missing = (flag: string): FirebreakError =>
  new FirebreakError('InputInvalid', `${flag} is not given, and no one is at the terminal to be asked`, {
    next: `Give ${flag}; firebreak init --help lists what there is.`,
  });
