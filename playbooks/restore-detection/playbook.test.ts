/** GuardDuty blinded while its detector stays on: every part comes back, nothing of the attacker's is taken for the owner's. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { awsFor } from '../../core/aws/client.ts';
import { type Finding, parseFinding } from '../../core/finding/finding.ts';
import { type AccountTwin, createTwin } from '../../sandbox/twin/twin.ts';
import { findingOn } from '../../sandbox/worlds.ts';
import {
  ALL_BLINDED,
  type Blinded,
  blind,
  MEMBERS,
  MORE_BLINDED,
  rememberCall,
} from '../../test/playbooks/blinded-world.ts';
import {
  type Accounts,
  playbookProperties,
  SCOPE,
  scene,
  sceneDatabase,
} from '../../test/playbooks/properties.ts';
import { detectionTarget } from '../common/logging/target.ts';
import { choosePlaybook } from '../index.ts';
import { restoreLogging } from '../restore-logging/playbook.ts';
import { restoreDetection } from './playbook.ts';

const ATTACKER = {
  accessKeyId: 'AKIAEXAMPLE000000666',
  principalId: 'AIDAEXAMPLE000000666',
  userName: 'mallory',
};
const evasion = (twin: AccountTwin, api: string, type = 'DefenseEvasion:IAMUser/AnomalousBehavior') =>
  findingOn(twin, {
    seed: 'blinded',
    type,
    updatedAt: new Date('2026-11-24T07:00:00Z'),
    resource: { resourceType: 'AccessKey', accessKeyDetails: { userType: 'IAMUser', ...ATTACKER } },
    action: { actionType: 'AWS_API_CALL', awsApiCallAction: { api } },
  });

interface World {
  readonly ways: readonly Blinded[];
}
const accounts: Accounts<World> = {
  worlds: fc.record({ ways: fc.subarray([...ALL_BLINDED], { minLength: 1 }) }),
  runs: 6,
  open(twin, { ways }) {
    const event = evasion(twin, 'CreateFilter');
    blind(twin, parseFinding(event), ways);
    return event;
  },
  target: (finding) => detectionTarget(finding),
  // A set that was activated is active with the next read.
  without: (account) => JSON.parse(JSON.stringify(account).replaceAll('"ACTIVATING"', '"ACTIVE"')),
};
playbookProperties(restoreDetection, accounts);
playbookProperties(restoreLogging, {
  ...accounts,
  runs: 2,
  target: (finding) => restoreLogging.targetOf(finding),
});

const database = sceneDatabase('restore-detection-test');
const open = (ways: readonly Blinded[] = ALL_BLINDED) =>
  scene(database(), restoreDetection, accounts, { ways });

describe('GuardDuty blinded', () => {
  it('reports again in every part, and is as blind as before after undo', async () => {
    const at = open();
    const { guardduty } = at.twin.region();
    const before = structuredClone(guardduty);
    await at.contain();
    const actions = guardduty.filters.map(({ Name, Action }) => [Name, Action]);
    expect(actions).toEqual([
      ['of-the-owner', 'ARCHIVE'],
      ['hide', 'NOOP'],
      ['wide', 'NOOP'],
    ]);
    expect(guardduty.trustedEntitySets?.[0]?.Status).toBe('INACTIVE');
    expect(guardduty.threatSets[0]?.Location).toBe('s3://lists/ours.txt');
    expect(guardduty.destination).toMatchObject({ arn: 'arn:aws:s3:::findings', key: 'arn:aws:kms:x' });
    expect(guardduty.members?.[MEMBERS.paused]?.status).toBe('Enabled');
    expect(guardduty.members?.[MEMBERS.removed]?.status).toBe('Enabled');
    expect(guardduty.members?.[MEMBERS.narrowed]?.features).toEqual({
      S3_DATA_EVENTS: 'ENABLED',
      EKS_AUDIT_LOGS: 'DISABLED',
      RUNTIME_MONITORING: 'ENABLED',
      'RUNTIME_MONITORING/EC2_AGENT_MANAGEMENT': 'ENABLED',
    });
    expect(await at.prove()).toMatchObject({ proven: true });
    expect(await at.undoSafety()).toMatchObject({ safe: false });
    await at.undo();
    const status = (region: typeof guardduty) => ({
      filters: region.filters,
      members: region.members,
      sets: [...(region.trustedEntitySets ?? []), ...region.threatSets].map(({ Location }) => Location),
      destination: region.destination,
    });
    expect(status(guardduty)).toEqual(status(before));
  });

  it.each([restoreDetection, restoreLogging])(
    '$id: lists of addresses and entities, and a moved destination',
    async (playbook) => {
      const ways = { ...accounts, target: (finding: Finding) => playbook.targetOf(finding) };
      const at = scene(database(), playbook, playbook === restoreDetection ? accounts : ways, {
        ways: MORE_BLINDED,
      });
      const { guardduty } = at.twin.region();
      await at.contain();
      expect(guardduty.ipSets[0]?.Status).toBe('INACTIVE');
      expect(guardduty.threatEntitySets?.[0]?.Location).toBe('s3://lists/ours.txt');
      expect(guardduty.destination?.arn).toBe('arn:aws:s3:::findings');
      await at.undo();
      expect(guardduty.threatEntitySets?.[0]?.Location).toBe('s3://lists/theirs.txt');
      expect(guardduty.destination?.arn).toBe('arn:aws:s3:::theirs');
    },
  );

  it('asks where findings or a list go back to a place, and not where something is only switched back', async () => {
    const asks = async (ways: readonly Blinded[]) => {
      const plan = await open(ways).plan();
      return plan.kind === 'plan' ? plan.askBecause : [plan.reason];
    };
    expect(await asks(['filter', 'changed-filter', 'trusted', 'members', 'features'])).toEqual([]);
    expect(await asks(['moved'])).toEqual([expect.stringContaining('s3://lists/ours.txt')]);
    expect(await asks(['destination'])).toEqual([expect.stringContaining('arn:aws:s3:::findings')]);
  });

  it('takes no call of the attacker for a baseline, and makes nothing up', async () => {
    const at = open(['filter']);
    const finding = parseFinding(evasion(at.twin, 'CreateFilter'));
    rememberCall(
      at.twin,
      'UpdatePublishingDestination',
      { destinationProperties: { destinationArn: 'arn:aws:s3:::theirs', kmsKeyArn: 'k' } },
      { finding },
    );
    const plan = await at.plan();
    expect(plan.kind === 'plan' && plan.steps.map(({ id }) => id)).toEqual(['filter:hide']);
    expect(plan.kind === 'plan' && plan.residual.join()).toMatch(
      /publishing destination .* no baseline is known/,
    );
  });

  it('names with what to type what only the administrator can revert', async () => {
    const at = open(['filter']);
    const finding = parseFinding(evasion(at.twin, 'CreateFilter'));
    at.twin.region().cloudtrail.history = [];
    rememberCall(at.twin, 'DisassociateFromAdministratorAccount', {}, { finding });
    expect(await at.plan()).toMatchObject({
      kind: 'refused',
      reason: expect.stringContaining('only the administrator can take it back'),
      alternative: expect.stringContaining(`AccountId=${SCOPE.account}`),
    });
    expect(at.changes()).toBe(0);
  });

  it('is not restored while GuardDuty cannot write to the destination, or when a filter archives again', async () => {
    const at = open(['destination', 'filter']);
    await at.contain();
    const { guardduty } = at.twin.region();
    if (guardduty.destination) guardduty.destination.status = 'UNABLE_TO_PUBLISH_FIX_DESTINATION_PROPERTY';
    expect(await at.prove()).toMatchObject({ proven: false, next: 'wait' });
    for (const filter of guardduty.filters) filter.Action = 'ARCHIVE';
    expect(await at.prove()).toMatchObject({ proven: false, next: 'recontain' });
  });
});

describe('where it is found', () => {
  it('a call that blinds GuardDuty is answered with the principal, on one card', () => {
    const choice = choosePlaybook(parseFinding(evasion(createTwin(SCOPE), 'StopMonitoringMembers')));
    expect(
      'none' in choice ? choice : choice.parts.map(({ playbook, target }) => [playbook.id, target.kind]),
    ).toEqual([
      ['disable-user-keys', 'iam-user'],
      ['restore-logging', 'guardduty-settings'],
    ]);
  });

  it('as a follow-up only where CloudTrail shows that this principal did it', async () => {
    const at = open(['filter']);
    const located = () => restoreDetection.locate?.(at.finding, awsFor(SCOPE));
    expect(await located()).toMatchObject({ ok: true, target: { kind: 'guardduty-settings' } });
    for (const { event } of at.twin.region().cloudtrail.history)
      event['userIdentity'] = { principalId: 'AIDAEXAMPLE000000002' };
    expect(await located()).toMatchObject({ ok: false });
  });

  it('by an actor of an attack sequence', async () => {
    const at = open(['filter']);
    const { accessKey: _key, ...rest } = at.finding;
    const actors = [{ id: 'a', user: { name: 'x', uid: ATTACKER.principalId, type: 'IAMUser' } }];
    const sequence = {
      ...rest,
      detail: { ...rest.detail, service: { detection: { sequence: { actors } } } },
    };
    expect(await restoreDetection.locate?.(sequence, awsFor(SCOPE))).toMatchObject({ ok: true });
    const other = [{ id: 'a', user: { name: 'x', uid: 'AIDAEXAMPLE000000002', type: 'IAMUser' } }];
    expect(
      await restoreDetection.locate?.(
        { ...rest, detail: { ...rest.detail, service: { detection: { sequence: { actors: other } } } } },
        awsFor(SCOPE),
      ),
    ).toMatchObject({ ok: false });
  });
});
