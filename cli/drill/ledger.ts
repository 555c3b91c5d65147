/** What a drill makes, recorded before it is made, so that all of it can be removed whatever became of the process. */
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { KINDS, type KindName } from './made.ts';

const kindName = z.custom<KindName>((value) => typeof value === 'string' && Object.hasOwn(KINDS, value));
const record = z.object({
  drill: z.string().regex(/^[0-9a-f]{12}$/),
  account: z.string(),
  region: z.string(),
  startedAt: z.string(),
  made: z.array(z.object({ kind: kindName, id: z.string().optional() })),
});
export type LedgerRecord = z.output<typeof record>;

export interface Ledger {
  readonly record: LedgerRecord;
  add(kind: KindName, id: string | undefined): Promise<void>;
  /** All of it is gone. */
  close(): Promise<void>;
}

/** Opens the ledger of a new drill in a folder. */
export async function openLedger(folder: string, begun: Omit<LedgerRecord, 'made'>): Promise<Ledger> {
  const held: LedgerRecord = { ...begun, made: [] };
  const file = join(folder, `${begun.drill}.json`);
  const save = async () => {
    await mkdir(folder, { recursive: true });
    // A rename is whole or has not been: a crash leaves the record before.
    await writeFile(`${file}.new`, `${JSON.stringify(held, null, 2)}\n`);
    await rename(`${file}.new`, file);
  };
  await save();
  return {
    record: held,
    async add(kind, id) {
      held.made.push(id === undefined ? { kind } : { kind, id });
      await save();
    },
    close: () => rm(file, { force: true }),
  };
}

/** Returns the drills of a folder that have not removed all that they made. */
export async function openDrills(folder: string): Promise<readonly LedgerRecord[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return Promise.all(
    names
      .filter((name) => name.endsWith('.json'))
      .map(async (name) => record.parse(JSON.parse(await readFile(join(folder, name), 'utf8')))),
  );
}

export const forget = (folder: string, drill: string): Promise<void> =>
  rm(join(folder, `${drill}.json`), { force: true });
