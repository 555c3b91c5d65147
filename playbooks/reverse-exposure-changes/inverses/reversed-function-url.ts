import { z } from 'zod';
import { arn } from '../../../core/aws/arn.ts';
import type { Aws } from '../../../core/aws/client.ts';
import { awsErrorName } from '../../../core/errors.ts';
import { defineInverse, textIn } from '../../common/changes/inverse.ts';
import { functionOf, functionResource } from '../../common/changes/lambda-function.ts';

const FUNCTIONS = 'arn:${Partition}:lambda:${Region}:${Account}:function:*';
/** Null: there is no URL. */
const auth = z.enum(['NONE', 'AWS_IAM']).nullable();

type Of = z.infer<typeof functionResource>;
const named = ({ function: FunctionName, qualifier }: Of) => ({
  FunctionName,
  ...(qualifier === null ? {} : { Qualifier: qualifier }),
});

/** A URL that anyone may call asks for a signature. It is not deleted: another one would have another address. */
export const reversedFunctionUrl = defineInverse({
  id: 'reversed-function-url',
  danger: 'exposes data',
  calls: {
    source: 'lambda.amazonaws.com',
    // With the version of the API or without it [M-LAB].
    names: [
      ...['CreateFunctionUrlConfig', 'UpdateFunctionUrlConfig'],
      ...['CreateFunctionUrlConfig20211031', 'UpdateFunctionUrlConfig20211031'],
    ],
  },
  does: 'a URL that was opened to everyone takes signed requests of IAM principals alone',
  resource: functionResource,
  value: auth,
  effects({ name, request }, scope) {
    const left = textIn(request, 'authType');
    if (left === undefined) return [];
    const resource = functionOf(request, scope);
    // Lambda refuses to create a second one. What was made is closed, since undo could not make its address again.
    return [
      name.startsWith('Create')
        ? { resource, left, before: 'AWS_IAM' }
        : { resource, left, guess: 'AWS_IAM' },
    ];
  },
  listedAs: ({ function: name }) => name,
  names: ({ scope }, { function: name }) => [arn(scope, 'lambda', `function:${name}`), name],
  says: ({ function: name }) => `Let only signed requests through the URL of function ${name}`,
  byHand: (wanted) => (wanted === 'NONE' ? 'anyone could call the URL again' : undefined),
  read: liveAuth,
  async put(aws, of, to) {
    if (to === null) throw new Error('a function URL is not deleted');
    const { client, api } = await aws.lambda();
    await client.send(new api.UpdateFunctionUrlConfigCommand({ ...named(of), AuthType: to }));
  },
  remains: ({ function: name }) => [
    `the URL of ${name} stays: delete it where the principal created it, and no one needs its address`,
  ],
  permissions: {
    read: [
      {
        actions: ['lambda:GetFunctionUrlConfig'],
        resources: [FUNCTIONS],
        why: 'who may call the URL of a function',
      },
    ],
    write: [
      {
        actions: ['lambda:UpdateFunctionUrlConfig'],
        resources: [FUNCTIONS],
        condition: { StringEquals: { 'lambda:FunctionUrlAuthType': 'AWS_IAM' } },
        why: 'a function URL takes signed requests alone',
        worst: 'keeps the public from any function URL',
      },
    ],
    undo: [
      {
        actions: ['lambda:UpdateFunctionUrlConfig'],
        resources: [FUNCTIONS],
        condition: { StringEquals: { 'lambda:FunctionUrlAuthType': 'NONE' } },
        why: 'opens a function URL again that was closed',
        worst: 'opens any function URL to everyone, where its policy lets them',
      },
    ],
  },
  words: {
    setting: 'Function URL',
    why: 'without authentication anyone who knows it runs the function',
    values: { NONE: 'open to everyone', AWS_IAM: 'signed requests' },
  },
  example: {
    eventName: 'CreateFunctionUrlConfig',
    requestParameters: { functionName: 'export', authType: 'NONE' },
    responseElements: { authType: 'NONE', functionUrl: 'https://abc.lambda-url.us-east-1.on.aws/' },
  },
});

async function liveAuth(aws: Aws, of: Of): Promise<z.infer<typeof auth>> {
  const { client, api } = await aws.lambda();
  try {
    const { AuthType } = await client.send(new api.GetFunctionUrlConfigCommand(named(of)));
    return auth.parse(AuthType);
  } catch (error) {
    if (awsErrorName(error) === 'ResourceNotFoundException') return null;
    throw error;
  }
}
