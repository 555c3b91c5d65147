/** Options that several commands share, worded once. */
import { Command, InvalidArgumentError, Option } from '@commander-js/extra-typings';
import { nearest } from '../../core/nearest.ts';
import type { PlaceOptions } from '../place.ts';

export const jsonOption = () => new Option('--json', 'one JSON object per line, for programs');
export const policyOption = () =>
  new Option(
    '--policy <file>',
    'another policy than yours: the one that firebreak.json names, firebreak/policy.yml or policy.yml, here or in a folder above',
  );
export const liveOption = () => new Option('--live', 'a deployed stack, with your own AWS credentials');
export const stageOption = () => new Option('--stage <name>', 'which deployment').default('prod');
export const regionOption = () =>
  new Option(
    '--region <region>',
    'its Region (otherwise AWS_REGION, AWS_DEFAULT_REGION, your profile, firebreak.json)',
  );
export const profileOption = () => new Option('--profile <name>', 'AWS profile, as the AWS CLI takes it');

/** One answer is given to every card, so it cannot be both. */
export const answerOptions = () =>
  [
    new Option('--approve', 'where a person is asked, says yes').conflicts('deny'),
    new Option('--deny', 'where a person is asked, says no').conflicts('approve'),
  ] as const;

/** What a command needs to know which account it works on. */
export interface PlaceFlags {
  readonly policy?: string | undefined;
  readonly live?: true | undefined;
  readonly stage: string;
  readonly region?: string | undefined;
  readonly profile?: string | undefined;
}

/** Returns the policy file to use, as `workspace.ts` says; its modules are read only where a command needs them. */
export async function policyFile(given?: string): Promise<string> {
  return (await import('../../sandbox/workspace.ts')).policyFile(given);
}

/** Which account it is. Makes the profile count for every client of this process. */
export function whereOptions(flags: PlaceFlags): Omit<PlaceOptions, 'policy'> {
  if (flags.profile !== undefined) process.env['AWS_PROFILE'] = flags.profile;
  return { live: flags.live === true, stage: flags.stage, region: flags.region };
}

/** Which account it is, and the policy. */
export async function placeOptions(flags: PlaceFlags): Promise<PlaceOptions> {
  const { loadPolicy } = await import('../../core/policy/policy.ts');
  return { ...whereOptions(flags), policy: await loadPolicy(await policyFile(flags.policy)) };
}

/** A whole number of one or more. */
export function positive(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('expected a whole number of 1 or more');
}

/** `90m`, `24h`, `7d` -> milliseconds. */
export function ago(text: string): number {
  const match = /^([1-9]\d{0,4})(m|h|d)$/.exec(text);
  if (!match) throw new InvalidArgumentError('expected a duration such as 90m, 24h or 7d');
  const unit = { m: 60_000, h: 3_600_000, d: 86_400_000 }[match[2] ?? 'd'] ?? 86_400_000;
  return Number(match[1]) * unit;
}

/** An option with these values; a mistyped one is answered with the nearest. */
export function choice<const F extends string, const T extends readonly string[]>(
  flags: F,
  about: string,
  values: T,
) {
  const option = new Option(flags, about).choices(values);
  option.argParser((text) => {
    const found = values.find((value) => value === text);
    if (found !== undefined) return found;
    const near = nearest(text, values);
    throw new InvalidArgumentError(
      near === undefined
        ? `Allowed: ${values.join(', ')}.`
        : `Did you mean ${near}? Allowed: ${values.join(', ')}.`,
    );
  });
  return option;
}

export const command = (name: string): Command => new Command(name);

const WHERE = 'Where:';
/** A command that works on the sandbox, or with `--live` on a deployed stack. */
export const placeCommand = (name: string) =>
  command(name)
    .addOption(liveOption().helpGroup(WHERE))
    .addOption(stageOption().helpGroup(WHERE))
    .addOption(regionOption().helpGroup(WHERE))
    .addOption(profileOption().helpGroup(WHERE))
    .addOption(policyOption());

/** Examples below the options of `--help`, a line each. */
export const examples = (...lines: readonly string[]): string =>
  `\nExamples:\n${lines.map((line) => `  $ npx firebreak ${line}`).join('\n')}\n`;

export const finish = (status: number): void => {
  process.exitCode = status;
};
