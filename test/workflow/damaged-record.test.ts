/** A journal record that no release wrote pages and stops: nothing on AWS is changed on its account. */
import { afterEach, beforeEach, expect, it } from 'vitest';
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
  expect(await sandbox.undo(id, 'U0ALICE').ended).toMatchObject({ status: 'FAILED' });
  expect(infrastructure()).toEqual(before);
  expect(pages()).toContain(`${holdOf(instanceId)} ${sk}`);
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
