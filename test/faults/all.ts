/** `npm run test:faults`: the trials of every playbook and kind of fault, as many as fit into the time that is given. */
import { FAULT_KINDS, type FaultKind } from './faults.ts';
import { type Failed, type Phase, type Trial, trialsOf, tryCall } from './harness.ts';
import { SCENARIOS } from './scenarios.ts';

/** Minutes for one phase; `FAULTS_MINUTES=all` tries every call. */
const MINUTES = process.env['FAULTS_MINUTES'] ?? '12';

export interface Row {
  readonly playbook: string;
  readonly fault: FaultKind;
  readonly calls: number;
  tried: number;
  readonly failed: Failed[];
}

/** Tries what fits, spread evenly over playbooks, kinds of fault and calls. */
export async function tryAll(phase: Phase): Promise<readonly Row[]> {
  const until = MINUTES === 'all' ? Number.POSITIVE_INFINITY : performance.now() + Number(MINUTES) * 60_000;
  const queues: { readonly row: Row; readonly trials: readonly Trial[] }[] = [];
  for (const playbook of SCENARIOS.keys()) {
    for (const fault of FAULT_KINDS) {
      const trials = spread(await trialsOf(playbook, phase, fault));
      const row = { playbook, fault, calls: trials.length, tried: 0, failed: [] };
      if (trials.length > 0) queues.push({ row, trials });
    }
  }
  for (let turn = 0; queues.some(({ trials }) => turn < trials.length); turn++) {
    for (const { row, trials } of queues) {
      const trial = trials[turn];
      if (!trial || performance.now() > until) continue;
      row.tried += 1;
      row.failed.push(...(await tryCall(trial)));
    }
  }
  return queues.map(({ row }) => row);
}

/** In an order in which every beginning is spread over the whole: steps of the golden section. The same each time. */
function spread<T>(all: readonly T[]): readonly T[] {
  const at = (index: number) => (index * 0.618_033_988_749_895) % 1;
  return all
    .map((one, index) => ({ one, at: at(index + 1) }))
    .sort((a, b) => a.at - b.at)
    .map(({ one }) => one);
}

/** The table: a row for each playbook, a column for each kind of fault; tried of all calls, and how many failed. */
export function tableOf(phase: Phase, rows: readonly Row[]): string {
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
