/**
 * `firebreak drill --live` against the stack deployed in moto, an emulator that shares nothing with the twin: the command starts the
 * deployed workflow through the drill's envelope, and the packaged functions contain and undo, in the pipeline's own account and in
 * a member account, with IAM enforced. What moto cannot show is printed, and in docs/drill.md.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { ModifyVpcAttributeCommand } from '@aws-sdk/client-ec2';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DRILLS } from '../../cli/drill/drills.ts';
import { type Field, kitFor, type Outcome, playOne, removeAll } from '../../cli/drill/engine.ts';
import { openLedger } from '../../cli/drill/ledger.ts';
import { KINDS } from '../../cli/drill/made.ts';
import type { Report } from '../../cli/drill/report.ts';
import type { Drill } from '../../cli/drill/scene.ts';
import type { Aws } from '../../core/aws/client.ts';
import { callsAsOperator } from '../unrecorded.ts';
import { type DrilledStack, MEMBER, OPERATOR_ROLE, openDrilled } from './drilled.ts';
import { DEPLOYMENT } from './stack.ts';

callsAsOperator();

/** The attacker's own calls show that it holds. */
const OUTSIDE = ['revoke-instance-session', 'revoke-role-sessions', 'disable-user-keys', 'restore-logging'];
/** The same, in a VPC with DNS names: moto cannot run a task in another one. In the pipeline's account. */
const WITH_NAMES = ['stop-task'];
/** Contained and undone by the workflow; what holds is read from the resource, since moto does not enforce it. */
const BY_STATE: Readonly<Record<string, string>> = {
  'block-public-bucket': 'moto refuses no anonymous read under a public access block',
  'throttle-function': 'moto runs no function, and so throttles none',
  'restrict-database': 'moto moves no packets',
};
const MADE_ONLY: Readonly<Record<string, string>> = {
  'deny-bucket-principal':
    "moto takes a bucket policy's statement without its condition, so that the deny falls on everyone",
  'isolate-instance': 'moto moves no packets, and adds groups to an interface instead of replacing them',
  'quarantine-object':
    "moto takes a bucket policy's statement without its condition, so that the deny falls on everyone from the start",
};
const NOT_PLAYED: Readonly<Record<string, string>> = {
  'contain-kubernetes-identity': 'moto has no access entries of EKS, and no Kubernetes API',
  suppress: 'moto does not list filters of GuardDuty',
  lists: 'moto has no lists of GuardDuty',
};
/** Printed with every run. */
const LIMITS = [
  'the deny of one session alone: moto evaluates no condition of a policy, so that every session of the role is refused',
  'the rights of the functions: moto matches resources of S3 alone, so that they run with all rights',
  'session policies and the external id of member accounts, which moto does not evaluate',
  'the start by the alias, which moto does not know: it is started by the name',
  'event histories of CloudTrail and provisioned concurrency, which moto does not have: they are answered as empty',
];

let on: DrilledStack;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'firebreak-drill-moto-'));
  on = await openDrilled();
  await on.enforceIam(true);
}, 900_000);
afterAll(async () => {
  await on?.stop();
  await rm(folder, { recursive: true, force: true });
  const lacking = { ...BY_STATE, ...MADE_ONLY, ...NOT_PLAYED };
  for (const line of [...LIMITS, ...Object.entries(lacking).map((pair) => pair.join(': '))])
    console.error(`not shown on moto: ${line}`);
});

const byId = (id: string): Drill => {
  const found = DRILLS.find(({ playbook }) => playbook === id);
  if (!found) throw new Error(`no drill of ${id}`);
  return found;
};
const ledgerOf = ({ aws }: Field, drill: string) => {
  const { account, region } = aws.scope;
  return openLedger(folder, { drill, account, region, startedAt: new Date().toISOString() });
};
const left = async ({ aws }: Field) =>
  (await Promise.all(PRESENT.map((kind) => KINDS[kind].find(aws)))).flat();
/** moto has none of the others. */
const PRESENT = (Object.keys(KINDS) as (keyof typeof KINDS)[]).filter(
  (kind) => kind !== 'filter' && kind !== 'list',
);

const played = new Map<string, readonly Outcome[]>();
const good = { contained: true, undone: 'exactly', removed: true };

it('has every drill in one of the groups', () => {
  const all = [
    ...OUTSIDE,
    ...WITH_NAMES,
    ...[BY_STATE, MADE_ONLY, NOT_PLAYED].flatMap((group) => Object.keys(group)),
  ];
  expect(all.sort()).toEqual(DRILLS.map(({ playbook }) => playbook).sort());
});

it.concurrent.each(OUTSIDE)(
  '%s: the command contains what a call of the attacker shows, undoes and removes it, in both accounts',
  async (id) => {
    const file = join(folder, `${id}.json`);
    const { status, said } = await on.firebreak(
      ...['drill', id, '--live', '--yes', '--stage', DEPLOYMENT.stage, '--report', file],
      ...['--accounts', `${DEPLOYMENT.account},${MEMBER}`, '--role', OPERATOR_ROLE],
    );
    expect(status, said).toBe(0);
    const { outcomes } = JSON.parse(await readFile(file, 'utf8')) as Report;
    expect(outcomes, said).toMatchObject([
      { playbook: id, account: DEPLOYMENT.account, ...good },
      { playbook: id, account: MEMBER, ...good },
    ]);
    played.set(id, outcomes);
  },
  900_000,
);

it.concurrent.each(WITH_NAMES)(
  '%s: the workflow contains what a call of the attacker shows, undoes and removes it',
  async (id) => {
    const drill: Drill = {
      ...byId(id),
      play: (kit) =>
        byId(id).play({
          ...kit,
          async make(kind, name, create) {
            const made = await kit.make(kind, name, create);
            if (kind === 'vpc') await giveNames(kit.aws);
            return made;
          },
        }),
    };
    const ledger = await ledgerOf(on.field, '0a1b2c3d4d10');
    const outcome = await playOne(on.field, ledger, drill);
    expect(outcome, outcome.notes.join()).toMatchObject(good);
    played.set(id, [outcome]);
  },
  900_000,
);

async function giveNames(aws: Aws): Promise<void> {
  const { client, api } = await aws.ec2();
  const { Vpcs = [] } = await client.send(new api.DescribeVpcsCommand({}));
  for (const { VpcId } of Vpcs)
    await client.send(new ModifyVpcAttributeCommand({ VpcId, EnableDnsHostnames: { Value: true } }));
}

it.concurrent.each(Object.keys(BY_STATE))(
  '%s: the workflow contains what its resource shows, undoes and removes it',
  async (id) => {
    const drill: Drill = {
      ...byId(id),
      async play(kit) {
        const scene = await byId(id).play(kit);
        if (!('finding' in scene)) throw new Error(`${id} drills a command`);
        const before = await scene.state();
        const works = async () => isDeepStrictEqual(await scene.state(), before);
        return { ...scene, attack: async () => undefined, works, holds: async () => !(await works()) };
      },
    };
    const ledger = await ledgerOf(on.field, `0a1b2c3d4e${10 + Object.keys(BY_STATE).indexOf(id)}`);
    const outcome = await playOne(on.field, ledger, drill);
    expect(outcome, outcome.notes.join()).toMatchObject(good);
    played.set(id, [outcome]);
  },
  900_000,
);

it.each(Object.keys(MADE_ONLY))('%s: made, found by its tag and removed', async (id) => {
  const drill = `0a1b2c3d4f${10 + Object.keys(MADE_ONLY).indexOf(id)}`;
  const ledger = await ledgerOf(on.field, drill);
  await byId(id).play(kitFor(on.field, ledger));
  expect(new Set((await left(on.field)).map(({ drill: by }) => by))).toEqual(new Set([drill]));
  await removeAll(on.field, undefined, []);
  expect(await left(on.field)).toEqual([]);
});

it('leaves nothing in either account, and has its report in docs', async () => {
  expect(await left(on.field)).toEqual([]);
  const cleaned = await on.firebreak(
    ...['drill', '--clean', '--live', '--stage', DEPLOYMENT.stage],
    ...['--accounts', MEMBER, '--role', OPERATOR_ROLE],
  );
  expect(cleaned.said).toContain('No drill has left anything');
  expect(on.used()).toEqual(
    expect.arrayContaining(['enrich', 'contain', 'verify', 'investigate', 'report', 'undo']),
  );
  const rows = DRILLS.map(({ playbook }) => ({
    playbook,
    seen: [...OUTSIDE, ...WITH_NAMES].includes(playbook)
      ? 'outside'
      : playbook in BY_STATE
        ? 'state'
        : 'not shown',
    accounts: played.get(playbook)?.length ?? 0,
    undone: played.get(playbook)?.[0]?.undone ?? 'not shown',
    removed: !(playbook in NOT_PLAYED),
    notShown: BY_STATE[playbook] ?? MADE_ONLY[playbook] ?? NOT_PLAYED[playbook] ?? null,
  }));
  const text = `${JSON.stringify({ limits: LIMITS, rows }, null, 2)}\n`;
  await expect(text).toMatchFileSnapshot('../../docs/drill-moto.json');
});
