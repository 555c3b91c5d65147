/** Pages about one incident: why it pages, then the four lines that every surface opens with. */
import { describeError } from '../core/errors.ts';
import type { Finding } from '../core/finding/finding.ts';
import { briefLines, briefOf } from '../core/incident/brief.ts';
import type { Incident } from '../core/incident/incident.ts';
import type { StepRecord } from '../core/journal/hold.ts';
import { logger, page, type Runtime, reach } from './runtime.ts';
import { stepsOf } from './steps.ts';

/** Pages at the finding's severity. Throws where the page topic does not take it. */
export async function pageIncident(
  runtime: Runtime,
  incident: Incident,
  subject: string,
  why: readonly string[] = [],
): Promise<void> {
  await page(runtime, subject, await pageText(runtime, incident, why), incident.label);
}

/** The same where the work must go on whether or not the page topic takes it: false then. */
export const reachAbout = async (
  runtime: Runtime,
  incident: Incident,
  subject: string,
  why: readonly string[] = [],
): Promise<boolean> =>
  reach(runtime, incident.id, subject, await pageText(runtime, incident, why), incident.label);

async function pageText(runtime: Runtime, incident: Incident, why: readonly string[]): Promise<string> {
  const { CONSOLE_URL: url } = runtime.env;
  const brief = briefOf({ incident, ...(await readFor(runtime, incident)) });
  return [
    ...why,
    ...briefLines(brief, (given) => `npx firebreak ${given} --live`),
    // The lines have its id shortened.
    ...(incident.display === null ? [] : [incident.display]),
    `${incident.type}, severity ${incident.severity}, incident ${incident.id}`,
    ...(url ? [`${url}/incident/${incident.id}`] : []),
  ].join('\n');
}

/** A table that cannot be read must not keep anyone from being paged: the lines are shorter then. */
async function readFor(
  runtime: Runtime,
  incident: Incident,
): Promise<{ readonly finding?: Finding | undefined; readonly steps: readonly StepRecord[] }> {
  try {
    const [finding, steps] = await Promise.all([
      runtime.incidents.normalised(incident.id),
      stepsOf(runtime, incident),
    ]);
    return { finding, steps };
  } catch (error) {
    logger.warn('a page goes out without the finding', {
      incidentId: incident.id,
      reason: describeError(error),
    });
    return { steps: [] };
  }
}
