import { z } from 'zod';
import { isJsonObject, type JsonObject } from '../../../core/json.ts';
import { defineInverse, textIn, valueIn } from '../../common/changes/inverse.ts';
import { functionOf } from '../../common/changes/lambda-function.ts';
import { unlessGone } from '../../common/unless-gone.ts';
import { FUNCTIONS, functionNames, LAMBDA, lambdaFunction } from '../functions.ts';

const version = z.string().regex(/^(\$LATEST|\d{1,9})$/);
const alias = z
  .strictObject({ version, weights: z.record(z.string().regex(/^\d{1,9}$/), z.number().min(0).max(1)) })
  .nullable();

/** An alias leads to the version from before; the other version stays. */
export const functionAlias = defineInverse({
  id: 'function-alias',
  danger: 'persists',
  calls: { source: LAMBDA, names: ['UpdateAlias20150331'], alsoTold: ['CreateAlias20150331'] },
  does: 'the alias leads to the versions from before, with their weights',
  resource: lambdaFunction.extend({ alias: z.string().regex(/^(?!\d+$)[\w-]{1,128}$/) }),
  value: alias,
  effects({ request, response }, scope) {
    const resource = { function: functionOf(request, scope).function, alias: textIn(request, 'name') };
    const left = { version: textIn(response, 'functionVersion'), weights: weightsIn(response) };
    return [{ resource, left }];
  },
  listedAs: (of) => of.function,
  names: functionNames,
  says: (of, wanted) => `Let alias ${of.alias} of function ${of.function} lead to version ${wanted?.version}`,
  async read(aws, of) {
    const { client, api } = await aws.lambda();
    const asked = { FunctionName: of.function, Name: of.alias };
    const live = await unlessGone(client.send(new api.GetAliasCommand(asked)));
    if (live?.FunctionVersion === undefined) return null;
    return { version: live.FunctionVersion, weights: live.RoutingConfig?.AdditionalVersionWeights ?? {} };
  },
  async put(aws, of, to) {
    if (to === null) throw new Error('an alias is never deleted');
    const { client, api } = await aws.lambda();
    await client.send(
      new api.UpdateAliasCommand({
        ...{ FunctionName: of.function, Name: of.alias, FunctionVersion: to.version },
        RoutingConfig: { AdditionalVersionWeights: to.weights },
      }),
    );
  },
  never: (of, value) =>
    value === null ? `alias ${of.alias} of function ${of.function} was not there` : undefined,
  permissions: {
    read: [{ actions: ['lambda:GetAlias'], resources: [FUNCTIONS], why: 'which versions an alias leads to' }],
    write: [
      {
        actions: ['lambda:UpdateAlias'],
        resources: [FUNCTIONS],
        why: 'an alias leads to the versions from before',
        worst: "lets an alias of any function that is not Firebreak's lead to another version of it",
      },
    ],
  },
  words: { setting: 'Alias of a function', why: 'who calls the function by the alias runs that version' },
  example: {
    eventName: 'UpdateAlias20150331',
    requestParameters: { functionName: 'orders', name: 'live', functionVersion: '8' },
    responseElements: { name: 'live', functionVersion: '8' },
  },
});

const weightsIn = (response: JsonObject): JsonObject => {
  const weights = valueIn(response, 'routingConfig', 'additionalVersionWeights');
  return isJsonObject(weights) ? weights : {};
};
