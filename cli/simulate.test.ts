import { describe, expect, it } from 'vitest';
import { parseFinding } from '../core/finding/finding.ts';
import { publishedTypes } from '../playbooks/coverage.ts';
import { answersFor, choosePlaybook } from '../playbooks/index.ts';
import { simulatedEvent } from '../sandbox/simulated/event.ts';
import { typeNamed } from './simulate.ts';

const PUBLISHED = (await publishedTypes()).filter(({ state }) => state !== 'custom');
const scope = { partition: 'aws-us-gov', account: '111122223333', region: 'us-gov-west-1' };
const options = { scope, severity: 'high', now: new Date('2026-11-25T08:00:00Z'), seed: 'test' } as const;

describe('simulatedEvent', () => {
  it.each(PUBLISHED)('$type is a finding of its family that a playbook takes up', ({ type }) => {
    const event = simulatedEvent(type, { ...options, sample: false });
    const finding = parseFinding(event);
    expect(finding).toMatchObject({ ...scope, type, label: 'high', sample: false });
    if (NAMES_A_TARGET.test(type) && answersFor(type).length > 0)
      expect(choosePlaybook(finding)).toHaveProperty('parts[0]');
    expect(JSON.stringify(finding.detail['resource'])).not.toContain('Unknown');
    expect(JSON.stringify(event)).not.toContain('arn:aws:');
  });

  it('is a sample where asked, and then nothing is ever changed', () => {
    const finding = parseFinding(simulatedEvent('Trojan:EC2/DropPoint', { ...options, sample: true }));
    expect(finding.sample).toBe(true);
  });

  it('gives the same finding id for the same seed, and another for another', () => {
    const id = (seed: string) =>
      parseFinding(simulatedEvent('Trojan:EC2/DropPoint', { ...options, seed, sample: false })).id;
    expect(id('a')).toBe(id('a'));
    expect(id('a')).not.toBe(id('b'));
  });
});

/** Types whose resource some playbook contains; root, and what is probed from outside, have no playbook. */
const NAMES_A_TARGET =
  /^(?!.*(Root|PortProbe|BruteForce))[^:]+:(IAMUser|Lambda|RDS|ECS)\/|^(Backdoor|Trojan|CryptoCurrency):EC2\/|:S3\/(Bucket|Anomalous|Malicious)/;

describe('typeNamed', () => {
  it('takes a part that only one type has, in any case', () => {
    expect(typeNamed('reverseshell', PUBLISHED).type).toBe('Execution:Runtime/ReverseShell');
  });
  it('names the types that a part could mean', () => {
    expect(() => typeNamed('DropPoint', PUBLISHED)).toThrow(
      /part of \d+ finding types: .*Trojan:EC2\/DropPoint/,
    );
  });
  it('prefers the type of exactly this name to longer ones', () => {
    expect(typeNamed('Trojan:EC2/DropPoint', PUBLISHED).type).toBe('Trojan:EC2/DropPoint');
  });
  it('says that there is none', () => {
    expect(() => typeNamed('Nothing:Like/This', PUBLISHED)).toThrow('unknown finding type');
  });
});
