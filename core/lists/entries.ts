/** Entries of a GuardDuty list: addresses, ranges and domains, in every format that GuardDuty takes. */
import { type AddressRange, parseRange, rangeFinder } from '../addresses.ts';
import { FirebreakError } from '../errors.ts';
import { isJsonObject } from '../json.ts';

const LABEL = '[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?';
const DOMAIN = new RegExp(`^(?:\\*\\.)?(?:${LABEL}\\.)+[a-z0-9-]{2,63}$`);

/** Returns the domain of an entry as it is compared, `*.` kept; undefined for anything else. */
export function parseDomain(text: string): string | undefined {
  const domain = text.trim().toLowerCase().replace(/\.$/, '');
  return DOMAIN.test(domain) && parseRange(domain) === undefined ? domain : undefined;
}

const known = (text: string): boolean => parseRange(text) !== undefined || parseDomain(text) !== undefined;

/** Returns the entries of a list. Throws InputInvalid for a format that is not known and for text that does not fit it. */
export async function entriesOf(format: string, text: string): Promise<readonly string[]> {
  switch (format) {
    case 'TXT':
      return lines(text);
    case 'STIX':
      return ofStix(text);
    case 'OTX_CSV':
      return columns(text, ['indicator']);
    case 'PROOF_POINT':
      return columns(text, ['ip', 'domain']);
    case 'FIRE_EYE':
      return columns(text, ['ip', 'cidr', 'domain']);
    case 'ALIEN_VAULT':
      return lines(text)
        .map((line) => line.split('#', 1)[0]?.trim() ?? '')
        .filter(known);
    default:
      throw new FirebreakError('InputInvalid', `lists in the format ${format.slice(0, 40)} are not known`);
  }
}

const lines = (text: string): readonly string[] =>
  text
    .replace(/^\uFEFF/, '')
    .split(/\r\n?|\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '');

/** Every address and domain in these columns; the first line names them. */
function columns(text: string, wanted: readonly string[]): readonly string[] {
  const [header = '', ...rows] = lines(text);
  const names = fields(header).map((name) => name.toLowerCase());
  const at = wanted.map((name) => names.indexOf(name)).filter((index) => index >= 0);
  if (at.length === 0)
    throw new FirebreakError('InputInvalid', `no column of the list is ${wanted.join(' or ')}`);
  return [...new Set(rows.flatMap((row) => at.map((index) => fields(row)[index] ?? '')))].filter(known);
}

/** A field in quotes may hold commas, and a quote written twice. */
const fields = (row: string): readonly string[] =>
  [...row.matchAll(/\s*(?:"((?:[^"]|"")*)"[^,]*|([^,]*))(?:,|$)/g)].map(
    ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain?.trim() ?? '',
  );

/** STIX 1.2: addresses of AddressObjects and names of DomainNameObjects. Entities of a DTD are not expanded. */
async function ofStix(text: string): Promise<readonly string[]> {
  const { XMLParser, XMLValidator } = await import('./xml.ts');
  const checked = XMLValidator.validate(text);
  if (checked !== true) throw new FirebreakError('InputInvalid', `the list is not XML: ${checked.err.msg}`);
  const parser = new XMLParser({
    removeNSPrefix: true,
    ignoreAttributes: false,
    parseTagValue: false,
    processEntities: false,
  });
  return [...new Set(found(parser.parse(text)).flatMap(stixValues))].filter(known);
}

/** Texts of `Address_Value` anywhere, and of `Value` in the properties of a domain name. */
function found(node: unknown): readonly unknown[] {
  if (Array.isArray(node)) return node.flatMap(found);
  if (!isJsonObject(node)) return [];
  const isDomain = /\bDomainNameObjectType$/.test(String(node['@_type'] ?? ''));
  return Object.entries(node).flatMap(([key, value]): readonly unknown[] =>
    key === 'Address_Value' || (isDomain && key === 'Value') ? [value].flat() : found(value),
  );
}

/** One value, several after `##comma##`, or with `InclusiveBetween` the first and the last address of a range. */
function stixValues(value: unknown): readonly string[] {
  const text = String(isJsonObject(value) ? (value['#text'] ?? '') : value);
  const parts = text.split('##comma##').map((part) => part.trim());
  const between = isJsonObject(value) && value['@_condition'] === 'InclusiveBetween';
  const [first, last] = parts;
  return between && first !== undefined && last !== undefined ? rangesBetween(first, last) : parts;
}

const number = (ip: string): number => ip.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
const address = (value: number): string =>
  [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');

/** Returns the CIDR ranges from one IPv4 address to another, both included; GuardDuty's lists hold IPv4 only. */
export function rangesBetween(first: string, last: string): readonly string[] {
  const ends = [first, last].map(parseRange);
  if (!ends.every((end) => end?.family === 'ipv4' && end.prefix === 32)) return [];
  const ranges: string[] = [];
  const end = number(last);
  for (let from = number(first); from <= end; ) {
    let bits = 0;
    while (bits < 32 && from % 2 ** (bits + 1) === 0 && from + 2 ** (bits + 1) - 1 <= end) bits += 1;
    ranges.push(bits === 0 ? address(from) : `${address(from)}/${32 - bits}`);
    from += 2 ** bits;
  }
  return ranges;
}

export interface EntryFinder {
  /** Returns the range that holds the address, in the order given. */
  address(ip: string): AddressRange | undefined;
  /** Returns the entry that names the domain, or with `*.` a domain above it. */
  domain(name: string): string | undefined;
}

/** Finds what of a list names an address or a domain. */
export function entryFinder(entries: readonly string[]): EntryFinder {
  const domains = entries.flatMap((entry) => parseDomain(entry) ?? []);
  return {
    address: rangeFinder(entries.flatMap((entry) => parseRange(entry) ?? [])),
    domain(name) {
      const domain = name.toLowerCase().replace(/\.$/, '');
      return domains.find(
        (entry) => entry === domain || (entry.startsWith('*.') && domain.endsWith(entry.slice(1))),
      );
    },
  };
}
