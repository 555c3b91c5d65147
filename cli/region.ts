/** The Region as AWS's own command line finds it, and then the one in which `firebreak init` deployed the stage. */
import { FirebreakError } from '../core/errors.ts';
import { readStage } from './settings.ts';

/** Returns the Region that flag, AWS_REGION, AWS_DEFAULT_REGION or the profile names; undefined where none does. */
export async function namedRegion(flag: string | undefined): Promise<string | undefined> {
  const given = flag ?? process.env['AWS_REGION'] ?? process.env['AWS_DEFAULT_REGION'];
  if (given) return given;
  const { loadSharedConfigFiles } = await import('@smithy/core/config');
  const { configFile, credentialsFile } = await loadSharedConfigFiles();
  const profile = process.env['AWS_PROFILE'] ?? 'default';
  return configFile[profile]?.['region'] ?? credentialsFile[profile]?.['region'];
}

/** Returns the Region of a stage. Throws InputInvalid where nothing names one. */
export async function regionOf(flag: string | undefined, stage: string): Promise<string> {
  const region = (await namedRegion(flag)) ?? (await readStage(stage))?.region;
  if (region) return region;
  throw new FirebreakError('InputInvalid', 'no Region is given', {
    next: 'Give --region, set AWS_REGION, or set region in your AWS profile.',
  });
}
