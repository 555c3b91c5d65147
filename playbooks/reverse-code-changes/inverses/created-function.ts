import { z } from 'zod';
import { arn } from '../../../core/aws/arn.ts';
import { defineInverse, textIn } from '../../common/changes/inverse.ts';
import { unlessGone } from '../../common/unless-gone.ts';

const FUNCTIONS = 'arn:${Partition}:lambda:${Region}:${Account}:function:*';

/** A function that was made runs no more: its reserved concurrency is 0. It is not deleted, since its code could not be made again. */
export const createdFunction = defineInverse({
  id: 'created-function',
  danger: 'persists',
  calls: {
    source: 'lambda.amazonaws.com',
    names: ['CreateFunction20150331'],
    alsoTold: ['PutFunctionConcurrency20171031', 'DeleteFunctionConcurrency20171031'],
  },
  does: 'a function that was created gets a reserved concurrency of 0, and is not deleted',
  resource: z.strictObject({ function: z.string().regex(/^[\w-]{1,64}$/) }),
  /** What is reserved; null: the function is gone. */
  value: z.union([z.literal('nothing reserved'), z.int().nonnegative()]).nullable(),
  effects({ name, request }) {
    // A name, an ARN or a part of one that ends with it [M-LAB].
    const named = textIn(request, 'functionName')?.replace(/^(?:.*:)?function:/, '');
    const resource = { function: named };
    if (name.startsWith('Put')) return [{ resource, left: request['reservedConcurrentExecutions'] }];
    if (name.startsWith('Delete')) return [{ resource, left: 'nothing reserved' }];
    return [{ resource, left: 'nothing reserved', before: 0 }];
  },
  listedAs: (of) => of.function,
  names: ({ scope }, of) => [arn(scope, 'lambda', `function:${of.function}`), of.function],
  says: (of) => `Stop function ${of.function}, which the principal created (reserved concurrency 0)`,
  async read(aws, of) {
    const { client, api } = await aws.lambda();
    const found = await unlessGone(
      client.send(new api.GetFunctionConcurrencyCommand({ FunctionName: of.function })),
    );
    return found ? (found.ReservedConcurrentExecutions ?? 'nothing reserved') : null;
  },
  async put(aws, of, to) {
    if (to === null) throw new Error('a function is never deleted');
    const { client, api } = await aws.lambda();
    const FunctionName = of.function;
    await (to === 'nothing reserved'
      ? client.send(new api.DeleteFunctionConcurrencyCommand({ FunctionName }))
      : client.send(
          new api.PutFunctionConcurrencyCommand({ FunctionName, ReservedConcurrentExecutions: to }),
        ));
  },
  remains: (of) => [`function ${of.function} is there, stopped: delete it once its code was looked at`],
  permissions: {
    read: [
      {
        actions: ['lambda:GetFunctionConcurrency'],
        resources: [FUNCTIONS],
        why: 'whether a function may run',
      },
    ],
    write: [
      {
        actions: ['lambda:PutFunctionConcurrency'],
        resources: [FUNCTIONS],
        why: 'a function that the principal created runs no more',
        worst: "stops any function that is not Firebreak's: an outage",
      },
    ],
    undo: [
      {
        actions: ['lambda:DeleteFunctionConcurrency'],
        resources: [FUNCTIONS],
        why: 'the function may run again',
        worst: 'lets any stopped function run again',
      },
    ],
  },
  words: { setting: 'Created function', why: 'it runs code of the attacker with its role' },
  example: {
    eventName: 'CreateFunction20150331',
    requestParameters: { functionName: 'refresh', runtime: 'python3.14' },
  },
});
