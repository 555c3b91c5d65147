/** An implant takes the credentials of its instance's role out before the instance is isolated, and goes on with them. */
import '../../sandbox/quiet.ts';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { risksOfIncident } from '../../core/incident/risks.ts';
import { isRunning } from '../../core/incident/status.ts';
import { loadPolicy } from '../../core/policy/policy.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import type { Session } from '../../sandbox/twin/twin.ts';
import {
  addressFinding,
  addressWorld,
  credentialFinding,
  credentialWorld,
  groupsOfInstance,
  implantFinding,
  THIEF_IP,
} from '../../sandbox/worlds.ts';
import { bobApproves, until } from '../workflow/people.ts';

let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await startSandbox({ policy: await loadPolicy('policy.yml') });
});
afterEach(() => sandbox.close());

const implant = (instanceId: string) => implantFinding(sandbox.twin, instanceId, 'implant');
const thief = (session: Session) =>
  sandbox.twin.request(session, { action: 's3:GetObject', resource: '*', sourceIp: THIEF_IP }).decision;
const revocation = async () =>
  (await sandbox.incidents()).find(({ followUpOf }) => followUpOf?.playbook === 'revoke-instance-session');
const settled = () =>
  until(async () => {
    const found = await revocation();
    return found && !isRunning(found.status) ? found : undefined;
  });
const first = async () => {
  const found = (await sandbox.incidents()).find(({ followUpOf }) => !followUpOf);
  if (!found) throw new Error('no incident');
  return found;
};
const timeline = async () =>
  (await sandbox.runtime.incidents.timeline((await first()).id)).map(({ event }) => event).join('\n');
const OUTSIDE = /credentials of role web-app .*valid outside/;

it('the incident names the role, and its session is denied without a person where the role is not shared', async () => {
  const { stolen } = credentialWorld(sandbox.twin, 1);
  await (await sandbox.deliver(implant(stolen.instanceId))).ended;
  expect(groupsOfInstance(sandbox.twin, stolen.instanceId)).toEqual(['firebreak-quarantine']);
  const isolated = await first();
  expect(isolated.status).toBe('residual');
  expect(risksOfIncident(isolated).join('\n')).toMatch(OUTSIDE);
  expect(await settled()).toMatchObject({
    decision: { kind: 'auto' },
    targets: [{ proof: { proven: true } }],
  });
  expect(thief(stolen)).toBe('explicitDeny');
  // Credentials that the instance is given from now on carry the same name.
  expect(thief({ ...stolen, issuedAt: new Date(Date.now() + 3_600_000) })).toBe('explicitDeny');
  expect(await timeline()).toMatch(/revoke-instance-session \(fb-[0-9a-f]{12}\) is contained/);
});

it('a role that other instances use is asked about, and only this one loses it', async () => {
  const { stolen, siblings } = credentialWorld(sandbox.twin, 3);
  await (await sandbox.deliver(implant(stolen.instanceId))).ended;
  await bobApproves(sandbox, ({ followUpOf }) => followUpOf?.playbook === 'revoke-instance-session');
  const asked = await settled();
  expect(asked?.decision).toMatchObject({ kind: 'ask', expiry: 'escalate' });
  expect(asked?.decision?.reasons.join('; ')).toContain('2 other instances use role web-app');
  expect(thief(stolen)).toBe('explicitDeny');
  for (const sibling of siblings) expect(thief(sibling)).toBe('allowed');
});

it('a rule that only asks about the isolation only asks about the session', async () => {
  const { stolen } = credentialWorld(sandbox.twin, 1);
  await sandbox.deliver(addressFinding(sandbox.twin, stolen.instanceId, { seed: 'listed' }));
  await bobApproves(sandbox, ({ followUpOf }) => !followUpOf);
  const asked = await until(async () => {
    const found = await revocation();
    return found?.status === 'awaiting-approval' ? found : undefined;
  });
  expect(asked.decision?.kind).toBe('ask');
  expect(thief(stolen)).toBe('allowed');
});

it('an instance without a profile has no such risk, and no one is asked', async () => {
  const { instanceId } = addressWorld(sandbox.twin);
  await (await sandbox.deliver(implant(instanceId))).ended;
  await until(
    async () => (await timeline()).includes('no follow-up by revoke-instance-session') || undefined,
  );
  expect((await first()).status).toBe('contained');
  expect(await revocation()).toBeUndefined();
});

it('names the profile of the finding as well where the attacker has swapped it since', async () => {
  const { stolen } = credentialWorld(sandbox.twin, 1);
  const [instance] = sandbox.twin.region().instances;
  const event = implant(stolen.instanceId);
  const detail = event['detail'] as unknown as { resource: { instanceDetails: object } };
  Object.assign(detail.resource.instanceDetails, {
    iamInstanceProfile: { arn: instance?.profileArn, id: 'AIPA' },
  });
  if (instance) instance.profileArn = null;
  await (await sandbox.deliver(event)).ended;
  expect(risksOfIncident(await first()).join('\n')).toMatch(OUTSIDE);
  await settled();
  expect(thief(stolen)).toBe('explicitDeny');
});

it('where the session is denied already, isolating its instance does not call it open', async () => {
  const { stolen } = credentialWorld(sandbox.twin, 1);
  await (await sandbox.deliver(credentialFinding(sandbox.twin, stolen, { seed: 'stolen' }))).ended;
  await bobApproves(sandbox, ({ followUpOf }) => followUpOf?.playbook === 'isolate-instance');
  const isolated = await until(async () =>
    (await sandbox.incidents()).find(
      ({ followUpOf, status }) => followUpOf?.playbook === 'isolate-instance' && status === 'residual',
    ),
  );
  expect(risksOfIncident(isolated).join('\n')).not.toMatch(OUTSIDE);
});

it('says so where IAM may not be read', async () => {
  const { stolen } = credentialWorld(sandbox.twin, 1);
  sandbox.twin.failNext('GetInstanceProfile', 'AccessDenied', 100);
  await (await sandbox.deliver(implant(stolen.instanceId))).ended;
  expect(risksOfIncident(await first()).join('\n')).toMatch(/instance-profile\/web-app .*could not be read/);
});
