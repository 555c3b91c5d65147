/** What `firebreak init` needs to know, and the small file in which a team keeps what is no secret. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { FirebreakError } from '../core/errors.ts';
import { SETTINGS_FILE, workspace } from '../sandbox/workspace.ts';

export const FILE = SETTINGS_FILE;
const path = (): string => join(workspace(), FILE);

export const approver = z
  .string()
  .regex(/^[UWS][A-Z0-9]{2,}$/, 'a Slack user id (U…, W…) or user group id (S…)');
export const user = z
  .string()
  .regex(/^[UW][A-Z0-9]{2,}$/, 'a Slack user id (U…, W…): without Slack no one can read its user groups');
export const channel = z.string().regex(/^[CG][A-Z0-9]{2,}$/, 'a Slack channel id (C… or G…)');
/** A bot token is of two numbers and a secret; legacy and user tokens begin otherwise, and cannot post cards. */
export const botToken = z
  .string()
  .regex(
    /^xoxb-[A-Za-z0-9-]{8,}$/,
    'a Slack bot token (xoxb-…), as OAuth & Permissions shows it after the app is installed',
  );
export const signingSecret = z
  .string()
  .regex(
    /^[0-9a-f]{32}$/,
    'a Slack signing secret (32 characters 0-9 and a-f), as Basic Information shows it',
  );
export const teamId = z.string().regex(/^T[A-Z0-9]{2,}$/, 'a Slack workspace id (T…)');
export const appId = z.string().regex(/^A[A-Z0-9]{2,}$/, 'a Slack app id (A…)');
export const stageName = z.string().regex(/^[a-z][a-z0-9-]{0,15}$/, 'a short name such as prod');
export const regionName = z.string().regex(/^[a-z]{2,4}(-[a-z]+)+-\d{1,2}$/, 'a Region name');

const stage = z.strictObject({
  region: regionName,
  /** `--param` of the Serverless Framework; serverless.yml lists them. */
  params: z.record(z.string(), z.string()).default({}),
  /** False: people are paged and decide with `firebreak approve`. Absent: with Slack. */
  slack: z.boolean().optional(),
});
const file = z.strictObject({
  /** The team's policy, from this file's folder. */
  policy: z.string().min(1).optional(),
  stages: z.record(stageName, stage),
});
type Settings = z.output<typeof file>;
export type StageSettings = z.output<typeof stage>;

/** Undefined where this stage was never set up here. Throws InputInvalid for a file that is not ours. */
export async function readStage(name: string): Promise<StageSettings | undefined> {
  return (await readAll()).stages[name];
}

/** Every stage that was set up here. */
export const stageNames = async (): Promise<readonly string[]> => Object.keys((await readAll()).stages);

/** Writes the stage next to the others, and the policy where it is given. */
export async function writeStage(
  name: string,
  settings: StageSettings | undefined,
  policy?: string,
): Promise<void> {
  const { stages: all, ...rest } = await readAll();
  const { [name]: _former, ...others } = all;
  const stages = settings ? { ...others, [name]: settings } : others;
  const written: Settings = { ...rest, ...(policy === undefined ? {} : { policy }), stages };
  await writeFile(path(), `${JSON.stringify(written, null, 2)}\n`);
}

async function readAll(): Promise<Settings> {
  let text: string;
  try {
    text = await readFile(path(), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { stages: {} };
    throw error;
  }
  try {
    return file.parse(JSON.parse(text));
  } catch (error) {
    throw new FirebreakError(
      'InputInvalid',
      `${FILE} is not as init writes it: ${String(error).slice(0, 300)}`,
      {
        resource: FILE,
        next: 'Correct it, or remove it and run firebreak init again.',
        cause: error,
      },
    );
  }
}
