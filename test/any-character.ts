import fc from 'fast-check';

const FIRST_SURROGATE = 0xd800;
const SURROGATES = 0x800;

/**
 * Any character of Unicode, for `fc.string({ unit })`. fast-check's own unit `binary` is the same set, of which it makes a
 * table of a million entries in every process.
 */
export const anyCharacter: fc.Arbitrary<string> = fc
  .integer({ min: 0, max: 0x10ffff - SURROGATES })
  .map(characterAt, placeOf);

function characterAt(place: number): string {
  return String.fromCodePoint(place < FIRST_SURROGATE ? place : place + SURROGATES);
}
function placeOf(character: unknown): number {
  if (typeof character !== 'string' || [...character].length !== 1) throw new Error('not one character');
  const point = character.codePointAt(0) ?? 0;
  return point < FIRST_SURROGATE ? point : point - SURROGATES;
}
