/**
 * Where a sandbox is kept from one command to the next: its account and its table, saved as one. What a command leaves
 * takes effect with one rename, so a killed command leaves all as it was before.
 */
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FirebreakError } from '../core/errors.ts';
import { type Database, openDatabase } from './database.ts';
import { readItems, writeItems } from './dynamodb/text.ts';
import type { Attributes } from './dynamodb/values.ts';
import { lockFolder } from './lock.ts';
import type { Sandbox, SandboxOptions } from './sandbox.ts';
import { SANDBOX_SCOPE, SANDBOX_TABLE } from './scope.ts';
import type { TwinState } from './twin/state.ts';
import { workspace } from './workspace.ts';

export interface Home {
  readonly sandbox: Sandbox;
  /** The account before the first finding, to compare with after undo. */
  first: TwinState;
  /** What was contained, in that order; undo reverts it from the end. */
  incidents: readonly string[];
  /** Ends the sandbox and saves it. */
  close(): Promise<void>;
}

type HomeOptions = Omit<SandboxOptions, 'items' | 'state'> & {
  readonly fresh?: boolean;
  readonly home?: string | undefined;
};

interface Saved extends Pick<Home, 'first' | 'incidents'> {
  readonly state: TwinState;
  /** File of the table that belongs to this account; earlier versions had a folder. */
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
    const items = saved && (await savedItems(place, saved));
    await dropAllBut(place, saved?.table);
    const { startSandbox } = await import('./sandbox.ts');
    const sandbox = await startSandbox({ ...options, items, state: saved?.state, anyAccount: true });
    const opened: Home = {
      sandbox,
      first: saved?.first ?? structuredClone(sandbox.twin.state),
      incidents: saved?.incidents ?? [],
      async close() {
        await sandbox.close();
        const { first, incidents } = opened;
        const table = `table-${Date.now()}-${pid}.jsonl`;
        await writeItems(join(place, table), sandbox.database.items());
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

/** The table as the last command left it, for what only reads it. Throws `ResourceBusy` as `openHome` does. */
export async function openRecords(): Promise<Database> {
  const place = home();
  const saved = await load(place);
  if (!saved) return openDatabase(SANDBOX_SCOPE, SANDBOX_TABLE);
  const unlock = await lockFolder(join(place, 'lock'));
  if (!unlock) throw await inUse(place);
  try {
    return await openDatabase(SANDBOX_SCOPE, SANDBOX_TABLE, await savedItems(place, saved));
  } finally {
    await unlock();
  }
}

async function inUse(place: string): Promise<FirebreakError> {
  const owner = await readFile(join(place, OWNER), 'utf8').catch(() => 'another firebreak command');
  return new FirebreakError('ResourceBusy', `the sandbox is in use by ${owner}`, {
    resource: place,
    next: 'Stop that command, or wait until it has ended.',
  });
}

/** Throws where the table is in the form of an earlier version. */
async function savedItems(place: string, { table }: Saved): Promise<readonly Attributes[]> {
  if (table?.endsWith('.jsonl')) return readItems(join(place, table));
  throw new FirebreakError('InputInvalid', 'the sandbox was saved by an earlier version of Firebreak', {
    resource: place,
    next: `Remove ${place}, then run the command again.`,
  });
}

/** Tables of commands that were killed while they saved, and the one that a finished command replaced. */
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
 * What must be the same after undo: the account without the evidence that stays on purpose, which are snapshots and tags whose
 * names start with `firebreak`. What AWS or a Kubernetes API server gives itself is new on what was restored: the id of a
 * security group's rule, and `serverFields` (uid, resourceVersion, creationTimestamp). A copy: it shares nothing with the state.
 */
export const accountOf = (state: TwinState): unknown =>
  withoutEvidence(Object.fromEntries(Object.entries(state).filter(([key]) => !TRACES.has(key))));

/** Versions of secrets and sessions: what was rotated or ended does not come back, and undo says so. */
const LOST = new Set(['versions', 'sessions']);

/** Returns the account without what no undo can restore. */
export const withoutLost = (account: unknown): unknown =>
  JSON.parse(JSON.stringify(account, (key, value: unknown) => (LOST.has(key) ? undefined : value)));

const GIVEN = new Set(['serverFields', 'SecurityGroupRuleId']);

function withoutEvidence(value: unknown): unknown {
  if (Array.isArray(value)) return value.filter((item) => !isCaseTag(item)).map(withoutEvidence);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, member]) => {
      if (GIVEN.has(key) || key.startsWith('firebreak:')) return [];
      const kept = key === 'snapshots' && Array.isArray(member) ? member.filter(isOfOthers) : member;
      return [[key, withoutEvidence(kept)]];
    }),
  );
}

/** Firebreak tags the snapshots of volumes that it takes, and names those of databases. */
function isOfOthers(snapshot: object): boolean {
  const tags =
    'Tags' in snapshot && typeof snapshot.Tags === 'object' ? Object.keys(snapshot.Tags ?? {}) : [];
  const named = 'id' in snapshot && String(snapshot.id).startsWith('firebreak-');
  return !named && !tags.includes('firebreak:case');
}

const isCaseTag = (item: unknown): boolean =>
  typeof item === 'object' && item !== null && 'Key' in item && String(item.Key).startsWith('firebreak:');
