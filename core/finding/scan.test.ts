/** Events of malware scans: read by schema, whatever an uploader calls the object; one identity with GuardDuty's finding. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backupScan, objectScan, type ScannedObjectDetails } from '../../test/scan-events.ts';
import { identityOf, incidentIdFor } from '../incident/incident.ts';
import { parseFinding } from './finding.ts';
import { parseScan, SCAN_TYPES } from './scan.ts';

const idOf = (event: object) => incidentIdFor(identityOf(parseFinding(event)));
const object = { bucketName: 'uploads', objectKey: 'in/a.exe', eTag: 'e1', versionId: 'v1' };
/** GuardDuty's finding about the same object. */
const findingOf = (details: object, more: object = {}) => ({
  id: 'f'.repeat(32),
  type: 'Object:S3/MaliciousFile',
  ...{ accountId: '111122223333', region: 'eu-west-1', severity: 8, updatedAt: '2026-11-30T10:00:00Z' },
  resource: { s3BucketDetails: [{ name: 'uploads', s3ObjectDetails: [details] }] },
  service: { detectorId: 'd0' },
  ...more,
});

describe('the result of an object scan', () => {
  it('with threats is the finding that GuardDuty has for it', () => {
    const finding = parseFinding(objectScan('THREATS_FOUND', object, ['Trojan.A', 'Trojan.B']));
    expect(finding).toMatchObject({
      ...{ type: 'Object:S3/MaliciousFile', label: 'high', scan: 'threats', account: '111122223333' },
      ...{ malware: { names: ['Trojan.A', 'Trojan.B'], complete: true }, sample: false, archived: false },
      scanned: {
        kind: 'object',
        object: { bucket: 'uploads', key: 'in/a.exe', versionId: 'v1', eTag: 'e1' },
      },
    });
    expect(finding.doubt).toBeUndefined();
  });

  it.each([
    ['NO_THREATS_FOUND', 'MalwareScan:S3Object/NoThreatsFound', 'clean'],
    ['UNSUPPORTED', 'MalwareScan:S3Object/Unsupported', 'unscanned'],
    ['ACCESS_DENIED', 'MalwareScan:S3Object/AccessDenied', 'unscanned'],
    ['FAILED', 'MalwareScan:S3Object/Failed', 'unscanned'],
    ['A_NEW_STATUS', 'MalwareScan:S3Object/Unknown', 'unscanned'],
  ])('%s is %s, one of the bucket and the day', (status, type, scan) => {
    const one = objectScan(status, object);
    expect(parseFinding(one)).toMatchObject({ type, scan });
    expect(SCAN_TYPES.has(type)).toBe(true);
    expect(idOf(objectScan(status, { ...object, objectKey: 'other', versionId: 'v9' }))).toBe(idOf(one));
    expect(idOf({ ...one, time: '2026-12-01T00:00:01Z' })).not.toBe(idOf(one));
    expect(idOf(objectScan(status, { ...object, bucketName: 'another' }))).not.toBe(idOf(one));
    expect(JSON.stringify(parseScan(one).detail)).not.toContain('a.exe');
  });

  it.each<[string, ScannedObjectDetails, object]>([
    ['a version', object, { key: 'in/a.exe', versionId: 'v1', eTag: 'e1' }],
    ['no version', { ...object, versionId: null }, { key: 'in/a.exe', eTag: '"e1"' }],
    ['the version "null"', { ...object, versionId: 'null' }, { key: 'in/a.exe', eTag: 'e1', versionId: '' }],
  ])('is one incident with the finding about the same object: %s', (_name, scanned, found) => {
    const scan = objectScan('THREATS_FOUND', scanned);
    expect(idOf(scan)).toBe(idOf(findingOf(found)));
    expect(idOf({ ...scan, account: '444455556666' })).not.toBe(idOf(scan));
    expect(idOf({ ...scan, region: 'eu-north-1' })).not.toBe(idOf(scan));
    expect(idOf(findingOf({ ...found, key: 'in/b.exe' }))).not.toBe(idOf(scan));
  });

  it('is no incident with a sample, nor with a finding that names several objects', () => {
    const scan = idOf(objectScan('THREATS_FOUND', object));
    const details = { key: 'in/a.exe', versionId: 'v1', eTag: 'e1' };
    expect(idOf(findingOf(details, { title: '[SAMPLE] malware' }))).not.toBe(scan);
    const several = findingOf(details);
    several.resource.s3BucketDetails[0]?.s3ObjectDetails.push({ ...details, key: 'b' });
    expect(idOf(several)).not.toBe(scan);
  });

  it('keeps any key that S3 takes, and nothing of it passes for another member', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 200, unit: 'binary' }), (objectKey) => {
        fc.pre(Buffer.byteLength(objectKey) <= 1024);
        const finding = parseFinding(objectScan('THREATS_FOUND', { ...object, objectKey }));
        expect(finding.scanned).toMatchObject({ object: { bucket: 'uploads', key: objectKey } });
        expect(finding.id).toMatch(/^scan-[0-9a-f]{32}$/);
      }),
    );
  });

  it('says what is wrong with an event that is none', () => {
    const bad = (change: object) => () => parseFinding({ ...objectScan('THREATS_FOUND', object), ...change });
    expect(bad({ source: 'my.app' })).toThrow(/aws\.guardduty/);
    expect(bad({ account: undefined })).toThrow(/account/);
    expect(bad({ region: '../x' })).toThrow(/Region/);
    expect(bad({ detail: {} })).toThrow(/s3ObjectDetails/);
    expect(() => parseFinding(objectScan('THREATS_FOUND', { ...object, bucketName: 'a/b' }))).toThrow(
      /bucket/,
    );
    expect(() =>
      parseFinding(objectScan('THREATS_FOUND', { ...object, objectKey: 'x'.repeat(1025) })),
    ).toThrow(/1024/);
    expect(() => parseFinding(objectScan('threats found', object))).toThrow(/status/);
  });
});

describe('the result of a backup scan', () => {
  it.each([
    ['arn:aws:ec2:eu-west-1::image/ami-0123456789abcdef0', 'EC2', 'Execution:EC2/MaliciousFile!AMI'],
    ['arn:aws:ec2:eu-west-1::snapshot/snap-0123456789abcdef0', 'EBS', 'Execution:EC2/MaliciousFile!Snapshot'],
    [
      'arn:aws:backup:eu-west-1:111122223333:recovery-point:a',
      'S3',
      'Execution:S3/MaliciousFile!RecoveryPoint',
    ],
    [
      'arn:aws:backup:eu-west-1:111122223333:recovery-point:a',
      'EC2',
      'Execution:EC2/MaliciousFile!RecoveryPoint',
    ],
  ])('with threats in %s (%s) is %s', (recoveryPointArn, resourceType, type) => {
    const event = backupScan('COMPLETED', 'THREATS_FOUND', { recoveryPointArn, resourceType });
    const finding = parseFinding(event);
    expect(finding).toMatchObject({ type, label: 'high', scan: 'threats', scanned: { kind: 'scan' } });
    const { detail } = finding;
    // GuardDuty's finding names the scan.
    const held = { ...detail, id: 'f'.repeat(32), malwareScanResult: null };
    expect(idOf(event)).toBe(idOf(held));
  });

  it.each([
    ['COMPLETED', 'NO_THREATS_FOUND', 'NoThreatsFound', 'clean'],
    ['COMPLETED_WITH_ISSUES', 'NO_THREATS_FOUND', 'Incomplete', 'unscanned'],
    ['COMPLETED', undefined, 'Unknown', 'unscanned'],
    ['FAILED', undefined, 'Failed', 'unscanned'],
    ['CANCELED', undefined, 'Canceled', 'unscanned'],
  ])('%s %s is %s', (state, result, name, scan) => {
    expect(parseFinding(backupScan(state, result))).toMatchObject({
      ...{ type: `MalwareScan:RecoveryPoint/${name}`, scan },
    });
  });

  it('that found threats in what it could read is one with threats', () => {
    expect(parseFinding(backupScan('COMPLETED_WITH_ISSUES', 'THREATS_FOUND')).scan).toBe('threats');
  });

  it('is none while the scan runs', () => {
    expect(() => parseFinding(backupScan('RUNNING'))).toThrow(/has not ended/);
  });
});
