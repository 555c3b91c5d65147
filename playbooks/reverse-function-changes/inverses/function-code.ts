import { z } from 'zod';
import { awsCommand } from '../../../core/aws/command-line.ts';
import { defineInverse, textIn } from '../../common/changes/inverse.ts';
import { functionOf } from '../../common/changes/lambda-function.ts';
import {
  CODE_CHANGED,
  CONFIGURED,
  FUNCTIONS,
  functionNames,
  KEPT,
  LAMBDA,
  lambdaFunction,
  liveFunction,
  PUBLISH,
  READ_FUNCTION,
  SHOWING,
  settled,
  versionBefore,
} from '../functions.ts';
import { MOST_BYTES, packageWith, versionWith } from '../package.ts';

/**
 * The code is that from before, as a published version has it. That of the attacker is published as a version first: undo takes it
 * from there, and so may an investigation.
 */
export const functionCode = defineInverse({
  id: 'function-code',
  danger: 'persists',
  calls: { source: LAMBDA, names: [CODE_CHANGED, CONFIGURED], alsoTold: SHOWING },
  does: 'the code from before is written again from a published version that has it; the code that was there stays as a version',
  resource: lambdaFunction,
  /** The hash of a package, in base64. */
  value: z
    .string()
    .regex(/^[A-Za-z0-9+/]{43}=$/)
    .nullable(),
  effects({ name, request, response }, scope) {
    // The digest of a container image is none of a package.
    if (textIn(response, 'packageType') === 'Image') return [];
    const left = textIn(response, 'codeSha256');
    const resource = { function: functionOf(request, scope).function };
    return [{ resource, left, ...(name === CONFIGURED ? { before: left } : {}) }];
  },
  listedAs: (of) => of.function,
  recorded: {
    of: ({ function: id }) => ({ type: 'AWS::Lambda::Function', id }),
    value: ({ configuration }) => textIn(configuration, 'codeSha256'),
  },
  async kept(aws, of, before) {
    const found = await versionBefore(aws, of.function, before);
    const value = found?.config.CodeSha256;
    if (!found || value === undefined) return undefined;
    return { value, at: found.at, from: found.from, unsure: ['the code may have been changed after that'] };
  },
  async unable(aws, of, wanted) {
    if (wanted === null) return undefined;
    const [live, version] = await Promise.all([
      liveFunction(aws, of.function),
      versionWith(aws, of.function, wanted),
    ]);
    const why = !version
      ? 'no published version has the code from before'
      : (version.CodeSize ?? 0) > MOST_BYTES
        ? `its package is larger than ${MOST_BYTES / 1_000_000} MB`
        : live?.CapacityProviderConfig
          ? 'it has a capacity provider, which would start what is published as a version'
          : undefined;
    if (why === undefined) return undefined;
    const options = { region: aws.scope.region, 'function-name': of.function };
    const stop = awsCommand('lambda put-function-concurrency', {
      ...options,
      'reserved-concurrent-executions': '0',
    });
    return `${why}: deploy it again, and until then stop it: ${stop}`;
  },
  names: functionNames,
  says: (of) => `Restore the code of function ${of.function}`,
  read: async (aws, of) => (await liveFunction(aws, of.function))?.CodeSha256 ?? null,
  async put(aws, { function: FunctionName }, to, from) {
    if (to === null || from === null) throw new Error('a function is neither made nor deleted');
    const { client, api } = await aws.lambda();
    const { version, bytes, SourceKMSKeyArn } = await packageWith(aws, FunctionName, to);
    if (!(await versionWith(aws, FunctionName, from)))
      await client.send(new api.PublishVersionCommand({ FunctionName, CodeSha256: from, Description: KEPT }));
    await client.send(
      new api.UpdateFunctionCodeCommand({
        ...{ FunctionName, ZipFile: bytes, Architectures: version.Architectures },
        ...(SourceKMSKeyArn === undefined ? {} : { SourceKMSKeyArn }),
      }),
    );
    await settled(aws, FunctionName);
  },
  remains: (of) => [
    `the code that the principal wrote is kept as a published version of function ${of.function}: no alias or URL leads to it unless the principal set one`,
  ],
  permissions: {
    read: [READ_FUNCTION],
    write: [
      PUBLISH,
      {
        actions: ['lambda:GetFunction', 'lambda:UpdateFunctionCode'],
        resources: [FUNCTIONS],
        why: 'the code of a function is as it was, from a published version',
        worst:
          "runs code of its choice with the role of any function that is not Firebreak's, and reads the code of any function",
      },
    ],
  },
  words: { setting: 'Code of a function', why: 'it runs with the role of the function' },
  example: {
    eventName: CODE_CHANGED,
    requestParameters: { functionName: 'orders', s3Bucket: 'code', publish: false },
    responseElements: {
      ...{ functionName: 'orders', packageType: 'Zip', codeSize: 211, version: '$LATEST' },
      codeSha256: 'Pt1c8vVaBygmNtAeSyjlpdy7r8nHRqJAAL++HEGlQkc=',
    },
  },
});
