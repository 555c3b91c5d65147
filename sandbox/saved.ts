/** What a demo or run leaves for `undo` in the next process: the account, the table's folder, the first state. */
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TwinState } from './twin/state.ts';

export interface Saved {
  /** The account before the first finding, to compare with after undo. */
  readonly first: TwinState;
  readonly state: TwinState;
  /** What was contained, in that order; undo takes it back from the end. */
  readonly incidents: readonly string[];
}

const HOME = join('.firebreak', 'sandbox');
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
