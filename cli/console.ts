/** `firebreak console`: the review page over the sandbox as it was left, or over a deployed stack with your own rights. */
import '../sandbox/quiet.ts';
import { readFile } from 'node:fs/promises';
import { startConsole } from '../console/server.ts';
import { slackPage } from '../console/slack/page.ts';
import { type ReviewSource, reviewSource } from '../console/source.ts';
import { pollIncidents } from '../console/watch.ts';
import { writeAnswer } from '../core/approval/answers.ts';
import { namedApprovers } from '../core/approval/approvers.ts';
import { personOf } from '../core/approval/door.ts';
import { arn } from '../core/aws/arn.ts';
import { awsErrorName, describeError } from '../core/errors.ts';
import { incidentStore } from '../core/incident/store.ts';
import { takeAnswer } from '../pipeline/answers.ts';
import type { JournalRuntime } from '../pipeline/runtime.ts';
import { stepsOf } from '../pipeline/steps.ts';
import { undoPreviewOf, undoSafetyOf } from '../pipeline/undo-preview.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import { SLACK_USERS } from '../sandbox/slack-people.ts';
import { messageUrl } from '../slack/text.ts';
import { openPlace, type Place, type PlaceOptions } from './place.ts';
import { plainText, terminal } from './terminal.ts';

export interface ConsoleInput extends PlaceOptions {
  readonly port: number;
  readonly policyFile: string;
}

/** Runs until it is stopped. */
export async function consoleCommand(input: ConsoleInput): Promise<number> {
  const { out, paint } = terminal();
  const opened = input.live ? await deployed(input) : await savedSandbox(input);
  try {
    const page = await startConsole(opened.source, {
      port: input.port,
      extras: opened.sandbox ? [slackOf(opened.sandbox)] : [],
    });
    out(`${paint('bold', plainText(opened.source.place))}: ${paint('cyan', page.url)}`);
    out(paint('dim', 'Only this machine can open it, with this address. Stop with Ctrl-C.'));
    await stopped();
    await page.close();
    return 0;
  } finally {
    await opened.close();
  }
}

/** Ctrl-C, or a service manager. */
export const stopped = (): Promise<void> =>
  new Promise((resolve) => {
    process.once('SIGINT', () => resolve());
    process.once('SIGTERM', () => resolve());
  });

interface Opened {
  readonly source: ReviewSource;
  readonly sandbox?: Sandbox;
  close(): Promise<void>;
}

async function savedSandbox({ policy, policyFile }: ConsoleInput): Promise<Opened> {
  const { openHome } = await import('../sandbox/saved.ts');
  const { sandbox, close } = await openHome({ policy });
  return { source: sandboxSource(sandbox, policyFile), sandbox, close };
}

/** The sandbox's Slack, as anybody in it sees it. */
export const slackOf = (sandbox: Sandbox) => slackPage(sandbox.slack);

/** The running sandbox: anybody of its Slack may act, and every step is seen at once. */
export function sandboxSource(sandbox: Sandbox, policyFile: string): ReviewSource {
  const { runtime } = sandbox;
  const { RESPOND_STATE_MACHINE_ARN: respond, UNDO_STATE_MACHINE_ARN: undo } = runtime.env;
  return reviewSource({
    place: 'Sandbox',
    people: SLACK_USERS,
    live: false,
    threadOf: () => '/slack',
    approversOf: async (incident) => ({
      ids: await namedApprovers(runtime.table, runtime.policy, incident),
      mapped: { kind: 'mapped' },
    }),
    takeAnswer: (door, answer) => takeAnswer(runtime, door, answer),
    doorOf: async (user) => ({ kind: 'slack', user }),
    table: runtime.table,
    aws: runtime.own,
    machines: { respond, undo },
    policy: policyOf(policyFile),
    now: runtime.now,
    ...undoOf(runtime),
    watch(listener) {
      let watched = true;
      sandbox.onChange(() => {
        if (watched) listener();
      });
      return () => {
        watched = false;
      };
    },
  });
}

/** How often a deployed stack is asked for what is new while someone looks. */
const POLL_MS = 5000;

async function deployed(input: ConsoleInput): Promise<Opened> {
  const place = await openPlace(input);
  const { scope, aws, table, who } = place;
  const machine = (name: string) => arn(scope, 'states', `stateMachine:firebreak-${input.stage}-${name}`);
  const source = reviewSource({
    place: `firebreak-${input.stage}, ${scope.region}, ${scope.account}`,
    people: [{ id: who, name: who }],
    live: true,
    threadOf: messageUrl,
    // As policy.yml stands here; the deployed one judges the answer.
    approversOf: async (incident) => ({
      ids: await namedApprovers(table, input.policy, incident),
      mapped:
        personOf(input.policy.people, await place.door()) === undefined
          ? {
              kind: 'unmapped',
              why: `policy.yml (people) does not map ${who} to an approver, so answers from here do not count.`,
            }
          : { kind: 'mapped' },
    }),
    async takeAnswer(door, answer) {
      await writeAnswer(table, door, answer, new Date());
      return undefined;
    },
    doorOf: () => place.door(),
    ...{ table, aws },
    machines: { respond: machine('respond'), undo: machine('undo') },
    policy: policyOf(input.policyFile),
    ...undoOf(await journalRuntime(place)),
    watch: (listener) =>
      pollIncidents(incidentStore(table), POLL_MS, listener, (error) =>
        console.error(`firebreak console: ${plainText(describeError(error))}`),
      ),
  });
  return { source, close: () => place.close() };
}

/** Reads of the preview go through the stack's reader role; without the right to see how it is set up, as yourself. */
async function journalRuntime(place: Place): Promise<JournalRuntime> {
  try {
    return await place.runtime();
  } catch (error) {
    if (!/AccessDenied|ResourceNotFound/.test(awsErrorName(error) ?? '')) throw error;
    console.error(`firebreak console: ${plainText(describeError(error))}`);
    return { table: place.table, awsOf: () => place.aws, now: () => new Date() };
  }
}

/** The file as it is on disk at that moment: someone may be changing it. */
const policyOf = (file: string) => async () => ({ file, text: await readFile(file, 'utf8') });

const undoOf = (runtime: JournalRuntime) => ({
  stepsOf: (incident: Parameters<typeof stepsOf>[1]) => stepsOf(runtime, incident),
  safetyOf: (incident: Parameters<typeof undoSafetyOf>[1]) => undoSafetyOf(runtime, incident),
  previewOf: (incident: Parameters<typeof undoPreviewOf>[1]) => undoPreviewOf(runtime, incident),
});
