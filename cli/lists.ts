/** `firebreak lists`: GuardDuty's trusted and threat lists, of addresses and of entities, shown, changed and restored. */

import { FirebreakError } from '../core/errors.ts';
import {
  type AddressList,
  addressLists,
  changedEntries,
  createList,
  detectorOf,
  editable,
  holdsDomains,
  type ListChange,
  writeList,
} from '../core/lists/address-lists.ts';
import {
  keepTrusted,
  listChanges,
  newestChange,
  recordListChange,
  undoable,
  vouchedEntries,
} from '../core/lists/list-changes.ts';
import type { ListKind } from '../core/lists/sets.ts';
import { openPlace, type Place, type PlaceOptions } from './place.ts';
import { fitting, plainText, terminal } from './terminal.ts';

const KINDS: readonly ListKind[] = ['trusted', 'threat'];
const USAGE = `firebreak lists                                  shows both
firebreak lists add trusted|threat ENTRY...      an address, a range, a domain or *.domain
firebreak lists remove trusted|threat ENTRY...
firebreak lists undo trusted|threat              reverts the newest change
    --bucket NAME    for the first list of a kind: where its object goes
    --live           your own account instead of the sandbox (--stage, --region)
    --json`;

export interface ListsInput extends PlaceOptions {
  readonly operands: readonly string[];
  readonly bucket: string | undefined;
  readonly json: boolean;
}

/** Exit status 2 for a command that is not one. Throws FirebreakError. */
export async function lists(input: ListsInput): Promise<number> {
  const [verb = 'show', kindText, ...entries] = input.operands;
  const kind = KINDS.find((each) => each === kindText);
  const complete = verb === 'show' || (kind !== undefined && (verb === 'undo' || entries.length > 0));
  if (!['show', 'add', 'remove', 'undo'].includes(verb) || !complete) {
    console.error(USAGE);
    return 2;
  }
  const place = await openPlace(input);
  try {
    const detector = await detectorOf(place.aws);
    if (kind === undefined) await show(place, detector, input.json);
    else if (verb === 'undo') await undo(place, detector, kind);
    else {
      const add = verb === 'add' ? entries : [];
      const remove = verb === 'remove' ? entries : [];
      await edit(place, detector, kind, { add, remove }, input.bucket ?? place.bucket);
    }
    return 0;
  } finally {
    await place.close();
  }
}

async function show(place: Place, detector: string, json: boolean): Promise<void> {
  const { out, paint } = terminal();
  for (const kind of KINDS) {
    const found = await addressLists(place.aws, detector, kind);
    // A list changed by hand changes what is trusted: the copy for decisions follows.
    if (kind === 'trusted') await keepTrusted(place.table, place.aws.scope, linesOf(found));
    if (json) {
      for (const list of found) out(JSON.stringify(list));
      continue;
    }
    const changes = await listChanges(place.table, place.aws.scope, kind);
    const vouched = vouchedEntries(changes);
    const what =
      kind === 'trusted'
        ? 'raise no finding, auto becomes ask; never blocked where added with this command'
        : 'raise findings';
    for (const line of fitting(`${kind} (${what})`, '', '  ')) out(paint('bold', line));
    if (found.length === 0) out('  no list');
    for (const list of found) {
      for (const line of fitting(headline(list), '  ', '    '))
        out(list.status === 'ACTIVE' ? line : paint('red', line));
      for (const entry of (list.entries ?? []).slice(0, 50))
        out(
          `    ${plainText(entry)}${vouched.has(entry) ? '' : paint('dim', '  not added with this command')}`,
        );
      const more = (list.entries?.length ?? 0) - 50;
      if (more > 0) out(paint('dim', `    and ${more} more`));
    }
    for (const { at, by, before, after, undoes } of changes.slice(-5)) {
      const words = undoes === undefined ? difference(before, after) : `undid the change of ${undoes}`;
      for (const line of fitting(`${at} ${plainText(by)}: ${words}`, '  ', '    ')) out(paint('dim', line));
    }
  }
}

function headline({ name, status, holds, format, location, entries, unread, etag }: AddressList): string {
  const held = holds === 'entities' ? 'addresses and domains' : 'addresses';
  const count =
    entries === undefined
      ? `not read here: ${plainText(unread ?? format)}`
      : `${entries.length} entries${etag === undefined ? ` in ${plainText(format)}, shown only` : ''}`;
  return `${plainText(name)} (${held}) ${plainText(status)}, ${count}, ${plainText(location)}`;
}

const linesOf = (found: readonly AddressList[]): readonly string[] =>
  found.flatMap(({ status, entries }) => (status === 'ACTIVE' ? (entries ?? []) : []));

const difference = (before: readonly string[], after: readonly string[]): string =>
  [
    ...after.filter((line) => !before.includes(line)).map((line) => `+${line}`),
    ...before.filter((line) => !after.includes(line)).map((line) => `-${line}`),
  ].join(' ') || 'nothing';

async function edit(
  place: Place,
  detector: string,
  kind: ListKind,
  change: ListChange,
  bucket: string | undefined,
): Promise<void> {
  const { out } = terminal();
  const { aws, table, who } = place;
  const all = await addressLists(aws, detector, kind);
  const list = editable(all, kind, change);
  const before = list?.entries ?? [];
  const after = changedEntries(kind, before, change);
  if (difference(before, after) === 'nothing') {
    out('nothing to change');
    return;
  }
  const at = new Date().toISOString();
  if (list) {
    await recordListChange(table, aws.scope, list, { before: [...before], after: [...after], by: who, at });
    await writeList(aws, detector, list, after);
  } else {
    if (bucket === undefined) {
      const what = holdsDomains(change.add) ? `${kind} list of domains` : `${kind} list`;
      throw new FirebreakError('InputInvalid', `there is no ${what} yet`, {
        next: 'Give --bucket NAME: a bucket of yours, in this Region, that GuardDuty may read.',
      });
    }
    const made = await createList(aws, detector, kind, bucket, after);
    await recordListChange(table, aws.scope, made, { before: [], after: [...after], by: who, at });
  }
  if (kind === 'trusted')
    await keepTrusted(table, aws.scope, [...linesOf(all.filter((other) => other !== list)), ...after]);
  out(`${kind}: ${difference(before, after)}`);
  out(`Revert it: npx firebreak lists undo ${kind}`);
}

async function undo({ aws, table, who }: Place, detector: string, kind: ListKind): Promise<void> {
  const changes = await listChanges(table, aws.scope, kind);
  const { listId, location } = newestChange(changes);
  const all = await addressLists(aws, detector, kind);
  // A list that lost its last entry is made again with another id, over the same object.
  const list = all.find(({ id }) => id === listId) ?? all.find((each) => each.location === location);
  if (!list)
    throw new FirebreakError('NotFound', `the ${kind} list is no longer there`, { resource: location });
  const last = undoable(changes, list.entries ?? []);
  const at = new Date().toISOString();
  await recordListChange(table, aws.scope, list, {
    before: last.after,
    after: last.before,
    by: who,
    at,
    undoes: last.at,
  });
  await writeList(aws, detector, list, last.before);
  if (kind === 'trusted')
    await keepTrusted(table, aws.scope, [...linesOf(all.filter((other) => other !== list)), ...last.before]);
  terminal().out(`${kind}: ${difference(last.after, last.before)}`);
}
