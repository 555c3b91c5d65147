/** A mining instance: isolated at once, and a person is asked about whoever launched it. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { JsonObject } from '../../core/json.ts';
import { loadPolicy } from '../../core/policy.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { addressFinding, addressWorld, groupsOfInstance } from '../../sandbox/worlds.ts';
import { bobApproves, idle } from './people.ts';

let sandbox: Sandbox;
let instanceId: string;
beforeEach(async () => {
  sandbox = await startSandbox({ policy: await loadPolicy('policy.yml') });
  instanceId = addressWorld(sandbox.twin).instanceId;
  sandbox.twin.state.users['intern'] = {
    UserName: 'intern',
    Path: '/',
    UserId: 'AIDAINTERN0000000001',
    Tags: [],
    inline: {},
    attached: {},
    keys: [
      {
        AccessKeyId: 'AKIAINTERN0000000001',
        Status: 'Active',
        CreateDate: '2020-01-01T00:00:00.000Z',
        lastService: 'ec2',
      },
    ],
    groups: [],
    console: false,
    mfa: [],
  };
});
afterEach(() => sandbox.close());

const mining = (): JsonObject => {
  const event = addressFinding(sandbox.twin, instanceId, { seed: 'miner', severity: 8 });
  return {
    ...event,
    detail: { ...(event['detail'] as JsonObject), type: 'CryptoCurrency:EC2/BitcoinTool.B' },
  };
};
const launchedBy = (userIdentity: JsonObject) =>
  sandbox.twin
    .region()
    .cloudtrail.history.push(
      { resource: instanceId, event: { eventName: 'StopInstances', userIdentity: { type: 'Root' } } },
      { resource: instanceId, event: { eventName: 'RunInstances', userIdentity } },
    );
const notes = async () => {
  const first = (await sandbox.incidents()).find(({ followUpOf }) => !followUpOf);
  return (await sandbox.runtime.incidents.timeline(first?.id ?? '')).map(({ event }) => event).join('\n');
};

it('isolates, asks about the user whose key launched it, and contains that user once approved', async () => {
  launchedBy({
    type: 'IAMUser',
    principalId: 'AIDAINTERN0000000001',
    userName: 'intern',
    accessKeyId: 'AKIAINTERN0000000001',
  });
  await (await sandbox.deliver(mining())).ended;
  expect(groupsOfInstance(sandbox.twin, instanceId)).toEqual(['firebreak-quarantine']);
  await bobApproves(sandbox, ({ followUpOf }) => followUpOf?.playbook === 'disable-user-keys');
  await idle(sandbox);
  expect(sandbox.twin.state.users['intern']?.keys[0]?.Status).toBe('Inactive');
  // The other question has no target and is said to have none.
  expect(await notes()).toMatch(/no follow-up by revoke-role-sessions: .*another kind of principal/);
});

it.each([
  ['nothing is known', undefined, 'do not show who launched'],
  ['a service launched it', { type: 'AWSService', principalId: 'x' }, 'another kind of principal'],
])('asks nobody where %s', async (_name, identity, words) => {
  if (identity) launchedBy(identity);
  await (await sandbox.deliver(mining())).ended;
  await idle(sandbox);
  expect(await sandbox.incidents()).toHaveLength(1);
  expect(await notes()).toContain(words);
});
