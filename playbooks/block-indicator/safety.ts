/** What is never blocked, and what only a person may block. Pure. */
import { domainToASCII } from 'node:url';
import {
  type AddressRange,
  canonicalRange,
  overlap,
  parseRange,
  specialRange,
} from '../../core/addresses.ts';
import { entryFinder, parseDomain } from '../../core/lists/entries.ts';
import { POPULAR_DOMAINS } from '../../core/lists/popular-domains.ts';
import { AWS_DOMAINS, PUBLIC_RESOLVERS, sharedNetwork } from '../../core/lists/shared-networks.ts';
import type { Suffix } from './public-suffix.ts';
import { type BlockSettings, neverDomains, neverRanges } from './settings.ts';
import type { IndicatorState } from './state.ts';
import type { IndicatorFacts } from './target.ts';

/** A block hits more than one attacker beyond these prefixes. */
const WIDEST = { ipv4: 24, ipv6: 64 } as const;
/** IPv4 in IPv6 clothes: blocked as IPv6 it blocks nothing. */
const MAPPED = ['::ffff:', '2002:'];

/** Why the indicator must not be blocked, by anybody; undefined when it may. */
export function whyNever(
  facts: IndicatorFacts,
  state: IndicatorState,
  settings: BlockSettings,
  trusted: readonly string[],
): string | undefined {
  return facts.family === 'domain'
    ? whyNotDomain(facts.indicator, state.suffix, settings, trusted)
    : whyNotRange(facts.indicator, facts, state, settings, trusted);
}

/** Text is an address or a range; exported for the tests, since findings only ever name single addresses. */
export function whyNotRange(
  text: string,
  facts: Pick<IndicatorFacts, 'asn' | 'organisation'>,
  { own, networks }: Pick<IndicatorState, 'own' | 'networks'>,
  settings: BlockSettings,
  trusted: readonly string[],
): string | undefined {
  const range = parseRange(text);
  if (!range) return `${text.slice(0, 60)} is no address`;
  const { family, prefix, address } = range;
  if (prefix < WIDEST[family]) return `${text} is wider than /${WIDEST[family]}`;
  const special = specialRange(address);
  if (special !== undefined) return `${text} lies in ${special}, which is no one's on the internet`;
  if (MAPPED.some((start) => canonicalRange(range).startsWith(start)))
    return `${text} is IPv4 written as IPv6`;
  const touches = (lines: readonly string[]) => touching(range, lines);
  const trustedBy = touches(trusted);
  if (trustedBy !== undefined) return `${text} is trusted (${trustedBy})`;
  const never = touches(neverRanges(settings).map((line) => line.text));
  if (never !== undefined) return `policy.yml says never (${never})`;
  if (own !== null) return `${text} is an address of this account: ${own}`;
  const network = touches(networks.cidrs);
  if (network !== undefined) return `${text} lies in a VPC of this account (${network})`;
  const resolver = touches([...networks.resolvers, ...PUBLIC_RESOLVERS]);
  if (resolver !== undefined) return `${text} resolves names for this network or the public`;
  const shared = sharedNetwork(partyOf(facts));
  if (shared?.block === 'never')
    return `${text} belongs to ${shared.owner}: others and AWS services share its addresses`;
  return undefined;
}

/** The line that shares an address with the range. */
const touching = (range: AddressRange, lines: readonly string[]): string | undefined =>
  lines.find((line) => {
    const other = parseRange(line);
    return other !== undefined && overlap(other, range);
  });

/** The entry that names the domain, or one below it: a block of a domain takes in what is below. */
const trustedDomain = (domain: string, entries: readonly string[]): string | undefined =>
  entryFinder(entries).domain(domain) ??
  entries.find((entry) => parseDomain(entry)?.endsWith(`.${domain}`) === true);

/** A trusted list that another writer changed keeps nothing from being blocked: a person decides. */
function trustedByOthers(
  { indicator, family }: IndicatorFacts,
  entries: readonly string[],
): readonly string[] {
  const range = parseRange(indicator);
  const entry = family === 'domain' ? trustedDomain(indicator, entries) : range && touching(range, entries);
  return entry === undefined
    ? []
    : [`${indicator} is on a trusted list of GuardDuty (${entry}), where firebreak lists did not put it`];
}

const partyOf = ({ asn, organisation }: Pick<IndicatorFacts, 'asn' | 'organisation'>) => ({
  ...(asn === null ? {} : { asn }),
  ...(organisation === null ? {} : { organisation }),
});

/** Why a person must decide although the indicator may be blocked. */
export function whyAsk(
  facts: IndicatorFacts,
  state: IndicatorState,
  unvouched: readonly string[],
): readonly string[] {
  const trusted = trustedByOthers(facts, unvouched);
  if (facts.family === 'domain') return [...trusted, ...whyAskDomain(facts, state)];
  const shared = sharedNetwork(partyOf(facts));
  return [
    ...trusted,
    ...(facts.asn === null && facts.organisation === null
      ? ['the finding does not say whose network the address is in']
      : []),
    ...(shared ? [`the address belongs to ${shared.owner}, which serves many from one address`] : []),
    ...(state.unread.length > 0
      ? [`it may be an address of this account: not readable in ${state.unread.join(', ')}`]
      : []),
  ];
}

/** One query is all it takes to be found by a model, and anyone who runs code on an instance chooses the name. */
function whyAskDomain(
  { indicator, threatLists, ownLists }: IndicatorFacts,
  { domain: { by, unread } }: IndicatorState,
): readonly string[] {
  const popular = POPULAR_DOMAINS.find(
    (one) => indicator === one || indicator.endsWith(`.${one}`) || one.endsWith(`.${indicator}`),
  );
  return [
    ...(threatLists.length === 0
      ? [`no threat list names ${indicator}: anyone who runs code on the instance can query any name`]
      : []),
    ...(threatLists.length > 0 && ownLists
      ? [
          `the threat list that names ${indicator} is the account's own: rights to GuardDuty are enough to write one`,
        ]
      : []),
    ...(by === null ? [] : [`${indicator} is the account's own: ${by}`]),
    ...(unread.length > 0
      ? [`${indicator} may be the account's own: ${unread.join(', ')} could not be read`]
      : []),
    ...(popular === undefined ? [] : [`${indicator} belongs to ${popular}, on which much else depends`]),
  ];
}

export function whyNotDomain(
  domain: string,
  suffix: Suffix | null,
  settings: BlockSettings,
  trusted: readonly string[] = [],
): string | undefined {
  if (domainToASCII(domain) !== domain || !/^[a-z0-9-]+(\.[a-z0-9-]+)*$/.test(domain)) {
    return `${domain.slice(0, 60)} has characters that DNS Firewall does not take`;
  }
  if (!domain.includes('.')) return `${domain} is a single label: blocking it blocks everything below`;
  const under = (parent: string) => domain === parent || domain.endsWith(`.${parent}`);
  const aws = AWS_DOMAINS.find(under);
  if (aws !== undefined) return `${domain} is a domain of AWS (${aws})`;
  const trustedBy = trustedDomain(domain, trusted);
  if (trustedBy !== undefined) return `${domain} is trusted (${trustedBy})`;
  const never = neverDomains(settings)
    .map((text) => text.toLowerCase().replace(/^\*?\./, ''))
    .find((parent) => under(parent) || parent.endsWith(`.${domain}`));
  if (never !== undefined) return `policy.yml says never (${never})`;
  if (suffix === null || suffix.isIp) return `${domain} is an address, not a domain`;
  if (!suffix.listed) return `${domain} ends in no public suffix: it is a name of some private network`;
  return suffix.publicSuffix === domain
    ? `${domain} is a public suffix: everybody registers names below it`
    : undefined;
}
