/** A value before and after, as lines a person can compare: what is equal on both sides and far from a change is left out. */
import { structuredPatch } from 'diff';
import type { Json } from '../core/json.ts';

const AROUND = 2;
/** Comparing what has nothing in common takes long and tells nothing. */
const MOST_EDITS = 2000;

/** `null` is how a playbook says that there is none. */
const textOf = (value: Json | undefined): string => {
  if (value === undefined) return '(not read yet)';
  if (value === null) return '(nothing)';
  return typeof value === 'string' ? value : JSON.stringify(value, null, 2);
};

/** `- old`, `+ new`, with two equal lines around and `…` between what is shown. */
export function changeLines(before: Json | undefined, after: Json | undefined): readonly string[] {
  const [old, fresh] = [textOf(before), textOf(after)];
  if (old === fresh) return old.split('\n').map((line) => `  ${line}`);
  const options = { context: AROUND, maxEditLength: MOST_EDITS };
  const patch = structuredPatch('', '', `${old}\n`, `${fresh}\n`, '', '', options);
  if (!patch)
    return [...old.split('\n').map((line) => `- ${line}`), ...fresh.split('\n').map((line) => `+ ${line}`)];
  const { hunks } = patch;
  const count = old.split('\n').length;
  return hunks.flatMap(({ oldStart, oldLines, lines }, index) => [
    ...(oldStart > 1 || index > 0 ? ['  …'] : []),
    ...lines.map((line) => `${line.slice(0, 1)} ${line.slice(1)}`),
    ...(index === hunks.length - 1 && oldStart + oldLines - 1 < count ? ['  …'] : []),
  ]);
}
