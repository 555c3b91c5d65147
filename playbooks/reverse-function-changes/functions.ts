/** How records and Lambda name a function, what its answers show, and what is live of it. */
import { z } from 'zod';
import { arn } from '../../core/aws/arn.ts';
import { type Aws, pause } from '../../core/aws/client.ts';
import { FirebreakError } from '../../core/errors.ts';
import { unlessGone } from '../common/unless-gone.ts';

export const LAMBDA = 'lambda.amazonaws.com';
export const FUNCTIONS = 'arn:${Partition}:lambda:${Region}:${Account}:function:*';
export const CODE_CHANGED = 'UpdateFunctionCode20150331v2';
export const CONFIGURED = 'UpdateFunctionConfiguration20150331v2';
/** Their answers show the function as it is then, all but its environment [M-LAB]. */
export const SHOWING = ['CreateFunction20150331', 'PublishVersion20150331'];

export const lambdaFunction = z.strictObject({ function: z.string().regex(/^[\w-]{1,64}$/) });

export const functionNames = ({ scope }: Aws, of: { readonly function: string }): readonly string[] => [
  arn(scope, 'lambda', `function:${of.function}`),
  of.function,
];

/** Returns the function as it runs where no version is named; undefined where it is gone. */
export async function liveFunction(aws: Aws, FunctionName: string) {
  const { client, api } = await aws.lambda();
  return unlessGone(client.send(new api.GetFunctionConfigurationCommand({ FunctionName })));
}

export const READ_FUNCTION = {
  actions: ['lambda:GetFunctionConfiguration', 'lambda:ListVersionsByFunction'],
  resources: [FUNCTIONS],
  why: 'what a function runs, and which versions of it were published',
};

/** Of a version that has what the attacker left. */
export const KEPT = 'Kept by Firebreak: what was there before a reversal';

export const PUBLISH = {
  actions: ['lambda:PublishVersion'],
  resources: [FUNCTIONS],
  why: 'what the attacker left of a function is kept as a version of it',
  worst: 'publishes versions of any function, which take space',
};

/** Returns the published versions of a function, the newest first. */
export async function publishedVersions(aws: Aws, FunctionName: string) {
  const { client, api } = await aws.lambda();
  const found: Awaited<ReturnType<typeof liveFunction>>[] = [];
  let Marker: string | undefined;
  do {
    const asked = { FunctionName, ...(Marker === undefined ? {} : { Marker }) };
    const page = await unlessGone(client.send(new api.ListVersionsByFunctionCommand(asked)));
    found.push(...(page?.Versions ?? []).map((one) => ({ ...one, $metadata: {} })));
    Marker = page?.NextMarker;
  } while (Marker !== undefined);
  return found
    .flatMap((one) => (one && /^\d+$/.test(one.Version ?? '') ? [one] : []))
    .sort((a, b) => Number(b.Version) - Number(a.Version));
}

/** Returns the newest version that was published before a time. */
export async function versionBefore(aws: Aws, of: string, time: string) {
  const published = await publishedVersions(aws, of);
  const found = published.find(({ LastModified = time }) => new Date(LastModified).toISOString() < time);
  if (!found?.LastModified) return undefined;
  return { config: found, at: new Date(found.LastModified).toISOString(), from: `version ${found.Version}` };
}

const LOOKS = 30;
const BETWEEN_LOOKS_MS = 1000;

/** Waits until a change is in force: until then the function runs what it was before. Throws where Lambda gave the change up. */
export async function settled(aws: Aws, FunctionName: string): Promise<void> {
  const failed = (what: string) =>
    new FirebreakError('StepFailed', what, {
      resource: `function ${FunctionName}`,
      next: 'Look at the function in Lambda; run it again.',
    });
  for (let look = 0; look < LOOKS; look++) {
    const live = await liveFunction(aws, FunctionName);
    if (live?.LastUpdateStatus === 'Failed')
      throw failed(`Lambda did not update the function: ${live.LastUpdateStatusReasonCode ?? 'no reason'}`);
    if (live?.LastUpdateStatus !== 'InProgress') return;
    await pause(BETWEEN_LOOKS_MS);
  }
  throw failed('Lambda is still updating the function');
}
