/** Someone makes noise that Firebreak answers automatically, so that the circuit breaker is open when it matters. */
import '../../sandbox/quiet.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parsePolicy } from '../../core/policy/policy.ts';
import { type Counted, countAuto } from '../../core/table/breaker.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import {
  type CredentialWorld,
  credentialFinding,
  credentialWorld,
  findingOn,
  THIEF_IP,
} from '../../sandbox/worlds.ts';
import { policyWithoutFollowUps } from '../policy-text.ts';
import { until } from '../workflow/people.ts';

let sandbox: Sandbox;
let world: CredentialWorld;
beforeEach(async () => {
  const text = await policyWithoutFollowUps();
  sandbox = await startSandbox({ policy: parsePolicy(text) });
  world = credentialWorld(sandbox.twin, 3);
});
afterEach(() => sandbox.close());

const theft = (seed = 'theft') => credentialFinding(sandbox.twin, world.stolen, { seed });
const contained = () =>
  sandbox.twin.request(world.stolen, { action: 's3:GetObject', resource: '*', sourceIp: THIEF_IP })
    .decision === 'explicitDeny';

const account = '111122223333';
let decisions = 0;
const counted = (parts: Partial<Counted>): Counted => ({
  decision: `fb-${++decisions}`,
  account,
  playbook: 'block-public-bucket',
  principals: ['user:noise'],
  resources: ['bucket/one'],
  ...parts,
});
/** Counts as the pipeline does, in the account of the sandbox. */
const count = (parts: Partial<Counted>, now = sandbox.runtime.now()) =>
  countAuto(sandbox.runtime.table, counted(parts), sandbox.runtime.policy.breakerLimits, now);

it('twelve malicious snapshots, which are only tagged, leave the allowance to the real theft', async () => {
  const ids = Array.from(
    { length: 12 },
    (_, index) => `snap-0123456789abcde${index.toString(16).padStart(2, '0')}`,
  );
  sandbox.twin.region().snapshots = ids.map((SnapshotId) => ({ SnapshotId, VolumeId: 'vol-1', Tags: {} }));
  for (const id of ids) {
    const execution = await sandbox.deliver(
      findingOn(sandbox.twin, {
        seed: id,
        type: 'Execution:EC2/MaliciousFile!Snapshot',
        resource: { ebsSnapshotDetails: { snapshotArn: `arn:aws:ec2:eu-west-1::snapshot/${id}` } },
      }),
    );
    await execution.ended;
  }
  const noise = await sandbox.incidents();
  expect(noise.map(({ decision }) => decision?.kind)).toEqual(ids.map(() => 'auto'));
  const execution = await sandbox.deliver(theft());
  expect(await execution.ended).toMatchObject({ output: { status: 'contained' } });
  expect(contained()).toBe(true);
});

describe('what is counted', () => {
  it('one principal uses up its own allowance and no one else’s', async () => {
    const answers: (string | undefined)[] = [];
    for (let index = 0; index < 20; index++)
      answers.push(await count({ resources: [`bucket/${index}`], playbook: `playbook-${index % 4}` }));
    expect(answers.filter((tripped) => tripped === undefined)).toHaveLength(5);
    expect(answers.at(-1)).toContain('principal user:noise has had 5 automatic containments this hour');
    for (const playbook of ['playbook-0', 'playbook-1', 'playbook-2'])
      expect(
        await count({ playbook, principals: ['role:thief'], resources: [`role/${playbook}`] }),
      ).toBeUndefined();
  });

  it('one resource that is reported again and again does the same', async () => {
    for (let index = 0; index < 5; index++)
      expect(await count({ principals: [`user:${index}`], playbook: `playbook-${index}` })).toBeUndefined();
    expect(await count({ principals: ['user:9'], playbook: 'playbook-9' })).toContain('resource bucket/one');
    expect(
      await count({ principals: ['user:9'], playbook: 'playbook-9', resources: ['bucket/two'] }),
    ).toBeUndefined();
  });

  it('one playbook is no reason to stop another, the account is, and the next hour starts again', async () => {
    const one = (index: number, playbook: string) =>
      count({ playbook, principals: [`user:${playbook}${index}`], resources: [`${playbook}/${index}`] });
    for (let index = 0; index < 30; index++) await one(index, 'noisy');
    expect(await one(30, 'noisy')).toContain('playbook noisy has had 5');
    for (let index = 0; index < 5; index++) expect(await one(index, 'other')).toBeUndefined();
    expect(await one(0, 'third')).toContain(`account ${account} has had 10`);
    const later = new Date(sandbox.runtime.now().getTime() + 3_600_000);
    expect(await count({ playbook: 'noisy' }, later)).toBeUndefined();
  });

  it('many at once never exceed the allowance', async () => {
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, index) => count({ resources: [`bucket/${index}`] })),
    );
    expect(answers.filter((tripped) => tripped === undefined).length).toBeLessThanOrEqual(5);
  });
});

it('a theft that only the breaker lowered keeps its expiry action, and the page says what tripped it', async () => {
  const { account } = sandbox.twin.scope;
  for (const playbook of ['first', 'second'])
    for (let index = 0; index < 5; index++)
      await count({
        account,
        playbook,
        principals: [`user:${playbook}${index}`],
        resources: [`${playbook}/${index}`],
      });
  await sandbox.deliver(theft());
  const asking = await until(async () =>
    (await sandbox.incidents()).find(({ status }) => status === 'awaiting-approval'),
  );
  expect(asking.decision).toMatchObject({ kind: 'ask', page: true, expiry: 'contain' });
  expect(JSON.stringify(sandbox.twin.state.pages)).toContain(
    `circuit breaker: account ${account} has had 10 automatic containments this hour`,
  );
});
