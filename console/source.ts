/**
 * Where the console reads from. One implementation over the table and Step Functions does for the sandbox and for a
 * deployed stack; what differs (who acts, how a change is noticed) is given to it.
 */

import type { Answer, AnswerResult } from '../core/approval/answers.ts';
import type { Door } from '../core/approval/door.ts';
import { openQuestions } from '../core/approval/record.ts';
import { startUndo, type UndoStart } from '../core/approval/undo-start.ts';
import type { IncidentCall } from '../core/aws/call-log.ts';
import type { Aws } from '../core/aws/client.ts';
import { awsErrorName, describeError, isFirebreakError } from '../core/errors.ts';
import { type Finding, severityRank } from '../core/finding/finding.ts';
import type { IncidentContext } from '../core/incident/context.ts';
import type { EvidenceEntry } from '../core/incident/evidence.ts';
import type { Incident, TimelineEvent } from '../core/incident/incident.ts';
import type { Counts, CountUnit, IncidentPage, IncidentRow, ListQuery } from '../core/incident/list.ts';
import type { MadeBefore } from '../core/incident/made/made.ts';
import { type Relative, relativesOf } from '../core/incident/relatives.ts';
import { type IncidentStore, incidentStore } from '../core/incident/store.ts';
import type { StepRecord } from '../core/journal/hold.ts';
import type { UndoSafety } from '../core/journal/playbook.ts';
import type { UndoPreview } from '../core/journal/undo-preview.ts';
import type { JsonObject } from '../core/json.ts';
import { parsePolicy } from '../core/policy/policy.ts';
import { type ModeState, modeState } from '../core/table/mode.ts';
import type { Table } from '../core/table/table.ts';
import { type ExecutionView, readExecution } from './execution.ts';

export interface Person {
  readonly id: string;
  readonly name: string;
}

/** Everything there is about one incident. */
export interface Review {
  readonly incident: Incident;
  readonly timeline: readonly TimelineEvent[];
  readonly steps: readonly StepRecord[];
  /** The finding as received, camelCase. Untrusted. */
  readonly finding: JsonObject | undefined;
  /** The same, parsed. */
  readonly parsed: Finding | undefined;
  readonly context: IncidentContext | undefined;
  /** What its principals made before they were contained. */
  readonly madeBefore: MadeBefore | undefined;
  readonly evidence: readonly EvidenceEntry[];
  readonly calls: readonly IncidentCall[];
  /** Address of its card in Slack. */
  readonly thread: string | undefined;
  /** What it follows, and what follows it. */
  readonly relatives: readonly Relative[];
  /** Its response, then its undos; a reason where Step Functions knows it no more. */
  readonly executions: readonly ExecutionView[];
}

export interface UndoView {
  readonly safety: UndoSafety;
  readonly targets: readonly (UndoPreview & { readonly target: string })[];
}

/** An execution that ended without telling of an incident: someone has to look. */
export interface LostExecution {
  readonly arn: string;
  readonly name: string;
  readonly at: string;
  readonly error: string;
}

/** Who may answer what an incident asks, and whether that can be done from here. */
export interface Approvers {
  /** Slack ids of people and user groups, without those removed since the last deploy. */
  readonly ids: readonly string[];
  /** Whether policy.yml maps the person who looks to a person; what they may is judged with the answer. */
  readonly mapped: { readonly kind: 'mapped' } | { readonly kind: 'unmapped'; readonly why: string };
}

export interface ReviewSource {
  /** `Sandbox`, or stack, Region and account. */
  readonly place: string;
  /** Who may act from here. */
  readonly people: readonly Person[];
  /** What to type for `undo fb-…` here. */
  readonly command: (given: string) => string;
  /** policy.yml as it is in force here. */
  policy(): Promise<{ readonly file: string; readonly text: string }>;
  /** Whether Firebreak acts or only observes; undefined while policy.yml says nothing that can be read. */
  mode(): Promise<ModeState | undefined>;
  incidents(query: ListQuery): Promise<IncidentPage>;
  counts(from: string, to: string, unit: CountUnit): Promise<readonly Counts[]>;
  slowest(query: Pick<ListQuery, 'from' | 'to' | 'limit'>): Promise<readonly IncidentRow[]>;
  /** The newest failures of the response workflow. */
  failures(): Promise<readonly LostExecution[]>;
  find(id: string): Promise<Incident | undefined>;
  finding(id: string): Promise<JsonObject | undefined>;
  review(id: string): Promise<Review | undefined>;
  undoView(incident: Incident): Promise<UndoView>;
  /** What no one has answered yet, the nearest deadline first. */
  waiting(): Promise<readonly Incident[]>;
  approvers(incident: Incident): Promise<Approvers>;
  /** Gives an answer through the caller's own door; a sentence about what became of it. */
  answer(incident: Incident, by: string, said: Omit<Answer, 'decisionId'>): Promise<AnswerResult>;
  /** Starts the undo workflow, which asks a second person where that is needed. */
  undo(incident: Incident, by: string): Promise<UndoStart>;
  /** Calls when something may have changed; gives what stops it. */
  watch(listener: () => void): () => void;
}

export interface SourceParts {
  readonly place: string;
  readonly people: readonly Person[];
  /** A deployed stack, not the sandbox. */
  readonly live: boolean;
  /** Address of a message in Slack. */
  readonly threadOf: (slack: NonNullable<Incident['slack']>) => string;
  readonly approversOf: (incident: Incident) => Promise<Approvers>;
  /** Hands an answer over; undefined where it is read later. */
  readonly takeAnswer: (door: Door, answer: Answer) => Promise<AnswerResult | undefined>;
  /** The door that this person comes through. */
  readonly doorOf: (id: string) => Promise<Door>;
  readonly table: Table;
  /** The account and Region of the pipeline, with the rights of the person who looks. */
  readonly aws: Aws;
  readonly machines: { readonly respond: string; readonly undo: string };
  readonly policy: ReviewSource['policy'];
  readonly stepsOf: (incident: Incident) => Promise<readonly StepRecord[]>;
  readonly safetyOf: (incident: Incident) => Promise<UndoSafety>;
  readonly previewOf: (incident: Incident) => Promise<UndoView['targets']>;
  readonly watch: ReviewSource['watch'];
  readonly now?: () => Date;
}

/** Someone may be changing the file: what is not a policy at this moment starts a stack in no mode. */
async function modeOf(table: Table, policy: ReviewSource['policy']): Promise<ModeState | undefined> {
  const { file, text } = await policy();
  try {
    return await modeState(table, parsePolicy(text, file).mode);
  } catch (error) {
    if (!isFirebreakError(error, 'PolicyInvalid')) throw error;
    return undefined;
  }
}

const FAILURES = 5;

export function reviewSource(parts: SourceParts): ReviewSource {
  const { table, aws, machines, now = () => new Date() } = parts;
  const incidents: IncidentStore = incidentStore(table);

  return {
    place: parts.place,
    people: parts.people,
    command: (given) => `npx firebreak ${given}${parts.live ? ' --live' : ''}`,
    policy: parts.policy,
    mode: () => modeOf(table, parts.policy),
    incidents: (query) => incidents.list(query),
    counts: (from, to, unit) => incidents.counts(from, to, unit),
    slowest: (query) => incidents.slowest(query),
    failures: () => failures(aws, machines.respond).catch(notTold),
    find: (id) => incidents.find(id),
    finding: (id) => incidents.finding(id),
    async review(id) {
      const incident = await incidents.find(id);
      if (!incident) return undefined;
      const [timeline, steps, finding, parsed, context, madeBefore, evidence, calls, executions, relatives] =
        await Promise.all([
          incidents.timeline(id),
          parts.stepsOf(incident),
          incidents.finding(id),
          incidents.normalised(id),
          incidents.context(id),
          incidents.madeBefore(id),
          incidents.evidence(id),
          incidents.calls(id),
          executionsOf(aws, machines.undo, incident),
          relativesOf(incidents, incident),
        ]);
      return {
        incident,
        timeline,
        steps,
        finding,
        parsed,
        context,
        madeBefore,
        evidence,
        calls,
        executions,
        relatives,
        thread: incident.slack && parts.threadOf(incident.slack),
      };
    },
    async undoView(incident) {
      const [safety, targets] = await Promise.all([parts.safetyOf(incident), parts.previewOf(incident)]);
      return { safety, targets };
    },
    waiting: () => waitingOf(table, incidents),
    approvers: parts.approversOf,
    async answer(incident, by, said) {
      const decisionId = incident.approval?.id ?? '';
      const became = await parts.takeAnswer(await parts.doorOf(by), { ...said, decisionId });
      return (
        became ?? {
          counted: true,
          text: 'Written. Firebreak reads it within a minute; the history says what became of it.',
        }
      );
    },
    undo: async (incident, by) =>
      startUndo({ table, aws, stateMachineArn: machines.undo }, incident, await parts.doorOf(by), now()),
    watch: parts.watch,
  };
}

/** A page of people; more than that is not one night's work. */
const MOST_WAITING = 50;

async function waitingOf(table: Table, incidents: IncidentStore): Promise<readonly Incident[]> {
  const ids = new Set<string>();
  for await (const id of openQuestions(table)) {
    ids.add(id);
    if (ids.size === MOST_WAITING) break;
  }
  const found = await Promise.all([...ids].map((id) => incidents.find(id)));
  // To the minute: of two that end together the graver comes first.
  const until = ({ approval }: Incident) => approval?.expiresAt.slice(0, 16) ?? '';
  return found
    .filter((incident) => incident !== undefined)
    .filter(({ approval }) => approval && approval.outcome === undefined && approval.joined === undefined)
    .sort((a, b) =>
      until(a) === until(b) ? severityRank(b.label) - severityRank(a.label) : until(a) < until(b) ? -1 : 1,
    );
}

/** The newest executions of the response that failed. */
async function failures(aws: Aws, machine: string): Promise<readonly LostExecution[]> {
  const { client, api } = await aws.sfn();
  const answer = await client.send(
    new api.ListExecutionsCommand({
      stateMachineArn: machine,
      statusFilter: 'FAILED',
      maxResults: FAILURES,
    }),
  );
  return Promise.all(
    (answer.executions ?? []).map(async ({ executionArn: arn = '', name = '', stopDate }) => {
      const { error = 'failed' } = await client.send(new api.DescribeExecutionCommand({ executionArn: arn }));
      return { arn, name, error, at: stopDate?.toISOString() ?? '' };
    }),
  );
}

/** The undos of one incident carry its id in their input, which is not listed: those begun after it, by their name. */
async function undosOf(aws: Aws, machine: string, incident: Incident): Promise<readonly string[]> {
  if (incident.undoRequestedBy === undefined) return [];
  const { client, api } = await aws.sfn();
  const { executions = [] } = await client.send(
    new api.ListExecutionsCommand({ stateMachineArn: machine, maxResults: 200 }),
  );
  return executions
    .flatMap(({ executionArn, name }) =>
      name?.startsWith(`undo-${incident.id}-`) && executionArn ? [executionArn] : [],
    )
    .reverse();
}

async function executionsOf(
  aws: Aws,
  undoMachine: string,
  incident: Incident,
): Promise<readonly ExecutionView[]> {
  const undos = await undosOf(aws, undoMachine, incident).catch(notTold);
  const named = [
    { title: 'Response', machine: 'respond' as const, arn: incident.execution },
    ...undos.map((arn) => ({ title: 'Undo', machine: 'undo' as const, arn })),
  ];
  return Promise.all(
    named.map(async (each): Promise<ExecutionView> => {
      try {
        return { ...each, kind: 'read', ...(await readExecution(aws, each.arn)) };
      } catch (error) {
        if (!NOT_THERE.has(awsErrorName(error) ?? '')) throw error;
        return { ...each, kind: 'not-read', why: whyNotRead(error) };
      }
    }),
  );
}

/** Step Functions keeps an execution for 90 days; the person who looks may lack the right. The rest of the page is there. */
const NOT_THERE = new Set([
  'ExecutionDoesNotExist',
  'InvalidArn',
  'AccessDeniedException',
  'StateMachineDoesNotExist',
]);
const whyNotRead = (error: unknown): string =>
  awsErrorName(error) === 'ExecutionDoesNotExist'
    ? 'Step Functions knows this execution no more: AWS keeps one for 90 days, the sandbox until it is stopped. The timeline has what happened.'
    : describeError(error);
function notTold(error: unknown): readonly never[] {
  if (NOT_THERE.has(awsErrorName(error) ?? '')) return [];
  throw error;
}
