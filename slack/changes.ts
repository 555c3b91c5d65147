/** A value before and after, as lines a person can compare: what is equal on both sides is left out. */
import type { Json } from '../core/json.ts';

const AROUND = 2;

/** `null` is how a playbook says that there is none. */
const linesOf = (value: Json | undefined): readonly string[] =>
  value === undefined || value === null
    ? [value === null ? '(nothing)' : '(not read yet)']
    : (typeof value === 'string' ? value : JSON.stringify(value, null, 2)).split('\n');

/** `- old`, `+ new`, with two equal lines around and `…` for those left out. */
export function changeLines(before: Json | undefined, after: Json | undefined): readonly string[] {
  const [old, fresh] = [linesOf(before), linesOf(after)];
  let head = 0;
  while (head < old.length && head < fresh.length && old[head] === fresh[head]) head += 1;
  if (head === old.length && head === fresh.length) return old.map((line) => `  ${line}`);
  let tail = 0;
  while (
    tail < old.length - head &&
    tail < fresh.length - head &&
    old[old.length - 1 - tail] === fresh[fresh.length - 1 - tail]
  ) {
    tail += 1;
  }
  const above = old.slice(Math.max(0, head - AROUND), head);
  const below = old.slice(old.length - tail, old.length - tail + AROUND);
  return [
    ...(head > AROUND ? ['  …'] : []),
    ...above.map((line) => `  ${line}`),
    ...old.slice(head, old.length - tail).map((line) => `- ${line}`),
    ...fresh.slice(head, fresh.length - tail).map((line) => `+ ${line}`),
    ...below.map((line) => `  ${line}`),
    ...(tail > AROUND ? ['  …'] : []),
  ];
}
