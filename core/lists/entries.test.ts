import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRange, rangeFinder } from '../addresses.ts';
import { entriesOf, entryFinder, parseDomain, rangesBetween } from './entries.ts';

const address = (value: string, condition = '') =>
  `<c:Properties xsi:type="A:AddressObjectType"><A:Address_Value${condition}>${value}</A:Address_Value></c:Properties>`;
const stix = (...properties: readonly string[]) =>
  `<?xml version="1.0"?><stix:STIX_Package xmlns:stix="s" xmlns:c="c" xmlns:A="a" xmlns:D="d" xmlns:xsi="x">
  <!-- ${address('192.0.2.99')} -->${properties.map((one) => `<c:Object>${one}</c:Object>`).join('')}</stix:STIX_Package>`;
const FIRE_EYE = 'reportId, title, sourceIp, sourceDomain, cidr, domain, networkIdentifier, ip, port';

describe('a list', () => {
  it.each<[string, string, readonly string[]]>([
    [
      'TXT',
      '192.0.2.0/24\r\n\n example.com \n*.example.org\n',
      ['192.0.2.0/24', 'example.com', '*.example.org'],
    ],
    [
      'STIX',
      stix(
        address('192.0.2.0##comma##192.0.2.255', ' condition="InclusiveBetween"'),
        address('198.51.100.1'),
        address('203.0.113.1##comma##203.0.113.9', ' condition="Equals"'),
        '<c:Properties xsi:type="D:DomainNameObjectType"><D:Value condition="Equals">bad.example</D:Value></c:Properties>',
        '<c:Properties xsi:type="D:EmailObjectType"><D:Value>mail.example</D:Value></c:Properties>',
      ),
      ['192.0.2.0/24', '198.51.100.1', '203.0.113.1', '203.0.113.9', 'bad.example'],
    ],
    [
      'OTX_CSV',
      'Indicator type, Indicator, Description\nCIDR, 192.0.2.0/24, "a, b"\nDomain name, example.net, x\nURL, http://x/, x\n',
      ['192.0.2.0/24', 'example.net'],
    ],
    [
      'PROOF_POINT',
      'domain, category, score, first_seen, last_seen, ports (|)\n198.51.100.1, 1, 100, 2000-01-01, 2000-01-01,\nexample.com, 1, 9, , , 80',
      ['198.51.100.1', 'example.com'],
    ],
    ['PROOF_POINT', 'ip, category\n203.0.113.1, 1', ['203.0.113.1']],
    [
      'FIRE_EYE',
      `${FIRE_EYE}\n\n1, "Two, of ""them""", 192.0.2.7, mail.example, 192.0.2.0/24, , Related, , \n2, T, , , , bad.example, Related, 203.0.113.5, 80`,
      ['192.0.2.0/24', '203.0.113.5', 'bad.example'],
    ],
    [
      'ALIEN_VAULT',
      '192.0.2.1#4#2#Malicious Host#US##0.0,0.0#3\nwww.example.com#4#2##PL##0.0,0.0#3\n# a comment',
      ['192.0.2.1', 'www.example.com'],
    ],
  ])('of %s is read', async (format, text, entries) => {
    expect(await entriesOf(format, text)).toEqual(entries);
  });

  it.each([
    ['STIX', '<stix:STIX_Package>', /not XML/],
    ['OTX_CSV', 'a, b\n192.0.2.1, c', /no column/],
    ['JSON', '[]', /not known/],
  ])('of %s that does not fit is said', async (format, text, why) => {
    await expect(entriesOf(format, text)).rejects.toThrow(why);
  });

  it('does not expand entities that it defines itself', async () => {
    const bomb = `<!DOCTYPE x [<!ENTITY a "203.0.113.1">]>${stix(address('&a;'), address('198.51.100.1'))}`;
    expect(await entriesOf('STIX', bomb.replace('<?xml version="1.0"?>', ''))).toEqual(['198.51.100.1']);
  });
});

it('knows a domain from an address, a path and a bare label', () => {
  expect(['Example.COM.', '*.a.example', '_x.example'].map(parseDomain)).toEqual([
    'example.com',
    '*.a.example',
    '_x.example',
  ]);
  for (const text of ['192.0.2.1', '192.0.2.0/24', 'localhost', 'a.b/c', '*', '*.com*', 'a..b', '-a.b c'])
    expect(parseDomain(text)).toBeUndefined();
});

it('finds a domain by its own entry, and by one with * of a domain above', () => {
  const find = entryFinder(['192.0.2.0/24', 'Example.com', '*.wide.example']);
  expect(find.domain('example.com.')).toBe('example.com');
  expect(find.domain('a.b.wide.example')).toBe('*.wide.example');
  expect(find.address('192.0.2.9')?.text).toBe('192.0.2.0/24');
  for (const name of ['a.example.com', 'wide.example', 'notwide.example', 'xwide.example'])
    expect(find.domain(name)).toBeUndefined();
});

it('makes of two ends the ranges that hold every address between them and no other', () => {
  const text = (value: number) => [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.');
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 0xffff0000 }),
      fc.integer({ min: 0, max: 70_000 }),
      fc.integer({ min: -3, max: 70_003 }),
      (start, size, offset) => {
        const find = rangeFinder(
          rangesBetween(text(start), text(Math.min(start + size, 0xffffffff))).flatMap(
            (one) => parseRange(one) ?? [],
          ),
        );
        const probe = start + offset;
        if (probe < 0 || probe > 0xffffffff) return;
        expect(find(text(probe)) !== undefined).toBe(offset >= 0 && offset <= size);
      },
    ),
  );
  expect(rangesBetween('0.0.0.0', '255.255.255.255')).toEqual(['0.0.0.0/0']);
  expect(rangesBetween('192.0.2.9', '192.0.2.1')).toEqual([]);
});
