/** What a demo or run leaves for `undo` in the next process: the account, the table's folder, the first state. */
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TwinState } from './twin/state.ts';

export interface Saved {
  /** The account before the first finding, to compare with after undo. */
  readonly first: TwinState;
  readonly state: TwinState;
  readonly lastIncident: string | undefined;
}

export const HOME = join('.firebreak', 'sandbox');
export const TABLE_FOLDER = join(HOME, 'table');
const FILE = join(HOME, 'account.json');

/** An empty home: a demo and a run start from nothing. */
export async function freshHome(): Promise<void> {
  await rm(HOME, { recursive: true, force: true });
  await mkdir(TABLE_FOLDER, { recursive: true });
}

/** Written beside and renamed: a killed process leaves the old file whole. Secrets of the sandbox are not kept. */
export async function save(saved: Saved): Promise<void> {
  const text = JSON.stringify(saved, (key, value: unknown) => (key === 'parameters' ? {} : value));
  await writeFile(`${FILE}.new`, text);
  await rename(`${FILE}.new`, FILE);
}

export async function load(): Promise<Saved | undefined> {
  try {
    return JSON.parse(await readFile(FILE, 'utf8')) as Saved;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * What must be the same after undo: the account without the evidence that stays on purpose (snapshots, tags of the case).
 * Pages, incident events and counters are the pipeline's own traces.
 */
export const accountOf = ({ roles, regions }: TwinState) => ({
  roles,
  regions: Object.fromEntries(
    Object.entries(regions).map(([name, { snapshots: _evidence, ...region }]) => [
      name,
      {
        ...region,
        instances: region.instances.map((instance) => ({
          ...instance,
          Tags: Object.fromEntries(
            Object.entries(instance.Tags).filter(([key]) => !key.startsWith('firebreak:')),
          ),
        })),
      },
    ]),
  ),
});
