import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FirebreakError } from '../errors.ts';
import { isJsonObject } from '../json.ts';
import { parseFinding } from './finding.ts';
import { camelKeys, detailOf } from './shape.ts';

const folder = new URL('../../test/fixtures/findings/', import.meta.url);
const published = readdirSync(folder).filter((name) => name !== 'index.json' && name !== 'types.json');
const read = (name: string): unknown => JSON.parse(readFileSync(new URL(name, folder), 'utf8'));
const index = read('index.json') as { file: string; type: string; severity: number }[];

/** Every place in a JSON value, as a path. */
function paths(value: unknown, at: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [at];
  return [at, ...Object.entries(value).flatMap(([key, member]) => paths(member, [...at, key]))];
}
function replaced(value: unknown, [key, ...rest]: readonly string[], by: unknown): unknown {
  if (key === undefined) return by;
  const copy = structuredClone(value) as Record<string, unknown>;
  copy[key] = replaced(copy[key], rest, by);
  return copy;
}

describe('parseFinding', () => {
  it.each(published)('reads %s', (name) => {
    const finding = parseFinding(read(name));
    const expected = index.find(({ file }) => file === name);
    expect(finding).toMatchObject({ type: expected?.type, severity: expected?.severity });
    expect(finding.updatedAt).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/);
  });

  it.each([
    [{}, 'type: expected a text, got nothing (at detail.type)'],
    ['text', 'expected a JSON object'],
    [{ source: 'aws.ec2', detail: {} }, 'not from aws.guardduty'],
  ])('says what is wrong with %j', (input, message) => {
    expect(() => parseFinding(input)).toThrow(message);
  });

  it('names a severity that is text, and where', () => {
    const finding = read('canary-ec2-stateless-integtest-1.json') as object;
    expect(() => parseFinding({ ...finding, severity: '8' })).toThrow(
      'severity: expected a number, got the text "8" (at detail.severity)',
    );
  });

  it('takes the identity from the finding, never from the envelope', () => {
    const detail = read('canary-ec2-stateless-integtest-1.json');
    const event = { source: 'aws.guardduty', account: '999999999999', region: 'eu-north-1', detail };
    expect(parseFinding(event)).toMatchObject({ account: '123456789012', region: 'us-east-1' });
  });

  it('gives a finding or a named error for any JSON and any mutation of a published finding', () => {
    const mutated = fc.constantFrom(...published).chain((name) => {
      const value = read(name);
      return fc
        .tuple(fc.constantFrom(...paths(value)), fc.jsonValue())
        .map(([path, by]) => replaced(value, path, by));
    });
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), mutated), (input) => {
        try {
          expect(parseFinding(input).id.length).toBeGreaterThan(0);
        } catch (error) {
          expect(error).toBeInstanceOf(FirebreakError);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('does not reach a prototype', () => {
    const text = readFileSync(new URL('canary-ec2-stateless-integtest-1.json', folder), 'utf8');
    parseFinding(JSON.parse(text.replace('{', '{"__proto__": {"polluted": true}, ')));
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});

describe('what tools make of a finding', () => {
  const detail = detailOf(read('canary-ec2-stateless-integtest-1.json'));
  const remote = {
    remoteIpDetails: { ipAddressV4: '', ipAddressV6: '2001:db8::7', organization: { asn: ' ' } },
  };
  const instanceDetails = {
    instanceId: 'i-0aaaaaaaaaaaaaaa1',
    networkInterfaces: { privateIpAddress: '10.0.1.20', publicIp: '', securityGroups: { groupId: 'sg-1' } },
    tags: { key: 'Name', value: '' },
  };
  const parsed = parseFinding({
    ...detail,
    title: '',
    partition: '',
    resource: { resourceType: '', instanceDetails, accessKeyDetails: '' },
    service: {
      detectorId: '',
      resourceRole: '',
      action: { actionType: 'NETWORK_CONNECTION', networkConnectionAction: remote },
      evidence: { threatIntelligenceDetails: { threatListName: 'ProofPoint' } },
    },
  });

  it('reads one object where a list should be as a list of one', () => {
    expect(parsed.instance).toMatchObject({
      privateIps: ['10.0.1.20'],
      publicIps: [],
      securityGroupIds: ['sg-1'],
      tags: { Name: '' },
    });
    expect(parsed.threatLists).toEqual(['ProofPoint']);
  });

  it('reads an empty text as absent', () => {
    expect(parsed.action?.remote).toEqual([{ ip: '2001:db8::7' }]);
    expect(parsed).toMatchObject({ title: parsed.type, partition: 'aws' });
    for (const name of ['resourceType', 'resourceRole', 'detectorId', 'accessKey'])
      expect(parsed).not.toHaveProperty(name);
  });
});

describe('times', () => {
  const first = (eventFirstSeen: string) => {
    const detail = detailOf(read(published[0] ?? ''));
    const service = detail['service'];
    return parseFinding({ ...detail, service: { ...(isJsonObject(service) ? service : {}), eventFirstSeen } })
      .firstSeen;
  };

  it('are kept in one form, whatever the form they come in', () => {
    expect(first('2025-02-25 20:40:06.721')).toBe('2025-02-25T20:40:06.721Z');
    expect(first('2025-02-25T20:40:06Z')).toBe('2025-02-25T20:40:06.000Z');
    expect(first('2025-02-25T20:40:06')).toBe('2025-02-25T20:40:06.000Z');
    expect(first('2025-02-25T20:40:06+02:00')).toBe('2025-02-25T18:40:06.000Z');
    expect(first('2024-02-29 20:40:06')).toBe('2024-02-29T20:40:06.000Z');
    expect(() => first('2025-02-25T24:40:06Z')).toThrow('expected a time');
  });
});

describe('keys', () => {
  it('that are in order are not copied, and one that is not is renamed however deep it stands', () => {
    const plain = { a: [{ b: { c: 1, 'AWS::EC2::Instance': 'x' } }] };
    expect(camelKeys(plain)).toBe(plain);
    expect(camelKeys({ a: [{ b: { C: 1 } }, null] })).toEqual({ a: [{ b: { c: 1 } }, null] });
    expect(camelKeys({ a: [1, Number.NaN, undefined] })).toEqual({ a: [1, null, null] });
    expect(camelKeys(JSON.parse('{"a": {"__proto__": {"b": 1}, "c": 2}}'))).toEqual({ a: { c: 2 } });
  });

  it.each(['service', 'Service'])('names where %s nests too deep, in camelCase', (name) => {
    const deep = `${'{"Deep":['.repeat(40)}1${']}'.repeat(40)}`;
    const value: unknown = JSON.parse(`{"${name}":[0,${deep}]}`);
    expect(() => camelKeys(value)).toThrow(
      /^nested deeper than 60 levels \(at detail\.service\[1\]\.deep\[0\]\.deep\[0\]\.deep/,
    );
  });
});
