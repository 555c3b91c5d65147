/** Events of malware scans as EventBridge delivers them: those of the GuardDuty and AWS Backup guides, with what is given changed. */
export interface ScannedObjectDetails {
  readonly bucketName: string;
  readonly objectKey: string;
  readonly eTag?: string | null;
  readonly versionId?: string | null;
}

const TIME = '2026-11-30T10:00:00Z';
const PLACE = { account: '111122223333', region: 'eu-west-1' };

/** The result of one object's scan. */
export const objectScan = (
  scanResultStatus: string,
  object: ScannedObjectDetails,
  threats: readonly string[] = [],
) => ({
  ...{
    version: '0',
    id: '72c7d362-737a-6dce-fc78-9e27a0171419',
    source: 'aws.guardduty',
    ...PLACE,
    time: TIME,
  },
  'detail-type': 'GuardDuty Malware Protection Object Scan Result',
  resources: [
    `arn:aws:guardduty:${PLACE.region}:${PLACE.account}:malware-protection-plan/b4c7f464ab3aEXAMPLE`,
  ],
  detail: {
    schemaVersion: '1.0',
    scanStatus: scanStatusOf(scanResultStatus),
    resourceType: 'S3_OBJECT',
    s3ObjectDetails: { ...object, s3Throttled: false },
    scanResultDetails: {
      scanResultStatus,
      threats: threats.length === 0 ? null : threats.map((name) => ({ name })),
    },
  },
});

const scanStatusOf = (result: string): string => {
  if (result === 'FAILED') return 'FAILED';
  return result === 'UNSUPPORTED' || result === 'ACCESS_DENIED' ? 'SKIPPED' : 'COMPLETED';
};

/** A change of a scan job of AWS Backup. */
export const backupScan = (state: string, scanResultStatus?: string, more: object = {}) => ({
  ...{ version: '0', id: '60ce181d-67c7-496b-90fb-69636b42daee', source: 'aws.backup', ...PLACE, time: TIME },
  'detail-type': 'Scan Job State Change',
  resources: [],
  detail: {
    accountId: PLACE.account,
    backupVaultArn: `arn:aws:backup:${PLACE.region}:${PLACE.account}:backup-vault:nightly`,
    backupVaultName: 'nightly',
    iamRoleArn: `arn:aws:iam::${PLACE.account}:role/backup`,
    recoveryPointArn: `arn:aws:backup:${PLACE.region}:${PLACE.account}:recovery-point:abcd1234`,
    resourceArn: `arn:aws:ec2:${PLACE.region}:${PLACE.account}:instance/i-0123456789abcdef0`,
    ...{ resourceType: 'EC2', scanId: '43bc14a6-03e0-436a-abf5-8825d3aa6835' },
    ...{ scanJobId: '4d5fc12e-7e33-4336-a981-bbe43c300298', malwareScanner: 'GUARDDUTY', state },
    ...(scanResultStatus === undefined ? {} : { scanResult: { scanResultStatus } }),
    ...more,
  },
});
