/** What an attacker changed of functions is as it was, and undo restores what the attacker left. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Finding } from '../../core/finding/finding.ts';
import { type JsonObject, toJson } from '../../core/json.ts';
import type { Act, Caller } from '../../sandbox/attacker.ts';
import type { AccountTwin } from '../../sandbox/twin/twin.ts';
import { type Accounts, playbookProperties, scene, sceneDatabase } from '../../test/playbooks/properties.ts';
import {
  attempt,
  callOf,
  forgetTheOwner,
  LONG_AGO,
  OWNER,
  readsItsExamples,
  recorded,
  SEEN,
  THIEF,
  targetIn,
  thiefFound,
} from '../../test/playbooks/reversed.ts';
import { MOST_BYTES } from './package.ts';
import { functionChanges, reverseFunctionChanges } from './playbook.ts';

const FunctionName = 'orders';
const zip = (text: string): string => Buffer.from(text).toString('base64');
const hashOf = (text: string): string => createHash('sha256').update(text).digest('base64');
const layer = (name: string, account = '111122223333'): string =>
  `arn:aws:lambda:eu-west-1:${account}:layer:${name}:1`;

type Asked = Pick<Act, 'service' | 'operation' | 'input' | 'record'>;
/** Names of events that CloudTrail writes. */
const RECORDED: Readonly<Record<string, string>> = {
  CreateAlias: 'CreateAlias20150331',
  CreateEventSourceMapping: 'CreateEventSourceMapping20150331',
  PublishVersion: 'PublishVersion20150331',
  UpdateAlias: 'UpdateAlias20150331',
  UpdateEventSourceMapping: 'UpdateEventSourceMapping20150331',
  UpdateFunctionCode: 'UpdateFunctionCode20150331v2',
  UpdateFunctionConfiguration: 'UpdateFunctionConfiguration20150331v2',
};
const lambda = (operation: string, input: JsonObject): Asked => ({
  ...{ service: 'Lambda', operation, input: { FunctionName, ...input } },
  record: { name: RECORDED[operation] ?? operation },
});
const code = (text: string, more: JsonObject = {}): Asked =>
  lambda('UpdateFunctionCode', { ZipFile: zip(text), ...more });
const configured = (input: JsonObject): Asked => lambda('UpdateFunctionConfiguration', input);
/** As CloudTrail records it: without the variables. */
const variables = (Variables: JsonObject): Asked => ({
  ...configured({ Environment: { Variables } }),
  record: {
    name: 'UpdateFunctionConfiguration20150331v2',
    request: { functionName: FunctionName, environment: {} },
    response: { functionName: FunctionName, handler: 'app.main', runtime: 'python3.14', environment: {} },
  },
});
const QUEUE = 'arn:aws:sqs:eu-west-1:111122223333:x';
const OWN_MAPPING = '00000000-0000-4000-8000-0000000000aa';

/** What the attacker does, by a name for it. */
const ATTACKS = {
  'new code': code('evil'),
  'new code again': code('worse', { Publish: true }),
  'new layer': configured({ Layers: [layer('own'), layer('wrap', '444455556666')] }),
  'no layer': configured({ Layers: [] }),
  'other handler': configured({ Handler: 'wrap.main' }),
  'other runtime and handler': configured({ Runtime: 'provided.al2023', Handler: 'x' }),
  'new variables': variables({ TOKEN: 'swordfish', NODE_OPTIONS: 'hunter2' }),
  'no variables': variables({}),
  'published variables': lambda('PublishVersion', {}),
  'more memory': configured({ MemorySize: 1024 }),
  'other version': lambda('UpdateAlias', { Name: 'live', FunctionVersion: '$LATEST' }),
  'canary of theirs': lambda('UpdateAlias', {
    ...{ Name: 'live', FunctionVersion: '1' },
    RoutingConfig: { AdditionalVersionWeights: { 2: 0.5 } },
  }),
  'new queue': lambda('CreateEventSourceMapping', { EventSourceArn: QUEUE }),
  'queue off': lambda('UpdateEventSourceMapping', { UUID: OWN_MAPPING, Enabled: false }),
} as const satisfies Readonly<Record<string, Asked>>;
type Attack = keyof typeof ATTACKS;
const ALL = Object.keys(ATTACKS) as Attack[];

const acts = (twin: AccountTwin, caller: Caller, call: Asked, at: Date): void =>
  attempt(twin, caller, { ...call, at });

const functionIn = (twin: AccountTwin) => {
  const found = twin
    .region(twin.scope.region)
    .lambda.functions.find((one) => one.FunctionName === FunctionName);
  if (!found) throw new Error('the function is gone');
  return found;
};

function owned(twin: AccountTwin): void {
  const { lambda: held } = twin.region(twin.scope.region);
  held.functions = [
    {
      ...{ FunctionName, Role: 'arn:aws:iam::111122223333:role/app', Timeout: 3, CodeSha256: 'x' },
      ...{ reserved: null, provisioned: {}, eventSources: [], Tags: {} },
      ...{ handler: 'app.main', runtime: 'python3.14', layers: [layer('own')] },
      variables: { TOKEN: 'swordfish' },
    },
  ];
  held.mappings = { [OWN_MAPPING]: { FunctionName, enabled: true } };
  const calls: readonly Asked[] = [
    code('first', { Publish: true }),
    code('ours', { Publish: true }),
    lambda('CreateAlias', { Name: 'live', FunctionVersion: '2' }),
    lambda('UpdateEventSourceMapping', { UUID: OWN_MAPPING, Enabled: true }),
  ];
  for (const call of calls) acts(twin, OWNER, call, LONG_AGO);
  for (const version of functionIn(twin).versions ?? []) version.at = '2026-10-02T09:00:00.000+0000';
}

function open(twin: AccountTwin, attacks: readonly Attack[], more: readonly Asked[] = []): unknown {
  owned(twin);
  [...attacks.map((attack): Asked => ATTACKS[attack]), ...more].forEach((call, index) => {
    acts(twin, THIEF, call, new Date(SEEN + 60_000 * (index + 1)));
  });
  return thiefFound(twin);
}

let opened: AccountTwin | undefined;
const accounts: Accounts<readonly Attack[]> = {
  worlds: fc
    .array(fc.constantFrom(...ALL), { maxLength: 5 })
    // One that leaves something to reverse in every order.
    .map((attacks): Attack[] => ['new code', ...attacks, 'new queue']),
  runs: 8,
  open(twin, world) {
    opened = twin;
    return open(twin, world);
  },
  target: (finding: Finding) => targetIn(functionChanges, opened, finding, finding.region),
  /** Without the version that keeps the code of the attacker. */
  without: (account) =>
    JSON.parse(
      JSON.stringify(toJson(account), (key, value) =>
        key === 'versions' && Array.isArray(value)
          ? value.filter((one) => !String(one['Description']).startsWith('Kept by Firebreak'))
          : value,
      ),
    ),
};
playbookProperties(reverseFunctionChanges, accounts);

const database = sceneDatabase('reverse-function-changes-test');
const opening = (set: (twin: AccountTwin) => void) =>
  scene(
    database(),
    reverseFunctionChanges,
    {
      ...accounts,
      open(twin) {
        opened = twin;
        set(twin);
        return thiefFound(twin);
      },
    },
    [],
  );
const at = (attacks: readonly Attack[], ...more: Asked[]) =>
  opening((twin) => {
    open(twin, attacks, more);
  });
const kindsOf = ({ kind, ...plan }: { kind: string; steps?: readonly { kind: string }[] }) =>
  kind === 'plan' ? plan.steps?.map((step) => step.kind) : kind;

describe('what an attacker changed of a function', () => {
  const NOTHING: readonly string[] = ['more memory', 'published variables'];
  it.each(ALL.filter((attack) => !NOTHING.includes(attack)))(
    '%s: is reversed, proven, and undone exactly',
    async (attack) => {
      const here = at([attack]);
      const before = here.account();
      const { steps } = await here.contain();
      expect(steps.length).toBeGreaterThan(0);
      expect(steps.map(({ status }) => status)).toEqual(steps.map(() => 'done'));
      expect(await here.prove()).toMatchObject({ proven: true });
      expect(here.account()).not.toEqual(before);
      await here.undo();
      expect(here.account()).toEqual(before);
    },
  );

  it('is what it was before all of it', async () => {
    const here = at(ALL);
    const before = here.account();
    await here.contain();
    expect(functionIn(here.twin)).toMatchObject({
      ...{ CodeSha256: hashOf('ours'), code: zip('ours'), layers: [layer('own')] },
      ...{ handler: 'app.main', runtime: 'python3.14', variables: { TOKEN: 'swordfish' } },
      aliases: { live: { version: '2', weights: {} } },
    });
    const { mappings = {} } = here.twin.region(here.twin.scope.region).lambda;
    expect(Object.values(mappings).map(({ enabled }) => enabled)).toEqual([true, false]);
    await here.undo();
    expect(here.account()).toEqual(before);
  });

  it('is in a version before it is written over, and nowhere else', async () => {
    const here = at(['new code']);
    await here.contain();
    const changes = here.writes.map(({ operation }) => operation);
    expect(changes).toEqual(['PublishVersion', 'UpdateFunctionCode']);
    expect(functionIn(here.twin).versions?.at(-1)).toMatchObject({ Version: '3', code: zip('evil') });
    expect(JSON.stringify(await here.journal())).not.toContain(zip('evil'));
    expect(JSON.stringify(await here.journal())).not.toContain(zip('ours'));
  });

  it('in its environment is not stored, shown or said', async () => {
    const here = at(['new variables', 'new code', 'published variables']);
    const plan = await here.plan();
    expect(kindsOf(plan)).toEqual(['function-code', 'function-environment']);
    expect(plan.kind === 'plan' && plan.steps[1]?.describe).toContain('as version 1 has it');
    const { steps } = await here.contain();
    expect(steps.map(({ status }) => status)).toEqual(['done', 'done']);
    expect(functionIn(here.twin).variables).toEqual({ TOKEN: 'swordfish' });
    const proof = await here.prove();
    expect(proof).toMatchObject({ proven: true });
    const shown = JSON.stringify([plan, await here.state(), await here.journal(), proof]);
    await here.undo();
    expect(functionIn(here.twin).variables).toEqual({ TOKEN: 'swordfish', NODE_OPTIONS: 'hunter2' });
    const journal = JSON.stringify(await here.journal());
    for (const secret of ['swordfish', 'hunter2', 'NODE_OPTIONS']) {
      expect(shown).not.toContain(secret);
      expect(journal).not.toContain(secret);
    }
  });

  it('in its environment, and its owner set it since: it stays', async () => {
    const here = at(['new variables', 'new code']);
    acts(here.twin, OWNER, variables({ TOKEN: 'rotated' }), new Date(SEEN + 300_000));
    const plan = await here.plan();
    expect(kindsOf(plan)).toEqual(['function-code']);
    expect(plan.kind === 'plan' && plan.residual.join()).toContain('by another principal since');
  });

  it('in its environment, and Lambda repeats it in an error: the error does not', async () => {
    const here = at(['new variables']);
    here.twin.failNext('UpdateFunctionConfiguration', 'InvalidParameterValueException');
    const { steps } = await here.contain();
    expect(steps[0]?.status).toBe('failed');
    expect(steps[0]?.note).toContain('Lambda did not take the environment (InvalidParameterValueException)');
    expect(steps[0]?.note).not.toContain('asked for');
  });

  it.each([
    [
      'no version is from before',
      'not known',
      (found: ReturnType<typeof functionIn>) => delete found.versions,
    ],
    [
      'the environment has a key of its own',
      'which Firebreak may not use',
      (found: ReturnType<typeof functionIn>) => {
        found.kmsKey = 'arn:aws:kms:eu-west-1:111122223333:key/x';
      },
    ],
  ])('in its environment, and %s: named', async (_what, says, change) => {
    const here = at(['new variables', 'other handler']);
    change(functionIn(here.twin));
    const plan = await here.plan();
    expect(kindsOf(plan)).toEqual(['function-setting']);
    expect(plan.kind === 'plan' && plan.residual.join()).toContain(says);
  });

  it('that only gives it more memory asks for nothing', () => {
    expect(() => at(['more memory'])).toThrow('nothing was changed');
  });

  it('is the code that another call shows, where the one that wrote it is older than CloudTrail', async () => {
    const here = opening((twin) => {
      owned(twin);
      forgetTheOwner(twin, twin.scope.region);
      acts(twin, OWNER, configured({ Handler: 'app.main' }), new Date(LONG_AGO.getTime() + 60_000));
      acts(twin, THIEF, ATTACKS['more memory'], new Date(SEEN + 60_000));
      acts(twin, THIEF, ATTACKS['new code'], new Date(SEEN + 120_000));
    });
    const plan = await here.plan();
    expect(plan.kind === 'plan' && plan.warnings).toEqual([]);
    await here.contain();
    expect(functionIn(here.twin).code).toBe(zip('ours'));
  });

  it('that no record shows: the code and settings of the newest version from before, not sure', async () => {
    const here = at(['new code', 'new layer']);
    // What the owner did is older than CloudTrail, and so is what would say what the second call left.
    forgetTheOwner(here.twin, here.twin.scope.region);
    const plan = await here.plan();
    expect(kindsOf(plan)).toEqual(['function-code', 'function-setting']);
    expect(plan.kind === 'plan' && plan.steps[0]?.describe).toContain('from version 2; not sure');
    await here.contain();
    expect(functionIn(here.twin)).toMatchObject({ code: zip('ours'), layers: [layer('own')] });
  });

  it('that AWS Config shows: the code with that hash', async () => {
    const here = at(['new code']);
    const { region } = here.twin.scope;
    forgetTheOwner(here.twin, region);
    const configuration = { functionName: FunctionName, codeSha256: hashOf('first') };
    recorded(here.twin, region, { type: 'AWS::Lambda::Function', id: FunctionName, configuration });
    await here.contain();
    expect(functionIn(here.twin).code).toBe(zip('first'));
  });
});

describe('the code from before', () => {
  const withOne = (change: (found: ReturnType<typeof functionIn>) => void) => {
    const here = at(['new code', 'other handler']);
    change(functionIn(here.twin));
    return here;
  };
  it.each([
    [
      'is in no version',
      'no published version has the code',
      (found: ReturnType<typeof functionIn>) => {
        delete found.versions;
      },
    ],
    [
      'is too large',
      'larger than 30 MB',
      (found: ReturnType<typeof functionIn>) => {
        for (const version of found.versions ?? []) version.code = 'A'.repeat((MOST_BYTES / 3) * 4 + 4);
      },
    ],
    [
      'has a capacity provider',
      'would start what is published',
      (found: ReturnType<typeof functionIn>) => {
        found.capacityProvider = 'arn:aws:lambda:eu-west-1:111122223333:capacity-provider:x';
      },
    ],
  ])('%s: named, with the command that stops the function', async (_what, says, change) => {
    const here = withOne(change);
    const plan = await here.plan();
    expect(kindsOf(plan)).toEqual(['function-setting']);
    const residual = plan.kind === 'plan' ? plan.residual.join() : '';
    expect(residual).toContain(says);
    expect(residual).toContain(
      'aws lambda put-function-concurrency --region=eu-west-1 --function-name=orders --reserved-concurrent-executions=0',
    );
  });

  it('is not the one with the hash: nothing is written', async () => {
    const here = at(['new code']);
    for (const version of functionIn(here.twin).versions ?? []) version.code = zip('planted');
    const { steps } = await here.contain();
    expect(steps.map(({ status, note }) => [status, note])).toEqual([
      ['failed', expect.stringContaining('not the one that Lambda names')],
    ]);
    expect(here.writes).toEqual([]);
  });

  it('cannot be downloaded: the signed address is in no error', async () => {
    const here = at(['new code']);
    for (const version of functionIn(here.twin).versions ?? []) version.code = '%SECRET';
    const { steps } = await here.contain();
    expect(steps[0]?.status).toBe('failed');
    expect(JSON.stringify(steps)).not.toContain('SECRET');
  });
});

describe('what is left to a person', () => {
  it('a role and a container image', async () => {
    const request = {
      functionName: FunctionName,
      role: 'arn:aws:iam::111122223333:role/admin',
    };
    const call = {
      ...ATTACKS['more memory'],
      record: { name: 'UpdateFunctionConfiguration20150331v2', request },
    };
    const plan = await at(['new code'], call).plan();
    expect(plan.kind === 'plan' && plan.residual.join()).toContain(
      'role, which Firebreak does not pass of function orders was changed',
    );
    const image = callOf(
      {
        eventName: 'UpdateFunctionCode20150331v2',
        requestParameters: { functionName: FunctionName, imageUri: 'x' },
        responseElements: { functionName: FunctionName, packageType: 'Image', codeSha256: hashOf('x') },
      },
      'lambda.amazonaws.com',
    );
    const scope = { partition: 'aws', account: '111122223333', region: 'us-east-1' };
    for (const { effects, calls } of functionChanges.inverses)
      if (calls.names.includes(image.name)) expect(effects(image, scope)).toEqual([]);
    expect(functionChanges.byHand[0]?.next(image, scope)?.what).toContain(
      'container image of function orders',
    );
  });
});

describe('a record with hostile names', () => {
  const account = { partition: 'aws', account: '111122223333' };
  const left = { codeSha256: hashOf('x'), handler: 'x', functionName: 'x' };
  it.each([
    ['UpdateFunctionCode20150331v2', { functionName: '`id`' }, left],
    ['UpdateFunctionCode20150331v2', { functionName: 'orders' }, { codeSha256: '$(id)' }],
    ['UpdateFunctionConfiguration20150331v2', { functionName: 'a b', layers: ['x'] }, left],
    ['UpdateFunctionConfiguration20150331v2', { functionName: 'arn:aws:lambda:x:1:function:a;b' }, left],
    ['UpdateAlias20150331', { functionName: 'orders', name: '$(id)' }, { functionVersion: '1' }],
    ['UpdateAlias20150331', { functionName: 'orders', name: 'live' }, { functionVersion: '1;2' }],
    ['CreateEventSourceMapping20150331', { functionName: 'orders' }, { uUID: '--help' }],
    ['DeleteFunction20150331', { functionName: 'x y' }, {}],
  ])('%s leads to nothing: %j %j', (eventName, requestParameters, responseElements) => {
    const call = callOf({ eventName, requestParameters, responseElements }, 'lambda.amazonaws.com');
    expect(functionChanges.answers(call, account)).toBe(false);
  });
});

it('reads the example of each answer, and each is about another kind', () =>
  readsItsExamples(functionChanges));
