import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Database, openDatabase } from '../../sandbox/database.ts';
import { SANDBOX_SCOPE } from '../../sandbox/scope.ts';
import { finding } from '../../test/hostile.ts';
import { createDecision } from '../approval/record.ts';
import { parseFinding } from '../finding/finding.ts';
import type { ApprovalView } from './incident.ts';
import { similarIncidents } from './similar.ts';
import { type IncidentStore, incidentStore } from './store.ts';

let database: Database;
let store: IncidentStore;
beforeAll(async () => {
  database = await openDatabase(SANDBOX_SCOPE, 'similar-test');
  store = incidentStore(database.table);
});
afterAll(() => database.close());

const NOW = new Date('2026-11-24T12:00:00.000Z');
const daysAgo = (days: number) => new Date(NOW.getTime() - days * 86_400_000);

async function past(id: string, at: Date, more: { type?: string; display?: string; denied?: string } = {}) {
  const detail = JSON.parse(JSON.stringify(finding.detail)) as Record<string, unknown>;
  const parsed = parseFinding({ ...detail, id, ...(more.type ? { type: more.type } : {}) });
  const { incident } = await store.claim(parsed, `execution-${id}`, at);
  const approval: ApprovalView = {
    ...{
      id: createHash('sha256').update(id).digest('hex').slice(0, 32),
      purpose: 'contain',
      requestedAt: at.toISOString(),
      expiresAt: at.toISOString(),
      remindAt: at.toISOString(),
      escalateAt: at.toISOString(),
    },
    ...{ needed: 1, approvedBy: [], outcome: more.denied ? 'denied' : 'approved', decidedBy: 'U0BOB' },
    ...(more.denied ? { reason: more.denied } : {}),
  };
  await createDecision(database.table, {
    incidentId: incident.id,
    taskToken: undefined,
    version: 1,
    view: approval,
  });
  return store.change(incident.id, at, () => ({
    display: more.display ?? 'i-other',
    status: more.denied ? 'declined' : 'contained',
    approval,
  }));
}

it('finds those of the same type and account of 90 days, the same resource first, with who decided and why', async () => {
  const own = await past('own', daysAgo(0), { display: 'i-same' });
  await past('older-same', daysAgo(80), { display: 'i-same', denied: 'our scanner' });
  await past('newer-other', daysAgo(2));
  await past('too-old', daysAgo(91), { display: 'i-same' });
  await past('another-type', daysAgo(1), { type: 'Recon:EC2/Portscan' });
  const similar = await similarIncidents(store, own, NOW);
  expect(similar).toMatchObject({ days: 90, more: false });
  expect(similar.found).toMatchObject([
    { display: 'i-same', sameResource: true, status: 'declined', decided: 'denied', reason: 'our scanner' },
    { display: 'i-other', sameResource: false, status: 'contained', decided: 'approved', decidedBy: 'U0BOB' },
  ]);
  expect(similar.found).toHaveLength(2);
});
