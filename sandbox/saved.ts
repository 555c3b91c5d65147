/**
 * Where a sandbox is kept from one command to the next: its account and its table, saved as one. A command works on a
 * copy of the table; what it leaves takes effect with one rename, so a killed command leaves all as it was before.
 */
import { constants } from 'node:fs';
import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FirebreakError } from '../core/errors.ts';
import { lockFolder } from './dynamodb.ts';
import { type Sandbox, type SandboxOptions, startSandbox } from './sandbox.ts';
import type { TwinState } from './twin/state.ts';

export interface Home {
  readonly sandbox: Sandbox;
  /** The account before the first finding, to compare with after undo. */
  first: TwinState;
  /** What was contained, in that order; undo takes it back from the end. */
  incidents: readonly string[];
  /** Ends the sandbox and saves it. */
  close(): Promise<void>;
}

interface Saved extends Pick<Home, 'first' | 'incidents'> {
  readonly state: TwinState;
  /** Folder of the table that belongs to this account; earlier versions had one. */
  readonly table?: string;
}

const HOME = join('.firebreak', 'sandbox');
const FILE = join(HOME, 'account.json');
/** Says which process has the lock, for the words of a refusal. */
const OWNER = join(HOME, 'owner');

/** Returns whether an earlier command left a sandbox here. */
export const homeExists = async (): Promise<boolean> => (await load()) !== undefined;

/**
 * Opens the sandbox as the last command left it, or with `fresh` an empty one. Throws `ResourceBusy` while another
 * command has it open.
 */
export async function openHome({
  fresh = false,
  ...options
}: Omit<SandboxOptions, 'folder' | 'state'> & { readonly fresh?: boolean }): Promise<Home> {
  await mkdir(HOME, { recursive: true });
  const unlock = await lockFolder(join(HOME, 'lock'));
  if (!unlock) throw await inUse();
  try {
    const { argv, pid } = process;
    await writeFile(OWNER, `firebreak ${argv[2] ?? ''} (process ${pid})`);
    const saved = fresh ? undefined : await load();
    await dropAllBut(saved?.table ?? (saved ? 'table' : undefined));
    const table = `table-${Date.now()}-${pid}`;
    if (saved) await copyTable(saved.table ?? 'table', table);
    const folder = join(HOME, table);
    const sandbox = await startSandbox({ ...options, folder, state: saved?.state, anyAccount: true });
    const home: Home = {
      sandbox,
      first: saved?.first ?? structuredClone(sandbox.twin.state),
      incidents: saved?.incidents ?? [],
      async close() {
        await sandbox.close();
        const { first, incidents } = home;
        await save({ first, incidents, state: sandbox.twin.state, table });
        await dropAllBut(table);
        await unlock();
      },
    };
    return home;
  } catch (error) {
    await unlock();
    throw error;
  }
}

async function inUse(): Promise<FirebreakError> {
  const owner = await readFile(OWNER, 'utf8').catch(() => 'another firebreak command');
  return new FirebreakError('ResourceBusy', `the sandbox is in use by ${owner}`, {
    resource: HOME,
    next: 'Stop that command, or wait until it has ended.',
  });
}

const copyTable = (from: string, to: string): Promise<void> =>
  cp(join(HOME, from), join(HOME, to), { recursive: true, mode: constants.COPYFILE_FICLONE });

/** Tables that killed commands were working on, and the one that a finished command replaced. */
async function dropAllBut(kept: string | undefined): Promise<void> {
  for (const name of await readdir(HOME))
    if (name.startsWith('table') && name !== kept) await rm(join(HOME, name), { recursive: true });
}

/** Written under another name and renamed. Secrets of the sandbox are not kept. */
async function save(saved: Saved): Promise<void> {
  const text = JSON.stringify(saved, (key, value: unknown) => (key === 'parameters' ? {} : value));
  await writeFile(`${FILE}.new`, text, { flush: true });
  await rename(`${FILE}.new`, FILE);
}

async function load(): Promise<Saved | undefined> {
  try {
    return JSON.parse(await readFile(FILE, 'utf8')) as Saved;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Pages, incident events, archived findings and counters are the pipeline's own traces. */
const TRACES = new Set([
  'serial',
  'parameters',
  'events',
  'pages',
  'archived',
  'findings',
  'securityHub',
  'evidence',
  'provisioning',
]);

/**
 * What must be the same after undo: the account without the evidence that stays on purpose. In the twin's state evidence
 * is a list called `snapshots`, or a tag whose key starts with `firebreak:`. What a Kubernetes API server writes itself
 * (uid, resourceVersion, creationTimestamp) is new on an object that was put back: `serverFields`.
 */
export const accountOf = (state: TwinState): unknown =>
  withoutEvidence(Object.fromEntries(Object.entries(state).filter(([key]) => !TRACES.has(key))));

function withoutEvidence(value: unknown): unknown {
  if (Array.isArray(value)) return value.filter((item) => !isCaseTag(item)).map(withoutEvidence);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, member]) =>
      key === 'snapshots' || key === 'serverFields' || key.startsWith('firebreak:')
        ? []
        : [[key, withoutEvidence(member)]],
    ),
  );
}

const isCaseTag = (item: unknown): boolean =>
  typeof item === 'object' && item !== null && 'Key' in item && String(item.Key).startsWith('firebreak:');
