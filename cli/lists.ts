/** `firebreak lists`: GuardDuty's trusted and threat lists, shown, changed and put back. */

import { FirebreakError } from '../core/errors.ts';
import {
  type AddressList,
  addressLists,
  changedEntries,
  createList,
  detectorOf,
  editable,
  type ListKind,
  writeList,
} from '../core/lists/address-lists.ts';
import { keepTrusted, listChanges, recordListChange, undoable } from '../core/lists/list-changes.ts';
import { openPlace, type Place, type PlaceOptions } from './place.ts';
import { plainText, terminal } from './terminal.ts';

const KINDS: readonly ListKind[] = ['trusted', 'threat'];
const USAGE = `firebreak lists                                  shows both
firebreak lists add trusted|threat ADDRESS...    an address or a range
firebreak lists remove trusted|threat ADDRESS...
firebreak lists undo trusted|threat              takes the newest change back
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
  const [verb = 'show', kindText, ...addresses] = input.operands;
  const kind = KINDS.find((each) => each === kindText);
  const complete = verb === 'show' || (kind !== undefined && (verb === 'undo' || addresses.length > 0));
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
      const add = verb === 'add' ? addresses : [];
      const remove = verb === 'remove' ? addresses : [];
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
    // Whoever changed a list by hand changed what is trusted: the copy for decisions follows.
    if (kind === 'trusted') await keepTrusted(place.table, place.aws.scope, linesOf(found));
    if (json) {
      for (const list of found) out(JSON.stringify(list));
      continue;
    }
    const what = kind === 'trusted' ? 'raise no finding, never blocked, auto becomes ask' : 'raise findings';
    out(paint('bold', `${kind} (${what})`));
    if (found.length === 0) out('  no list');
    for (const { name, status, format, location, entries } of found) {
      const count = entries === undefined ? `${format}, not read here` : `${entries.length} entries`;
      out(
        `  ${plainText(name)} ${status === 'ACTIVE' ? status : paint('red', status)}, ${count}, ${plainText(location)}`,
      );
      for (const entry of (entries ?? []).slice(0, 50)) out(`    ${plainText(entry)}`);
      if ((entries?.length ?? 0) > 50) out(paint('dim', `    and ${(entries?.length ?? 0) - 50} more`));
    }
    for (const { at, by, before, after, undoes } of (
      await listChanges(place.table, place.aws.scope, kind)
    ).slice(-5)) {
      const words = undoes === undefined ? difference(before, after) : `undid the change of ${undoes}`;
      out(paint('dim', `  ${at} ${plainText(by)}: ${words}`));
    }
  }
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
  change: { readonly add: readonly string[]; readonly remove: readonly string[] },
  bucket: string | undefined,
): Promise<void> {
  const { out } = terminal();
  const { aws, table, who } = place;
  const list = editable(await addressLists(aws, detector, kind), kind);
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
      throw new FirebreakError('InputInvalid', `there is no ${kind} list yet`, {
        next: 'Give --bucket NAME: a bucket of yours, in this Region, that GuardDuty may read.',
      });
    }
    const made = await createList(aws, detector, kind, bucket, after);
    await recordListChange(table, aws.scope, made, { before: [], after: [...after], by: who, at });
  }
  if (kind === 'trusted') await keepTrusted(table, aws.scope, after);
  out(`${kind}: ${difference(before, after)}`);
  out(`Take it back: npx firebreak lists undo ${kind}`);
}

async function undo({ aws, table, who }: Place, detector: string, kind: ListKind): Promise<void> {
  const list = editable(await addressLists(aws, detector, kind), kind);
  const changes = await listChanges(table, aws.scope, kind);
  if (!list) throw new FirebreakError('NotFound', `there is no ${kind} list`, {});
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
  if (kind === 'trusted') await keepTrusted(table, aws.scope, last.before);
  terminal().out(`${kind}: ${difference(last.after, last.before)}`);
}
