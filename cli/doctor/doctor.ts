/** `firebreak doctor`: everything a finding needs on its way to a person, looked at in a deployed stack. */

import { describeError, isAwsError, isFirebreakError } from '../../core/errors.ts';
import type { CheckResult } from '../../slack/check.ts';
import { slackChecks } from '../../slack/check.ts';
import { openPlace, type PlaceOptions } from '../place.ts';
import { readStage } from '../settings.ts';
import { ofStack } from '../slack-check.ts';
import { checkLines, terminal } from '../terminal.ts';
import type { DoctorCheck, DoctorContext, DoctorResult, DoctorStatus } from './check.ts';
import { detector, triage } from './detector.ts';
import { findingTypes } from './finding-types.ts';
import { queues, rule } from './intake.ts';
import { alarms, incidents, killSwitch, mode, pages } from './people.ts';
import { concurrency, drift, functions, stack } from './stack.ts';

export const CHECKS: readonly DoctorCheck[] = [
  detector,
  triage,
  rule,
  queues,
  stack,
  functions,
  concurrency,
  alarms,
  pages,
  killSwitch,
  mode,
  incidents,
  findingTypes,
  drift(),
];

export interface DoctorInput extends PlaceOptions {
  readonly json: boolean;
}

/** Exit status 0 nothing is wrong, 1 something is to be fixed. */
export async function doctor(input: DoctorInput): Promise<number> {
  const place = await openPlace(input);
  try {
    const region = place.scope.region;
    const [cloudFormation, cloudWatch, events, guardDuty, lambda, sns, sqs] = await Promise.all([
      import('@aws-sdk/client-cloudformation').then((api) => new api.CloudFormationClient({ region })),
      import('@aws-sdk/client-cloudwatch').then((api) => new api.CloudWatchClient({ region })),
      import('@aws-sdk/client-eventbridge').then((api) => new api.EventBridgeClient({ region })),
      import('@aws-sdk/client-guardduty').then((api) => new api.GuardDutyClient({ region })),
      import('@aws-sdk/client-lambda').then((api) => new api.LambdaClient({ region })),
      import('@aws-sdk/client-sns').then((api) => new api.SNSClient({ region })),
      import('@aws-sdk/client-sqs').then((api) => new api.SQSClient({ region })),
    ]);
    const context: DoctorContext = {
      ...{ scope: place.scope, stage: input.stage, service: `firebreak-${input.stage}` },
      ...{ policy: input.policy, table: place.table, now: () => new Date() },
      ...{ cloudFormation, cloudWatch, events, guardDuty, lambda, sns, sqs },
    };
    const seen: DoctorStatus[] = [];
    for await (const result of allOf(examine(context), slack(input))) {
      seen.push(result.status);
      print(result, input.json);
    }
    const count = (status: DoctorStatus) => seen.filter((each) => each === status).length;
    if (!input.json) summary(count('wrong'), count('warn'), count('skipped'));
    return count('wrong') > 0 ? 1 : 0;
  } finally {
    await place.close();
  }
}

/** Each check in turn; one that AWS does not let us make is reported, and the others go on. */
export async function* examine(
  context: DoctorContext,
  checks: readonly DoctorCheck[] = CHECKS,
): AsyncGenerator<DoctorResult> {
  for (const check of checks) {
    try {
      for (const result of await check.run(context)) yield { check: check.name, ...result };
    } catch (error) {
      // Whatever it is, a lost connection among it: it is reported, and the other checks are worth making.
      yield {
        check: check.name,
        status: 'wrong',
        saw: `could not be looked at: ${describeError(error)}`,
        fix: 'Is it there, and may your credentials read it?',
      };
    }
  }
}

/** The parts of Slack's set-up, as `firebreak slack check` proves them. */
async function* slack(input: DoctorInput): AsyncGenerator<DoctorResult> {
  if ((await readStage(input.stage))?.slack === false) {
    const fix = 'Set it up: npx firebreak init --slack';
    yield { check: 'slack', status: 'skipped', saw: 'this stage runs without Slack: people are paged', fix };
    return;
  }
  try {
    const nothing = { endpoint: undefined, channel: undefined, teamId: undefined, appId: undefined };
    const { settings, close } = await ofStack({ ...input, given: nothing, sandbox: false });
    try {
      for await (const result of slackChecks(settings)) yield fromSlack(result);
    } finally {
      await close();
    }
  } catch (error) {
    if (!isAwsError(error) && !isFirebreakError(error)) throw error;
    yield {
      check: 'slack',
      status: 'wrong',
      saw: describeError(error),
      fix: 'docs/slack.md shows the set-up.',
    };
  }
}

const fromSlack = ({ check, ...rest }: CheckResult): DoctorResult => ({ check: `slack ${check}`, ...rest });

async function* allOf<T>(...parts: readonly AsyncIterable<T>[]): AsyncGenerator<T> {
  for (const part of parts) yield* part;
}

const MARKS = { ok: '✓', warn: '!', wrong: '✗', skipped: '–' } as const;
const COLOURS = { ok: 'green', warn: 'yellow', wrong: 'red', skipped: 'dim' } as const;

function print({ check, status, saw, fix }: DoctorResult, json: boolean): void {
  const { out, paint } = terminal();
  if (json) {
    out(JSON.stringify({ check, status, saw, ...(fix ? { fix } : {}) }));
    return;
  }
  for (const line of checkLines({ mark: paint(COLOURS[status], MARKS[status]), check, saw, fix }, 15))
    out(line);
}

function summary(wrongs: number, warnings: number, skipped: number): void {
  const { out, paint } = terminal();
  const rest = [
    ...(warnings > 0 ? [`${warnings} to look at`] : []),
    ...(skipped > 0 ? [`${skipped} not tried`] : []),
  ].map((text) => `, ${text}`);
  out(
    wrongs > 0
      ? paint('red', `${wrongs} to fix${rest.join('')}.`)
      : paint('green', `Nothing is broken${rest.join('')}. Prove it: npx firebreak simulate TYPE --live`),
  );
}
