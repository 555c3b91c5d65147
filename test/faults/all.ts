/**
 * `npm run test:faults`: the trials of every playbook and kind of fault, as many as fit into the time that is given. A run can be
 * divided over machines and gone on with, so that the whole of them can be tried.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { FAULT_KINDS, type FaultKind } from './faults.ts';
import {
  type Failed,
  NeverMade,
  nameOf,
  type Phase,
  spread,
  type Trial,
  trialsOf,
  tryCall,
} from './harness.ts';
import { isKnown } from './known.ts';
import { SCENARIOS } from './scenarios.ts';

/** Minutes for one phase; `FAULTS_MINUTES=all` tries every call. */
const MINUTES = process.env['FAULTS_MINUTES'] ?? '12';

/** From 0 to 1: which trials come first. It is printed; with the same one a run can be repeated. */
const SEED = Number(process.env['FAULTS_SEED'] ?? Math.random().toFixed(4));
/** `2/8`: the second of eight parts of all trials. */
const [PART = 1, PARTS = 1] = (process.env['FAULTS_PART'] ?? '1/1').split('/').map(Number);
/** A file to which each trial is added with what it showed; those that stand there are not tried again. */
const LOG = process.env['FAULTS_LOG'];

export const ONE_DAY_MS = 86_400_000;

interface Tried {
  readonly trial: string;
  /** Absent where the call was not made. */
  readonly failed?: readonly Failed[];
}

/** What earlier runs tried. */
const triedBefore = (): ReadonlyMap<string, Tried> =>
  new Map(
    (LOG !== undefined && existsSync(LOG) ? readFileSync(LOG, 'utf8').split('\n') : [])
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Tried)
      .map((tried) => [tried.trial, tried]),
  );

interface Row {
  readonly playbook: string;
  readonly fault: FaultKind;
  /** Unknown until the first of them is tried. */
  calls: number | undefined;
  tried: number;
  /** Trials whose call was not made: its order differs from run to run. */
  missed: number;
  readonly failed: Failed[];
}

/** Tries what fits, spread evenly over playbooks, kinds of fault and calls; what the calls are is found when their turn comes. */
export async function tryAll(phase: Phase): Promise<readonly Row[]> {
  const before = triedBefore();
  const until = MINUTES === 'all' ? Number.POSITIVE_INFINITY : performance.now() + Number(MINUTES) * 60_000;
  const isTime = () => performance.now() < until;
  const rows: readonly Row[] = [...SCENARIOS.keys()].flatMap((playbook) =>
    FAULT_KINDS.map((fault) => ({ playbook, fault, calls: undefined, tried: 0, missed: 0, failed: [] })),
  );
  const trials = new Map<Row, readonly Trial[]>();
  const isOpen = (turn: number) => (row: Row) => turn < (row.calls ?? Number.POSITIVE_INFINITY);
  for (let turn = 0; rows.some(isOpen(turn)) && isTime(); turn++) {
    for (const row of spread(rows, SEED)) {
      if (!isTime()) break;
      const own = trials.get(row) ?? (await partOf(row, phase));
      trials.set(row, own);
      row.calls = own.length;
      const trial = own[turn];
      if (!trial) continue;
      const { failed } = before.get(nameOf(trial)) ?? (await tried(trial));
      if (failed) row.tried += 1;
      else row.missed += 1;
      row.failed.push(...(failed ?? []));
    }
  }
  return rows;
}

/** This part of the trials of one playbook and kind of fault. */
async function partOf({ playbook, fault }: Row, phase: Phase): Promise<readonly Trial[]> {
  const all = spread(await trialsOf(playbook, phase, fault), SEED);
  return all.filter((_, index) => index % PARTS === PART - 1);
}

async function tried(trial: Trial): Promise<Tried> {
  const failed = await tryCall(trial).catch((error: unknown) => {
    if (error instanceof NeverMade) return undefined;
    throw error;
  });
  const shown: Tried = { trial: nameOf(trial), ...(failed ? { failed } : {}) };
  if (LOG !== undefined) appendFileSync(LOG, `${JSON.stringify(shown)}\n`);
  return shown;
}

/** The table, and what failed: each kind once, with how often and one trial that shows it. */
export function report(phase: Phase, rows: readonly Row[]): string {
  const failed = Map.groupBy(
    rows.flatMap((row) => row.failed),
    (one) =>
      `${isKnown(one) ? 'known: ' : ''}${one.fault}: ${one.kind}: ${one.text.replaceAll(/[a-z]+-[0-9a-f]{8,}/g, 'id')}`,
  );
  const lines = [...failed]
    .sort(([, a], [, b]) => b.length - a.length)
    .map(([what, all]) => `${all.length} x ${what}\n    ${all[0]?.trial}`);
  const sum = (of: (row: Row) => number) => rows.reduce((all, row) => all + of(row), 0);
  const isWhole = rows.every(({ calls }) => calls !== undefined);
  const of = `${isWhole ? '' : 'more than '}${sum(({ calls = 0 }) => calls)}`;
  const counts = `seed ${SEED}: ${sum(({ tried }) => tried)} of ${of} trials, ${sum(({ missed }) => missed)} whose call was not made`;
  return `\n${tableOf(phase, rows)}\n${counts}\n${lines.join('\n')}\n`;
}

/** A row for each playbook, a column for each kind of fault; tried of all calls, and how many failed. */
function tableOf(phase: Phase, rows: readonly Row[]): string {
  const cell = (playbook: string, fault: FaultKind) => {
    const row = rows.find((one) => one.playbook === playbook && one.fault === fault);
    if (!row?.calls) return '-';
    const failed = new Set(row.failed.map(({ trial }) => trial)).size;
    return `${row.tried}/${row.calls}${failed > 0 ? ` ✗${failed}` : ''}`;
  };
  const lines = [...new Set(rows.map(({ playbook }) => playbook))].map((playbook) => [
    playbook,
    ...FAULT_KINDS.map((fault) => cell(playbook, fault)),
  ]);
  const all = [[phase, ...FAULT_KINDS], ...lines];
  const widths = all[0]?.map((_, column) => Math.max(...all.map((line) => line[column]?.length ?? 0))) ?? [];
  return all
    .map((line) => line.map((text, column) => text.padEnd(widths[column] ?? 0)).join('  '))
    .join('\n');
}
