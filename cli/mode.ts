/** `firebreak mode`: which mode is in force, and switching it without a deployment. */
import { modeResult, writeAnswer } from '../core/approval/answers.ts';
import { nameOf } from '../core/approval/door.ts';
import { type Mode, modeState } from '../core/table/mode.ts';
import { utcMinute } from '../core/words.ts';
import { LATE, untilJudged } from './answer.ts';
import { openPlace, type PlaceOptions } from './place.ts';
import { plainText, terminal } from './terminal.ts';

export interface ModeInput extends PlaceOptions {
  /** Undefined only shows it. */
  readonly to: Mode | undefined;
  readonly json: boolean;
}

/** Exit status 0 shown or counted, 1 not counted or not read in time. */
export async function mode(input: ModeInput): Promise<number> {
  const place = await openPlace(input);
  try {
    return input.to === undefined ? await show(place.table, input) : await switchTo(place, input, input.to);
  } finally {
    await place.close();
  }
}

type Place = Awaited<ReturnType<typeof openPlace>>;

async function show(table: Place['table'], { policy, json }: ModeInput): Promise<number> {
  const { out, paint } = terminal();
  const { mode: inForce, changes } = await modeState(table, policy.mode);
  if (json) {
    out(JSON.stringify({ mode: inForce, changes }));
    return 0;
  }
  const [name, means] =
    inForce === 'enforce'
      ? [paint('green', inForce), 'Firebreak contains as policy.yml says']
      : [paint('yellow', inForce), 'Firebreak decides and notifies, and changes nothing'];
  out(`${name}: ${means}`);
  if (changes.length === 0) out('  as policy.yml starts it; no one has switched it');
  for (const { mode: was, by, at } of changes.slice(-5))
    out(`  ${utcMinute(at)}  ${was.padEnd('observe'.length)}  ${plainText(by)}`);
  return 0;
}

async function switchTo(place: Place, { live, json }: ModeInput, to: Mode): Promise<number> {
  const { out, paint } = terminal();
  const door = await place.door();
  if (!json) out(paint('dim', `as ${plainText(nameOf(door))}`));
  if (live) await writeAnswer(place.table, door, { mode: to }, new Date());
  const became = live
    ? await untilJudged(() => modeResult(place.table, door, to))
    : await (await import('../pipeline/answers.ts')).takeMode(await place.runtime(), door, to);
  if (json) out(JSON.stringify({ mode: to, counted: became?.counted ?? false, text: became?.text }));
  else out(became === undefined ? LATE : paint(became.counted ? 'green' : 'yellow', plainText(became.text)));
  return became?.counted ? 0 : 1;
}
