/** `firebreak history`: the incidents, newest first, by the table's indexes. */
import { type IncidentFilter, type IncidentRow, tookMs } from '../core/incident/list.ts';
import { shortName } from '../core/incident/names.ts';
import { statusWords } from '../core/incident/status.ts';
import { incidentStore } from '../core/incident/store.ts';
import { duration, utcMinute } from '../core/words.ts';
import { openRecords, type PlaceOptions } from './place.ts';
import { colourOf, screenWidth, table, terminal } from './terminal.ts';

export interface HistoryInput extends Omit<PlaceOptions, 'policy'> {
  /** Milliseconds back. */
  readonly since: number;
  readonly limit: number;
  readonly filter: { readonly [K in keyof IncidentFilter]?: string | undefined };
  readonly json: boolean;
}

/** Exit status 0, also when there are none. */
export async function history(input: HistoryInput): Promise<number> {
  const { out, paint } = terminal();
  const place = await openRecords(input);
  try {
    const to = new Date();
    const from = new Date(to.getTime() - input.since);
    const given = Object.entries(input.filter).filter(([, value]) => value !== undefined);
    const store = incidentStore(place.table);
    const rows: IncidentRow[] = [];
    let cursor: string | undefined;
    do {
      const page = await store.list({
        from: from.toISOString(),
        to: to.toISOString(),
        limit: Math.min(100, input.limit - rows.length),
        filter: Object.fromEntries(given),
        ...(cursor ? { cursor } : {}),
      });
      rows.push(...page.items);
      cursor = page.cursor;
    } while (cursor && rows.length < input.limit);
    if (input.json) for (const row of rows) out(JSON.stringify(row));
    else if (rows.length === 0) out(`No incident since ${utcMinute(from.toISOString())}.`);
    else {
      const cells = rows.map((row) => [
        row.createdAt.slice(0, 16).replace('T', ' '),
        row.id,
        row.label,
        statusWords(row.status),
        tookOf(row),
        row.type,
        onOf(row),
      ]);
      const [head = '', ...lines] = table(
        ['opened (UTC)', 'incident', 'severity', 'status', 'took', 'finding', 'on'],
        cells,
      );
      out(paint('dim', head));
      lines.forEach((line, index) => {
        const status = rows[index]?.status;
        const words = status ? statusWords(status) : '';
        out(status ? line.replace(`  ${words}`, `  ${paint(colourOf(status), words)}`) : line);
      });
      if (cursor) out(paint('dim', `and more: --limit ${input.limit * 4}, or a filter (see --help)`));
    }
    return 0;
  } finally {
    await place.close();
  }
}

/** The resource: its ARN for a program, its name and account on a screen. */
function onOf({ display, account }: IncidentRow): string {
  if (!display) return '';
  return screenWidth() === undefined ? display : `${shortName(display)} in ${account}`;
}

/** Seconds from the finding's arrival to proven containment. */
function tookOf(row: IncidentRow): string {
  const ms = tookMs(row);
  if (ms === undefined) return '';
  return duration(ms);
}
