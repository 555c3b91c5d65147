/** GuardDuty as an attacker left it, with the calls that CloudTrail remembers of it and of those who set it up. */
import type { Finding } from '../../core/finding/finding.ts';
import type { AccountTwin } from '../../sandbox/twin/twin.ts';

const OWNER = { principalId: 'AIDAEXAMPLE000000001' };
const BEFORE = '2026-11-01T09:00:00Z';
export const MEMBERS = { paused: '222233334444', removed: '333344445555', narrowed: '444455556666' } as const;

/** Calls in the order of time: the newest is shown first. */
export function rememberCall(
  twin: AccountTwin,
  eventName: string,
  requestParameters: object,
  by: { readonly finding: Finding } | 'owner',
  responseElements?: object,
): void {
  twin.region().cloudtrail.history.unshift({
    event: {
      eventName,
      eventTime: by === 'owner' ? BEFORE : (by.finding.firstSeen ?? by.finding.updatedAt),
      userIdentity:
        by === 'owner'
          ? OWNER
          : {
              principalId: by.finding.accessKey?.principalId,
              accessKeyId: by.finding.accessKey?.accessKeyId,
            },
      requestParameters,
      ...(responseElements ? { responseElements } : {}),
    },
  });
}

export const ALL_BLINDED = [
  'filter',
  'changed-filter',
  'trusted',
  'moved',
  'destination',
  'members',
  'features',
] as const;
/** What no other way may stand next to: there is one destination. */
export const MORE_BLINDED = ['trusted-addresses', 'moved-entities', 'moved-destination'] as const;
export type Blinded = (typeof ALL_BLINDED | typeof MORE_BLINDED)[number];

/** Makes GuardDuty blind in each way, by the finding's principal. */
export function blind(twin: AccountTwin, finding: Finding, ways: readonly Blinded[] = ALL_BLINDED): void {
  const { guardduty } = twin.region();
  const detectorId = guardduty.detector;
  const theirs = { finding };
  const filter = (Name: string) => ({
    Name,
    Action: 'ARCHIVE',
    Description: '',
    FindingCriteria: { Criterion: {} },
  });
  const set = (id: string, Location: string) => ({
    ...{ id, Name: id, Format: 'TXT', Location, Status: 'ACTIVE', loaded: ['198.51.100.0/24'] },
  });
  for (const path of ['lists/theirs.txt', 'lists/ours.txt'])
    twin.state.s3.objects[path] = { body: '198.51.100.0/24\n', etag: '"1"' };
  guardduty.filters.push(filter('of-the-owner'));
  rememberCall(twin, 'CreateFilter', { detectorId, name: 'of-the-owner', action: 'ARCHIVE' }, 'owner');
  if (ways.includes('filter')) {
    guardduty.filters.push(filter('hide'));
    rememberCall(twin, 'CreateFilter', { detectorId, name: 'hide', action: 'ARCHIVE' }, theirs, {
      name: 'hide',
    });
  }
  if (ways.includes('changed-filter')) {
    guardduty.filters.push(filter('wide'));
    rememberCall(twin, 'CreateFilter', { detectorId, name: 'wide', action: 'NOOP' }, 'owner');
    rememberCall(twin, 'UpdateFilter', { detectorId, filterName: 'wide', action: 'ARCHIVE' }, theirs);
  }
  if (ways.includes('trusted')) {
    guardduty.trustedEntitySets = [set('set-entities', 's3://lists/theirs.txt')];
    const made = { detectorId, name: 'x', format: 'TXT', location: 's3://lists/theirs.txt', activate: true };
    rememberCall(twin, 'CreateTrustedEntitySet', made, theirs, { trustedEntitySetId: 'set-entities' });
  }
  if (ways.includes('moved')) {
    guardduty.threatSets = [set('set-threat', 's3://lists/theirs.txt')];
    const made = { detectorId, name: 'feed', format: 'TXT', location: 's3://lists/ours.txt', activate: true };
    rememberCall(twin, 'CreateThreatIntelSet', made, 'owner', { threatIntelSetId: 'set-threat' });
    rememberCall(
      twin,
      'UpdateThreatIntelSet',
      { detectorId, threatIntelSetId: 'set-threat', location: 's3://lists/theirs.txt', activate: true },
      theirs,
    );
  }
  if (ways.includes('trusted-addresses')) {
    guardduty.ipSets = [set('set-addresses', 's3://lists/theirs.txt')];
    const made = { detectorId, name: 'x', format: 'TXT', location: 's3://lists/theirs.txt', activate: true };
    rememberCall(twin, 'CreateIPSet', made, theirs, { ipSetId: 'set-addresses' });
  }
  if (ways.includes('moved-entities')) {
    guardduty.threatEntitySets = [set('set-feed', 's3://lists/theirs.txt')];
    const made = { detectorId, name: 'feed', format: 'TXT', location: 's3://lists/ours.txt', activate: true };
    rememberCall(twin, 'CreateThreatEntitySet', made, 'owner', { threatEntitySetId: 'set-feed' });
    const moved = { detectorId, threatEntitySetId: 'set-feed', location: 's3://lists/theirs.txt' };
    rememberCall(twin, 'UpdateThreatEntitySet', { ...moved, activate: true }, theirs);
  }
  if (ways.includes('moved-destination')) {
    guardduty.destination = { id: 'destination-1', arn: 'arn:aws:s3:::theirs', key: 'arn:aws:kms:x' };
    const to = (destinationArn: string) => ({
      destinationProperties: { destinationArn, kmsKeyArn: 'arn:aws:kms:x' },
    });
    const made = { detectorId, destinationType: 'S3', ...to('arn:aws:s3:::findings') };
    rememberCall(twin, 'CreatePublishingDestination', made, 'owner', { destinationId: 'destination-1' });
    const moved = { detectorId, destinationId: 'destination-1', ...to('arn:aws:s3:::theirs') };
    rememberCall(twin, 'UpdatePublishingDestination', moved, theirs);
  }
  if (ways.includes('destination')) {
    const destinationProperties = { destinationArn: 'arn:aws:s3:::findings', kmsKeyArn: 'arn:aws:kms:x' };
    rememberCall(
      twin,
      'CreatePublishingDestination',
      { detectorId, destinationType: 'S3', destinationProperties },
      'owner',
      { destinationId: 'destination-1' },
    );
    rememberCall(twin, 'DeletePublishingDestination', { detectorId, destinationId: 'destination-1' }, theirs);
  }
  const { paused, removed, narrowed } = MEMBERS;
  const member = (status: string, features: Record<string, 'ENABLED' | 'DISABLED'> = {}) => ({
    ...{ email: 'security@example.com', status, features },
  });
  guardduty.members = {};
  if (ways.includes('members')) {
    guardduty.members[paused] = member('Paused');
    guardduty.members[removed] = member('Removed');
    rememberCall(twin, 'StopMonitoringMembers', { detectorId, accountIds: [paused] }, theirs);
    rememberCall(twin, 'DisassociateMembers', { detectorId, accountIds: [removed] }, theirs);
  }
  if (ways.includes('features')) {
    guardduty.members[narrowed] = member('Enabled', {
      ...{ S3_DATA_EVENTS: 'DISABLED', EKS_AUDIT_LOGS: 'DISABLED', RUNTIME_MONITORING: 'ENABLED' },
      'RUNTIME_MONITORING/EC2_AGENT_MANAGEMENT': 'DISABLED',
    });
    const features = [
      { name: 'S3_DATA_EVENTS', status: 'DISABLED' },
      {
        name: 'RUNTIME_MONITORING',
        status: 'ENABLED',
        additionalConfiguration: [{ name: 'EC2_AGENT_MANAGEMENT', status: 'DISABLED' }],
      },
    ];
    rememberCall(twin, 'UpdateMemberDetectors', { detectorId, accountIds: [narrowed], features }, theirs);
  }
}
