/**
 * Runs one drill after the other: make, attack, start the workflow, wait for the containment, look from outside, undo, compare,
 * remove. What is made is recorded before it is made.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Door } from '../../core/approval/door.ts';
import { startUndo } from '../../core/approval/undo-start.ts';
import { arn } from '../../core/aws/arn.ts';
import { type Aws, awsFor, type OthersCredentials } from '../../core/aws/client.ts';
import { executionArn, executionStatus, isAlive, startExecution } from '../../core/aws/executions.ts';
import { describeError, FirebreakError } from '../../core/errors.ts';
import { parseDetail } from '../../core/finding/finding.ts';
import { DRILL_PREFIX, drillName } from '../../core/incident/drill.ts';
import { type Incident, identityOf } from '../../core/incident/incident.ts';
import { isRunning } from '../../core/incident/status.ts';
import { incidentStore } from '../../core/incident/store.ts';
import type { JsonObject } from '../../core/json.ts';
import type { Table } from '../../core/table/table.ts';
import type { Ledger } from './ledger.ts';
import { isBusy, KINDS, type KindName } from './made.ts';
import type { AttackScene, CommandScene, Drill, DrillFinding, Fact, Kit } from './scene.ts';

/** Where the pipeline is, and who runs the drill. */
export interface Field {
  /** Where the resources are made: the pipeline's own account, or a member account. */
  readonly aws: Aws;
  /** The account of the workflow and the table. */
  readonly pipeline: Aws;
  readonly table: Table;
  /** ARN of who makes the resources. */
  readonly caller: string;
  readonly door: Door;
  readonly machines: { readonly respond: string; readonly undo: string };
  readonly now: () => Date;
  /** AWS answers at once, as the sandbox does: nothing is waited for. */
  readonly fast: boolean;
  /** Called once where an approval is waited for. */
  readonly asked: (incident: Incident) => void;
}

export interface Outcome {
  readonly playbook: string;
  /** In which it was played. */
  readonly account: string;
  /** As the incident ended; `in force`: a command's change is; `failed`: a step of the drill did. */
  readonly status: string;
  readonly contained: boolean;
  /** From the start of the workflow, or of the command, until the probe was refused; null where it never was. 0 in the sandbox. */
  readonly secondsToHold: number | null;
  readonly undone: 'exactly' | 'not exactly' | 'not undone';
  readonly facts: readonly Fact[];
  readonly removed: boolean;
  /** What went wrong, or what differs after the undo. */
  readonly notes: readonly string[];
}

/** Longest waits, in seconds. IAM's changes take seconds to a few minutes. */
const MOST = { make: 180, contain: 1800, hold: 900, undo: 900, remove: 1800 };
const FAST_SECONDS = 20;
const EVERY_MS = 2000;

async function until(
  field: Pick<Field, 'fast' | 'now'>,
  what: string,
  seconds: number,
  look: () => Promise<boolean>,
): Promise<void> {
  const started = field.now().getTime();
  while (!(await look())) {
    const most = field.fast ? FAST_SECONDS : seconds;
    if (field.now().getTime() - started > most * 1000)
      throw new FirebreakError('StepFailed', `${what}: not within ${most} s`);
    await pause(field);
  }
}

const pause = ({ fast }: Pick<Field, 'fast'>): Promise<void> => sleep(fast ? 20 : EVERY_MS);

export function kitFor(field: Pick<Field, 'aws' | 'caller' | 'fast' | 'now'>, ledger: Ledger): Kit {
  const { drill: id } = ledger.record;
  return {
    id,
    aws: field.aws,
    caller: field.caller,
    name: (part) => `${DRILL_PREFIX}${id}-${part}`,
    as: (credentials: OthersCredentials) => awsFor(field.aws.scope, { name: 'drill', as: credentials }),
    async make(kind, name, create) {
      await ledger.add(kind, name);
      return create();
    },
    until: (what, look, seconds = MOST.make) => until(field, what, seconds, look),
  };
}

/** Plays one drill to its end. What goes wrong is in the outcome; what was made is removed in any case. */
export async function playOne(field: Field, ledger: Ledger, drill: Drill): Promise<Outcome> {
  const notes: string[] = [];
  const { playbook } = drill;
  let played: Played = {
    ...{ status: 'failed', contained: false, secondsToHold: null, undone: 'not undone', facts: [] },
  };
  const note = (text: string) => {
    notes.push(text);
  };
  try {
    await play(field, kitFor(field, ledger), drill, note, (now) => {
      played = { ...played, ...now };
    });
  } catch (error) {
    note(describeError(error));
  }
  let removed = false;
  try {
    await removeAll(field, [ledger.record.drill], ledger.record.made);
    removed = true;
  } catch (error) {
    note(`not all was removed: ${describeError(error)}. Fix: npx firebreak drill --clean`);
  }
  return { playbook, account: field.aws.scope.account, ...played, removed, notes };
}

type Played = Omit<Outcome, 'playbook' | 'account' | 'removed' | 'notes'>;
type Progress = Partial<Played>;

async function play(
  field: Field,
  kit: Kit,
  drill: Drill,
  note: (text: string) => void,
  reached: (now: Progress) => void,
): Promise<void> {
  const scene = await drill.play(kit);
  if ('finding' in scene) await scene.attack();
  const before = await scene.state();
  if ('finding' in scene) await contained(field, kit, drill, scene, note, reached);
  else await commanded(field, scene, note, reached);
  await until(field, 'access after the undo', MOST.hold, () => scene.works());
  const after = await scene.state();
  const exact = isDeepStrictEqual(after, before);
  reached({ undone: exact ? 'exactly' : 'not exactly' });
  if (!exact) note(`before ${JSON.stringify(before)}, after the undo ${JSON.stringify(after)}`);
}

/** Returns a look that notes when the change was first seen to hold: by the start of that look. */
function holding(
  field: Field,
  scene: Pick<AttackScene, 'holds'>,
  reached: (now: Progress) => void,
): () => Promise<boolean> {
  const started = field.now().getTime();
  return async () => {
    const asked = field.now().getTime();
    if (!(await scene.holds())) return false;
    reached({ secondsToHold: field.fast ? 0 : Math.round((asked - started) / 100) / 10 });
    return true;
  };
}

/** Returns the facts that could be looked at. What the others met is noted: the undo is still to be proven. */
async function factsOf(
  { facts = [] }: Pick<AttackScene, 'facts'>,
  note: (text: string) => void,
): Promise<readonly Fact[]> {
  const seen: Fact[] = [];
  for (const look of facts) {
    try {
      seen.push(...(await look()));
    } catch (error) {
      note(`a fact could not be looked at: ${describeError(error)}`);
    }
  }
  return seen;
}

async function commanded(
  field: Field,
  scene: CommandScene,
  note: (text: string) => void,
  reached: (now: Progress) => void,
): Promise<void> {
  const holdsNow = holding(field, scene, reached);
  await scene.apply();
  await until(field, 'the change seen in force', MOST.hold, holdsNow);
  reached({ status: 'in force', contained: true, facts: await factsOf(scene, note) });
  await scene.revert();
}

/** Starts the workflow, waits for its containment, looks from outside, and undoes. */
async function contained(
  field: Field,
  kit: Kit,
  drill: Drill,
  scene: AttackScene,
  note: (text: string) => void,
  reached: (now: Progress) => void,
): Promise<void> {
  const detail = detailOf(field, kit, drill.playbook, scene.finding);
  const name = drillName(kit.id, drill.playbook);
  const input = JSON.stringify({ channel: 'drill', drill: kit.id, detail });
  // The probe is the first to see it: the workflow ends later, with its own proof.
  // The first probe that is refused says when it held: by its start, since a throttled call is tried again for a while.
  const holdsNow = holding(field, scene, reached);
  await startExecution(field.pipeline, { stateMachineArn: field.machines.respond, name, input });
  let holds = false;
  let incident: Incident | undefined;
  let asked = false;
  await until(field, 'the containment', MOST.contain, async () => {
    holds ||= await holdsNow();
    incident = await incidentStore(field.table).ofFinding(identityOf(parseDetail(detail)));
    if (incident?.status === 'awaiting-approval' && !asked) {
      asked = true;
      field.asked(incident);
    }
    const alive = isAlive(await executionStatus(field.pipeline, executionArn(field.machines.respond, name)));
    // On AWS it looks at CloudTrail's late events 20 minutes after all is settled.
    return !alive || (!field.fast && incident !== undefined && !isRunning(incident.status));
  });
  if (!incident)
    throw new FirebreakError('Refused', 'the workflow opened no incident: see the execution', {
      resource: name,
    });
  incident = await incidentStore(field.table).get(incident.id);
  reached({ status: incident.status });
  // Half of a containment is none.
  if (incident.status !== 'contained' && incident.status !== 'residual')
    throw new FirebreakError('Refused', `not contained: ${incident.status}; ${reasonsOf(incident)}`);
  if (!holds) {
    await until(field, 'the containment seen from outside', MOST.hold, holdsNow);
  }
  reached({ contained: true });
  const status = await executionStatus(field.pipeline, executionArn(field.machines.respond, name));
  reached({ facts: [aliasFact(status), ...(await factsOf(scene, note))] });
  await undo(field, incident);
}

/** Facts that every drill of a playbook shows. */
export const EVERY_DRILL: readonly string[] = ['execution-of-alias'];

const aliasFact = (status: string): Fact => ({
  id: 'execution-of-alias',
  verdict: status === 'GONE' ? 'refuted' : 'confirmed',
  saw: `DescribeExecution by the ARN without the alias: ${status === 'GONE' ? 'unknown' : 'known'}`,
});

const reasonsOf = ({ decision, targets }: Incident): string =>
  [
    ...(decision?.reasons ?? []),
    ...targets.flatMap(({ problem, notes = [] }) => [problem ?? [], notes].flat()),
  ].join('; ');

async function undo(field: Field, incident: Incident): Promise<void> {
  const deps = { table: field.table, aws: field.pipeline, stateMachineArn: field.machines.undo };
  const start = await startUndo(deps, incident, field.door, field.now());
  if (start.kind === 'refused') throw new FirebreakError('Refused', start.why, { resource: incident.id });
  await until(field, 'the undo', MOST.undo, async () => {
    const { status, undoRun } = await incidentStore(field.table).get(incident.id);
    return !isRunning(status) && undoRun?.ended === true && status.startsWith('undo');
  });
}

/** Returns the finding as GuardDuty would write it. */
export function detailOf(
  { aws, now }: Pick<Field, 'aws' | 'now'>,
  { id }: Pick<Kit, 'id'>,
  playbook: string,
  { type, severity, resource, action, resourceRole }: DrillFinding,
): JsonObject {
  const at = now().toISOString();
  const { account, region, partition } = aws.scope;
  return {
    ...{ schemaVersion: '2.0', accountId: account, region, partition, type, severity, resource },
    id: drillName(id, playbook),
    title: `[DRILL] ${playbook}`,
    description: 'Made by firebreak drill: its resources are disposable, and nothing was attacked.',
    service: {
      ...{ serviceName: 'guardduty', resourceRole, archived: false, count: 1, action },
      ...{ eventFirstSeen: at, eventLastSeen: at },
    },
    ...{ createdAt: at, updatedAt: at },
  };
}

/**
 * Removes all that carries the tag of these drills, or is in their ledger. `drills` left out: of every drill. Throws what the
 * last try met.
 */
export async function removeAll(
  field: Pick<Field, 'aws' | 'now' | 'fast'>,
  drills: readonly string[] | undefined,
  made: readonly { readonly kind: KindName; readonly id?: string | undefined }[],
): Promise<readonly string[]> {
  const removed: string[] = [];
  for (const kind of Object.keys(KINDS) as KindName[]) {
    const { find, remove } = KINDS[kind];
    // Of a ledger: what was recorded and may have no tag yet. Its names carry the drill's id.
    const named = made.flatMap((one) => (one.kind === kind && one.id !== undefined ? [one.id] : []));
    const recorded = made.some((one) => one.kind === (SNAPSHOT_OF[kind] ?? kind));
    const tagged = drills === undefined || recorded ? await find(field.aws) : [];
    const ids = new Set([
      ...named,
      ...tagged.flatMap(({ id, drill }) => (drills === undefined || drills.includes(drill) ? [id] : [])),
    ]);
    for (const id of ids) {
      await whileBusy(field, () => remove(field.aws, id));
      removed.push(`${kind} ${id}`);
    }
  }
  return removed;
}

/** The workflow makes snapshots of what a drill made. */
const SNAPSHOT_OF: Partial<Record<KindName, KindName>> = {
  snapshot: 'instance',
  databaseSnapshot: 'database',
};

async function whileBusy(field: Pick<Field, 'now' | 'fast'>, work: () => Promise<void>): Promise<void> {
  const started = field.now().getTime();
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isBusy(error) || field.now().getTime() - started > MOST.remove * 1000) throw error;
      await pause(field);
    }
  }
}

/** The state machines of a stage, by the alias that EventBridge starts them at. */
export const machinesOf = (aws: Aws, stage: string): Field['machines'] => ({
  respond: arn(aws.scope, 'states', `stateMachine:firebreak-${stage}-respond:live`),
  undo: arn(aws.scope, 'states', `stateMachine:firebreak-${stage}-undo`),
});
