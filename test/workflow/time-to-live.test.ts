/** A block follows an isolation automatically, expires, and goes on while the finding does. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Incident } from '../../core/incident/incident.ts';
import { isJsonObject, type JsonObject } from '../../core/json.ts';
import { loadPolicy } from '../../core/policy/policy.ts';
import { addLists } from '../../sandbox/networks.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { accountOf } from '../../sandbox/saved.ts';
import { addressWorld, findingOn, groupsOfInstance, THIEF_IP } from '../../sandbox/worlds.ts';
import { bobApproves, idle, until } from './people.ts';

const HOUR = 3_600_000;
let sandbox: Sandbox;
let instanceId: string;
let clock: number;
beforeEach(async () => {
  clock = Date.now();
  sandbox = await startSandbox({ policy: await loadPolicy('policy.yml'), now: () => new Date(clock) });
  ({ instanceId } = addressWorld(sandbox.twin));
  addLists(sandbox.twin, { VpcId: sandbox.twin.region().instances[0]?.VpcId ?? '' });
});
afterEach(() => sandbox.close());

const c2 = (
  given: {
    seed?: string;
    severity?: number;
    count?: number;
    organisation?: JsonObject;
    domain?: string;
  } = {},
): JsonObject =>
  findingOn(sandbox.twin, {
    seed: given.seed ?? 'c2',
    type: 'Backdoor:EC2/C&CActivity.B',
    severity: given.severity ?? 8,
    count: given.count ?? 1,
    updatedAt: new Date(clock),
    resource: { resourceType: 'Instance', instanceDetails: { instanceId, networkInterfaces: [] } },
    action:
      given.domain === undefined
        ? {
            actionType: 'NETWORK_CONNECTION',
            networkConnectionAction: {
              remoteIpDetails: {
                ipAddressV4: THIEF_IP,
                organization: given.organisation ?? { asn: '64500', asnOrg: 'Example Hosting' },
              },
            },
          }
        : { actionType: 'DNS_REQUEST', dnsRequestAction: { domain: given.domain } },
    // A domain follows automatically only where a threat list is the evidence.
    ...(given.domain === undefined ? {} : { additionalInfo: { threatListName: 'ProofPoint' } }),
  });

async function deliver(event: JsonObject): Promise<void> {
  await (await sandbox.deliver(event)).ended;
  await idle(sandbox);
}
const blocked = () =>
  sandbox.twin
    .region()
    .networks.acls.flatMap(({ entries }) => entries)
    .filter(({ CidrBlock }) => CidrBlock === `${THIEF_IP}/32`)
    .map(({ Egress }) => (Egress ? 'out' : 'in'));
const blocks = async (): Promise<readonly Incident[]> =>
  (await sandbox.incidents()).filter(({ playbook }) => playbook === 'block-indicator');
const block = async (): Promise<Incident> => {
  const [found] = await blocks();
  if (!found) throw new Error('nothing was blocked');
  return found;
};
const notes = async ({ id }: Pick<Incident, 'id'>) =>
  (await sandbox.runtime.incidents.timeline(id)).map(({ event }) => event).join('\n');
async function sweep(): Promise<void> {
  await sandbox.sweep();
  await idle(sandbox);
}

describe('a block that follows', () => {
  it('is automatic where the isolation was, and shows on its card until when it stays', async () => {
    await deliver(c2());
    const incident = await block();
    expect(incident).toMatchObject({ status: 'contained', decision: { kind: 'auto' } });
    expect(blocked()).toEqual(['in', 'out']);
    expect(groupsOfInstance(sandbox.twin, instanceId)).toEqual(['firebreak-quarantine']);
    const until = new Date(clock + 24 * HOUR).toISOString();
    expect(incident.targets[0]?.lapsesAt).toBe(until);
    const card = sandbox.slack.messages.find(({ ts }) => ts === incident.slack?.ts);
    expect(JSON.stringify(card?.blocks)).toMatch(
      new RegExp(
        `Undoes automatically at <!date\\^${Math.floor(Date.parse(until) / 1000)}\\^[^>]*> unless the finding goes on`,
      ),
    );
  });

  it('is asked where the isolation was asked, and lowered where the network is shared', async () => {
    const asked = deliver(c2({ severity: 5 }));
    await bobApproves(sandbox, ({ playbook }) => playbook === 'isolate-instance');
    await bobApproves(sandbox, ({ playbook }) => playbook === 'block-indicator');
    await asked;
    expect(blocked()).toEqual(['in', 'out']);
    const shared = sandbox.deliver(c2({ seed: 'other', organisation: { asn: '8075' } }));
    await shared;
    const waiting = await until(async () =>
      (await blocks()).find(({ status }) => status === 'awaiting-approval'),
    );
    expect(waiting.decision?.reasons.join()).toContain('Microsoft');
  });

  it.each<[string, () => void, string]>([
    [
      'nothing is set up',
      () => {
        for (const acl of sandbox.twin.region().networks.acls) acl.Tags = {};
        sandbox.twin.region().waf.ipSets = [];
      },
      'nothing is set up to block it with',
    ],
    [
      'the address is ours',
      () => sandbox.twin.region().networks.addresses.push({ AllocationId: 'eipalloc-1', PublicIp: THIEF_IP }),
      'an address of this account',
    ],
  ])(
    'is said to be impossible on the first incident where %s, and calls no one',
    async (_name, change, words) => {
      change();
      await deliver(c2());
      expect(await blocks()).toEqual([]);
      const [first] = await sandbox.incidents();
      expect(await notes({ id: first?.id ?? '' })).toMatch(
        new RegExp(`no follow-up by block-indicator: .*${words}`),
      );
      expect(sandbox.twin.state.pages).toEqual([]);
      expect(blocked()).toEqual([]);
    },
  );

  it('reaches a domain through the list that the resolver blocks with', async () => {
    await deliver(c2({ domain: 'c2.example.com' }));
    expect(await block()).toMatchObject({ status: 'contained', display: 'c2.example.com' });
    expect(sandbox.twin.region().dnsFirewall.lists[0]?.domains.sort()).toEqual([
      '*.c2.example.com',
      'c2.example.com',
    ]);
  });
});

describe('its time', () => {
  it('ends it as Undo does, and leaves the isolation', async () => {
    await deliver(c2());
    clock += 23 * HOUR;
    await sweep();
    expect(blocked()).toEqual(['in', 'out']);
    clock += 2 * HOUR;
    await sweep();
    const incident = await block();
    expect(incident).toMatchObject({ status: 'undone', undoRequestedBy: 'time to live' });
    expect(await notes(incident)).toMatch(
      /its time is over \(until .*\): undo started[\s\S]*undone: every restored value was read back/,
    );
    expect(blocked()).toEqual([]);
    expect(sandbox.twin.region().waf.ipSets[0]?.Addresses).toEqual([]);
    expect(groupsOfInstance(sandbox.twin, instanceId)).toEqual(['firebreak-quarantine']);
    const card = sandbox.slack.messages.find(({ ts }) => ts === incident.slack?.ts);
    expect(JSON.stringify(card?.blocks)).toContain('undone');
    const before = (await notes(incident)).length;
    clock += HOUR;
    await sweep();
    expect((await notes(incident)).length).toBe(before);
  });

  it('begins again while the finding goes on, and then needs no one to end it', async () => {
    await deliver(c2());
    clock += 20 * HOUR;
    await deliver(c2({ count: 2 }));
    expect(await notes(await block())).toContain('the finding goes on: stays until');
    clock += 20 * HOUR;
    await sweep();
    expect(blocked()).toEqual(['in', 'out']);
    clock += 5 * HOUR;
    await sweep();
    expect(await block()).toMatchObject({ status: 'undone' });
    expect(blocked()).toEqual([]);
  });

  it('is as long as the last of two findings about one address', async () => {
    await deliver(c2());
    clock += 20 * HOUR;
    await deliver(c2({ seed: 'second' }));
    expect(await blocks()).toHaveLength(2);
    clock += 5 * HOUR;
    await sweep();
    expect(blocked()).toEqual(['in', 'out']);
    const held = (await blocks()).find(({ targets }) => targets.some(({ status }) => status === 'held'));
    expect(await notes(held ?? { id: '' })).toContain('its time is over');
    clock += 20 * HOUR;
    await sweep();
    expect(blocked()).toEqual([]);
  });

  it('ends nothing that a person undid before, and then everything is as it was', async () => {
    const before = accountOf(structuredClone(sandbox.twin.state));
    await deliver(c2());
    const incident = await block();
    await (await sandbox.undo(incident.id, 'U0ALICE')).ended;
    expect(blocked()).toEqual([]);
    clock += 25 * HOUR;
    const result = await sandbox.sweep();
    expect(isJsonObject(JSON.parse(JSON.stringify(result))) && result).toMatchObject({ lapsed: [] });
    const [isolated] = (await sandbox.incidents()).filter(({ playbook }) => playbook === 'isolate-instance');
    await (await sandbox.undo(isolated?.id ?? '', 'U0ALICE')).ended;
    expect(accountOf(sandbox.twin.state)).toEqual(before);
  });

  it('pages when an entry cannot be taken out, and an Undo later ends it', async () => {
    await deliver(c2());
    sandbox.twin.failNext('DeleteNetworkAclEntry', 'AccessDenied', 6);
    clock += 25 * HOUR;
    await sweep();
    const incident = await block();
    expect(incident.status).toBe('undo-partial');
    expect(sandbox.twin.state.pages.map(({ subject }) => subject)).toContainEqual(
      expect.stringContaining(`${incident.id}: undo is partial`),
    );
    expect(blocked()).toHaveLength(2);
    await (await sandbox.undo(incident.id, 'U0ALICE')).ended;
    expect(await block()).toMatchObject({ status: 'undone' });
    expect(blocked()).toEqual([]);
  });

  it('stays due until it is undone: an undo that failed is started again later, and pages', async () => {
    await deliver(c2());
    sandbox.twin.failNext('DeleteNetworkAclEntry', 'AccessDenied', 6);
    clock += 25 * HOUR;
    await sweep();
    const { id, status } = await block();
    expect(status).toBe('undo-partial');
    clock += 60_000;
    await sweep();
    expect(blocked()).toEqual(['in', 'out']);
    clock += 600_000;
    await sweep();
    expect(blocked()).toEqual([]);
    expect(await block()).toMatchObject({ id, status: 'undone' });
    expect(sandbox.twin.state.pages.map(({ subject }) => subject)).toContain(
      `Firebreak ${id}: its time is over, and it is still in place`,
    );
    clock += 24 * HOUR;
    expect(await sandbox.sweep()).toMatchObject({ lapsed: [] });
    expect((await notes({ id })).match(/undo started/g)).toHaveLength(2);
  });

  it('is tried again every minute, with one page, when the undo does not start', async () => {
    await deliver(c2());
    const { runtime } = sandbox;
    clock += 25 * HOUR;
    const sfn = await runtime.own.sfn();
    const send = sfn.client.send.bind(sfn.client);
    Object.assign(sfn.client, { send: () => Promise.reject(new Error('no route to Step Functions')) });
    await sandbox.sweep();
    await sandbox.sweep();
    Object.assign(sfn.client, { send });
    const incident = await block();
    const pages = sandbox.twin.state.pages.filter(({ subject }) => subject.includes('undo did not start'));
    expect(pages).toHaveLength(1);
    expect(blocked()).toEqual(['in', 'out']);
    await sweep();
    expect(await block()).toMatchObject({ id: incident.id, status: 'undone' });
  });
});
