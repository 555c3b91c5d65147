/**
 * The drills on moto, an emulator that shares nothing with the twin: what they make is made as AWS takes it, carries the tag that
 * the workflow asks for, is contained and undone exactly by the playbook, and all of it is removed. With IAM enforced where moto
 * can: what it could not show is printed.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateAccessKeyCommand, CreateUserCommand } from '@aws-sdk/client-iam';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DRILLS } from '../../cli/drill/drills.ts';
import { detailOf, kitFor, removeAll } from '../../cli/drill/engine.ts';
import { openLedger } from '../../cli/drill/ledger.ts';
import { KINDS } from '../../cli/drill/made.ts';
import type { Drill } from '../../cli/drill/scene.ts';
import { DRILL_TAG } from '../../core/incident/drill.ts';
import { callsAsOperator } from '../unrecorded.ts';
import { motoStage } from './moto-stage.ts';
import { onStage } from './on-stage.ts';
import { type Play, play } from './play.ts';

callsAsOperator();

const on = onStage(motoStage);
const DRILL = '0a1b2c3d4e5f';
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'firebreak-drill-moto-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** What moto lacks to contain: these are made, found by their tag and removed. */
const MADE_ONLY: Readonly<Record<string, string>> = {
  'deny-bucket-principal':
    "moto takes a bucket policy's statement without its condition, so that the deny falls on everyone",
  'isolate-instance': 'moto moves no packets, and adds groups to an interface instead of replacing them',
  'quarantine-object':
    "moto takes a bucket policy's statement without its condition, so that the deny falls on everyone",
  'restore-logging': 'moto has no event history of CloudTrail',
  'throttle-function': 'moto does not list provisioned concurrency',
};

const open = async (drill: Drill) => {
  const field = {
    ...{ aws: on.stage.aws(), fast: true, now: () => new Date() },
    caller: `arn:aws:iam::${on.stage.scope.account}:root`,
  };
  const { account, region } = on.stage.scope;
  const ledger = await openLedger(folder, {
    drill: DRILL,
    account,
    region,
    startedAt: new Date().toISOString(),
  });
  const kit = kitFor(field, ledger);
  const scene = await drill.play(kit);
  if (!('finding' in scene)) throw new Error(`${drill.playbook} drills a command`);
  const plan = () =>
    play(on.stage, on.table, 'fb-0a1b2c3d4e5f', detailOf(field, kit, drill.playbook, scene.finding));
  return { field, ledger, scene, plan };
};
const left = async () =>
  (await Promise.all(Object.values(KINDS).map(({ find }) => find(on.stage.aws())))).flat();

/** moto has no threat lists of GuardDuty, and does not list its filters. */
const PLAYBOOKS = DRILLS.filter(({ command }) => command === undefined);

const rows: object[] = [];

describe('on moto', () => {
  it.each(PLAYBOOKS.map(({ playbook }) => playbook))(
    '%s: made, found by its tag and removed; contained and undone exactly where moto can',
    async (id) => {
      const drill = DRILLS.find(({ playbook }) => playbook === id);
      if (!drill) throw new Error(id);
      const lacks = MADE_ONLY[id];
      if (lacks !== undefined) {
        on.lacking.add(`${id} contained: ${lacks}`);
        const made = await open(drill);
        expect(new Set((await left()).map(({ drill: by }) => by))).toEqual(new Set([DRILL]));
        await removeAll(made.field, undefined, []);
        expect(await left()).toEqual([]);
        rows.push({ playbook: id, contained: false, undone: 'not shown', removed: true, notShown: lacks });
        return;
      }
      const { field, ledger, scene, plan } = await open(drill);
      const before = await scene.state();
      const played: Play = await plan();
      expect(played.plan.tags[DRILL_TAG]).toBe(DRILL);
      const result = await played.contain();
      expect(result.steps.map(({ status }) => status)).not.toContain('failed');
      expect(await scene.state()).not.toEqual(before);
      await played.undo();
      expect(await scene.state()).toEqual(before);
      await removeAll(field, [DRILL], ledger.record.made);
      expect(await left()).toEqual([]);
      rows.push({ playbook: id, contained: true, undone: 'exactly', removed: true, notShown: null });
    },
  );

  it('has its report in docs', async () => {
    await expect(`${JSON.stringify(rows, null, 2)}\n`).toMatchFileSnapshot('../../docs/drill-moto.json');
  });
});

describe('on moto with IAM enforced', () => {
  const enforce = async (on: boolean) => {
    const url = process.env['AWS_ENDPOINT_URL'] ?? '';
    const answer = await fetch(`${url}/moto-api/reset-auth`, { method: 'POST', body: on ? '0' : '1000000' });
    if (!answer.ok) throw new Error(`moto does not enforce IAM: ${answer.status}`);
  };

  it('the key of disable-user-keys reads before, is refused while contained, and reads again', async () => {
    const drill = DRILLS.find(({ playbook }) => playbook === 'disable-user-keys');
    if (!drill) throw new Error('no drill');
    const { field, ledger, scene, plan } = await open(drill);
    const { client, api } = await field.aws.iam();
    await client.send(new CreateUserCommand({ UserName: 'operator' }));
    const { AccessKey } = await client.send(new CreateAccessKeyCommand({ UserName: 'operator' }));
    await client.send(
      new api.PutUserPolicyCommand({
        ...{ UserName: 'operator', PolicyName: 'all' },
        PolicyDocument: JSON.stringify({
          Version: '2012-10-17',
          Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }],
        }),
      }),
    );
    const own = { ...process.env };
    try {
      process.env['AWS_ACCESS_KEY_ID'] = AccessKey?.AccessKeyId;
      process.env['AWS_SECRET_ACCESS_KEY'] = AccessKey?.SecretAccessKey;
      const operated = { ...field, aws: on.stage.aws() };
      await enforce(true);
      await scene.attack();
      const played = await plan();
      await played.contain();
      expect(await scene.holds()).toBe(true);
      await played.undo();
      expect(await scene.works()).toBe(true);
      await removeAll(operated, [DRILL], ledger.record.made);
    } finally {
      await enforce(false);
      Object.assign(process.env, {
        AWS_ACCESS_KEY_ID: own['AWS_ACCESS_KEY_ID'],
        AWS_SECRET_ACCESS_KEY: own['AWS_SECRET_ACCESS_KEY'],
      });
    }
    expect(await left()).toEqual([]);
    on.lacking.add('the deny of one session: moto evaluates no condition of a policy');
    on.lacking.add('anonymous reads of a bucket, throttled functions: moto refuses neither');
  });
});
