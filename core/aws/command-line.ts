/**
 * Commands of the AWS command line that a person copies into a shell. Values come from records of what an attacker called:
 * each has passed a pattern of its kind before, and is quoted here all the same.
 */
import { INVISIBLE } from '../invisible.ts';

/** A value, several, or a switch without one. `undefined`: the value is missing or does not fit its pattern. */
export type Option = string | readonly string[] | true | undefined;

const PLAIN = /^[\w@%+=:,./-]+$/;

/** Returns the text as one word of a POSIX shell. */
export const shellWord = (text: string): string =>
  PLAIN.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;

/**
 * Returns the command, or undefined where a value is missing: a command with a hole is not one. `--name=value` keeps a
 * value that begins with a dash from being read as an option.
 */
export function awsCommand(
  operation: `${string} ${string}`,
  options: Readonly<Record<string, Option>>,
): string | undefined {
  const words: string[] = [];
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || value === '' || !canStand(value)) return undefined;
    if (value === true) words.push(`--${name}`);
    else if (typeof value === 'string') words.push(`--${name}=${shellWord(value)}`);
    else if (value.length === 0) return undefined;
    else words.push(`--${name}`, ...value.map(shellWord));
  }
  return ['aws', operation, ...words].join(' ');
}

const UNSEEN = new RegExp(INVISIBLE.source, 'u');

/** A list has no `=`: its values may not look like options. What cannot be seen cannot be checked before it is run. */
const canStand = (value: string | readonly string[] | true): boolean => {
  if (value === true) return true;
  return typeof value === 'string'
    ? !UNSEEN.test(value)
    : value.every((each) => !UNSEEN.test(each) && !each.startsWith('-'));
};
