/**
 * What of the Amazon States Language the state machines rest on, and how AWS, the sandbox's interpreter (aws-local-stepfunctions)
 * and moto's run it. test/conformance/asl-features.test.ts plays every row in the last two; docs/state-machines.md is made of it.
 */
import type { JsonObject } from '../core/json.ts';
import { code, page, table } from './markdown.ts';

/** What an execution ends with: its output, or the name of its error. */
export type End = { readonly output: unknown } | { readonly error: string };

export interface AslFeature {
  readonly feature: string;
  readonly states: JsonObject;
  readonly input: JsonObject;
  /** As the specification and the developer guide of Step Functions have it. */
  readonly aws: End;
  /** Where the interpreter ends otherwise. */
  readonly sandbox?: End;
  readonly moto?: End;
  /** What keeps a difference from mattering here. */
  readonly note?: string;
}

/** The name of the error is that of the interpreter; the cause has the error of the state. */
const UNNAMED = 'no state reads how an execution ended; a `Catch` inside gets the error by its own name';

const end = (state: JsonObject): JsonObject => ({ Own: { ...state, End: true } });
const done = { Type: 'Pass', Result: 'matched', End: true };
const otherwise = { Type: 'Pass', Result: 'default', End: true };
const choice = (rule: JsonObject): JsonObject => ({
  Own: { Type: 'Choice', Choices: [{ ...rule, Next: 'Matched' }], Default: 'Otherwise' },
  Matched: done,
  Otherwise: otherwise,
});
const inner = (state: JsonObject): JsonObject => ({
  ProcessorConfig: { Mode: 'INLINE' },
  StartAt: 'Inner',
  States: { Inner: { End: true, ...state } },
});

export const ASL_FEATURES: readonly AslFeature[] = [
  {
    feature: '`ResultPath: null` keeps the input',
    states: end({ Type: 'Pass', Result: 1, ResultPath: null }),
    input: { a: 1 },
    aws: { output: { a: 1 } },
  },
  {
    feature: '`ResultPath` puts the result into the input',
    states: end({ Type: 'Pass', Result: 1, ResultPath: '$.b.c' }),
    input: { a: 1 },
    aws: { output: { a: 1, b: { c: 1 } } },
  },
  {
    feature: '`IsPresent` of a path that is absent does not match',
    states: choice({ Variable: '$.a', IsPresent: true }),
    input: {},
    aws: { output: 'default' },
  },
  {
    feature: '`And` with `IsPresent` first does not look at the rest',
    states: choice({
      And: [
        { Variable: '$.a', IsPresent: true },
        { Variable: '$.a', BooleanEquals: true },
      ],
    }),
    input: {},
    aws: { output: 'default' },
  },
  {
    feature: 'A comparison with a path that is absent',
    states: choice({ Variable: '$.a', StringEquals: 'x' }),
    input: {},
    aws: { error: 'States.Runtime' },
    sandbox: { error: 'ExecutionError' },
    moto: { output: 'default' },
    note: 'every comparison of a path that may be absent stands behind `IsPresent`',
  },
  {
    feature: '`NumericLessThan` of a text does not match',
    states: choice({ Variable: '$.a', NumericLessThan: 5 }),
    input: { a: '1' },
    aws: { output: 'default' },
    sandbox: { output: 'matched' },
    note: 'the one comparison of numbers stands behind `IsNumeric`',
  },
  {
    feature: '`StringEquals` of `null` does not match',
    states: choice({ Variable: '$.a', StringEquals: 'x' }),
    input: { a: null },
    aws: { output: 'default' },
  },
  {
    feature: 'No rule matches and there is no `Default`',
    states: {
      Own: { Type: 'Choice', Choices: [{ Variable: '$.a', StringEquals: 'x', Next: 'Matched' }] },
      Matched: done,
    },
    input: { a: 'y' },
    aws: { error: 'States.NoChoiceMatched' },
    sandbox: { error: 'ExecutionError' },
    moto: { error: 'States.Runtime' },
    note: 'every `Choice` has a `Default`',
  },
  {
    feature: '`Parameters` with a path that is absent',
    states: end({ Type: 'Pass', Parameters: { 'b.$': '$.a' } }),
    input: {},
    aws: { error: 'States.ParameterPathFailure' },
    sandbox: { error: 'ExecutionError' },
    moto: { error: 'States.Runtime' },
    note: UNNAMED,
  },
  {
    feature: '`Fail` with `Error` and `Cause`',
    states: { Own: { Type: 'Fail', Error: 'Firebreak.Ended', Cause: 'why' } },
    input: {},
    aws: { error: 'Firebreak.Ended' },
    sandbox: { error: 'ExecutionError' },
    note: UNNAMED,
  },
  {
    feature: '`Map` over an empty list',
    states: end({ Type: 'Map', ItemsPath: '$.list', ItemProcessor: inner({ Type: 'Pass' }) }),
    input: { list: [] },
    aws: { output: [] },
  },
  {
    feature: '`Map` with `ItemSelector` and `$$.Map.Item.Value`, in the order of the list',
    states: end({
      Type: 'Map',
      ItemsPath: '$.list',
      MaxConcurrency: 2,
      ItemSelector: { 'item.$': '$$.Map.Item.Value', 'own.$': '$.own' },
      ItemProcessor: inner({ Type: 'Pass' }),
    }),
    input: { list: [1, 2, 3], own: 'x' },
    aws: {
      output: [
        { item: 1, own: 'x' },
        { item: 2, own: 'x' },
        { item: 3, own: 'x' },
      ],
    },
  },
  {
    feature: '`Map` whose `ItemsPath` is absent',
    states: end({ Type: 'Map', ItemsPath: '$.list', ItemProcessor: inner({ Type: 'Pass' }) }),
    input: {},
    aws: { error: 'States.Runtime' },
    sandbox: { error: 'ExecutionError' },
    note: UNNAMED,
  },
  {
    feature: 'An item of a `Map` that fails ends the execution with its error',
    states: end({
      Type: 'Map',
      ItemsPath: '$.list',
      ItemProcessor: { StartAt: 'Inner', States: { Inner: { Type: 'Fail', Error: 'Firebreak.Item' } } },
    }),
    input: { list: [1] },
    aws: { error: 'Firebreak.Item' },
    sandbox: { error: 'ExecutionError' },
    note: UNNAMED,
  },
  {
    feature: '`Catch` of `States.ALL` around a `Map`, with `ResultPath`',
    states: {
      Own: {
        Type: 'Map',
        ItemsPath: '$.list',
        ItemProcessor: { StartAt: 'Inner', States: { Inner: { Type: 'Fail', Error: 'Firebreak.Item' } } },
        Catch: [{ ErrorEquals: ['States.ALL'], ResultPath: '$.failed', Next: 'Caught' }],
        End: true,
      },
      Caught: { Type: 'Pass', InputPath: '$.failed.Error', End: true },
    },
    input: { list: [1] },
    aws: { output: 'Firebreak.Item' },
  },
  {
    feature: '`Wait` with `SecondsPath`',
    states: end({ Type: 'Wait', SecondsPath: '$.seconds' }),
    input: { seconds: 1 },
    aws: { output: { seconds: 1 } },
  },
  {
    feature: '`$$.Execution.Name` in `Parameters`',
    states: end({ Type: 'Pass', Parameters: { 'name.$': '$$.Execution.Name' } }),
    input: {},
    aws: { output: { name: 'played' } },
  },
];

const shown = (value: End): string =>
  'error' in value ? `fails with ${code(value.error)}` : `ends with ${code(JSON.stringify(value.output))}`;

/** Returns the page. */
export const aslPage = (): string =>
  page(
    '<!-- Generated by `npm run generate`: edit deploy/asl-features.ts instead. -->',
    '# State machines',
    'The files of statemachines/ run in three interpreters: on AWS, in the sandbox (aws-local-stepfunctions, with what sandbox/state-machine.ts adds: task tokens, timeouts, names, history, the 256 KiB limit) and in moto, where the deployed workflow is played. A test plays each row in the last two. An empty cell means: as on AWS. moto gives an output that is a text without the quotes of JSON.',
    table(
      ['Feature', 'AWS', 'Sandbox', 'moto', 'Why a difference does not matter'],
      ASL_FEATURES.map(({ feature, aws, sandbox, moto, note }) => [
        feature,
        shown(aws),
        sandbox ? shown(sandbox) : '',
        moto ? shown(moto) : '',
        note ?? '',
      ]),
    ),
  );
