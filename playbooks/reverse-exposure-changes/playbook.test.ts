/** What an attacker opened to the internet is closed, and undo opens it again. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../core/json.ts';
import type { Caller } from '../../sandbox/attacker.ts';
import type { AccountTwin } from '../../sandbox/twin/twin.ts';
import { type Accounts, playbookProperties, scene, sceneDatabase } from '../../test/playbooks/properties.ts';
import {
  attempt,
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
import { exposureChanges, reverseExposureChanges } from './playbook.ts';

interface Asked {
  readonly service: 'Lambda' | 'RDS';
  readonly operation: string;
  readonly input: JsonObject;
}
const url = (operation: string, FunctionName: string, AuthType: string, more: JsonObject = {}): Asked => ({
  ...{ service: 'Lambda', operation: `${operation}FunctionUrlConfig` },
  input: { FunctionName, AuthType, ...more },
});
const database = (PubliclyAccessible: boolean): Asked => ({
  ...{ service: 'RDS', operation: 'ModifyDBInstance' },
  input: { DBInstanceIdentifier: 'orders', PubliclyAccessible },
});
const ATTACKS = {
  'open URL': url('Create', 'export', 'NONE'),
  'open URL of an alias': url('Create', 'export', 'NONE', { Qualifier: 'live' }),
  'URL opened': url('Update', 'signed', 'NONE'),
  'public database': database(true),
} as const;
type Attack = keyof typeof ATTACKS;
const ALL = Object.keys(ATTACKS) as Attack[];

/** RDS writes the first letters of its abbreviations so. */
function call(twin: AccountTwin, by: Caller, { service, operation, input }: Asked, at: Date): void {
  const { DBInstanceIdentifier, PubliclyAccessible } = input;
  const request = { dBInstanceIdentifier: DBInstanceIdentifier, publiclyAccessible: PubliclyAccessible };
  // A function has one URL.
  attempt(twin, by, {
    ...{ service, operation, input, at },
    ...(DBInstanceIdentifier && PubliclyAccessible !== undefined
      ? { record: { request: request as JsonObject } }
      : {}),
  });
}

type World = readonly Asked[];
let opened: AccountTwin | undefined;
function owned(twin: AccountTwin, mine: World): void {
  const region = twin.region(twin.scope.region);
  for (const FunctionName of ['export', 'signed'])
    region.lambda.functions.push({
      ...{ FunctionName, Role: 'arn:aws:iam::111122223333:role/app', Timeout: 3, CodeSha256: 'x' },
      ...{ reserved: null, provisioned: {}, eventSources: [], Tags: {} },
    });
  region.rds.databases.push({
    ...{ id: 'orders', cluster: false, Engine: 'postgres', VpcId: 'vpc-0000000000000a001' },
    ...{ groups: [], clusterId: null, PubliclyAccessible: false, Tags: {} },
  });
  for (const one of mine) call(twin, OWNER, one, LONG_AGO);
}
const accountsAfter = (...mine: World): Accounts<World> => ({
  worlds: fc
    .array(fc.constantFrom(...ALL), { maxLength: 4 })
    // One that leaves something to reverse in every order.
    .map((world) => ['open URL' as const, ...world].map((attack) => ATTACKS[attack])),
  runs: 8,
  open(twin, world) {
    opened = twin;
    owned(twin, mine);
    world.forEach((one, index) => {
      call(twin, THIEF, one, new Date(SEEN + 60_000 * (index + 1)));
    });
    return thiefFound(twin);
  },
  target: (finding) => targetIn(exposureChanges, opened, finding, finding.region),
});
const accounts = accountsAfter(url('Create', 'signed', 'AWS_IAM'), database(false));
playbookProperties(reverseExposureChanges, accounts);

const shared = sceneDatabase('reverse-exposure-changes-test');
const at = (...world: World) => scene(shared(), reverseExposureChanges, accounts, world);

describe('what was opened', () => {
  it.each(ALL)('%s: is closed, proven, and opened again by undo', async (attack) => {
    const here = at(ATTACKS[attack]);
    const before = here.account();
    const { steps } = await here.contain();
    expect(steps.map(({ status }) => status)).toEqual(['done']);
    const { lambda, rds } = here.twin.region(here.twin.scope.region);
    expect(rds.databases.map(({ PubliclyAccessible }) => PubliclyAccessible)).toEqual([false]);
    for (const { urls = {} } of lambda.functions) expect(Object.values(urls)).not.toContain('NONE');
    expect(await here.prove()).toMatchObject({ proven: true });
    await here.undo();
    expect(here.account()).toEqual(before);
  });

  it.each<readonly [string, Asked, Asked]>([
    ['a URL', url('Create', 'export', 'NONE'), url('Update', 'export', 'AWS_IAM')],
    ['a database', database(true), database(false)],
  ])(
    'is not opened by a reversal: %s that the principal closed is for a person',
    async (_what, mine, theirs) => {
      expect(
        await scene(shared(), reverseExposureChanges, accountsAfter(mine), [theirs]).plan(),
      ).toMatchObject({
        kind: 'refused',
        reason: expect.stringContaining('is for a person to restore'),
      });
    },
  );

  it('stays open where AWS Config knows that it was', async () => {
    const known: Accounts<World> = {
      ...accounts,
      open(twin, world) {
        const finding = accounts.open(twin, world);
        forgetTheOwner(twin, twin.scope.region);
        recorded(twin, twin.scope.region, {
          ...{ type: 'AWS::RDS::DBInstance', id: 'db-ABC', name: 'orders' },
          configuration: { publiclyAccessible: true },
        });
        return finding;
      },
    };
    const plan = await scene(shared(), reverseExposureChanges, known, [database(true)]).plan();
    expect(plan).toMatchObject({ kind: 'refused', reason: expect.stringContaining('is as it was') });
  });
});

it('reads the example of each answer, and each is about another kind', () =>
  readsItsExamples(exposureChanges));
