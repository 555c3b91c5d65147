import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { awsFor, configureAws } from '../../core/aws/client.ts';
import { parseFinding } from '../../core/finding/finding.ts';
import { type AccountTwin, createTwin } from '../../sandbox/twin/twin.ts';
import { BUCKET, bucketIn, onBucket, putBucket } from '../../test/playbooks/bucket-world.ts';
import {
  type Accounts,
  playbookProperties,
  SCOPE,
  scene,
  sceneDatabase,
} from '../../test/playbooks/properties.ts';
import { suspendExpiry } from './playbook.ts';

const rule = (ID: string, more: object = {}) => ({
  ID,
  Status: 'Enabled',
  Filter: { Prefix: '' },
  Expiration: { Days: 1 },
  ...more,
});
const lifecycle = [
  rule('attacker'),
  rule('logs', { Filter: { Prefix: 'logs/' } }),
  { ID: 'cold', Status: 'Enabled', Filter: {}, Transitions: [{ Days: 30, StorageClass: 'GLACIER' }] },
];
interface LifecycleWorld {
  readonly ruleIds: readonly string[] | null;
  readonly Region: string;
}
const accounts: Accounts<LifecycleWorld> = {
  worlds: fc.record({
    ruleIds: fc.constantFrom(null, ['attacker'], ['attacker', 'cold', 'gone']),
    Region: fc.constantFrom('us-east-1', 'eu-west-1'),
  }),
  open(twin, { Region }) {
    putBucket(twin, { lifecycle: structuredClone(lifecycle), Region });
    return onBucket(twin, {});
  },
  /** As `locate` finds it; without CloudTrail there is none. */
  target: (_finding, { ruleIds }) => ({
    ok: true,
    target: {
      ...SCOPE,
      kind: 's3-lifecycle',
      id: BUCKET,
      display: BUCKET,
      facts: { bucket: BUCKET, by: 'AIDA', at: 'then', ruleIds },
    },
  }),
};
playbookProperties(suspendExpiry, { ...accounts, runs: 10 });

const database = sceneDatabase('suspend-expiry-test');

describe('lifecycle rules of the attacker', () => {
  const open = (world: Partial<LifecycleWorld> = {}) =>
    scene(database(), suspendExpiry, accounts, { ruleIds: ['attacker'], Region: 'eu-west-1', ...world });
  const statuses = (twin: AccountTwin) =>
    bucketIn(twin).lifecycle?.map(({ ID, Status }) => `${ID} ${Status}`);

  it('are suspended alone, and the plan says that versioning is off', async () => {
    const at = open();
    const plan = await at.plan();
    expect(plan).toMatchObject({ kind: 'plan', askBecause: [expect.any(String)] });
    expect(plan.kind === 'plan' && plan.warnings.join()).toContain('never switched on');
    await at.contain();
    expect(statuses(at.twin)).toEqual(['attacker Disabled', 'logs Enabled', 'cold Enabled']);
    expect(bucketIn(at.twin).lifecycle?.[2]).toEqual(lifecycle[2]);
  });

  it('are every rule that expires where CloudTrail does not show them', async () => {
    const at = open({ ruleIds: null });
    await at.contain();
    expect(statuses(at.twin)).toEqual(['attacker Disabled', 'logs Disabled', 'cold Enabled']);
  });

  it('are refused once they are gone', async () => {
    const at = open();
    delete bucketIn(at.twin).lifecycle;
    expect(await at.plan()).toMatchObject({ kind: 'refused' });
  });

  const event = (principalId: string, requestParameters: unknown, more: object = {}) => ({
    resource: BUCKET,
    event: {
      eventName: 'PutBucketLifecycle',
      eventTime: '2026-11-24T07:00:00Z',
      userIdentity: { principalId },
      requestParameters,
      ...more,
    },
  });
  const oneRule = { LifecycleConfiguration: { Rule: { ID: 'attacker' } } };
  it.each([
    [
      'by the principal, one rule',
      [event('AIDAEXAMPLE000000001', oneRule)],
      { ok: true, target: { facts: { ruleIds: ['attacker'] } } },
    ],
    [
      'by the principal, rules not shown',
      [event('AIDAEXAMPLE000000001', null)],
      { ok: true, target: { facts: { ruleIds: null } } },
    ],
    [
      'by someone else',
      [event('AIDAOTHER', oneRule)],
      { ok: false, reason: expect.stringContaining('did not write') },
    ],
    ['refused by S3', [event('AIDAEXAMPLE000000001', oneRule, { errorCode: 'AccessDenied' })], { ok: false }],
    ['never', [], { ok: false }],
  ])('are looked for in CloudTrail: set %s', async (_name, history, expected) => {
    const twin = createTwin(SCOPE);
    configureAws({ answer: twin.answer, retryBaseMs: 1 });
    putBucket(twin, { Region: 'ap-southeast-2' });
    twin.region('ap-southeast-2').cloudtrail.history.push(...history);
    const given = parseFinding(
      onBucket(twin, { principalId: 'AIDAEXAMPLE000000001' }, 'Impact:S3/AnomalousBehavior.Delete'),
    );
    expect(await suspendExpiry.locate?.(given, awsFor(SCOPE))).toMatchObject(expected);
  });
});
