import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseFinding } from '../../core/finding/finding.ts';
import type { TwinFunction } from '../../sandbox/twin/lambda.ts';
import { createTwin } from '../../sandbox/twin/twin.ts';
import { findingOn } from '../../sandbox/worlds.ts';
import {
  type Accounts,
  playbookProperties,
  SCOPE,
  scene,
  sceneDatabase,
} from '../../test/playbooks/properties.ts';
import { throttleFunction } from './playbook.ts';

type World = Partial<TwinFunction>;
const accounts: Accounts<World> = {
  worlds: fc.record({
    reserved: fc.option(fc.integer({ min: 0, max: 500 }), { nil: null }),
    // Within what is reserved, as on AWS.
    provisioned: fc.constant({}),
    eventSources: fc.array(
      fc.integer({ min: 1, max: 99 }).map((index) => `arn:aws:sqs:eu-west-1:111122223333:queue-${index}`),
      { maxLength: 5 },
    ),
  }),
  open(twin, world) {
    twin.region().lambda.functions.push({
      FunctionName: 'orders',
      Role: 'arn:aws:iam::111122223333:role/orders',
      Timeout: 30,
      CodeSha256: 'abc',
      reserved: null,
      provisioned: {},
      eventSources: [],
      Tags: {},
      ...world,
    });
    return finding(twin);
  },
};
const finding = (twin: Parameters<typeof findingOn>[0], lambdaDetails: object = { functionName: 'orders' }) =>
  findingOn(twin, {
    seed: 'lambda',
    type: 'CryptoCurrency:Lambda/BitcoinTool.B',
    resource: { resourceType: 'Lambda', lambdaDetails: { ...lambdaDetails } },
  });

playbookProperties(throttleFunction, {
  ...accounts,
  worlds: fc.oneof(
    accounts.worlds,
    fc.record({
      reserved: fc.constantFrom(null, 200),
      provisioned: fc.dictionary(
        fc.constantFrom('1', '2', 'live', 'blue', 'green'),
        fc.integer({ min: 1, max: 40 }),
      ),
    }),
  ),
});

const database = sceneDatabase('throttle-function-test');
const open = (world: World) => scene(database(), throttleFunction, accounts, world);
const live = (at: ReturnType<typeof open>) => {
  const [found] = at.twin.region().lambda.functions;
  if (!found) throw new Error('the function is gone');
  return found;
};

it('refuses a function on Lambda Managed Instances, which reserved concurrency does not limit', async () => {
  const capacityProvider = 'arn:aws:lambda:eu-west-1:111122223333:capacity-provider:batch';
  const at = scene(database(), throttleFunction, accounts, { capacityProvider });
  expect(await at.plan()).toMatchObject({
    kind: 'refused',
    reason: expect.stringContaining('Lambda Managed Instances'),
    alternative: expect.stringContaining('PutFunctionScalingConfig'),
  });
});

describe('unset concurrency and provisioned configs', () => {
  it('a second incident joins, and only the last undo restores "unset"', async () => {
    const at = open({ reserved: null, provisioned: { live: 5, blue: 2 } });
    await at.contain('fb-aaaaaaaaaaaa');
    expect(live(at)).toMatchObject({ reserved: 0, provisioned: {} });
    await at.contain('fb-bbbbbbbbbbbb');
    expect((await at.journal()).find(({ id }) => id === 'concurrency')?.before).toBeNull();
    expect((await at.undo('fb-aaaaaaaaaaaa')).kind).toBe('held');
    expect(live(at).reserved).toBe(0);
    expect((await at.undo('fb-bbbbbbbbbbbb')).kind).toBe('undone');
    expect(live(at)).toMatchObject({ reserved: null, provisioned: { live: 5, blue: 2 } });
    expect(at.twin.calls.map(({ operation }) => operation)).toContain('DeleteFunctionConcurrency');
  });
});

describe('what goes wrong', () => {
  it('is not proven when someone lets it run again, and is left to a person', async () => {
    const at = open({ reserved: 10 });
    await at.contain();
    live(at).reserved = 7;
    expect(await at.prove()).toMatchObject({ proven: false, next: 'recontain' });
    expect((await at.contain()).steps.at(-1)?.status).toBe('drift');
    expect((await at.undo()).kind).toBe('partial');
    expect(live(at).reserved).toBe(7);
  });

  it('does not say contained when the write is denied', async () => {
    const at = open({});
    at.twin.failNext('PutFunctionConcurrency', 'AccessDenied');
    expect((await at.contain()).steps).toMatchObject([{ status: 'failed', retry: false }]);
    expect(await at.prove()).toMatchObject({ proven: false });
  });

  it('refuses its own functions and protected ones', async () => {
    const at = open({});
    const planIn = (account: string) =>
      at.plan('fb-aaaaaaaaaaaa', true, [`arn:*:lambda:*:${account}:function:${at.target.id}`]);
    expect(await planIn(SCOPE.account)).toMatchObject({ kind: 'refused' });
    expect(await planIn('999999999999')).toMatchObject({ kind: 'plan' });
  });

  it('says that a deleted function is gone', async () => {
    const at = open({});
    at.twin.region().lambda.functions = [];
    await expect(at.plan()).rejects.toMatchObject({ code: 'ResourceNotFound' });
  });
});

describe('the target', () => {
  const choose = (details: object) =>
    throttleFunction.targetOf(parseFinding(finding(createTwin(SCOPE), details)));
  it('is the function without version or alias', () => {
    for (const functionArn of ['', ':live', ':3']) {
      expect(
        choose({ functionArn: `arn:aws:lambda:eu-west-1:111122223333:function:orders${functionArn}` }),
      ).toMatchObject({ ok: true, target: { id: 'orders' } });
    }
  });
  it('is found through any form of its name, and through its ARN where the name says nothing', () => {
    const arn = 'arn:aws:lambda:eu-west-1:111122223333:function:orders:12';
    for (const functionName of [
      '',
      null,
      'orders',
      'orders:prod',
      arn,
      '111122223333:function:orders',
      '$LATEST',
    ])
      expect(choose({ functionName, functionArn: arn })).toMatchObject({ target: { id: 'orders' } });
  });
  it.each([[{}], [{ functionName: 'a/../b' }], [{ functionName: 7.5 }], [{ functionName: 'x'.repeat(65) }]])(
    'is none in %j',
    (details) => {
      expect(choose(details).ok).toBe(false);
    },
  );
});
