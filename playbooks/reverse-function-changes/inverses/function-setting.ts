import { z } from 'zod';
import type { Json, JsonObject } from '../../../core/json.ts';
import { sameJson } from '../../../core/json.ts';
import { defineInverse, objectsIn, textIn } from '../../common/changes/inverse.ts';
import { functionOf } from '../../common/changes/lambda-function.ts';
import {
  CODE_CHANGED,
  CONFIGURED,
  FUNCTIONS,
  functionNames,
  LAMBDA,
  lambdaFunction,
  liveFunction,
  READ_FUNCTION,
  SHOWING,
  settled,
  versionBefore,
} from '../functions.ts';

const LAYER = /^arn:[a-z-]+:lambda:[a-z0-9-]+:\d{12}:layer:[\w-]{1,140}:\d{1,9}$/;
const SETTINGS = ['handler', 'layers', 'runtime'] as const;
type Setting = (typeof SETTINGS)[number];

/** What of the settings lets other code run with that of the function. A role is not passed. */
export const functionSetting = defineInverse({
  id: 'function-setting',
  danger: 'persists',
  calls: { source: LAMBDA, names: [CONFIGURED], alsoTold: [CODE_CHANGED, ...SHOWING] },
  does: 'layers, handler and runtime are as they were',
  resource: lambdaFunction.extend({ setting: z.enum(SETTINGS) }),
  value: z
    .union([z.array(z.string().regex(LAYER)).max(5), z.string().regex(/^[\x21-\x7e]{1,128}$/)])
    .nullable(),
  effects({ name, request, response }, scope) {
    const of = functionOf(request, scope).function;
    return SETTINGS.map((setting) => {
      const left = settingIn(response, setting);
      // What the call does not name it leaves as it was.
      const kept = name === CONFIGURED && request[setting] === undefined;
      return { resource: { function: of, setting }, left, ...(kept ? { before: left } : {}) };
    });
  },
  listedAs: (of) => of.function,
  recorded: {
    of: ({ function: id }) => ({ type: 'AWS::Lambda::Function', id }),
    value: ({ configuration }, { setting }) => settingIn(configuration, setting),
  },
  async kept(aws, of, before) {
    const found = await versionBefore(aws, of.function, before);
    const value = found && liveSetting(found.config, of.setting);
    if (!found || value === undefined) return undefined;
    return { value, at: found.at, from: found.from, unsure: ['it may have been changed after that'] };
  },
  names: functionNames,
  says: (of, wanted) =>
    `Restore the ${of.setting} of function ${of.function}: ${[wanted].flat().join(', ') || 'none'}`,
  async read(aws, of) {
    const live = await liveFunction(aws, of.function);
    return (live && liveSetting(live, of.setting)) ?? null;
  },
  async put(aws, { function: FunctionName, setting }, to) {
    const { client, api } = await aws.lambda();
    const name = `${setting.slice(0, 1).toUpperCase()}${setting.slice(1)}`;
    await client.send(new api.UpdateFunctionConfigurationCommand({ FunctionName, [name]: to }));
    await settled(aws, FunctionName);
  },
  never: (of, value) =>
    value === null ? `function ${of.function} had no ${of.setting}, which is for you to restore` : undefined,
  same: (a, b) => sameJson(a, b),
  permissions: {
    read: [READ_FUNCTION],
    write: [
      {
        actions: ['lambda:UpdateFunctionConfiguration'],
        resources: [FUNCTIONS],
        why: 'layers, handler and runtime of a function are as they were',
        worst:
          "runs what a layer or variable has with the role of any function that is not Firebreak's, and has any function fail",
      },
      {
        actions: ['lambda:GetLayerVersion'],
        // A layer may be another account's; Lambda asks whether the caller may use it.
        resources: ['arn:${Partition}:lambda:${Region}:*:layer:*'],
        why: 'the layers from before may be used again',
        worst: 'reads the code of any layer that the account may use',
      },
    ],
  },
  words: { setting: 'Setting of a function', why: 'it says what runs with the role of the function' },
  example: {
    eventName: CONFIGURED,
    requestParameters: { functionName: 'orders', handler: 'wrap.main' },
    responseElements: { functionName: 'orders', handler: 'wrap.main', runtime: 'python3.14' },
  },
});

/** Of an answer that CloudTrail recorded, or an item of AWS Config, which spells them alike [M]. */
const settingIn = (from: JsonObject, setting: Setting): Json | undefined =>
  setting === 'layers'
    ? textIn(from, 'functionName') && (objectsIn(from, 'layers') ?? []).map((one) => textIn(one, 'arn') ?? '')
    : textIn(from, setting);

const liveSetting = (
  { Layers = [], Handler, Runtime }: NonNullable<Awaited<ReturnType<typeof liveFunction>>>,
  setting: Setting,
): string | string[] | undefined =>
  setting === 'layers' ? Layers.map(({ Arn = '' }) => Arn) : setting === 'handler' ? Handler : Runtime;
