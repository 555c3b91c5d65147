/** What `firebreak init` needs to know, and the small file in which a team keeps what is no secret. */
import { readFile, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { FirebreakError } from '../../core/errors.ts';

export const FILE = 'firebreak.json';

export const approver = z
  .string()
  .regex(/^[UWS][A-Z0-9]{2,}$/, 'a Slack user id (U…, W…) or user group id (S…)');
export const channel = z.string().regex(/^[CG][A-Z0-9]{2,}$/, 'a Slack channel id (C… or G…)');
export const teamId = z.string().regex(/^T[A-Z0-9]{2,}$/, 'a Slack workspace id (T…)');
export const appId = z.string().regex(/^A[A-Z0-9]{2,}$/, 'a Slack app id (A…)');
export const stageName = z.string().regex(/^[a-z][a-z0-9-]{0,15}$/, 'a short name such as prod');
export const regionName = z.string().regex(/^[a-z]{2,4}(-[a-z]+)+-\d{1,2}$/, 'a Region name');

const stage = z.strictObject({
  region: regionName,
  /** `--param` of the Serverless Framework; serverless.yml lists them. */
  params: z.record(z.string(), z.string()).default({}),
});
const file = z.strictObject({ stages: z.record(stageName, stage) });
export type StageSettings = z.output<typeof stage>;

/** Undefined where this stage was never set up here. Throws InputInvalid for a file that is not ours. */
export async function readStage(name: string): Promise<StageSettings | undefined> {
  return (await readAll())[name];
}

/** Every stage that was set up here. */
export const stageNames = async (): Promise<readonly string[]> => Object.keys(await readAll());

/** Writes the stage beside the others. */
export async function writeStage(name: string, settings: StageSettings | undefined): Promise<void> {
  const { [name]: _former, ...others } = await readAll();
  const stages = settings ? { ...others, [name]: settings } : others;
  await writeFile(FILE, `${JSON.stringify({ stages }, null, 2)}\n`);
}

async function readAll(): Promise<Readonly<Record<string, StageSettings>>> {
  let text: string;
  try {
    text = await readFile(FILE, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
  try {
    return file.parse(JSON.parse(text)).stages;
  } catch (error) {
    throw new FirebreakError(
      'InputInvalid',
      `${FILE} is not as init writes it: ${String(error).slice(0, 300)}`,
      {
        resource: FILE,
        next: `Mend it, or remove it and run firebreak init again.`,
        cause: error,
      },
    );
  }
}
