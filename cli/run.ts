/** `firebreak run`: any findings through the whole workflow, against an account in which the resources they name exist. */
import '../sandbox/quiet.ts';
import { setFlagsFromString } from 'node:v8';
import { parseFinding } from '../core/finding/finding.ts';
import type { Incident } from '../core/incident/incident.ts';
import { risksOfIncident } from '../core/incident/risks.ts';
import type { Policy } from '../core/policy/policy.ts';
import { stepsOf } from '../pipeline/steps.ts';
import { choosePlaybook } from '../playbooks/index.ts';
import type { ExecutionEnd } from '../sandbox/execution.ts';
import { namedBy } from '../sandbox/finding-world.ts';
import { materialise } from '../sandbox/materialise.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import { openHome } from '../sandbox/saved.ts';
import type { TwinState } from '../sandbox/twin/state.ts';
import { createTwin } from '../sandbox/twin/twin.ts';
import { type InputItem, readFindings } from './input/input.ts';
import { type ReplayLine, replayLine } from './replay.ts';
import { plainText, terminal } from './terminal.ts';
import {
  answerCards,
  fellShort,
  follow,
  followUpsOf,
  incidentOf,
  print,
  printFollowUp,
  type ScriptedAnswer,
  timeoutFor,
} from './workflow.ts';

export interface RunInput {
  readonly policy: Policy;
  readonly answer: ScriptedAnswer;
  readonly json: boolean;
  /** Where the sandbox is saved; under the working directory without it. */
  readonly home?: string;
}

/** Findings from files or standard input. */
export const run = ({
  operands,
  ...input
}: RunInput & { readonly operands: readonly string[] }): Promise<number> => {
  // V8 would let the heap grow several times over before it looks for what a thousand findings left behind, and keep 128 MB for
  // what is new alone.
  setFlagsFromString('--heap-growing-percent=20');
  setFlagsFromString('--semi-space-growth-factor=1');
  return runFindings(readFindings(operands), input);
};

/** Exit status 0 when every finding was answered, 1 when an answer fell short, 2 when a finding could not be read. */
export async function runFindings(
  items: AsyncIterable<InputItem> | Iterable<InputItem>,
  { policy, answer, json, home: place }: RunInput,
): Promise<number> {
  const home = await openHome({
    policy,
    fresh: true,
    home: place,
    approvalTimeoutSeconds: timeoutFor(answer),
  });
  const { sandbox } = home;
  const printer = json ? asJson(sandbox) : forPeople(sandbox);
  const contained = new Set<string>();
  let status = 0;
  let index = 0;
  try {
    const answered = answerCards(sandbox, answer);
    for await (const item of items) {
      const line: ReplayLine =
        'error' in item
          ? { index, error: item.error }
          : replayLine(index, item.raw, policy, choosePlaybook, item.lacks);
      index += 1;
      if ('error' in line || 'error' in item) {
        status = 2;
        printer.error(line.index, 'error' in line ? line.error : '');
        continue;
      }
      const { scan } = parseFinding(item.raw);
      if (scan === 'clean' || (scan === 'unscanned' && (await incidentOf(sandbox, item.raw)))) {
        await sandbox.count([item.raw]);
        printer.counted(line);
        continue;
      }
      sandbox.forget();
      home.first = prepare(sandbox, item.raw, home.first);
      const since = sandbox.runtime.now();
      const end = await follow(sandbox, await sandbox.deliver(item.raw), answered);
      const incident = await incidentOf(sandbox, item.raw);
      if (!incident) {
        status = Math.max(status, 1);
        printer.error(line.index, `the workflow opened no incident: ${JSON.stringify(end)}`);
        continue;
      }
      const ignored = ignoredOf(end, incident);
      if (ignored !== undefined) {
        printer.ignored(line, incident, ignored);
        continue;
      }
      const followUps = await followUpsOf(sandbox, incident, since);
      for (const { id } of [incident, ...followUps]) contained.add(id);
      if (fellShort(incident.status)) status = Math.max(status, 1);
      await printer.answered(line, incident, followUps, item.lacks ?? []);
    }
    return status;
  } finally {
    home.incidents = [...contained];
    await home.close();
  }
}

type Decided = Exclude<ReplayLine, { readonly error: string }>;

interface Printer {
  error(index: number, error: string): void;
  /** A scan that found nothing starts no workflow, nor does one more of what its bucket's card says already. */
  counted(line: Decided): void;
  ignored(line: Decided, incident: Incident, why: string): void;
  answered(
    line: Decided,
    incident: Incident,
    followUps: readonly Incident[],
    lacks: readonly string[],
  ): Promise<void>;
}

const { out, paint } = terminal();

const NOTHING_DONE = { steps: [], timeline: [], followUps: [], blastRadius: [], remainingRisk: [] };

const asJson = ({ runtime }: Sandbox): Printer => ({
  error: (index, error) => out(JSON.stringify({ index, error })),
  counted: (line) => out(JSON.stringify({ ...line, status: 'counted', ...NOTHING_DONE, incident: null })),
  ignored: (line, { id }, why) =>
    out(
      JSON.stringify({
        ...{ ...line, decision: 'record', reasons: [why], status: 'ignored' },
        ...{ ...NOTHING_DONE, incident: id },
      }),
    ),
  async answered(line, incident, followUps, lacks) {
    const steps = (await stepsOf(runtime, incident)).map((step) => ({
      id: step.id,
      status: step.status,
      before: step.before ?? null,
      after: step.after ?? null,
    }));
    out(
      JSON.stringify({
        ...line,
        decision: incident.decision?.kind ?? line.decision,
        reasons: incident.decision ? [...incident.decision.reasons, ...lacks] : line.reasons,
        status: incident.status,
        steps,
        timeline: await runtime.incidents.timeline(incident.id),
        incident: incident.id,
        followUps: followUps.map(({ id, followUpOf, display, decision, status }) => ({
          ...{ incident: id, playbook: followUpOf?.playbook ?? null, target: display },
          ...{ decision: decision?.kind ?? null, status },
        })),
        blastRadius: incident.targets.flatMap(({ plan }) =>
          plan?.kind === 'plan' ? plan.blastRadius.detail : [],
        ),
        remainingRisk: risksOfIncident(incident),
      }),
    );
  },
});

const forPeople = (sandbox: Sandbox): Printer => {
  const head = ({ index, type, severity }: Decided) =>
    out(paint('bold', `#${index} ${plainText(type)} (${severity})`));
  return {
    error: (index, error) => out(paint('red', `#${index} ${plainText(error)}`)),
    counted(line) {
      head(line);
      out(`  ${line.reasons.join('; ')}`);
    },
    ignored(line, _incident, why) {
      head(line);
      out(`  ${why}`);
    },
    async answered(line, incident, followUps, lacks) {
      head(line);
      for (const lack of lacks) out(paint('dim', `  ${plainText(lack)}`));
      await print(sandbox, incident);
      for (const followUp of followUps) await printFollowUp(sandbox, followUp);
    },
  };
};

/** Puts what the finding names into the account, and into what undo must restore. */
function prepare({ twin }: Sandbox, raw: unknown, first: TwinState): TwinState {
  const targets = namedBy(parseFinding(raw));
  // The same resource twice: what an earlier finding changed on it is not what was there first.
  const pristine = createTwin(twin.scope);
  pristine.state = { ...first, serial: twin.state.serial };
  for (const target of targets) {
    twin.state.serial = pristine.state.serial;
    materialise(twin, target);
    materialise(pristine, target);
  }
  return pristine.state;
}

/** Why nothing was done for a delivery: the incident has this update of the finding, or a newer one. */
function ignoredOf(end: ExecutionEnd, { id, findingUpdatedAt }: Incident): string | undefined {
  const output = end.status === 'SUCCEEDED' ? end.output : undefined;
  if (typeof output !== 'object' || output === null || !('ignored' in output)) return undefined;
  return output.ignored === 'stale'
    ? `ignored: duplicate of ${id}, and stale: the incident has the update of ${findingUpdatedAt}`
    : `ignored: duplicate of ${id}`;
}
