/** `npm run test:faults`: the trials of every playbook and kind of fault, as many as fit into the time that is given. */
import { FAULT_KINDS, type FaultKind } from './faults.ts';
import { type Failed, NeverMade, type Phase, spread, type Trial, trialsOf, tryCall } from './harness.ts';
import { isKnown } from './known.ts';
import { SCENARIOS } from './scenarios.ts';

/** Minutes for one phase; `FAULTS_MINUTES=all` tries every call. */
const MINUTES = process.env['FAULTS_MINUTES'] ?? '12';

export const ONE_DAY_MS = 86_400_000;

interface Row {
  readonly playbook: string;
  readonly fault: FaultKind;
  readonly calls: number;
  tried: number;
  /** Trials whose call was not made: its order differs from run to run. */
  missed: number;
  readonly failed: Failed[];
}

/** Tries what fits, spread evenly over playbooks, kinds of fault and calls. */
export async function tryAll(phase: Phase): Promise<readonly Row[]> {
  const until = MINUTES === 'all' ? Number.POSITIVE_INFINITY : performance.now() + Number(MINUTES) * 60_000;
  const queues: { readonly row: Row; readonly trials: readonly Trial[] }[] = [];
  for (const playbook of SCENARIOS.keys()) {
    for (const fault of FAULT_KINDS) {
      const trials = spread(await trialsOf(playbook, phase, fault));
      const row = { playbook, fault, calls: trials.length, tried: 0, missed: 0, failed: [] };
      if (trials.length > 0) queues.push({ row, trials });
    }
  }
  const order = spread(queues);
  for (let turn = 0; order.some(({ trials }) => turn < trials.length); turn++) {
    for (const { row, trials } of order) {
      const trial = trials[turn];
      if (!trial || performance.now() > until) continue;
      try {
        row.failed.push(...(await tryCall(trial)));
        row.tried += 1;
      } catch (error) {
        if (!(error instanceof NeverMade)) throw error;
        row.missed += 1;
      }
    }
  }
  return queues.map(({ row }) => row);
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
  const counts = `${sum(({ tried }) => tried)} of ${sum(({ calls }) => calls)} trials, ${sum(({ missed }) => missed)} whose call was not made`;
  return `\n${tableOf(phase, rows)}\n${counts}\n${lines.join('\n')}\n`;
}

/** A row for each playbook, a column for each kind of fault; tried of all calls, and how many failed. */
function tableOf(phase: Phase, rows: readonly Row[]): string {
  const cell = (playbook: string, fault: FaultKind) => {
    const row = rows.find((one) => one.playbook === playbook && one.fault === fault);
    if (!row) return '-';
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
