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

/** Attributes that say where, but for too much: a filter of these alone would hide a type in a whole cluster. */
const PLACES = ['resource.eksClusterDetails.name', 'resource.ecsClusterDetails.name'];

const ADDRESSED = [
  'awsApiCallAction',
  'kubernetesApiCallAction',
  'networkConnectionAction',
  'rdsLoginAttemptAction',
];
const REMOTE_ADDRESSES = [...ADDRESSED, 'portProbeAction.portProbeDetails'].flatMap((action) =>
  ['ipAddressV4', 'ipAddressV6'].map((family) => `service.action.${action}.remoteIpDetails.${family}`),
);

/**
 * Attributes that say which resource, who, what ran and where the other side was: each that a finding has is taken, since every
 * one makes the filter narrower. They are the ones that CreateFilter takes (GuardDuty API reference, "FindingCriteria").
 */
export const NARROWING: readonly string[] = [
  'resource.instanceDetails.instanceId',
  'resource.accessKeyDetails.principalId',
  'resource.accessKeyDetails.userName',
  'resource.s3BucketDetails.name',
  'resource.lambdaDetails.functionName',
  'resource.rdsDbInstanceDetails.dbInstanceIdentifier',
  'resource.rdsDbUserDetails.user',
  'resource.rdsLimitlessDbDetails.dbShardGroupIdentifier',
  'resource.kubernetesDetails.kubernetesUserDetails.username',
  'resource.kubernetesDetails.kubernetesWorkloadDetails.namespace',
  'resource.kubernetesDetails.kubernetesWorkloadDetails.type',
  'resource.kubernetesDetails.kubernetesWorkloadDetails.name',
  'resource.ecsClusterDetails.taskDetails.definitionArn',
  'resource.ecsClusterDetails.taskDetails.group',
  'resource.containerDetails.image',
  'resource.bedrockGuardrailDetails.guardrailArn',
  'resource.ec2ImageDetails.imageArn',
  'resource.ebsSnapshotDetails.snapshotArn',
  'resource.recoveryPointDetails.recoveryPointArn',
  'service.runtimeDetails.process.name',
  'service.runtimeDetails.process.executablePath',
  'service.runtimeDetails.process.executableSha256',
  'service.runtimeDetails.context.filePath',
  'service.runtimeDetails.context.threatFilePath',
  'service.runtimeDetails.context.scriptPath',
  'service.action.awsApiCallAction.api',
  'service.action.awsApiCallAction.serviceName',
  'service.action.awsApiCallAction.remoteAccountDetails.accountId',
  'service.action.dnsRequestAction.domain',
  'service.action.kubernetesApiCallAction.requestUri',
  'service.action.kubernetesApiCallAction.verb',
  ...REMOTE_ADDRESSES,
];

/** Of these alone a filter would still hide what an attacker does next: they say what was called, not who or what. */
const COMMON: ReadonlySet<string> = new Set([
  'resource.kubernetesDetails.kubernetesWorkloadDetails.type',
  'service.action.awsApiCallAction.api',
  'service.action.awsApiCallAction.serviceName',
  'service.action.kubernetesApiCallAction.requestUri',
  'service.action.kubernetesApiCallAction.verb',
]);

const HIDES_AT_MOST = 90;

/**
 * What "alike" means: the same type and account, and every attribute of the finding that a filter can name. Throws Refused where
 * that leaves a whole cluster or the type in the whole account, and for attack sequences and critical findings.
 */
export function suppressionFor(finding: Finding, incident: Pick<Incident, 'id'>): Suppression {
  const refuse = (reason: string) =>
    new FirebreakError('Refused', reason, {
      resource: incident.id,
      next: 'Make the filter in the GuardDuty console, if you are sure.',
    });
  if (finding.label === 'critical') throw refuse('a critical finding is never taken for noise');
  if (finding.scan !== undefined)
    throw refuse(
      'the result of a scan is not a finding, and no filter hides it: leave the prefix out of the protection plan',
    );
  if (finding.purpose === 'AttackSequence') throw refuse('an attack sequence is never taken for noise');
  const found = (names: readonly string[]) =>
    names.flatMap((name) => {
      const value = valueAt(finding.detail, name);
      return value === undefined ? [] : [[name, value] as const];
    });
  const narrowing = found(NARROWING);
  const places = found(PLACES);
  if (!narrowing.some(([name]) => !COMMON.has(name)))
    throw refuse(
      places.length > 0
        ? `the finding names nothing narrower than the cluster ${places[0]?.[1]}: the filter would hide the type in all of it`
        : 'the finding does not name a resource, so the filter would hide the type everywhere',
    );
  return {
    name: `firebreak-${incident.id}`,
    criterion: Object.fromEntries([
      ['type', finding.type],
      ['accountId', finding.account],
      ...places,
      ...narrowing,
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
  /** Someone or something contained it: it was not noise then. */
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
  Tags?: Readonly<Record<string, string>>,
): Promise<void> {
  const { client, api } = await aws.guardDuty();
  const { FilterNames = [] } = await client.send(new api.ListFiltersCommand({ DetectorId: detector }));
  if (FilterNames.includes(name)) return;
  await client.send(
    new api.CreateFilterCommand({
      DetectorId: detector,
      Name: name,
      Action: 'ARCHIVE',
      ...(Tags ? { Tags } : {}),
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

/** Removes the filter again. Throws NotFound where there is no such filter. */
export async function unsuppress(aws: Aws, detector: string, name: string): Promise<void> {
  const { client, api } = await aws.guardDuty();
  const { FilterNames = [] } = await client.send(new api.ListFiltersCommand({ DetectorId: detector }));
  if (!FilterNames.includes(name)) {
    throw new FirebreakError('NotFound', `the detector has no filter ${name}`, { resource: detector });
  }
  await client.send(new api.DeleteFilterCommand({ DetectorId: detector, FilterName: name }));
}
