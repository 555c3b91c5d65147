import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Database, openDatabase } from '../../sandbox/database.ts';
import { parseFinding } from '../finding/finding.ts';
import type { Table } from '../table/table.ts';
import { earlierIncidentIdFor, identityOf, incidentIdFor } from './incident.ts';
import { itemOf, planWrite } from './meta.ts';
import { incidentStore } from './store.ts';

const AT = new Date('2026-01-05T11:00:00Z');
let database: Database;
beforeAll(async () => {
  database = await openDatabase({ partition: 'aws', account: '111122223333', region: 'eu-west-1' }, 'claim');
});
afterAll(() => database.close());

const finding = (id: string, more: object = {}, detectorId: string | undefined = 'd0') =>
  parseFinding({
    id,
    type: 'Backdoor:EC2/C&CActivity.B',
    accountId: '111122223333',
    region: 'eu-west-1',
    partition: 'aws',
    severity: 8,
    updatedAt: '2026-01-05T10:06:00Z',
    service: { detectorId },
    resource: {},
    ...more,
  });

describe('the identity of an incident', () => {
  it.each<[string, object, string?]>([
    ['account', { accountId: '444455556666' }],
    ['Region', { region: 'eu-north-1' }],
    ['partition', { partition: 'aws-iso' }],
    ['detector', {}, 'd1'],
  ])('is another in another %s', async (name, more, detector) => {
    const store = incidentStore(database.table);
    const first = await store.claim(finding(`same-${name}`), 'one', AT);
    const second = await store.claim(finding(`same-${name}`, more, detector), 'two', AT);
    expect([first.kind, second.kind]).toEqual(['new', 'new']);
    expect(second.incident.id).not.toBe(first.incident.id);
    const again = await store.claim(finding(`same-${name}`, more, detector), 'three', AT);
    expect(again).toMatchObject({ kind: 'duplicate', incident: { id: second.incident.id } });
  });

  it('is that of an earlier release where it opened the incident, and of no other account', async () => {
    const store = incidentStore(database.table);
    const { incident } = await store.claim(finding('to-copy'), 'one', AT);
    const { detectorId: _, planVersion: _own, ...older } = incident;
    const id = earlierIncidentIdFor('of-earlier');
    await database.table.put(itemOf({ ...older, id, findingId: 'of-earlier' }));

    expect(await store.claim(finding('of-earlier'), 'two', AT)).toMatchObject({
      kind: 'duplicate',
      incident: { id },
    });
    const newer = finding('of-earlier', { updatedAt: '2026-01-05T10:30:00Z' });
    expect(await store.claim(newer, 'three', AT)).toMatchObject({ kind: 'update', incident: { id } });
    expect(await store.claim(finding('of-earlier'), 'four', AT)).toMatchObject({
      kind: 'stale',
      incident: { id },
    });
    const elsewhere = await store.claim(finding('of-earlier', { accountId: '444455556666' }), 'five', AT);
    expect(elsewhere.kind).toBe('new');
    expect(elsewhere.incident.id).not.toBe(id);
  });

  it.each([[undefined], [{ incidentId: 'fb-000000000000', playbook: 'move-object' }]])(
    'of an object is that of an earlier release, which knew it by its finding: %j',
    async (followUp) => {
      const store = incidentStore(database.table);
      const name = followUp ? 'followed-object' : 'one-object';
      const about = (key: string) => ({
        type: 'Object:S3/MaliciousFile',
        resource: { s3BucketDetails: [{ name: 'uploads', s3ObjectDetails: [{ key, eTag: 'e' }] }] },
      });
      const { incident } = await store.claim(finding('to-copy-too', about('copied')), 'one', AT, {
        followUp,
      });
      const { scanned: _, planVersion: _own, ...older } = incident;
      const id = incidentIdFor({ ...older, findingId: name }, followUp);
      await database.table.put(itemOf({ ...older, id, findingId: name }));
      const identity = identityOf(finding(name, about(name)));
      expect(identity.scanned).toBeDefined();
      expect(await store.ofFinding(identity, followUp)).toMatchObject({ id });
    },
  );

  it('is that of an earlier release for a follow-up as well', async () => {
    const store = incidentStore(database.table);
    const followUp = { incidentId: 'fb-000000000000', playbook: 'isolate-instance' };
    const { incident } = await store.claim(finding('follows'), 'one', AT, { followUp });
    const id = earlierIncidentIdFor('followed', followUp);
    const { detectorId: _, planVersion: _own, ...older } = incident;
    await database.table.put(itemOf({ ...older, id, findingId: 'followed' }));
    const identity = { ...older, findingId: 'followed', detectorId: 'd0' };
    expect(await store.ofFinding(identity, followUp)).toMatchObject({ id });
    expect(await store.ofFinding({ ...identity, account: '444455556666' }, followUp)).toBeUndefined();
  });
});

describe('an execution that comes between', () => {
  it('does not lose an update of the finding', async () => {
    const store = incidentStore(database.table);
    const { incident } = await store.claim(finding('raced'), 'one', AT);
    let raced = false;
    const table: Table = {
      ...database.table,
      async putAll(writes) {
        if (!raced && writes.some(({ item }) => item.pk === `INCIDENT#${incident.id}`)) {
          raced = true;
          await store.change(incident.id, AT, () => ({ passes: 3 }));
        }
        await database.table.putAll(writes);
      },
    };
    const updatedAt = '2026-01-05T10:30:00.000Z';
    expect(await incidentStore(table).claim(finding('raced', { updatedAt }), 'two', AT)).toMatchObject({
      kind: 'update',
      incident: { findingUpdatedAt: updatedAt, passes: 3 },
    });
  });

  it('and dies before it has claimed leaves the finding to the next', async () => {
    const store = incidentStore(database.table);
    const { incident } = await store.claim(finding('whole'), 'one', AT);
    // As an earlier release did: first the plan, then the incident.
    const id = incidentIdFor(identityOf(finding('left')));
    await database.table.putAll([planWrite({ ...incident, id }, undefined)]);
    const updatedAt = '2026-01-05T10:30:00.000Z';
    const claim = await store.claim(finding('left', { updatedAt }), 'two', AT);
    expect(claim).toMatchObject({ kind: 'new', incident: { id, findingUpdatedAt: updatedAt } });
    expect(await store.get(id)).toEqual(claim.incident);
  });
});
