/** The four kinds of sets that a detector has: addresses alone, or addresses and domains; trusted, or of a threat. */
import type { Aws } from '../aws/client.ts';

export type ListKind = 'trusted' | 'threat';
/** `addresses`: an IPSet or ThreatIntelSet. `entities`: a TrustedEntitySet or ThreatEntitySet, with domains as well. */
export type ListHolds = 'addresses' | 'entities';

/** Which kind of set, and of which detector. */
export interface SetPlace {
  readonly detector: string;
  readonly kind: ListKind;
  readonly holds: ListHolds;
}

export interface DescribedSet {
  readonly name: string;
  /** As GuardDuty has it. */
  readonly location: string;
  /** TXT, STIX, OTX_CSV, ... */
  readonly format: string;
  /** ACTIVE, INACTIVE, ERROR, ... */
  readonly status: string;
}

/** A detector has at most one trusted and six threat sets of each: one page. */
export async function setIds(aws: Aws, { detector: DetectorId, kind, holds }: SetPlace): Promise<string[]> {
  const { client, api } = await aws.guardDuty();
  const given = { DetectorId };
  if (holds === 'addresses')
    return kind === 'trusted'
      ? ((await client.send(new api.ListIPSetsCommand(given))).IpSetIds ?? [])
      : ((await client.send(new api.ListThreatIntelSetsCommand(given))).ThreatIntelSetIds ?? []);
  return kind === 'trusted'
    ? ((await client.send(new api.ListTrustedEntitySetsCommand(given))).TrustedEntitySetIds ?? [])
    : ((await client.send(new api.ListThreatEntitySetsCommand(given))).ThreatEntitySetIds ?? []);
}

export async function describeSet(aws: Aws, place: SetPlace, id: string): Promise<DescribedSet> {
  const { Name, Location, Format, Status } = await getSet(aws, place, id);
  return {
    name: Name ?? '',
    location: Location ?? '',
    format: String(Format ?? ''),
    status: String(Status ?? ''),
  };
}

async function getSet(aws: Aws, { detector: DetectorId, kind, holds }: SetPlace, id: string) {
  const { client, api } = await aws.guardDuty();
  if (holds === 'addresses')
    return kind === 'trusted'
      ? client.send(new api.GetIPSetCommand({ DetectorId, IpSetId: id }))
      : client.send(new api.GetThreatIntelSetCommand({ DetectorId, ThreatIntelSetId: id }));
  return kind === 'trusted'
    ? client.send(new api.GetTrustedEntitySetCommand({ DetectorId, TrustedEntitySetId: id }))
    : client.send(new api.GetThreatEntitySetCommand({ DetectorId, ThreatEntitySetId: id }));
}

/** Makes an active set of plain text. Returns its id. */
export async function createSet(
  aws: Aws,
  { detector: DetectorId, kind, holds }: SetPlace,
  {
    name: Name,
    location: Location,
    tags: Tags,
  }: Pick<DescribedSet, 'name' | 'location'> & {
    readonly tags?: Readonly<Record<string, string>> | undefined;
  },
): Promise<string> {
  const { client, api } = await aws.guardDuty();
  const given = {
    ...{ DetectorId, Name, Location, Format: 'TXT' as const, Activate: true },
    ...(Tags ? { Tags } : {}),
  };
  if (holds === 'addresses')
    return kind === 'trusted'
      ? ((await client.send(new api.CreateIPSetCommand(given))).IpSetId ?? '')
      : ((await client.send(new api.CreateThreatIntelSetCommand(given))).ThreatIntelSetId ?? '');
  return kind === 'trusted'
    ? ((await client.send(new api.CreateTrustedEntitySetCommand(given))).TrustedEntitySetId ?? '')
    : ((await client.send(new api.CreateThreatEntitySetCommand(given))).ThreatEntitySetId ?? '');
}

/** A set reads its object when it is activated, not before. */
export async function updateSet(
  aws: Aws,
  { detector: DetectorId, kind, holds }: SetPlace,
  id: string,
  change: { readonly Location?: string; readonly Activate: boolean },
): Promise<void> {
  const { client, api } = await aws.guardDuty();
  const given = { DetectorId, ...change };
  if (holds === 'addresses')
    await (kind === 'trusted'
      ? client.send(new api.UpdateIPSetCommand({ ...given, IpSetId: id }))
      : client.send(new api.UpdateThreatIntelSetCommand({ ...given, ThreatIntelSetId: id })));
  else
    await (kind === 'trusted'
      ? client.send(new api.UpdateTrustedEntitySetCommand({ ...given, TrustedEntitySetId: id }))
      : client.send(new api.UpdateThreatEntitySetCommand({ ...given, ThreatEntitySetId: id })));
}

export async function deleteSet(
  aws: Aws,
  { detector: DetectorId, kind, holds }: SetPlace,
  id: string,
): Promise<void> {
  const { client, api } = await aws.guardDuty();
  if (holds === 'addresses')
    await (kind === 'trusted'
      ? client.send(new api.DeleteIPSetCommand({ DetectorId, IpSetId: id }))
      : client.send(new api.DeleteThreatIntelSetCommand({ DetectorId, ThreatIntelSetId: id })));
  else
    await (kind === 'trusted'
      ? client.send(new api.DeleteTrustedEntitySetCommand({ DetectorId, TrustedEntitySetId: id }))
      : client.send(new api.DeleteThreatEntitySetCommand({ DetectorId, ThreatEntitySetId: id })));
}
