/**
 * "This again is noise": a GuardDuty filter that archives findings like one incident's. GuardDuty sends no event for what
 * a filter archives, so Firebreak would never hear of it again: what it would have hidden is shown first.
 */
import type { Aws } from '../aws/client.ts';
import { FirebreakError } from '../errors.ts';
import { type Finding, parseFinding } from '../finding/finding.ts';
import { isJsonObject, type Json } from '../json.ts';
import type { Incident } from './incident.ts';
import type { IncidentRow } from './list.ts';
import { isContained } from './status.ts';
import type { IncidentStore } from './store.ts';

export interface Suppression {
  /** `firebreak-fb-0123456789ab`: 3 to 64 letters, digits, dots, dashes and underscores. */
  readonly name: string;
  /** Finding attribute as GuardDuty's filters spell it -> the value it must have. All must hold. */
  readonly criterion: Readonly<Record<string, string>>;
}

/** Attributes that say which resource and which other side, most telling first. Those that a finding has are taken. */
const RESOURCES = [
  'resource.instanceDetails.instanceId',
  'resource.accessKeyDetails.principalId',
  'resource.accessKeyDetails.userName',
  'resource.s3BucketDetails.name',
  'resource.lambdaDetails.functionName',
  'resource.eksClusterDetails.name',
  'resource.ecsClusterDetails.name',
  'resource.rdsDbInstanceDetails.dbInstanceIdentifier',
] as const;
const REMOTES = [
  'service.action.networkConnectionAction.remoteIpDetails.ipAddressV4',
  'service.action.awsApiCallAction.remoteIpDetails.ipAddressV4',
  'service.action.dnsRequestAction.domain',
] as const;

const HIDES_AT_MOST = 90;

/**
 * What "alike" means: the same type, account, resource and other side. Throws Refused where a finding names no resource,
 * since the filter would hide the type for the whole account, and for attack sequences and critical findings.
 */
export function suppressionFor(finding: Finding, incident: Incident): Suppression {
  const refuse = (reason: string) =>
    new FirebreakError('Refused', reason, {
      resource: incident.id,
      next: 'Make the filter in the GuardDuty console, if you are sure.',
    });
  if (finding.label === 'critical') throw refuse('a critical finding is never taken for noise');
  const first = (names: readonly string[]) =>
    names.flatMap((name) => {
      const value = valueAt(finding.detail, name);
      return value === undefined ? [] : [[name, value] as const];
    })[0];
  const resource = first(RESOURCES);
  if (!resource) throw refuse('the finding names no resource, so the filter would hide the type everywhere');
  const remote = first(REMOTES);
  return {
    name: `firebreak-${incident.id}`,
    criterion: Object.fromEntries([
      ['type', finding.type],
      ['accountId', finding.account],
      resource,
      ...(remote ? [remote] : []),
    ]),
  };
}

/** The value of a dotted path; of a list the first that has it. */
function valueAt(detail: Json, path: string): string | undefined {
  let values: readonly Json[] = [detail];
  for (const name of path.split('.')) {
    values = values
      .flatMap((value): readonly Json[] => (Array.isArray(value) ? value : [value]))
      .flatMap((value) => (isJsonObject(value) && Object.hasOwn(value, name) ? [value[name] ?? null] : []));
  }
  const [found] = values;
  return typeof found === 'string' && found !== '' && found.length <= 256 ? found : undefined;
}

export interface Hidden {
  readonly incident: IncidentRow;
  /** Somebody or something contained it: it was not noise then. */
  readonly contained: boolean;
}

/** What the filter would have hidden among the incidents of the last 90 days, newest first. */
export async function wouldHaveHidden(
  store: IncidentStore,
  { criterion }: Suppression,
  now: Date,
): Promise<readonly Hidden[]> {
  const since = new Date(now.getTime() - HIDES_AT_MOST * 86_400_000).toISOString();
  const hidden: Hidden[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.list({
      from: since,
      to: now.toISOString(),
      limit: 200,
      ...(cursor === undefined ? {} : { cursor }),
    });
    for (const incident of page.items) {
      if (incident.type !== criterion['type'] || incident.account !== criterion['accountId']) continue;
      const detail = await store.finding(incident.id);
      if (detail === undefined) continue;
      const alike = Object.entries(criterion).every(([name, value]) =>
        name === 'accountId' ? parseFinding(detail).account === value : valueAt(detail, name) === value,
      );
      if (alike) hidden.push({ incident, contained: isContained(incident.status) });
    }
    cursor = page.cursor;
  } while (cursor !== undefined);
  return hidden;
}

/** Makes the filter in the finding's detector. Making the same one twice is no error. */
export async function suppress(
  aws: Aws,
  detector: string,
  { name, criterion }: Suppression,
  by: string,
): Promise<void> {
  const { client, api } = await aws.guardDuty();
  const { FilterNames = [] } = await client.send(new api.ListFiltersCommand({ DetectorId: detector }));
  if (FilterNames.includes(name)) return;
  await client.send(
    new api.CreateFilterCommand({
      DetectorId: detector,
      Name: name,
      Action: 'ARCHIVE',
      // GuardDuty takes up to 512 characters here.
      Description: `Firebreak: ${by} called it noise`.replace(/[^\w .:,/@+=-]/g, ' ').slice(0, 512),
      FindingCriteria: {
        Criterion: Object.fromEntries(
          Object.entries(criterion).map(([attribute, value]) => [attribute, { Equals: [value] }]),
        ),
      },
    }),
  );
}

/** Takes it back. Throws NotFound where there is no such filter. */
export async function unsuppress(aws: Aws, detector: string, name: string): Promise<void> {
  const { client, api } = await aws.guardDuty();
  const { FilterNames = [] } = await client.send(new api.ListFiltersCommand({ DetectorId: detector }));
  if (!FilterNames.includes(name)) {
    throw new FirebreakError('NotFound', `the detector has no filter ${name}`, { resource: detector });
  }
  await client.send(new api.DeleteFilterCommand({ DetectorId: detector, FilterName: name }));
}
