/**
 * Networks whose addresses serve many at once: denying one hits services and neighbours that have nothing to do with an
 * attack. Known without asking anybody: GuardDuty names the autonomous system of the other side in the finding. AWS
 * publishes its ranges too, but a copy of them would be old on the day it is needed.
 */
import type { RemoteParty } from '../finding/finding.ts';

export interface SharedNetwork {
  /** never: AWS's own services, content delivery, public resolvers · ask: front ends and customers' machines mixed. */
  readonly block: 'never' | 'ask';
  readonly owner: string;
}

/** Autonomous systems, from the public registries. Add one here, or a range under `never` in policy.yml. */
const SYSTEMS: readonly (SharedNetwork & { readonly asns: readonly string[] })[] = [
  {
    block: 'never',
    owner: 'Amazon',
    asns: ['16509', '14618', '8987', '7224', '9059', '10124', '38895', '39111', '62785', '55960', '135629'],
  },
  { block: 'never', owner: 'Cloudflare', asns: ['13335', '209242'] },
  { block: 'never', owner: 'Akamai', asns: ['20940', '16625', '12222', '35994', '32787'] },
  { block: 'never', owner: 'Fastly', asns: ['54113'] },
  { block: 'never', owner: 'Quad9', asns: ['19281'] },
  { block: 'never', owner: 'OpenDNS', asns: ['36692'] },
  { block: 'ask', owner: 'Google', asns: ['15169'] },
  { block: 'ask', owner: 'Microsoft', asns: ['8075'] },
];

/** Amazon holds more systems than the list has; its name is in what GuardDuty tells about the organisation. */
const AMAZON = /\b(amazon|aws)\b/i;

/** The shared network the other side is in; undefined when it is in none that is known. */
export function sharedNetwork({
  asn,
  organisation = '',
}: Pick<RemoteParty, 'asn' | 'organisation'>): SharedNetwork | undefined {
  const found = SYSTEMS.find(({ asns }) => asn !== undefined && asns.includes(asn));
  if (found) return { block: found.block, owner: found.owner };
  return AMAZON.test(organisation) ? { block: 'never', owner: 'Amazon' } : undefined;
}

/** Well-known public resolvers in networks that are otherwise mixed. */
export const PUBLIC_RESOLVERS: readonly string[] = [
  '8.8.8.8',
  '8.8.4.4',
  '2001:4860:4860::8888',
  '2001:4860:4860::8844',
];

/** Domains of AWS itself, in every partition: blocking one cuts off the services under it. */
export const AWS_DOMAINS: readonly string[] = [
  'amazonaws.com',
  'amazonaws.com.cn',
  'amazonaws.eu',
  'api.aws',
  'on.aws',
  'app.aws',
  'aws.amazon.com',
  'aws.dev',
  'aws',
  'amazon.com',
  'amazonaws.cn',
  'amazontrust.com',
  'awsapps.com',
  'awsstatic.com',
  'awsglobalaccelerator.com',
  'cloudfront.net',
  'cloudfront.cn',
  'elasticbeanstalk.com',
  'ic.gov',
  'sgov.gov',
  'adc-e.uk',
  'hci.ic.gov',
];
