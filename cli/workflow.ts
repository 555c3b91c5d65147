/** What demo, run and undo share: an execution followed to its end, its cards answered, and what is printed of it. */
import { parseFinding } from '../core/finding/finding.ts';
import { type Incident, identityOf } from '../core/incident/incident.ts';
import { momentsOf } from '../core/incident/moments.ts';
import { actionOn, shortName } from '../core/incident/names.ts';
import { type IncidentStatus, isOver, mayUndo } from '../core/incident/status.ts';
import { stepsOf } from '../pipeline/steps.ts';
import type { Execution, ExecutionEnd } from '../sandbox/execution.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import { denies } from '../sandbox/slack-scripts.ts';
import { ACTIONS } from '../slack/actions.ts';
import { briefText, timelineText } from './brief.ts';
import { plainText, terminal } from './terminal.ts';

/** A scripted answer to every card; without one the person at the terminal is asked, where there is one. */
export type ScriptedAnswer = 'approve' | 'deny' | undefined;

const { out, paint } = terminal();

/** A change was tried and is not complete. What was escalated was refused: the playbook did not fail. */
export const fellShort = (status: IncidentStatus): boolean =>
  mayUndo(status) && !isOver(status) && status !== 'escalated';

/** A person sits at the terminal and can be asked. */
export const atTerminal = (): boolean => process.stdin.isTTY === true && process.stdout.isTTY === true;

/** Where no one can be asked and no answer is scripted, the approval ends after a second and policy's expiry follows. */
export const timeoutFor = (answer: ScriptedAnswer) => () =>
  answer === undefined && !atTerminal() ? 1 : undefined;

/**
 * From now on answers each card of the sandbox once, as the second approver. Returns what settles when every answer so
 * far was given.
 */
export function answerCards(sandbox: Sandbox, answer: ScriptedAnswer): () => Promise<void> {
  const { slack, machines, idle } = sandbox;
  const asked = new Set<string>();
  let answering = Promise.resolve();
  if (answer === undefined && !atTerminal()) return () => answering;
  slack.onMessage(({ ts, text, blocks }) => {
    const button = blocks
      .flatMap((block) => (block.type === 'actions' ? block.elements : []))
      .find(({ action_id }) => action_id === ACTIONS.approve);
    if (!button || asked.has(button.value)) return;
    asked.add(button.value);
    answering = answering.then(async () => {
      // The function that posts a card stores which message it is before it ends.
      await machines.idle();
      await idle();
      if (answer === undefined) out(plainText(text));
      const given = answer ?? (await askPerson());
      const on = { ts, value: button.value, userId: 'U0BOB' };
      if (given === 'deny') await denies(slack, on, 'denied at the command line');
      else await slack.click({ ...on, actionId: ACTIONS.approve });
    });
  });
  return () => answering;
}

/** Asks at the terminal; anything but yes is a no, since the answer changes an account. */
async function askPerson(): Promise<'approve' | 'deny'> {
  const { createInterface } = await import('node:readline/promises');
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  try {
    const said = await lines.question('Approval requested (see above). Approve? [y/N] ');
    return /^y(es)?$/i.test(said.trim()) ? 'approve' : 'deny';
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'AbortError') throw error;
    out('\nStopped. Nothing was decided, and the sandbox is as it was before this command.');
    process.exit(130);
  } finally {
    lines.close();
  }
}

/** Waits until the execution, every follow-up it started and every answer to a card have ended. */
export async function follow(
  sandbox: Sandbox,
  execution: Execution,
  answered: () => Promise<void>,
): Promise<ExecutionEnd> {
  const end = await execution.ended;
  // A containment that has settled may have asked about one more.
  while (sandbox.machines.running().length > 0) {
    await Promise.all(sandbox.machines.running().map(({ ended }) => ended));
  }
  await answered();
  return end;
}

/** Returns the incident of a finding that was delivered; undefined when the workflow failed before it opened one. */
export const incidentOf = ({ runtime }: Sandbox, raw: unknown): Promise<Incident | undefined> => {
  const finding = parseFinding(raw);
  return runtime.incidents.ofFinding(identityOf(finding));
};

/** Returns the follow-ups of an incident that were opened since then. */
export async function followUpsOf(
  { runtime: { incidents, now } }: Sandbox,
  { id }: Incident,
  since: Date,
): Promise<readonly Incident[]> {
  const span = { from: since.toISOString(), to: now().toISOString() };
  const { items } = await incidents.list({ ...span, limit: 1000 });
  return Promise.all(items.filter(({ followUpOf }) => followUpOf === id).map((row) => incidents.get(row.id)));
}

/** One incident as it ended: the four lines, then its timeline. */
export async function print(sandbox: Sandbox, incident: Incident): Promise<void> {
  const { incidents } = sandbox.runtime;
  const { id } = incident;
  const [timeline, finding, parsed, context, steps] = await Promise.all([
    incidents.timeline(id),
    incidents.finding(id),
    incidents.normalised(id),
    incidents.context(id),
    stepsOf(sandbox.runtime, incident),
  ]);
  for (const line of briefText(incident, parsed, steps, (given) => `npx firebreak ${given}`)) out(line);
  for (const line of timelineText(momentsOf({ incident, timeline, finding, context }))) out(line);
}

export async function printFollowUp(sandbox: Sandbox, incident: Incident): Promise<void> {
  const how = incident.decision?.kind === 'auto' ? 'Followed automatically by' : 'Follow-up, after approval';
  const { playbook = '' } = incident.followUpOf ?? {};
  out('');
  out(paint('bold', plainText(`${how}: ${actionOn(playbook, shortName(incident.display))}`)));
  await print(sandbox, incident);
}
