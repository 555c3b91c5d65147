/**
 * Whether a domain is the account's own: a Route 53 zone, or a name that one of its certificates is for. Load balancers,
 * CloudFront, API Gateway and Cognito serve own names with certificates of ACM, so those stand for the endpoints.
 */
import { z } from 'zod';
import type { Aws } from '../../core/aws/client.ts';
import { allPages } from '../../core/aws/pages.ts';
import { iamHome } from '../../core/aws/regions.ts';
import { isAccessDenied } from '../../core/errors.ts';

export const ownDomain = z.object({
  /** What of the account has the domain, a part of it, or is part of it; null where nothing. */
  by: z.string().nullable(),
  /** What could not be read. */
  unread: z.array(z.string()),
});
export type OwnDomain = z.infer<typeof ownDomain>;

/** Returns whether one of the two names is the other or lies below it. */
const related = (a: string, b: string): boolean => a === b || a.endsWith(`.${b}`) || b.endsWith(`.${a}`);

/** Without the last dot and the wildcard label, in lower case. */
const plain = (name: string): string => name.toLowerCase().replace(/\.$/, '').replace(/^\*\./, '');

/** Looks in Route 53 and in the certificates of the Region and of CloudFront's. */
export async function whoseDomain(aws: Aws, domain: string): Promise<OwnDomain> {
  const home = aws.inRegion(iamHome(aws.scope).region);
  const places = [aws, ...(home.scope.region === aws.scope.region ? [] : [home])];
  const looks = await Promise.all([
    looked('Route 53 zones', async () => await zoneOf(home, domain)),
    ...places.map((place) =>
      looked(`certificates in ${place.scope.region}`, async () => await certificateFor(place, domain)),
    ),
  ]);
  return {
    by: looks.find(({ found }) => found !== undefined)?.found ?? null,
    unread: looks.flatMap(({ unread }) => unread ?? []),
  };
}

async function looked(
  what: string,
  look: () => Promise<string | undefined>,
): Promise<{ readonly found?: string | undefined; readonly unread?: string }> {
  try {
    return { found: await look() };
  } catch (error) {
    if (isAccessDenied(error)) return { unread: what };
    throw error;
  }
}

/** Zones are listed by their labels from the right: the first at or after a name is that zone, or one below it. */
async function zoneOf(aws: Aws, domain: string): Promise<string | undefined> {
  const { client, api } = await aws.route53();
  const labels = domain.split('.');
  const names = labels.slice(0, -1).map((_label, index) => labels.slice(index).join('.'));
  const firsts = await Promise.all(
    names.map(async (DNSName) => {
      const { HostedZones = [] } = await client.send(
        new api.ListHostedZonesByNameCommand({ DNSName, MaxItems: 1 }),
      );
      return plain(HostedZones[0]?.Name ?? '');
    }),
  );
  const zone = firsts.find((name, index) =>
    index === 0 ? name !== '' && related(name, domain) : name === names[index],
  );
  return zone === undefined ? undefined : `the Route 53 zone ${zone}`;
}

async function certificateFor(aws: Aws, domain: string): Promise<string | undefined> {
  const { client, api } = await aws.acm();
  const certificates = await allPages(async (NextToken) => {
    const answer = await client.send(
      // Without key types, only RSA 1024 and 2048 are listed (ACM API reference, Filters).
      new api.ListCertificatesCommand({ NextToken, MaxItems: 1000, Includes: { keyTypes: KEY_TYPES } }),
    );
    return { items: answer.CertificateSummaryList, next: answer.NextToken };
  });
  const names = certificates.flatMap(({ DomainName, SubjectAlternativeNameSummaries = [] }) => [
    ...(DomainName ? [DomainName] : []),
    ...SubjectAlternativeNameSummaries,
  ]);
  const name = names.map(plain).find((one) => related(one, domain));
  return name === undefined ? undefined : `a certificate for ${name}`;
}

const KEY_TYPES = [
  ...(['RSA_1024', 'RSA_2048', 'RSA_3072', 'RSA_4096'] as const),
  ...(['EC_prime256v1', 'EC_secp384r1', 'EC_secp521r1'] as const),
];
