/**
 * Results of Malware Protection for S3 and of AWS Backup's scans: events of their own next to findings, and the only ones in an
 * account without a detector. Each becomes a finding in GuardDuty's own form, so that one pipeline answers both. Shapes: the
 * GuardDuty guide, "Monitoring S3 object scans with Amazon EventBridge", and the AWS Backup guide, "Malware scan job events".
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { arn, parseArn } from '../aws/arn.ts';
import { isJsonObject, type JsonObject } from '../json.ts';
import { invalid, partitionOfRegion } from './shape.ts';

/** The purpose of the types that stand for a result without a threat: GuardDuty has no finding type for them. */
const SCAN_PURPOSE = 'MalwareScan';

/** What a scan said; `clean` is only ever counted. */
export const SCAN_OUTCOMES = ['clean', 'threats', 'unscanned'] as const;
export type ScanOutcome = (typeof SCAN_OUTCOMES)[number];

/** One version of one object, as Malware Protection read it. */
export interface ScannedObject {
  readonly bucket: string;
  readonly key: string;
  /** null where the bucket keeps no versions. */
  readonly versionId: string | null;
  /** Without the quotation marks around it. */
  readonly eTag: string | null;
}

export interface ScanResult {
  /** As the event writes it: `THREATS_FOUND`, `ACCESS_DENIED`, … */
  readonly status: string;
  readonly outcome: ScanOutcome;
  readonly type: string;
  readonly id: string;
  readonly account: string;
  readonly region: string;
  /** What was scanned: objects of a bucket, or recovery points of a vault. */
  readonly kind: 'S3Object' | 'RecoveryPoint';
  /** Bucket or backup vault: results without a threat are distinguished no further than by it, and by the day. */
  readonly place: string;
  /** ISO 8601. */
  readonly at: string;
  /** The finding that stands for it, in GuardDuty's form. */
  readonly detail: JsonObject;
}

const envelope = {
  account: z.string().regex(/^\d{12,13}$/, 'expected an account id of 12 digits'),
  region: z.string().regex(/^[a-z]{2,4}(-[a-z]+)+-\d{1,2}$/, 'expected a Region name'),
  time: z.iso.datetime({ offset: true }),
};
/** A status that is newer than this list is taken for one that leaves the object unscanned: people are notified. */
const status = z.string().regex(/^[A-Z][A-Z_]{1,60}$/, 'expected a status such as THREATS_FOUND');
const threats = z.array(z.looseObject({ name: z.string().max(500).nullish() })).max(1000);

const objectEvent = z.object({
  ...envelope,
  source: z.literal('aws.guardduty'),
  'detail-type': z.literal('GuardDuty Malware Protection Object Scan Result'),
  detail: z.object({
    s3ObjectDetails: z.object({
      bucketName: z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'expected the name of a bucket'),
      // As it is, not URL-encoded as in notifications of S3 [M]. S3 takes keys up to 1,024 bytes.
      objectKey: z
        .string()
        .min(1)
        .refine((key) => Buffer.byteLength(key) <= 1024, 'expected at most 1024 bytes'),
      eTag: z.string().max(200).nullish(),
      versionId: z.string().max(1024).nullish(),
    }),
    scanResultDetails: z.object({ scanResultStatus: status, threats: threats.nullish() }),
  }),
});
type ObjectEvent = z.infer<typeof objectEvent>;

const backupEvent = z.object({
  ...envelope,
  source: z.literal('aws.backup'),
  'detail-type': z.literal('Scan Job State Change'),
  detail: z.object({
    backupVaultName: z.string().regex(/^[a-zA-Z0-9_-]{2,50}$/, 'expected the name of a backup vault'),
    recoveryPointArn: z.string().max(2048),
    resourceType: z.string().max(60),
    scanId: z.string().regex(/^[\w-]{1,200}$/),
    scanJobId: z.string().regex(/^[\w-]{1,200}$/),
    scanResult: z.object({ scanResultStatus: status.nullish() }).nullish(),
    state: status,
  }),
});
type BackupEvent = z.infer<typeof backupEvent>;

const scanEvent = z.discriminatedUnion('detail-type', [objectEvent, backupEvent]);

const DETAIL_TYPES: ReadonlySet<unknown> = new Set([
  objectEvent.shape['detail-type'].value,
  backupEvent.shape['detail-type'].value,
]);

/** Returns whether an event is a result of a scan, by the name that its sender gives it. */
export const isScanEvent = (value: unknown): value is JsonObject =>
  isJsonObject(value) && DETAIL_TYPES.has(value['detail-type']);

/**
 * Reads the result of a scan; `count`: how many of its bucket or vault, result and day there are so far. Throws
 * FindingInvalid, naming what is wrong and where.
 */
export function parseScan(value: unknown, count = 1): ScanResult {
  const read = scanEvent.safeParse(value);
  if (!read.success)
    throw invalid(`this is not the result of a malware scan: ${z.prettifyError(read.error)}`);
  const event = read.data;
  return event['detail-type'] === 'Scan Job State Change' ? ofBackup(event, count) : ofObject(event, count);
}

type Unscanned = readonly [name: string, severity: number, why: string, next: string];
const UNKNOWN: Unscanned = [
  'Unknown',
  4,
  'the status is not a known one',
  'Look the status up in the AWS documentation, and update Firebreak.',
];
const UNSCANNED_OBJECT: ReadonlyMap<string, Unscanned> = new Map([
  [
    'UNSUPPORTED',
    [
      'Unsupported',
      2,
      'Malware Protection does not scan an object like this one',
      'Look at these objects by hand, or keep readers off them: nothing has scanned them.',
    ],
  ],
  [
    'ACCESS_DENIED',
    [
      'AccessDenied',
      5,
      'the role of the protection plan could not read the object',
      'Let the role of the protection plan read the bucket and use its key, find out who took the right away, then scan again.',
    ],
  ],
  [
    'FAILED',
    ['Failed', 4, 'the scan failed', 'Scan the objects again; until then nothing has scanned them.'],
  ],
]);

function ofObject(event: ObjectEvent, count: number): ScanResult {
  const { account, region, time, detail } = event;
  const { s3ObjectDetails: object, scanResultDetails: result } = detail;
  const scanned = objectOf(object.bucketName, object.objectKey, object.versionId, object.eTag);
  const { scanResultStatus: said } = result;
  const bucket = scanned.bucket;
  const at = new Date(time).toISOString();
  const common = { status: said, account, region, kind: 'S3Object' as const, place: bucket, at };
  const of = { account, region, at, status: said, count };
  const resource = {
    resourceType: 'S3Object',
    s3BucketDetails: [
      {
        name: bucket,
        s3ObjectDetails: [
          {
            key: scanned.key,
            ...(scanned.eTag === null ? {} : { eTag: scanned.eTag }),
            ...(scanned.versionId === null ? {} : { versionId: scanned.versionId }),
          },
        ],
      },
    ],
  };
  if (said === 'THREATS_FOUND') {
    const names = (result.threats ?? []).flatMap(({ name }) => name || []);
    const type = 'Object:S3/MaliciousFile';
    const found = detailOf({
      ...{ ...of, type, resource, outcome: 'threats' as const, severity: SEVERE },
      id: scanId('object', account, region, scannedKey({ kind: 'object', object: scanned })),
      title: `Malware in an S3 object: ${names[0] ?? 'threats found'}`,
      description: 'Malware Protection for S3 found threats in the object.',
      service: names.length > 0 ? { malwareScanDetails: { threats: names.map((name) => ({ name })) } } : {},
    });
    return { ...common, outcome: 'threats', type, id: found.id, detail: found };
  }
  // Of what holds no threat the object is not kept: one card stands for all of the bucket and the day.
  const place = { resourceType: 'S3Bucket', s3BucketDetails: [{ name: bucket }] };
  const placeArn = arn({ partition: partitionOfRegion(region), account: '', region: '' }, 's3', bucket);
  const id = scanId('objects', account, region, bucket, said, at.slice(0, 10));
  if (said === 'NO_THREATS_FOUND') {
    const type = `${SCAN_PURPOSE}:S3Object/NoThreatsFound`;
    const title = 'Malware Protection for S3 found no threats';
    const found = detailOf({
      ...{ ...of, type, resource: place, id, title, description: title, service: {} },
      ...{ outcome: 'clean' as const, severity: LEAST },
    });
    return { ...common, outcome: 'clean', type, id: found.id, detail: found };
  }
  const [name, severity, why] = UNSCANNED_OBJECT.get(said) ?? UNKNOWN;
  const type = `${SCAN_PURPOSE}:S3Object/${name}`;
  const found = detailOf({
    ...{ ...of, type, resource: place, id, severity, outcome: 'unscanned' as const, service: {} },
    place: placeArn,
    title: `Objects of bucket ${bucket} were not scanned for malware (${said})`,
    description: `Malware Protection for S3 reports ${said}: ${why}.`,
  });
  return { ...common, outcome: 'unscanned', type, id: found.id, detail: found };
}

/** GuardDuty's own findings about files say how grave the threat is; the event of a scan does not. */
const SEVERE = 8;
const LEAST = 1;

const UNSCANNED_BACKUP: ReadonlyMap<string, Unscanned> = new Map([
  [
    'COMPLETED_WITH_ISSUES',
    [
      'Incomplete',
      4,
      'parts of the recovery point were not scanned',
      'See the skipped parts in GuardDuty (Malware scans) before anything is restored.',
    ],
  ],
  [
    'FAILED',
    ['Failed', 4, 'the scan failed', 'Scan the recovery point again before anything is restored from it.'],
  ],
  [
    'CANCELED',
    [
      'Canceled',
      4,
      'the scan was stopped before it ended',
      'Find out in CloudTrail who stopped it (StopScanJob), and scan the recovery point again.',
    ],
  ],
]);

function ofBackup(event: BackupEvent, count: number): ScanResult {
  const { account, region, time, detail: job } = event;
  const threatened = job.scanResult?.scanResultStatus === 'THREATS_FOUND';
  const clean = job.state === 'COMPLETED' && job.scanResult?.scanResultStatus === 'NO_THREATS_FOUND';
  const said = threatened ? 'THREATS_FOUND' : clean ? 'NO_THREATS_FOUND' : job.state;
  if (said === 'CREATED' || said === 'RUNNING') throw invalid('this scan of a recovery point has not ended');
  const vault = job.backupVaultName;
  const at = new Date(time).toISOString();
  const common = { status: said, account, region, kind: 'RecoveryPoint' as const, place: vault, at };
  const of = { account, region, at, status: said, count };
  if (threatened) {
    const { type, resource } = pointOf(event);
    const found = detailOf({
      ...{ ...of, type, resource, outcome: 'threats' as const, severity: SEVERE },
      id: scanId('scan', account, region, job.scanId),
      title: `Malware in a recovery point of backup vault ${vault}`,
      description:
        'Malware Protection for Backup found threats in the recovery point. Do not restore from it.',
      service: { malwareScanDetails: { scanId: job.scanId, threats: [] } },
      scanJobId: job.scanJobId,
    });
    return { ...common, outcome: 'threats', type, id: found.id, detail: found };
  }
  const [name, severity, why] = clean
    ? ['NoThreatsFound', LEAST, 'no threats were found']
    : (UNSCANNED_BACKUP.get(said) ?? UNKNOWN);
  const type = `${SCAN_PURPOSE}:RecoveryPoint/${name}`;
  const outcome = clean ? 'clean' : 'unscanned';
  const found = detailOf({
    ...{ ...of, type, severity, outcome, service: {} },
    place: arn({ partition: partitionOfRegion(region), account, region }, 'backup', `backup-vault:${vault}`),
    resource: { resourceType: 'BackupVault', recoveryPointDetails: { backupVaultName: vault } },
    id: scanId('points', account, region, vault, said, at.slice(0, 10)),
    title: clean
      ? 'Malware Protection for Backup found no threats'
      : `Recovery points of backup vault ${vault} were not scanned for malware (${said})`,
    description: `Malware Protection for Backup reports ${said}: ${why}.`,
  });
  return { ...common, outcome, type, id: found.id, detail: found };
}

/** Recovery points of EC2 and EBS are an image and a snapshot, with ARNs of EC2; those of S3 are AWS Backup's own. */
function pointOf({ detail: { recoveryPointArn, resourceType, backupVaultName } }: BackupEvent): {
  readonly type: string;
  readonly resource: JsonObject;
} {
  const { service = '', resource = '' } = parseArn(recoveryPointArn) ?? {};
  if (service === 'ec2' && resource.startsWith('image/'))
    return {
      type: 'Execution:EC2/MaliciousFile!AMI',
      resource: { resourceType: 'EC2Image', ec2ImageDetails: { imageArn: recoveryPointArn } },
    };
  if (service === 'ec2' && resource.startsWith('snapshot/'))
    return {
      type: 'Execution:EC2/MaliciousFile!Snapshot',
      resource: { resourceType: 'EBSSnapshot', ebsSnapshotDetails: { snapshotArn: recoveryPointArn } },
    };
  return {
    type: `Execution:${resourceType === 'S3' ? 'S3' : 'EC2'}/MaliciousFile!RecoveryPoint`,
    resource: {
      resourceType: 'RecoveryPoint',
      recoveryPointDetails: { recoveryPointArn, backupVaultName },
    },
  };
}

/** Results without a threat, as types that policy.yml decides about; what has threats is of GuardDuty's own type. */
export const SCAN_TYPES: ReadonlyMap<string, ScanType[1]> = new Map([
  ...typesOf('S3Object', UNSCANNED_OBJECT),
  ...typesOf('RecoveryPoint', UNSCANNED_BACKUP),
]);

interface ScanTypeFacts {
  readonly outcome: ScanOutcome;
  readonly severity: number;
  /** What a person does about it. */
  readonly next?: string;
}
type ScanType = readonly [type: string, ScanTypeFacts];

function typesOf(family: string, unscanned: ReadonlyMap<string, Unscanned>): readonly ScanType[] {
  const named = (name: string) => `${SCAN_PURPOSE}:${family}/${name}`;
  return [
    [named('NoThreatsFound'), { outcome: 'clean', severity: LEAST }],
    ...[...unscanned.values(), UNKNOWN].map(
      ([name, severity, , next]): ScanType => [named(name), { outcome: 'unscanned', severity, next }],
    ),
  ];
}

interface Said {
  readonly account: string;
  readonly region: string;
  readonly at: string;
  readonly status: string;
  readonly count: number;
  readonly outcome: ScanOutcome;
  readonly id: string;
  readonly type: string;
  readonly severity: number;
  readonly title: string;
  readonly description: string;
  readonly resource: JsonObject;
  readonly service: JsonObject;
  readonly scanJobId?: string;
  /** ARN of the bucket or vault that stands for what was scanned. */
  readonly place?: string;
}

/** `malwareScanResult` is what GuardDuty's findings do not have: by it a stored finding is known for a scan's. */
const detailOf = ({
  account,
  region,
  at,
  status: said,
  count,
  outcome,
  service,
  scanJobId,
  place,
  ...rest
}: Said) => ({
  ...{ schemaVersion: '2.0', accountId: account, region },
  ...rest,
  ...{ createdAt: at, updatedAt: at },
  service: { serviceName: 'guardduty', count, archived: false, additionalInfo: {}, ...service },
  malwareScanResult: {
    ...{ status: said, outcome },
    ...(place === undefined ? {} : { place }),
    ...(scanJobId === undefined ? {} : { scanJobId }),
  },
});

const SCAN_ID = 'scan-';

const scanId = (...parts: readonly string[]): string =>
  `${SCAN_ID}${createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32)}`;

/** Returns whether the id is of a finding that stands for a scan's result: GuardDuty's own ids are 32 hex digits. */
export const isScanId = (findingId: string): boolean => findingId.startsWith(SCAN_ID);

/** Returns the object in one spelling: a version called "null" or nothing at all, and quotation marks around the ETag. */
export function objectOf(
  bucket: string,
  key: string,
  versionId: string | null | undefined,
  eTag: string | null | undefined,
): ScannedObject {
  const version = versionId === 'null' ? null : versionId || null;
  return { bucket, key, versionId: version, eTag: eTag?.replaceAll('"', '') || null };
}

/** What a malware scan was about: one object, or what one scan of an image, a snapshot or a recovery point read. */
export type Scanned =
  | { readonly kind: 'object'; readonly object: ScannedObject }
  | { readonly kind: 'scan'; readonly id: string };

/** Returns what makes it one: an object's version, or its content where the bucket keeps no versions. */
export function scannedKey(scanned: Scanned): string {
  if (scanned.kind === 'scan') return JSON.stringify(['scan', scanned.id]);
  const { bucket, key, versionId, eTag } = scanned.object;
  return JSON.stringify(
    versionId === null ? [bucket, key, 'etag', eTag] : [bucket, key, 'version', versionId],
  );
}
