import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadPolicy } from '../../core/policy/policy.ts';
import { choosePlaybook } from '../../playbooks/index.ts';
import { replayLine } from '../replay.ts';
import { findingsIn } from './envelopes.ts';
import { readFindings } from './input.ts';

const folder = new URL('../../test/fixtures/cases/', import.meta.url);
const files = readdirSync(folder);

async function read(start: string): Promise<readonly string[]> {
  const file = files.find((name) => name.startsWith(`${start}-`));
  const items: string[] = [];
  for await (const item of readFindings([new URL(file ?? start, folder).pathname])) {
    if ('error' in item) items.push(item.error.replace(/^.*: (line \d+, column \d+): .*$/, '$1'));
    else items.push(shown(item.raw));
  }
  return items;
}

/** The last digit of the id tells the findings of a case apart. */
function shown(raw: unknown): string {
  const line = replayLine(0, raw, policy, choosePlaybook);
  return 'error' in line
    ? line.error
    : `${line.id.slice(-1)} ${line.decision} ${line.target?.split('/').at(-1)}`;
}

const policy = await loadPolicy(new URL('../../policy.yml', import.meta.url).pathname);

describe('a case from the field', () => {
  const one = '1 auto i-0aaaaaaaaaaaaaaa1';
  const two = '2 auto i-0aaaaaaaaaaaaaaa2';
  const three = '3 auto i-0aaaaaaaaaaaaaaa3';
  const four = '4 auto i-0aaaaaaaaaaaaaaa4';
  it.each<[string, string, readonly string[]]>([
    ['01b', 'a line that was cut early', [one, 'line 2, column 31', three, four]],
    [
      '01e',
      'answers of which one was cut',
      [one, two, 'line 2, column 901', '5 auto i-0aaaaaaaaaaaaaaa5', '6 auto i-0aaaaaaaaaaaaaaa6'],
    ],
    ['01g', 'a pretty-printed document that was cut', [one, 'line 118, column 32', three, four]],
    [
      '01x',
      'an answer and lines behind it',
      ['1 auto i-0aaaaaaaaaaaa0521', '2 auto i-0aaaaaaaaaaaa0522', '3 auto i-0aaaaaaaaaaaa0523'],
    ],
    ['02c', 'documents without anything between them', [one, two, three]],
    ['02i', 'pretty-printed documents in a row', [one, two]],
    ['02k', 'UTF-16', [one, two]],
    ['02y', 'a broken member of a list', [one, 'line 1, column 3735', three, four]],
    [
      '31d',
      'a record of Firehose with two documents',
      ['1 auto i-0aaaaaaaaaaaaa001', '2 auto i-0aaaaaaaaaaaaa002', '3 auto i-0aaaaaaaaaaaaa003'],
    ],
    ['04b', 'one object in place of a list', ['2 notify i-0aaaaaaaaaaaaaaa1', '3 auto i-0aaaaaaaaaaaaaaa1']],
    ['04c', 'the envelope of Wazuh', ['2 notify i-0aaaaaaaaaaaaaaa1', '3 auto i-0aaaaaaaaaaaaaaa1']],
  ])('%s: %s', async (name, _what, wanted) => {
    expect(await read(name)).toEqual(wanted);
  });

  it('an S3 notification is named, with the keys that were seen', async () => {
    const [error, ...more] = await read('31g');
    expect(more).toEqual([]);
    expect(error).toMatch(
      /S3 notification about s3:\/\/gd-export\/.*keys seen are eventSource, eventName, s3$/,
    );
  });

  it('the function is found in any form of its name', async () => {
    for (const line of await read('39a')) expect(line).toMatch(/ask .*function:billing$/);
  });

  it('the task of an old ARN is found', async () => {
    expect(await read('36b')).toEqual([expect.stringContaining('01234567-89ab-cdef-0123-456789abcdef')]);
  });
});

const asff = {
  SchemaVersion: '2018-10-08',
  Id: 'arn:aws:guardduty:eu-west-1:111122223333:detector/d0d0/finding/f1f1',
  ProductArn: 'arn:aws:securityhub:eu-west-1::product/aws/guardduty',
  AwsAccountId: '111122223333',
  Types: ['TTPs/Command and Control/Backdoor:EC2-C&CActivity.B!DNS'],
  CreatedAt: '2026-01-05T10:00:00Z',
  UpdatedAt: '2026-01-05T10:06:00Z',
  Severity: { Product: 8, Label: 'HIGH', Normalized: 70 },
  RecordState: 'ACTIVE',
  ProductFields: {
    'aws/guardduty/service/action/actionType': 'NETWORK_CONNECTION',
    'aws/guardduty/service/action/networkConnectionAction/blocked': 'false',
    'aws/guardduty/service/action/networkConnectionAction/remoteIpDetails/ipAddressV4': '198.51.100.50',
    'aws/guardduty/service/action/networkConnectionAction/remotePortDetails/port': '443',
    'aws/guardduty/service/evidence': '',
    'aws/guardduty/service/evidence/threatIntelligenceDetails.0_/threatListName': 'ProofPoint',
    'aws/guardduty/service/evidence/threatIntelligenceDetails.0_/threatNames.0_': 'Scanner',
    'aws/guardduty/service/archived': 'false',
    'aws/guardduty/service/count': '7',
    'aws/guardduty/service/resourceRole': 'ACTOR',
    'aws/securityhub/ProductName': 'GuardDuty',
  },
  Resources: [
    {
      Type: 'AwsEc2Instance',
      Id: 'arn:aws:ec2:eu-west-1:111122223333:instance/i-0aaaaaaaaaaaaaaa1',
      Region: 'eu-west-1',
      Details: { AwsEc2Instance: { VpcId: 'vpc-1', IpV4Addresses: ['203.0.113.7', '10.0.1.20'] } },
    },
  ],
};

const ocsf = {
  class_uid: 2004,
  severity_id: 4,
  metadata: { product: { name: 'GuardDuty', vendor_name: 'AWS' } },
  cloud: { provider: 'AWS', region: 'eu-west-1', account: { uid: '111122223333' } },
  finding_info: {
    uid: asff.Id,
    types: ['Backdoor:EC2/C&CActivity.B!DNS'],
    title: 'A title',
    created_time: 1_767_607_200_000,
    modified_time_dt: '2026-01-05T10:06:00Z',
  },
  resources: [{ type: 'AWS::EC2::Instance', uid: asff.Resources[0]?.Id, region: 'eu-west-1' }],
};

describe("GuardDuty's findings from elsewhere", () => {
  it.each<[string, unknown]>([
    ['ASFF', asff],
    ['an answer of Security Hub', { Findings: [asff] }],
    [
      'an event of Security Hub',
      {
        source: 'aws.securityhub',
        'detail-type': 'Security Hub Findings - Imported',
        detail: { findings: [asff] },
      },
    ],
    ['OCSF', ocsf],
  ])('are decided in %s, which says what it lacks', (_name, value) => {
    const [item, ...more] = findingsIn(value);
    expect(more).toEqual([]);
    if (!item || 'error' in item) throw new Error('not read');
    const line = replayLine(0, item.raw, policy, choosePlaybook, item.lacks);
    expect(line).toMatchObject({
      id: 'f1f1',
      type: 'Backdoor:EC2/C&CActivity.B!DNS',
      account: '111122223333',
      region: 'eu-west-1',
      playbook: 'isolate-instance',
      target: 'arn:aws:ec2:eu-west-1:111122223333:instance/i-0aaaaaaaaaaaaaaa1',
      reasons: expect.arrayContaining([expect.stringMatching(/^read from (ASFF|OCSF), which lacks /)]),
    });
  });

  it('carry in ASFF what GuardDuty flattened', () => {
    const [item] = findingsIn(asff);
    expect(item).toMatchObject({
      raw: {
        severity: 8,
        resource: {
          instanceDetails: {
            networkInterfaces: [{ privateIpAddress: '10.0.1.20', publicIp: '203.0.113.7' }],
          },
        },
        service: {
          count: 7,
          detectorId: 'd0d0',
          evidence: {
            threatIntelligenceDetails: [{ threatListName: 'ProofPoint', threatNames: ['Scanner'] }],
          },
          action: { networkConnectionAction: { blocked: false, remotePortDetails: { port: 443 } } },
        },
      },
    });
  });

  it.each<[string, (event: object) => unknown]>([
    ['Splunk', (event) => ({ preview: false, result: { _raw: JSON.stringify(event), host: 'h' } })],
    ['Splunk HEC', (event) => ({ time: 1, sourcetype: 'aws:cloudwatch:guardduty', event })],
    [
      'Elastic',
      (event) => ({
        _index: 'logs',
        _source: { message: JSON.stringify(event), event: { original: JSON.stringify(event) } },
      }),
    ],
    ['Wazuh', (event) => ({ _source: { rule: { level: 3 }, data: { integration: 'aws', aws: event } } })],
  ])('are taken once out of the envelope of %s', (_name, wrap) => {
    const raw = { id: 'f1', type: 'Trojan:EC2/DropPoint', updatedAt: '2026-01-05T10:06:00Z', severity: 8 };
    expect(findingsIn(wrap(raw))).toEqual([{ raw }]);
  });
});
