/** Lists and suppression: object and set in step, a change reverted, a trusted address decided by a person. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Aws, awsFor } from '../../core/aws/client.ts';
import { parseFinding } from '../../core/finding/finding.ts';
import { suppress, suppressionFor, unsuppress, wouldHaveHidden } from '../../core/incident/suppression.ts';
import {
  addressLists,
  changedEntries,
  createList,
  detectorOf,
  editable,
  writeList,
} from '../../core/lists/address-lists.ts';
import { keepTrusted, listChanges, recordListChange, undoable } from '../../core/lists/list-changes.ts';
import type { ListKind } from '../../core/lists/sets.ts';
import { loadPolicy } from '../../core/policy/policy.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import {
  addressFinding,
  addressWorld,
  credentialFinding,
  credentialWorld,
  THIEF_IP,
} from '../../sandbox/worlds.ts';
import { until } from './people.ts';

let sandbox: Sandbox;
let aws: Aws;
let detector: string;
beforeEach(async () => {
  sandbox = await startSandbox({ policy: await loadPolicy('policy.yml') });
  aws = awsFor(sandbox.twin.scope);
  detector = await detectorOf(aws);
  sandbox.twin.state.s3.buckets['lists'] = {
    Name: 'lists',
    Region: sandbox.twin.scope.region,
    block: null,
    policy: null,
    website: false,
    Tags: {},
    versions: [],
  };
});
afterEach(() => sandbox.close());

const only = async (kind: ListKind) => {
  const list = editable(await addressLists(aws, detector, kind), kind);
  if (!list) throw new Error('no list');
  return list;
};
const body = (kind: ListKind) => sandbox.twin.state.s3.objects[`lists/firebreak/${kind}.txt`]?.body;
const loaded = () => sandbox.twin.region().guardduty.threatSets[0]?.loaded;

describe('a threat list', () => {
  it('is written once where the answer of S3 is lost and the SDK sends it again', async () => {
    sandbox.twin.disturb(1, 'lost');
    await createList(aws, detector, 'threat', 'lists', ['198.51.100.1']);
    sandbox.twin.disturb(1, 'lost');
    await writeList(aws, detector, await only('threat'), ['198.51.100.2']);
    expect(loaded()).toEqual(['198.51.100.2']);
  });

  it('is one object and one set; a change reaches both, and is reverted in both', async () => {
    await createList(aws, detector, 'threat', 'lists', ['198.51.100.1']);
    const first = await only('threat');
    expect(first).toMatchObject({ name: 'firebreak-threat', status: 'ACTIVE', entries: ['198.51.100.1'] });
    const after = changedEntries('threat', first.entries ?? [], { add: ['203.0.113.0/24'], remove: [] });
    const { scope } = aws;
    const change = {
      before: [...(first.entries ?? [])],
      after: [...after],
      by: 'me',
      at: '2026-01-01T00:00:00Z',
    };
    await recordListChange(sandbox.runtime.table, scope, first, change);
    await writeList(aws, detector, first, after);
    expect(body('threat')).toBe('198.51.100.1\n203.0.113.0/24\n');
    expect(loaded()).toEqual(['198.51.100.1', '203.0.113.0/24']);

    const list = await only('threat');
    const last = undoable(await listChanges(sandbox.runtime.table, scope, 'threat'), list.entries ?? []);
    await writeList(aws, detector, list, last.before);
    expect(body('threat')).toBe('198.51.100.1\n');
    expect(loaded()).toEqual(['198.51.100.1']);
    // Changed by another writer since: not ours to revert.
    expect(() =>
      undoable([{ ...change, listId: 'x', location: 'y' }], ['198.51.100.1', '192.0.2.1']),
    ).toThrow('changed by another writer');
  });

  it('is restored, object and set, when GuardDuty does not take it', async () => {
    await createList(aws, detector, 'threat', 'lists', ['198.51.100.1']);
    const list = await only('threat');
    await expect(writeList(aws, detector, list, ['198.51.100.1', 'not an address'])).rejects.toThrow(
      /did not take the list \(ERROR\)/,
    );
    expect(body('threat')).toBe('198.51.100.1\n');
    expect(await only('threat')).toMatchObject({ status: 'ACTIVE', entries: ['198.51.100.1'] });
  });

  it('is not written over when another writer changed it meanwhile', async () => {
    await createList(aws, detector, 'threat', 'lists', ['198.51.100.1']);
    const stale = await only('threat');
    await writeList(aws, detector, stale, ['198.51.100.2']);
    await expect(writeList(aws, detector, stale, ['198.51.100.3'])).rejects.toMatchObject({
      code: 'Conflict',
    });
    expect(body('threat')).toBe('198.51.100.2\n');
  });

  it('without a line is no set, and can be made again', async () => {
    await createList(aws, detector, 'threat', 'lists', ['198.51.100.1']);
    await writeList(aws, detector, await only('threat'), []);
    expect(await addressLists(aws, detector, 'threat')).toEqual([]);
    await createList(aws, detector, 'threat', 'lists', ['198.51.100.9']);
    expect(loaded()).toEqual(['198.51.100.9']);
  });
});

describe('a list of entities', () => {
  it('holds a domain, next to the list of addresses', async () => {
    await createList(aws, detector, 'threat', 'lists', ['198.51.100.1']);
    const made = await createList(aws, detector, 'threat', 'lists', ['bad.example', '203.0.113.0/24']);
    expect(made).toMatchObject({
      holds: 'entities',
      name: 'firebreak-threat',
      location: 's3://lists/firebreak/threat-entities.txt',
      entries: ['bad.example', '203.0.113.0/24'],
    });
    const lists = await addressLists(aws, detector, 'threat');
    expect(lists.map(({ holds, status }) => [holds, status])).toEqual([
      ['addresses', 'ACTIVE'],
      ['entities', 'ACTIVE'],
    ]);
    const chosen = (add: string[], remove: string[]) => editable(lists, 'threat', { add, remove })?.holds;
    expect(chosen(['198.51.100.2'], [])).toBe('addresses');
    expect(chosen(['198.51.100.2', '*.worse.example'], [])).toBe('entities');
    expect(chosen([], ['203.0.113.0/24'])).toBe('entities');
    const lines = changedEntries('threat', made.entries ?? [], {
      add: ['*.worse.example'],
      remove: ['bad.example'],
    });
    await writeList(aws, detector, made, lines);
    expect(sandbox.twin.region().guardduty.threatEntitySets?.[0]?.loaded).toEqual([
      '203.0.113.0/24',
      '*.worse.example',
    ]);
    await writeList(aws, detector, await entities(), []);
    expect(sandbox.twin.region().guardduty.threatEntitySets).toEqual([]);
  });

  it('that cannot be read hides none of the others', async () => {
    await createList(aws, detector, 'trusted', 'lists', ['192.0.2.0/24']);
    sandbox.twin.region().guardduty.trustedEntitySets = [
      {
        id: 'e1',
        Name: 'x',
        Format: 'TXT',
        Location: 's3://of-a-stranger/x.txt',
        Status: 'ACTIVE',
        loaded: [],
      },
    ];
    const lists = await addressLists(aws, detector, 'trusted');
    expect(lists.map(({ entries, unread }) => [entries, unread !== undefined])).toEqual([
      [['192.0.2.0/24'], false],
      [undefined, true],
    ]);
  });
});

const entities = async () => {
  const list = (await addressLists(aws, detector, 'threat')).find(({ holds }) => holds === 'entities');
  if (!list) throw new Error('no list of entities');
  return list;
};

it('asks a person about a trusted domain, of a list of entities', async () => {
  await keepTrusted(sandbox.runtime.table, aws.scope, ['*.partner.example']);
  const { instanceId } = addressWorld(sandbox.twin);
  const event = addressFinding(sandbox.twin, instanceId, { seed: 'domain', severity: 8 });
  const detail = structuredClone(event.detail) as { service: { action: unknown }; type: string };
  detail.type = 'Backdoor:EC2/C&CActivity.B!DNS';
  detail.service.action = {
    actionType: 'DNS_REQUEST',
    dnsRequestAction: { domain: 'cdn.partner.example', protocol: 'UDP', blocked: false },
  };
  await sandbox.deliver({ ...event, detail });
  const incident = await until(async () => {
    const [found] = await sandbox.incidents();
    return found?.decision ? found : undefined;
  });
  expect(incident.decision).toMatchObject({ kind: 'ask', expiry: 'escalate' });
  expect(incident.decision?.reasons.join()).toContain('cdn.partner.example is trusted (*.partner.example)');
});

it('asks a person about a trusted address, whatever the rule says, and silence contains nothing', async () => {
  await keepTrusted(sandbox.runtime.table, aws.scope, ['198.51.100.0/24']);
  const world = credentialWorld(sandbox.twin);
  await sandbox.deliver(credentialFinding(sandbox.twin, world.stolen, { seed: 'trusted', severity: 8 }));
  const incident = await until(async () => {
    const [found] = await sandbox.incidents();
    return found?.decision ? found : undefined;
  });
  expect(incident.decision).toMatchObject({ kind: 'ask', expiry: 'escalate' });
  expect(incident.decision?.reasons.join()).toContain(`${THIEF_IP} is trusted (198.51.100.0/24)`);
});

describe('suppression', () => {
  it('shows what it would have hidden, makes a filter of type, account, resource and other side, and reverts it', async () => {
    const { instanceId, neighbourId } = addressWorld(sandbox.twin);
    const deliver = async (id: string, seed: string) =>
      (await sandbox.deliver(addressFinding(sandbox.twin, id, { seed, severity: 2 }))).ended;
    for (const [id, seed] of [
      [instanceId, 'a'],
      [instanceId, 'b'],
      [neighbourId, 'c'],
    ] as const)
      await deliver(id, seed);
    const { incidents } = sandbox.runtime;
    const all = await sandbox.incidents();
    const incident = all.findLast(({ display }) => display?.endsWith(instanceId));
    if (!incident) throw new Error('no incident');
    const finding = parseFinding(await incidents.finding(incident.id));
    const filter = suppressionFor(finding, incident);
    const hidden = await wouldHaveHidden(incidents, filter, new Date());
    expect(
      hidden.map(({ incident: { display }, contained }) => [display?.endsWith(instanceId), contained]),
    ).toEqual([
      [true, false],
      [true, false],
    ]);
    await suppress(aws, detector, filter, 'U0ALICE <!channel>');
    await suppress(aws, detector, filter, 'U0ALICE');
    expect(sandbox.twin.region().guardduty.filters).toEqual([
      {
        Name: `firebreak-${incident.id}`,
        Action: 'ARCHIVE',
        Description: expect.not.stringContaining('<'),
        FindingCriteria: {
          Criterion: {
            type: { Equals: [finding.type] },
            accountId: { Equals: [finding.account] },
            'resource.instanceDetails.instanceId': { Equals: [instanceId] },
            'service.action.networkConnectionAction.remoteIpDetails.ipAddressV4': { Equals: [THIEF_IP] },
          },
        },
      },
    ]);
    await unsuppress(aws, detector, filter.name);
    expect(sandbox.twin.region().guardduty.filters).toEqual([]);
    await expect(unsuppress(aws, detector, filter.name)).rejects.toMatchObject({ code: 'NotFound' });
  });

  it('is refused for a critical finding and for one that does not name a resource', async () => {
    const { instanceId } = addressWorld(sandbox.twin);
    const event = addressFinding(sandbox.twin, instanceId, { seed: 'x', severity: 9.5 });
    await sandbox.deliver(event);
    const incident = await until(async () => (await sandbox.incidents())[0]);
    expect(() => suppressionFor(parseFinding(event), incident)).toThrow('critical');
    const bare = { ...parseFinding(event), label: 'low' as const, detail: {} };
    expect(() => suppressionFor(bare, incident)).toThrow('does not name a resource');
  });
});
