/** Which address or domain the finding names as the other side. Pure: the finding alone. */
import { isIP } from 'node:net';
import { z } from 'zod';
import { canonicalRange, parseRange } from '../../core/addresses.ts';
import { iamHome } from '../../core/aws/regions.ts';
import type { Finding, RemoteParty } from '../../core/finding/finding.ts';
import type { Target, TargetChoice } from '../../core/journal/playbook.ts';

/** Where someone on the internet knocks at an instance. Policy only tells these unless it is edited. */
export const HANDLES: readonly string[] = ['*:EC2/*BruteForce*'];

/** The other side is the victim: an instance that attacks, floods or spams it. */
const OTHER_SIDE_IS_VICTIM = /DenialOfService|Spambot/;
const VICTIM_UNLESS_TARGET = /BruteForce|Portscan|PortSweep/;

export const indicatorFacts = z.object({
  /** An address as a range of one, or a domain in lower case without the last dot. */
  indicator: z.string(),
  family: z.enum(['ipv4', 'ipv6', 'domain']),
  /** Region of the finding, where the instance is; the target itself sits in the home Region. */
  region: z.string(),
  instanceId: z.string().nullable(),
  vpcId: z.string().nullable(),
  subnetIds: z.array(z.string()),
  asn: z.string().nullable(),
  organisation: z.string().nullable(),
  /** Threat lists on which the finding rests; earlier releases did not note them. */
  threatLists: z.array(z.string()).default([]),
  /** They are lists of the account, not of AWS. */
  ownLists: z.boolean().default(false),
});
export type IndicatorFacts = z.infer<typeof indicatorFacts>;

/**
 * The target is the indicator, in the account's home Region: findings of several Regions about one address meet in one
 * hold, since the IP sets of CloudFront are shared by all of them.
 */
export function indicatorOf(finding: Finding): TargetChoice<IndicatorFacts> {
  const { action, type, resourceRole } = finding;
  if (OTHER_SIDE_IS_VICTIM.test(type) || (VICTIM_UNLESS_TARGET.test(type) && resourceRole !== 'TARGET'))
    return no('the other side is attacked, not the attacker');
  if (!action) return no('the finding does not name an other side');
  if (action.kind === 'DNS_REQUEST') {
    const domain = (action.domain ?? '').toLowerCase().replace(/\.$/, '');
    return domain === '' || domain.length > 255
      ? no('the finding does not name a domain')
      : targetFor(finding, domain, 'domain', undefined);
  }
  if (action.kind !== 'NETWORK_CONNECTION') {
    return no(`a network block does not stop ${action.kind.slice(0, 40)}`);
  }
  const [party] = action.remote;
  const ip = party?.ip ?? '';
  const range = isIP(ip) === 0 ? undefined : parseRange(ip);
  if (!range) return no('the finding does not name an address of the other side');
  return targetFor(finding, canonicalRange(range), range.family, party);
}

function targetFor(
  finding: Finding,
  indicator: string,
  family: IndicatorFacts['family'],
  party: RemoteParty | undefined,
): TargetChoice<IndicatorFacts> {
  const { instance, region } = finding;
  const facts: IndicatorFacts = {
    indicator,
    family,
    region,
    instanceId: instance?.instanceId ?? null,
    vpcId: instance?.vpcId ?? null,
    subnetIds: [...(instance?.subnetIds ?? [])],
    asn: party?.asn ?? null,
    organisation: party?.organisation ?? null,
    threatLists: [...finding.threatLists],
    ownLists: finding.type.endsWith('.Custom'),
  };
  const { partition, account, region: home } = iamHome(finding);
  // As the finding writes it: people look for that.
  const id = family === 'domain' ? indicator : indicator.replace(/\/\d+$/, '');
  return {
    ok: true,
    target: { partition, account, region: home, kind: 'indicator', id, display: id, facts },
  };
}

/** Why a step is not about the incident's indicator; undefined where it is. */
export function whyOther(
  given: { readonly indicator: string; readonly region?: string },
  target: Target,
): string | undefined {
  const { indicator, region } = indicatorFacts.parse(target.facts);
  if (given.indicator !== indicator) return `the indicator is ${indicator}, not ${given.indicator}`;
  return given.region === undefined || given.region === region
    ? undefined
    : `the finding is of ${region}, not of ${given.region}`;
}

const no = (reason: string): TargetChoice<never> => ({ ok: false, reason });
