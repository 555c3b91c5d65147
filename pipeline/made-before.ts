/** What the contained principals of an incident made before: looked up once containment is settled, never before. */
import { describeError, FirebreakError, mayRetry } from '../core/errors.ts';
import type { Incident } from '../core/incident/incident.ts';
import { lookForMade } from '../core/incident/made/look.ts';
import { type MadeBefore, madeLines, madeRisks, mergeMade, summaryOf } from '../core/incident/made/made.ts';
import { type Suspect, suspectsOf } from '../core/incident/made/suspects.ts';
import { pageIncident } from './incident-page.ts';
import { findingOf } from './plan-target.ts';
import { countMetric, type Runtime } from './runtime.ts';

/** On the page of the person on call: the rest is on the incident. */
const PAGED = 10;

/**
 * Keeps the list with the incident, and returns whether it is longer than before. With something on it, or not all read,
 * the incident is not plainly contained. `again`: CloudTrail has had the time to deliver the last calls.
 */
export async function keepMadeBefore(runtime: Runtime, incident: Incident, again: boolean): Promise<boolean> {
  const { incidents, now } = runtime;
  const finding = await findingOf(runtime, incident.id);
  const suspects = suspectsOf(incident, finding);
  if (suspects.length === 0) return false;
  const earlier = await incidents.madeBefore(incident.id);
  const made = mergeMade(await looked(runtime, incident, suspects), earlier);
  await incidents.saveMadeBefore(incident.id, made);
  const summary = summaryOf(made, again);
  const risks = madeRisks(summary);
  await incidents.change(incident.id, now(), ({ status }) => ({
    madeBefore: summary,
    ...(status === 'contained' && risks.length > 0 ? { status: 'residual' } : {}),
  }));
  const notes = (list: MadeBefore) => [
    ...madeRisks(summaryOf(list)).map((risk) => `remaining risk: ${risk}`),
    ...list.refused.map((where) => `what it made was not looked up in ${where}`),
  ];
  const known = new Set(earlier ? notes(earlier) : []);
  for (const line of notes(made)) if (!known.has(line)) await incidents.note(incident.id, line, now());
  if (summary.found > 0) countMetric('MadeBeforeFound', summary.found);
  // Nothing here removes them: a person must, and may take the incident for over.
  const news = hasNews(made, earlier);
  if (news)
    await pageIncident(
      runtime,
      { ...incident, madeBefore: summary },
      `Firebreak ${incident.id}: ways back remain after containment`,
      madeLines({ ...made, entries: made.entries.slice(0, PAGED) }, summary.found),
    );
  return news;
}

/** More was found, or for the first time not all could be read: its time is another one at each look. */
const hasNews = (made: MadeBefore, earlier: MadeBefore | undefined): boolean =>
  made.entries.length > (earlier?.entries.length ?? 0) ||
  (made.unread.length > 0 && (earlier?.unread ?? []).length === 0);

/** AWS that cannot be reached must not keep the incident from being reported: what was made is unknown then. */
async function looked(runtime: Runtime, { id }: Incident, suspects: readonly Suspect[]): Promise<MadeBefore> {
  const finding = await findingOf(runtime, id);
  const now = runtime.now();
  try {
    return await lookForMade(finding, suspects, runtime.awsOf(finding, id), now);
  } catch (error) {
    if (!(error instanceof FirebreakError) && !mayRetry(error)) throw error;
    const of = suspects.map(({ what }) => what).join(', ');
    const at = now.toISOString();
    return {
      ...{ at, of, from: at, to: at, entries: [], left: 0, refused: [] },
      unread: [`the calls of ${of} (${describeError(error)})`],
    };
  }
}
