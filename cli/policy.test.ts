import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { loadPolicy } from '../core/policy/policy.ts';
import { policyBacktest } from './policy.ts';

const file = new URL('../policy.yml', import.meta.url).pathname;

/** GuardDuty's finding as Security Hub has it. */
const asff = {
  SchemaVersion: '2018-10-08',
  Id: 'arn:aws:guardduty:eu-west-1:111122223333:detector/d0d0/finding/f1f1',
  ProductArn: 'arn:aws:securityhub:eu-west-1::product/aws/guardduty',
  AwsAccountId: '111122223333',
  Types: ['TTPs/Command and Control/Backdoor:EC2-C&CActivity.B!DNS'],
  CreatedAt: '2026-01-05T10:00:00Z',
  UpdatedAt: '2026-01-05T10:06:00Z',
  Severity: { Product: 8, Label: 'HIGH', Normalized: 70 },
  ProductFields: { 'aws/guardduty/service/count': '7', 'aws/securityhub/ProductName': 'GuardDuty' },
  Resources: [
    {
      Type: 'AwsEc2Instance',
      Id: 'arn:aws:ec2:eu-west-1:111122223333:instance/i-0aaaaaaaaaaaaaaa1',
      Region: 'eu-west-1',
    },
  ],
};

it.each([true, false])('backtest says what a finding of Security Hub lacks (json: %s)', async (json) => {
  const folder = mkdtempSync(join(tmpdir(), 'firebreak-'));
  const findings = join(folder, 'findings.json');
  writeFileSync(findings, JSON.stringify(asff));
  let printed = '';
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += String(text);
    return true;
  });
  try {
    const place = { policy: await loadPolicy(file), live: false, stage: 'prod', region: undefined };
    await policyBacktest({ ...place, files: [findings], changed: file, since: 0, json });
  } finally {
    write.mockRestore();
    rmSync(folder, { recursive: true });
  }
  expect(printed).toMatch(
    json ? /"lacks":\["read from ASFF, which lacks / : /1 of 1: read from ASFF, which lacks /,
  );
});
