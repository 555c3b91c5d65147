import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRange, rangeFinder, specialRange } from './addresses.ts';
import { changedEntries, objectOf } from './lists/address-lists.ts';

describe('ranges', () => {
  it.each([
    ['198.51.100.7', 32, 'ipv4'],
    ['198.51.100.0/24', 24, 'ipv4'],
    [' 2001:db8::/48 ', 48, 'ipv6'],
  ])('reads %s', (text, prefix, family) => {
    expect(parseRange(text)).toMatchObject({ prefix, family });
  });

  it.each(['', 'example.com', '10.0.0.0/33', '10.0.0/8', '1.2.3.4/', '1.2.3.4/8/8', '::1/129', '1.2.3.4/-1'])(
    'takes %j for nothing',
    (text) => {
      expect(parseRange(text)).toBeUndefined();
    },
  );

  it('finds the range that holds an address, and none for what is no address', () => {
    const find = rangeFinder(['198.51.100.0/24', '2001:db8::/32'].flatMap((text) => parseRange(text) ?? []));
    expect(find('198.51.100.255')?.text).toBe('198.51.100.0/24');
    expect(find('198.51.101.0')).toBeUndefined();
    expect(find('2001:db8:1::5')?.text).toBe('2001:db8::/32');
    expect(find('nothing')).toBeUndefined();
  });

  it.each([
    ['10.1.2.3', '10.0.0.0/8'],
    ['169.254.169.254', '169.254.0.0/16'],
    ['100.100.0.1', '100.64.0.0/10'],
    ['fd00::1', 'fc00::/7'],
    ['198.51.100.7', undefined],
  ])('knows that %s is in %s', (ip, range) => {
    expect(specialRange(ip)).toBe(range);
  });

  it('is never more than what was written: an address outside the prefix is not found', () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.integer({ min: 0, max: 32 }), fc.ipV4(), (base, prefix, other) => {
        const bits = (ip: string) => ip.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
        const size = 2 ** (32 - prefix);
        const same = Math.floor(bits(base) / size) === Math.floor(bits(other) / size);
        const range = parseRange(`${base}/${prefix}`);
        expect(rangeFinder(range ? [range] : [])(other) !== undefined).toBe(same);
      }),
    );
  });
});

describe('entries of a list', () => {
  it('adds and removes, and keeps the order of the rest', () => {
    expect(
      changedEntries('threat', ['a', '198.51.100.1'], {
        add: ['203.0.113.9', '198.51.100.1'],
        remove: ['a'],
      }),
    ).toEqual(['198.51.100.1', '203.0.113.9']);
  });

  it('names everything that is wrong and changes nothing', () => {
    expect(() =>
      changedEntries('trusted', [], { add: ['10.0.0.1', '198.0.0.0/8', 'x'], remove: ['198.51.100.9'] }),
    ).toThrow(
      /10\.0\.0\.1 lies in 10\.0\.0\.0\/8.*198\.0\.0\.0\/8 is wider than \/16.*x is neither.*198\.51\.100\.9 is not on the list/,
    );
  });

  it('finds the object in each form GuardDuty takes', () => {
    const wanted = { bucket: 'lists', key: 'a/b.txt' };
    expect(objectOf('s3://lists/a/b.txt')).toEqual(wanted);
    expect(objectOf('https://s3.amazonaws.com/lists/a/b.txt')).toEqual(wanted);
    expect(objectOf('https://s3-eu-west-1.amazonaws.com/lists/a/b.txt')).toEqual(wanted);
    expect(objectOf('https://lists.s3.eu-west-1.amazonaws.com/a/b.txt')).toEqual(wanted);
    expect(() => objectOf('ftp://x')).toThrow('no S3 object');
  });
});
