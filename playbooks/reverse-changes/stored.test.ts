/** What only a store of events shows: older than the event history, of a Region that it does not answer for, about data. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { awsFor, configureAws } from '../../core/aws/client.ts';
import { type Finding, parseFinding } from '../../core/finding/finding.ts';
import type { Expansion, Part } from '../../core/journal/playbook.ts';
import type { JsonObject } from '../../core/json.ts';
import { act, remember } from '../../sandbox/attacker.ts';
import { type AccountTwin, createTwin } from '../../sandbox/twin/twin.ts';
import { attackedAccount } from '../../test/playbooks/changed-world.ts';
import { SCOPE } from '../../test/playbooks/properties.ts';
import { LONG_AGO, OWNER, SEEN, THIEF } from '../../test/playbooks/reversed.ts';
import { historyEnds, STORE_KINDS, STORE_NAMES, storeEvents } from '../../test/playbooks/stored-events.ts';
import { unrecorded } from '../../test/unrecorded.ts';
import { reverseChanges } from './playbook.ts';

const HOME = 'us-east-1';
const LATER = SEEN + 3_600_000;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: LATER });
});
afterEach(() => {
  configureAws({});
  vi.useRealTimers();
});

function open(attacks: Parameters<typeof attackedAccount>[1] = []) {
  const twin = createTwin(SCOPE);
  configureAws({ answer: (call) => twin.answer(call), retryBaseMs: 1 });
  return { twin, finding: parseFinding(attackedAccount(twin, attacks)) };
}

/** The deployment names a store, which holds what the history does now. */
function stored(twin: AccountTwin, kind: (typeof STORE_KINDS)[number] = 'lake') {
  const { events, store } = storeEvents(twin, kind);
  configureAws({ answer: (call) => twin.answer(call), retryBaseMs: 1, events });
  return store;
}

const located = async (finding: Finding): Promise<Expansion> =>
  (await unrecorded(async () => reverseChanges.locate?.(finding, awsFor(SCOPE)))) ?? {
    ok: false,
    reason: 'none',
  };
const parts = (found: Expansion): readonly Part[] => (found.ok ? found.parts : []);
const ids = (found: Expansion) => parts(found).map(({ playbook }) => playbook.id);
const lines = (found: Expansion): string =>
  found.ok ? [...found.unhandled, ...(found.residual ?? [])].join('\n') : found.reason;

async function planned([part]: readonly Part[]) {
  if (!part) throw new Error('no part');
  const { playbook, target } = part;
  const state = await unrecorded(() => playbook.read(target, awsFor(SCOPE)));
  const options = { caseId: 'fb-aaaaaaaaaaaa', now: new Date(LATER), settings: {}, approved: true };
  return playbook.plan(state, target, { ...options, protectedArns: [] });
}

const putRolePolicy = (twin: AccountTwin, at: Date, PolicyDocument: string, by = OWNER): JsonObject =>
  act(twin, by, {
    ...{ service: 'IAM', operation: 'PutRolePolicy', at },
    input: { RoleName: 'app', PolicyName: 'kept', PolicyDocument },
  });
const allows = (Action: string) =>
  JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action, Resource: '*' }] });

/** Its owner wrote a policy, which the thief replaced. */
function replaced() {
  const world = open();
  putRolePolicy(world.twin, LONG_AGO, allows('s3:GetObject'));
  putRolePolicy(world.twin, new Date(SEEN + 60_000), allows('*'), THIEF);
  return world;
}

describe.each(STORE_KINDS)('what only the store shows: %s', (kind) => {
  const name = STORE_NAMES[kind];

  it('is the value before a change, older than 90 days', async () => {
    const { twin, finding } = replaced();
    stored(twin, kind);
    historyEnds(twin, HOME, new Date(SEEN));
    const plan = await planned(parts(await located(finding)));
    expect(plan).toMatchObject({
      kind: 'plan',
      steps: [{ kind: 'reversed-inline-policy', args: { wanted: allows('s3:GetObject') } }],
    });
  });

  it('is not known without it, and guessed as it ever was', async () => {
    const { twin, finding } = replaced();
    historyEnds(twin, HOME, new Date(SEEN));
    const plan = await planned(parts(await located(finding)));
    expect(JSON.stringify(plan)).toContain("CloudTrail's last 90 days do not show what it was");
    expect(JSON.stringify(plan)).not.toContain('s3:GetObject');
  });

  it('is a change whose record no event history has', async () => {
    const { twin, finding } = replaced();
    stored(twin, kind);
    historyEnds(twin, HOME, new Date(LATER));
    const found = await located(finding);
    expect(ids(found)).toEqual(['reverse-iam-changes']);
    expect(lines(found)).toContain(`looked at as well: ${name}, from 2026-11-24 07:00 UTC`);
    const plan = await planned(parts(found));
    expect(plan).toMatchObject({
      kind: 'plan',
      steps: [{ describe: expect.stringContaining(`(${name})`), args: { wanted: allows('s3:GetObject') } }],
    });
  });

  it('is what was done with a key that was issued, by a call of which the history has no record', async () => {
    const { twin, finding } = open();
    const key = 'ASIAISSUED0000000001';
    remember(twin, THIEF, {
      ...{ service: 'STS', name: 'GetSessionToken', region: HOME, at: new Date(SEEN + 1000), request: {} },
      response: { credentials: { accessKeyId: key } },
    });
    remember(
      twin,
      { principalId: THIEF.principalId, accessKeyId: key },
      {
        ...{ service: 'IAM', name: 'CreateUser', region: HOME, at: new Date(SEEN + 2000) },
        request: { userName: 'mallory' },
        response: { user: { userName: 'mallory', userId: 'AIDAMALLORY00000001' } },
      },
    );
    stored(twin, kind);
    historyEnds(twin, HOME, new Date(LATER));
    expect(ids(await located(finding))).toEqual(['reverse-iam-changes']);
  });

  it('is what was done to data, counted, with what can be done about it', async () => {
    const { twin, finding } = open();
    const store = stored(twin, kind);
    for (let index = 0; index < 30; index++) {
      remember(twin, THIEF, {
        ...{ service: 'S3', name: 'DeleteObject', region: 'eu-west-1', at: new Date(SEEN + index * 60_000) },
        ...{ request: { bucketName: 'orders', key: `2026/${index}.csv` }, more: { eventCategory: 'Data' } },
      });
      remember(twin, THIEF, {
        ...{ service: 'Lambda', name: 'Invoke', region: 'eu-west-1', at: new Date(SEEN + index * 60_000) },
        ...{ request: { functionName: 'pay' }, more: { eventCategory: 'Data' } },
      });
    }
    const { history } = twin.region('eu-west-1').cloudtrail;
    store.records.push(...history.splice(0).map(({ event }) => event));
    const found = await located(finding);
    expect(ids(found)).toEqual(['reverse-deletion-changes']);
    expect(lines(found)).toContain(
      `Invoke (lambda.amazonaws.com) of data has no inverse: 30 calls, 2026-11-24 07:00 UTC to 2026-11-24 07:29 UTC, in ${name}`,
    );
    const plan = await planned(parts(found));
    expect(JSON.stringify(plan)).toMatch(/objects of bucket orders were deleted .* and 29 more such calls/);
  });
});

describe('the event history and a store', () => {
  it('show each call once', async () => {
    const { twin, finding } = replaced();
    stored(twin);
    // The store is some minutes late.
    putRolePolicy(twin, new Date(SEEN + 120_000), allows('iam:*'), THIEF);
    historyEnds(twin, HOME, new Date(SEEN));
    const plan = await planned(parts(await located(finding)));
    const text = JSON.stringify(plan);
    expect(plan).toMatchObject({ kind: 'plan', steps: [{ args: { left: allows('iam:*') } }] });
    expect(text).toContain('s3:GetObject');
    expect(text).not.toContain('between these calls');
  });

  it('are said apart where the store does not answer: what was looked at is the history alone', async () => {
    const { twin, finding } = replaced();
    const store = stored(twin);
    store.looks = Number.POSITIVE_INFINITY;
    historyEnds(twin, HOME, new Date(SEEN));
    const found = await located(finding);
    expect(lines(found)).toContain(
      "CloudTrail Lake was not searched (its query took more than 20 s), only CloudTrail's last 90 days",
    );
    expect(lines(found)).not.toContain('looked at as well');
    expect(JSON.stringify(await planned(parts(found)))).toContain(
      "CloudTrail's last 90 days do not show what it was; CloudTrail Lake was not searched",
    );
  });

  it('are not both asked about a value that the history shows', async () => {
    const { twin, finding } = replaced();
    stored(twin);
    const [part] = parts(await located(finding));
    twin.calls.length = 0;
    await planned(part ? [part] : []);
    expect(twin.calls.map(({ operation }) => operation)).not.toContain('StartQuery');
  });

  it('are asked about all changes of a group by one query', async () => {
    const { twin, finding } = open(['put role', 'trust', 'delete group', 'put user']);
    stored(twin);
    historyEnds(twin, HOME, new Date(SEEN));
    const [part] = parts(await located(finding));
    twin.calls.length = 0;
    await planned(part ? [part] : []);
    expect(twin.calls.filter(({ operation }) => operation === 'StartQuery')).toHaveLength(1);
  });
});

describe('a finding that was first seen before the event history begins', () => {
  const since = (finding: Finding): Finding => ({ ...finding, firstSeen: '2026-06-01T00:00:00Z' });

  it('is said to be looked into no further back than it reaches', async () => {
    const { finding } = replaced();
    expect(lines(await located(since(finding)))).toContain(
      "calls before CloudTrail's last 90 days were not looked at: the finding was first seen 2026-06-01 00:00 UTC",
    );
  });

  it('is looked into further back in a store', async () => {
    const { twin, finding } = replaced();
    stored(twin);
    const found = await located(since(finding));
    expect(lines(found)).toContain('CloudTrail Lake, from 2026-06-01 00:00 UTC');
    expect(lines(found)).not.toContain('were not looked at');
  });
});
