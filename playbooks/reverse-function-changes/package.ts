/** The package of a published version: the one place where the code from before, and that of an attacker, is kept. */
import { createHash } from 'node:crypto';
import { type Aws, pause } from '../../core/aws/client.ts';
import { FirebreakError } from '../../core/errors.ts';
import { publishedVersions } from './functions.ts';

/** Lambda takes 50 MB in a call; this is what a function of Firebreak holds in its memory three times over. */
export const MOST_BYTES = 30_000_000;
const TIMEOUT_MS = 30_000;

/** Returns the newest published version with this code. */
export async function versionWith(aws: Aws, name: string, sha256: string) {
  return (await publishedVersions(aws, name)).find(({ CodeSha256 }) => CodeSha256 === sha256);
}

const LOOKS = 12;
const BETWEEN_LOOKS_MS = 1000;

/**
 * Returns the newest version with the code of this hash, its package, and the key that encrypts it. A version that was just published may
 * not be listed yet, so it is looked for again. Throws where none has it, or the package has another hash [M-LAB]. The address is signed: it is in no error and no log.
 */
export async function packageWith(aws: Aws, FunctionName: string, sha256: string) {
  const resource = `function ${FunctionName}`;
  const next = 'Deploy the function again from your template.';
  let version = await versionWith(aws, FunctionName, sha256);
  for (let look = 1; !version && look < LOOKS; look++) {
    await pause(BETWEEN_LOOKS_MS);
    version = await versionWith(aws, FunctionName, sha256);
  }
  if (!version)
    throw new FirebreakError('StepFailed', 'no published version has this code any longer', {
      resource,
      next,
    });
  const { client, api } = await aws.lambda();
  const Qualifier = version.Version;
  const { Code } = await client.send(new api.GetFunctionCommand({ FunctionName, Qualifier }));
  const bytes = await downloaded(Code?.Location ?? '', `version ${Qualifier} of ${resource}`);
  if (createHash('sha256').update(bytes).digest('base64') !== sha256)
    throw new FirebreakError(
      'StepFailed',
      `the package of version ${Qualifier} is not the one that Lambda names`,
      {
        ...{ resource, next },
      },
    );
  return { version, bytes, SourceKMSKeyArn: Code?.SourceKMSKeyArn };
}

async function downloaded(location: string, resource: string): Promise<Uint8Array> {
  const lost = (why: string) =>
    new FirebreakError('Unreachable', `the package was not downloaded (${why})`, {
      resource,
      next: 'Run it again, or deploy the function again from your template.',
    });
  let response: Response;
  let bytes: Uint8Array;
  try {
    response = await fetch(location, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    bytes = new Uint8Array(await response.arrayBuffer());
  } catch (error) {
    throw lost(error instanceof Error ? error.name : 'no answer');
  }
  if (!response.ok) throw lost(`HTTP ${response.status}`);
  return bytes;
}
