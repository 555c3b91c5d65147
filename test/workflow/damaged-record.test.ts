/** A journal record that no release wrote pages and stops: nothing on AWS is changed on its account. */
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { loadPolicy } from '../../core/policy/policy.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { addressFinding, addressWorld } from '../../sandbox/worlds.ts';
import { bobApproves } from './people.ts';

let sandbox: Sandbox;
let instanceId: string;
beforeEach(async () => {
  sandbox = await startSandbox({ policy: await loadPolicy('policy.yml') });
  instanceId = addressWorld(sandbox.twin).instanceId;
});
afterEach(() => sandbox.close());

const holdOf = (instance: string) =>
  `HOLD#aws:111122223333:eu-west-1:ec2-instance:${instance}#isolate-instance`;
const pages = () => sandbox.twin.state.pages.map(({ message }) => message).join('\n');
/** The account, without what Firebreak tells others of. */
const infrastructure = () => {
  const { roles, users, regions, s3 } = sandbox.twin.state;
  return structuredClone({ roles, users, regions, s3 });
};

async function damage(pk: string, sk: string, attributes: Record<string, unknown>): Promise<void> {
  const item = await sandbox.runtime.table.get({ pk, sk });
  if (!item) throw new Error(`no ${pk} ${sk}`);
  await sandbox.runtime.table.put({ ...item, ...attributes });
}

async function containedByBob(): Promise<string> {
  const execution = await sandbox.deliver(
    addressFinding(sandbox.twin, instanceId, { seed: 'd', severity: 8 }),
  );
  await bobApproves(sandbox, () => true);
  expect(await execution.ended).toMatchObject({ status: 'SUCCEEDED' });
  const [incident] = await sandbox.incidents();
  if (!incident) throw new Error('no incident');
  expect(incident.status).toBe('contained');
  return incident.id;
}

it.each<[string, string, Record<string, unknown>]>([
  ['hold', 'HOLD', { state: 'open' }],
  ['step', 'STEP#000001#0000', { args: '[]' }],
])('undo of an incident whose %s is damaged changes nothing, and pages', async (_what, sk, attributes) => {
  const id = await containedByBob();
  await damage(holdOf(instanceId), sk, attributes);
  const before = infrastructure();
  expect(await (await sandbox.undo(id, 'U0ALICE')).ended).toMatchObject({ status: 'FAILED' });
  expect(infrastructure()).toEqual(before);
  expect(pages()).toContain(`${holdOf(instanceId)} ${sk}`);
});

it('undo of a step whose record another wrote leaves that one alone, and pages', async () => {
  const id = await containedByBob();
  const pk = holdOf(instanceId);
  const steps = await sandbox.runtime.table.query(pk, 'STEP#000001#');
  const moved = steps.find(({ kind }) => kind === 'interface-groups');
  await damage(pk, String(moved?.sk), { before: '{"Effect":"Allow","Action":"*","Resource":"*"}' });
  const groups = () => sandbox.twin.region().interfaces.map(({ Groups }) => Groups);
  const quarantined = groups();
  await (await sandbox.undo(id, 'U0ALICE')).ended;
  expect(groups()).toEqual(quarantined);
  const [incident] = await sandbox.incidents();
  expect(incident?.status).toBe('undo-partial');
  expect(pages()).toContain('InputInvalid: the journal holds a step that Firebreak does not write');
});

/** Changes one member of the JSON that a record keeps as text. */
async function damageJson(pk: string, sk: string, change: (data: Record<string, unknown>) => void) {
  const item = await sandbox.runtime.table.get({ pk, sk });
  const data = z.record(z.string(), z.unknown()).parse(JSON.parse(String(item?.['data'])));
  change(data);
  await damage(pk, sk, { data: JSON.stringify(data) });
}

it.each<[string, (data: Record<string, unknown>) => void]>([
  ['has no status', (data) => delete data['status']],
  ['has a status of its own making', (data) => Object.assign(data, { status: 'open' })],
  ['counts its passes in words', (data) => Object.assign(data, { passes: 'two' })],
  ['has targets that are none', (data) => Object.assign(data, { targets: [{ key: 'x' }] })],
])('undo of an incident whose record %s changes nothing, and pages', async (_what, change) => {
  const id = await containedByBob();
  await damageJson(`INCIDENT#${id}`, 'META', change);
  const before = infrastructure();
  expect(await (await sandbox.undo(id, 'U0ALICE')).ended).toMatchObject({ status: 'FAILED' });
  expect(infrastructure()).toEqual(before);
  expect(pages()).toContain(`INCIDENT#${id} META`);
});

it.each<[string, string, string, (data: Record<string, unknown>) => void]>([
  ['plan', 'PLAN', 'PLAN', (data) => Object.assign(data, { account: 111122223333 })],
  [
    'target',
    'PLAN',
    'PLAN',
    (data) => Object.assign(data, { targets: [{ key: 'x', playbook: 'isolate-instance' }] }),
  ],
  ['undo request', 'PLAN', 'UNDO', (data) => Object.assign(data, { undoRequestedBy: 5 })],
  ['verdict', 'VERDICT', 'VERDICT', (data) => Object.assign(data, { kind: 'always' })],
])(
  'undo of an incident whose %s is damaged changes nothing, and pages',
  async (_what, partition, sk, change) => {
    const id = await containedByBob();
    const pk = `${partition}#${id}`;
    if (sk === 'UNDO') await sandbox.runtime.table.put({ pk, sk, data: '{}' });
    await damageJson(pk, sk, change);
    const before = infrastructure();
    expect(await (await sandbox.undo(id, 'U0ALICE')).ended).toMatchObject({ status: 'FAILED' });
    expect(infrastructure()).toEqual(before);
    expect(pages()).toContain(`${pk} ${sk}`);
  },
);

it('an incident whose record is damaged does not keep the sweep from the others, and fails it', async () => {
  const id = await containedByBob();
  await sandbox.runtime.incidents.change(id, new Date(), () => ({ status: 'containing' }));
  await damageJson(`INCIDENT#${id}`, 'META', (data) => Object.assign(data, { status: 'open' }));
  vi.useFakeTimers({ now: Date.now() + 120_000, toFake: ['Date'] });
  try {
    await expect(sandbox.sweep()).rejects.toThrow(`INCIDENT#${id} META`);
  } finally {
    vi.useRealTimers();
  }
});

it('an attachment that is damaged is reported where it is read', async () => {
  const id = await containedByBob();
  await damage(`INCIDENT#${id}`, 'ATTACHED#CONTEXT', { bytes: gzipSync('{"at":5}') });
  await expect(sandbox.runtime.incidents.context(id)).rejects.toMatchObject({
    code: 'InputInvalid',
    resource: `INCIDENT#${id} ATTACHED#CONTEXT`,
  });
});

it('containment of a resource whose hold is damaged changes nothing, and pages', async () => {
  const pk = holdOf(instanceId);
  const hold = { state: 'active', incidents: ['fb-000000000001'], caseId: 'fb-000000000001', version: 1 };
  await sandbox.runtime.table.put({ pk, sk: 'HOLD', ...hold, epoch: 'first' });
  const before = infrastructure();
  const execution = await sandbox.deliver(
    addressFinding(sandbox.twin, instanceId, { seed: 'd', severity: 8 }),
  );
  await execution.ended;
  expect((await sandbox.incidents()).map(({ status }) => status)).toEqual(['escalated']);
  expect(infrastructure()).toEqual(before);
  expect(pages()).toContain(`${pk} HOLD`);
});
