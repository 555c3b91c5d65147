/** `firebreak approve` and `firebreak deny`: decides what an incident asks, without Slack. */
import { setTimeout as wait } from 'node:timers/promises';
import { type Answer, type AnswerResult, answerResult, writeAnswer } from '../core/approval/answers.ts';
import { type Door, nameOf } from '../core/approval/door.ts';
import { FirebreakError } from '../core/errors.ts';
import type { Incident } from '../core/incident/incident.ts';
import { statusWords } from '../core/incident/status.ts';
import { incidentStore } from '../core/incident/store.ts';
import { openPlace, type Place, type PlaceOptions } from './place.ts';
import { plainText, terminal } from './terminal.ts';

export interface AnswerInput extends PlaceOptions {
  readonly id: string;
  readonly outcome: Answer['outcome'];
  readonly reason: string | undefined;
  readonly json: boolean;
}

/** The sweep reads answers every minute; then it may be busy with a containment. */
const WAIT_MS = 180_000;
const LOOK_EVERY_MS = 2000;

/** Exit status 0 where the answer counted, 1 where it did not or was not read in time, 2 where nothing is asked. */
export async function answer(input: AnswerInput): Promise<number> {
  const { id, outcome, reason, json } = input;
  const { out, paint } = terminal();
  const place = await openPlace(input);
  try {
    const incident = await incidentStore(place.table).get(id);
    const decisionId = openDecision(incident);
    const door = await place.door();
    if (!json) {
      const { approval, type, display, account } = incident;
      out(
        `${approval?.purpose} ${id}: ${plainText(type)} on ${plainText(display ?? 'no named resource')}, account ${account}`,
      );
      out(paint('dim', `  answered as ${plainText(nameOf(door))}; firebreak show ${id} has the steps`));
    }
    const said = { decisionId, outcome, ...(reason === undefined ? {} : { reason }) };
    const became = input.live ? await leave(place, door, said) : await takeHere(place, door, said);
    if (json)
      out(JSON.stringify({ incident: id, outcome, counted: became?.counted ?? false, text: became?.text }));
    else out(became === undefined ? LATE : paint(became.counted ? 'green' : 'red', plainText(became.text)));
    return became?.counted ? 0 : 1;
  } finally {
    await place.close();
  }
}

export const LATE =
  'Firebreak has not read it within three minutes. It still counts once read: firebreak show, or firebreak mode, has the outcome.\nFix: if nothing is read, see the alarm sweep-silent.';

/** Throws where nothing is asked. */
function openDecision({ id, approval, status }: Incident): string {
  if (approval && approval.outcome === undefined) return approval.id;
  throw new FirebreakError(
    'InputInvalid',
    `no approval is requested for ${id}: it is ${statusWords(status)}`,
    {
      resource: id,
      next: `See \`firebreak show ${id}\` for what was decided.`,
    },
  );
}

/** Writes the answer with the caller's own rights, and waits until the deployed sweep has judged it. */
async function leave({ table }: Place, door: Door, said: Answer): Promise<AnswerResult | undefined> {
  await writeAnswer(table, door, said, new Date());
  return untilJudged(() => answerResult(table, door, said.decisionId));
}

/** Waits until the deployed sweep has judged it; undefined where it takes too long. */
export async function untilJudged(
  read: () => Promise<AnswerResult | undefined>,
): Promise<AnswerResult | undefined> {
  for (const until = Date.now() + WAIT_MS; Date.now() < until; await wait(LOOK_EVERY_MS)) {
    const became = await read();
    if (became !== undefined) return became;
  }
  return undefined;
}

/** The sandbox has no sweep of its own while no command runs. */
async function takeHere(place: Place, door: Door, said: Answer): Promise<AnswerResult> {
  const { takeAnswer } = await import('../pipeline/answers.ts');
  return takeAnswer(await place.runtime(), door, said);
}
