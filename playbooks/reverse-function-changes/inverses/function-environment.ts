import { z } from 'zod';
import { type Aws, pause } from '../../../core/aws/client.ts';
import { awsErrorName, FirebreakError, isAccessDenied, mayRetry } from '../../../core/errors.ts';
import { sameJson } from '../../../core/json.ts';
import { defineInverse } from '../../common/changes/inverse.ts';
import { functionOf } from '../../common/changes/lambda-function.ts';
import {
  CONFIGURED,
  FUNCTIONS,
  functionNames,
  KEPT,
  LAMBDA,
  lambdaFunction,
  liveFunction,
  PUBLISH,
  publishedVersions,
  READ_FUNCTION,
  settled,
  versionBefore,
} from '../functions.ts';

type Version = Awaited<ReturnType<typeof publishedVersions>>[number];

/** An environment by where it is kept: its values may be secrets, and are in memory alone. */
const environment = z.strictObject({
  /** The first published version that has it; null where none has. */
  version: z
    .string()
    .regex(/^\d{1,9}$/)
    .nullable(),
  /** When that was published or, without one, when the function was changed. */
  at: z.iso.datetime(),
  /** The newest version that there was: one that is published of it comes next. Null where a record is all that is known. */
  newest: z.int().nonnegative().nullable(),
});
type Environment = z.infer<typeof environment>;

/** The variables are those of a version from before. Those of the attacker are published as a version first, as its code is. */
export const functionEnvironment = defineInverse({
  id: 'function-environment',
  danger: 'persists',
  calls: { source: LAMBDA, names: [CONFIGURED] },
  does: 'the variables of the newest version published before the finding are set again; those that were there stay as a version',
  resource: lambdaFunction,
  value: environment.nullable(),
  // A record says that it was set, and not to what.
  coarse: true,
  effects({ at, request }, scope) {
    if (request['environment'] === undefined) return [];
    const left: Environment = { version: null, at, newest: null };
    return [{ resource: { function: functionOf(request, scope).function }, left }];
  },
  listedAs: (of) => of.function,
  async kept(aws, of, before) {
    const found = await versionBefore(aws, of.function, before);
    if (!found) return undefined;
    const value = placeOf(found.config, await publishedVersions(aws, of.function));
    return (
      value && { value, at: found.at, from: found.from, unsure: ['it may have been changed after that'] }
    );
  },
  async unable(aws, of) {
    const live = await liveFunction(aws, of.function);
    if (live?.KMSKeyArn !== undefined)
      return 'its environment has a key of its own, which Firebreak may not use: set it again from your template';
    return live?.CapacityProviderConfig
      ? 'it has a capacity provider, which would start what is published as a version: set it again from your template'
      : undefined;
  },
  names: functionNames,
  says: (of, wanted) => `Set the environment of function ${of.function} as version ${wanted?.version} has it`,
  async read(aws, of) {
    const live = await liveFunction(aws, of.function);
    if (!live) return null;
    const versions = await publishedVersions(aws, of.function);
    const newest = Number(versions[0]?.Version ?? 0);
    const at = new Date(live.LastModified ?? 0).toISOString();
    return placeOf(live, versions) ?? { version: null, at, newest };
  },
  async put(aws, { function: FunctionName }, to, from) {
    if (to === null || from === null) throw new Error('a function is neither made nor deleted');
    const { client, api } = await aws.lambda();
    if (to.version !== null && from.version === null)
      await client.send(new api.PublishVersionCommand({ FunctionName, Description: KEPT }));
    const Variables = variablesOf(await versionAt(aws, FunctionName, to));
    try {
      await client.send(
        new api.UpdateFunctionConfigurationCommand({ FunctionName, Environment: { Variables } }),
      );
    } catch (error) {
      if (isAccessDenied(error) || mayRetry(error)) throw error;
      // What Lambda says of an environment may repeat its values.
      throw failed(
        FunctionName,
        `Lambda did not take the environment (${awsErrorName(error) ?? 'an error'})`,
      );
    }
    await settled(aws, FunctionName);
  },
  same(a, b) {
    if (a === null || b === null) return a === b;
    if (a.version !== null && b.version !== null) return a.version === b.version;
    if (a.version === null && b.version === null) return true;
    // What was published since is what the function had then.
    return a.version === null ? b.at >= a.at : a.at >= b.at;
  },
  permissions: {
    read: [READ_FUNCTION],
    write: [
      PUBLISH,
      {
        actions: ['lambda:UpdateFunctionConfiguration'],
        resources: [FUNCTIONS],
        why: 'the environment of a function is as it was',
        worst: "sets variables of any function that is not Firebreak's, which may let other code in",
      },
    ],
  },
  words: { setting: 'Environment of a function', why: 'variables may have it load other code' },
  example: { eventName: CONFIGURED, requestParameters: { functionName: 'orders', environment: {} } },
});

const variablesOf = ({ Environment }: Pick<Version, 'Environment'>): Record<string, string> => ({
  ...Environment?.Variables,
});

/** Returns the first version that has the environment of this one; undefined where none has. */
function placeOf(of: Pick<Version, 'Environment'>, versions: readonly Version[]): Environment | undefined {
  // One that the key does not show is like no other.
  const shown = (one: Pick<Version, 'Environment'>) => one.Environment?.Error === undefined;
  const found = versions.findLast(
    (one) => shown(one) && shown(of) && sameJson(variablesOf(one), variablesOf(of)),
  );
  if (found?.Version === undefined) return undefined;
  const at = new Date(found.LastModified ?? 0).toISOString();
  return { version: found.Version, at, newest: null };
}

const LOOKS = 12;
const BETWEEN_LOOKS_MS = 1000;

/** Returns the version that has it: the one that was published of it comes next to the newest that there was. */
async function versionAt(aws: Aws, FunctionName: string, { version, newest }: Environment): Promise<Version> {
  for (let look = 0; look < LOOKS; look++) {
    if (look > 0) await pause(BETWEEN_LOOKS_MS);
    const versions = await publishedVersions(aws, FunctionName);
    const found =
      version === null
        ? versions.findLast((one) => newest !== null && Number(one.Version) > newest)
        : versions.find((one) => one.Version === version);
    if (found?.Environment?.Error)
      throw failed(FunctionName, `version ${found.Version} hides its environment`);
    if (found) return found;
  }
  throw failed(FunctionName, 'no published version has this environment any longer');
}

const failed = (FunctionName: string, what: string) =>
  new FirebreakError('StepFailed', what, {
    resource: `function ${FunctionName}`,
    next: 'Set the environment again from your template.',
  });
