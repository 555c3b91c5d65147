/** Where the activity of a finding came from or went to: addresses with country and network, and domains. */
import { isFirebreakError } from '../errors.ts';
import type { Finding, RemoteParty } from './finding.ts';
import { type Reader, reader } from './reader.ts';

export interface Attackers {
  /** Who began it: a call or connection from there, or one that went there. */
  readonly way: 'from' | 'to';
  readonly parties: readonly RemoteParty[];
  readonly domain?: string;
}

/** Returns the other side of the activity, of an attack sequence the endpoints that it names. Strings are untrusted. */
export function attackersOf(finding: Finding): Attackers {
  const { action } = finding;
  const remote = action?.remote ?? [];
  const parties = remote.length > 0 ? remote : endpointsOf(finding);
  const way = action?.direction === 'OUTBOUND' || action?.kind === 'DNS_REQUEST' ? 'to' : 'from';
  return { way, parties, ...(action?.domain === undefined ? {} : { domain: action.domain }) };
}

/** `service.detection.sequence.endpoints` (GuardDuty API reference, "NetworkEndpoint"). */
function endpointsOf(finding: Finding): readonly RemoteParty[] {
  try {
    const sequence = reader(finding.detail, 'detail').child('service')?.child('detection')?.child('sequence');
    return (sequence?.children('endpoints') ?? []).flatMap(partyOf);
  } catch (error) {
    // A sequence of another shape does not name an endpoint.
    if (isFirebreakError(error, 'FindingInvalid')) return [];
    throw error;
  }
}

function partyOf(endpoint: Reader): readonly RemoteParty[] {
  const ip = endpoint.optionalText('ip');
  if (ip === undefined) return [];
  const place = endpoint.child('location');
  const network = endpoint.child('autonomousSystem');
  const country = place?.optionalText('country');
  const city = place?.optionalText('city');
  const organisation = network?.optionalText('name');
  const asn = network?.optionalNumber('number');
  return [
    {
      ip,
      ...(country === undefined ? {} : { country }),
      ...(city === undefined ? {} : { city }),
      ...(organisation === undefined ? {} : { organisation }),
      ...(asn === undefined ? {} : { asn: String(asn) }),
    },
  ];
}

/** `Netherlands, Example Hosting AS64500`; empty where GuardDuty does not say. */
export function placeOf({ country, organisation, asn }: RemoteParty): string {
  const network = [organisation, asn === undefined ? undefined : `AS${asn}`].filter(
    (text) => text !== undefined && text !== '',
  );
  return [country, network.join(' ')].filter((text) => text !== undefined && text !== '').join(', ');
}
