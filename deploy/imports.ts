/** The rooms of the house and what they import: test/house.test.ts holds the rule, docs/architecture.svg draws it. */
import { dirname, join } from 'node:path';

/** From the ground up. A room imports rooms of lower levels only. */
export const LEVELS: readonly (readonly string[])[] = [
  ['core'],
  ['slack', 'playbooks'],
  ['pipeline'],
  ['functions', 'console'],
  ['sandbox'],
  ['cli'],
  ['deploy'],
  ['bench'],
];

export type Import = readonly [from: string, to: string];

/** Returns every relative import of a file, of types and lazy ones too, as paths from the project root. */
export function importsOf(file: string, source: string): readonly Import[] {
  const found = source.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'(\.{1,2}\/[^']+\.ts)'/g);
  return [...found].map(([, path = '']) => [file, join(dirname(file), path)] as const);
}
