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
import { workspace } from './workspace.ts';

export interface Home {
  readonly sandbox: Sandbox;
  /** The account before the first finding, to compare with after undo. */
  first: TwinState;
  /** What was contained, in that order; undo takes it back from the end. */
  incidents: readonly string[];
  /** Ends the sandbox and saves it. */
  close(): Promise<void>;
}

type HomeOptions = Omit<SandboxOptions, 'folder' | 'state'> & {
  readonly fresh?: boolean;
  readonly home?: string | undefined;
};

interface Saved extends Pick<Home, 'first' | 'incidents'> {
  readonly state: TwinState;
  /** Folder of the table that belongs to this account; earlier versions had one. */
  readonly table?: string;
}

/** In the workspace, whichever folder of it a command runs in, unless a test has its own. */
const home = (): string => join(workspace(), '.firebreak', 'sandbox');
const ACCOUNT = 'account.json';
/** Says which process has the lock, for the words of a refusal. */
const OWNER = 'owner';

/** Returns whether an earlier command left a sandbox here. */
export const homeExists = async (): Promise<boolean> => (await load(home())) !== undefined;

/** Returns the incidents that the last command contained here, the latest first. */
export const containedHere = async (): Promise<readonly string[]> =>
  [...((await load(home()))?.incidents ?? [])].reverse();

/**
 * Opens the sandbox as the last command left it, or with `fresh` an empty one. Throws `ResourceBusy` while another
 * command has it open.
 */
export async function openHome({
  fresh = false,
  home: place = home(),
  ...options
}: HomeOptions): Promise<Home> {
  await mkdir(place, { recursive: true });
  const unlock = await lockFolder(join(place, 'lock'));
  if (!unlock) throw await inUse(place);
  try {
    const { argv, pid } = process;
    await writeFile(join(place, OWNER), `firebreak ${argv[2] ?? ''} (process ${pid})`);
    const saved = fresh ? undefined : await load(place);
    await dropAllBut(place, saved?.table ?? (saved ? 'table' : undefined));
    const table = `table-${Date.now()}-${pid}`;
    if (saved) await copyTable(join(place, saved.table ?? 'table'), join(place, table));
    const folder = join(place, table);
    const sandbox = await startSandbox({ ...options, folder, state: saved?.state, anyAccount: true });
    const opened: Home = {
      sandbox,
      first: saved?.first ?? structuredClone(sandbox.twin.state),
      incidents: saved?.incidents ?? [],
      async close() {
        await sandbox.close();
        const { first, incidents } = opened;
        await save(place, { first, incidents, state: sandbox.twin.state, table });
        await dropAllBut(place, table);
        await unlock();
      },
    };
    return opened;
  } catch (error) {
    await unlock();
    throw error;
  }
}

async function inUse(place: string): Promise<FirebreakError> {
  const owner = await readFile(join(place, OWNER), 'utf8').catch(() => 'another firebreak command');
  return new FirebreakError('ResourceBusy', `the sandbox is in use by ${owner}`, {
    resource: place,
    next: 'Stop that command, or wait until it has ended.',
  });
}

const copyTable = (from: string, to: string): Promise<void> =>
  cp(from, to, { recursive: true, mode: constants.COPYFILE_FICLONE });

/** Tables that killed commands were working on, and the one that a finished command replaced. */
async function dropAllBut(place: string, kept: string | undefined): Promise<void> {
  for (const name of await readdir(place))
    if (name.startsWith('table') && name !== kept) await rm(join(place, name), { recursive: true });
}

/** Written under another name and renamed. Secrets of the sandbox are not kept. */
async function save(place: string, saved: Saved): Promise<void> {
  const text = JSON.stringify(saved, (key, value: unknown) => (key === 'parameters' ? {} : value));
  const file = join(place, ACCOUNT);
  await writeFile(`${file}.new`, text, { flush: true });
  await rename(`${file}.new`, file);
}

async function load(place: string): Promise<Saved | undefined> {
  try {
    return JSON.parse(await readFile(join(place, ACCOUNT), 'utf8')) as Saved;
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
