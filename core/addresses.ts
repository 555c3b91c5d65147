/** IP addresses and ranges, as people and GuardDuty's lists write them. */
import { BlockList, isIP } from 'node:net';

export interface AddressRange {
  /** As it was written. */
  readonly text: string;
  readonly address: string;
  /** Bits of the prefix; of a single address all of them. */
  readonly prefix: number;
  readonly family: 'ipv4' | 'ipv6';
}

/** An address or a CIDR range; undefined for anything else. */
export function parseRange(text: string): AddressRange | undefined {
  const [address = '', bits, ...rest] = text.trim().split('/');
  const version = isIP(address);
  if (version === 0 || rest.length > 0) return undefined;
  const longest = version === 4 ? 32 : 128;
  if (bits !== undefined && !/^\d{1,3}$/.test(bits)) return undefined;
  const prefix = bits === undefined ? longest : Number(bits);
  if (prefix > longest) return undefined;
  return { text: text.trim(), address, prefix, family: version === 4 ? 'ipv4' : 'ipv6' };
}

function blockListOf(ranges: readonly AddressRange[]): BlockList {
  const list = new BlockList();
  for (const { address, prefix, family } of ranges) list.addSubnet(address, prefix, family);
  return list;
}

/** Tells which range holds an address, in the order given. */
export function rangeFinder(ranges: readonly AddressRange[]): (ip: string) => AddressRange | undefined {
  const lists = ranges.map((range) => ({ range, list: blockListOf([range]) }));
  // Most addresses are in none: one look says so.
  const all = blockListOf(ranges);
  return (ip) => {
    const version = isIP(ip);
    if (version === 0) return undefined;
    const family = version === 4 ? 'ipv4' : 'ipv6';
    if (ranges.length === 0 || !all.check(ip, family)) return undefined;
    return lists.find(({ list }) => list.check(ip, family))?.range;
  };
}

/** Ranges that are no one's on the internet: private, shared, loopback, link-local, documentation excepted, multicast, reserved. */
const NOT_PUBLIC = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '::/127',
  '64:ff9b::/96',
  'fc00::/7',
  'fe80::/10',
  'ff00::/8',
].flatMap((text) => parseRange(text) ?? []);
const notPublic = rangeFinder(NOT_PUBLIC);

/** The special range an address belongs to, or undefined when it is routed on the internet. */
export const specialRange = (ip: string): string | undefined => notPublic(ip)?.text;

/**
 * The range as AWS writes it, so that two spellings of one range are equal: `198.51.100.7/32`, `2001:db8::1/128`.
 * Host bits stay as they are.
 */
export function canonicalRange({ address, prefix, family }: AddressRange): string {
  // The URL parser shortens IPv6 as RFC 5952 asks.
  const short = family === 'ipv6' ? new URL(`http://[${address}]`).hostname.slice(1, -1) : address;
  return `${short}/${prefix}`;
}

/** True when the ranges share an address. One of two ranges that do lies within the other. */
export function overlap(a: AddressRange, b: AddressRange): boolean {
  if (a.family !== b.family) return false;
  const [wide, narrow] = a.prefix <= b.prefix ? [a, b] : [b, a];
  return rangeFinder([wide])(narrow.address) !== undefined;
}
