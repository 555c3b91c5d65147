/** One normalised Finding from every published shape; `parseFinding` is the only way in. */
import { parseArn, type Scope } from '../aws/arn.ts';
import { remembered } from '../glob.ts';
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import { type Reader, reader } from './reader.ts';
import { isScanEvent, objectOf, parseScan, SCAN_OUTCOMES, type Scanned, type ScanOutcome } from './scan.ts';
import { camelDetail, detailOf, invalid, kindOf, partitionOfRegion } from './shape.ts';

export type SeverityLabel = 'low' | 'medium' | 'high' | 'critical';

/** Where the other side of the activity was. Strings are untrusted. */
export interface RemoteParty {
  readonly ip?: string;
  readonly country?: string;
  readonly city?: string;
  readonly organisation?: string;
  /** Number of the autonomous system the address belongs to, as digits. */
  readonly asn?: string;
  readonly port?: number;
  /** Account of the caller, for `.InsideAWS` findings (awsApiCallAction.remoteAccountDetails) [M]. */
  readonly account?: string;
  /** The AWS service whose own account it is, where it is one (awsApiCallAction.remoteAccountDetails.awsServiceName). */
  readonly awsService?: string;
  /** True when GuardDuty says the account belongs to the same organisation or detector (`affiliated`) [M]. */
  readonly affiliated?: boolean;
}

interface FindingAction {
  /** AWS_API_CALL | NETWORK_CONNECTION | DNS_REQUEST | PORT_PROBE | ... as GuardDuty writes it. */
  readonly kind: string;
  readonly api?: string;
  readonly service?: string;
  /** The AWS service that called for others (`callerType: Domain`), e.g. `cloudformation.amazonaws.com`. */
  readonly callingService?: string;
  readonly domain?: string;
  readonly direction?: string;
  readonly protocol?: string;
  readonly blocked?: boolean;
  readonly localPort?: number;
  /** The address on this side, where GuardDuty names one. */
  readonly localIp?: string;
  readonly remote: readonly RemoteParty[];
}

export interface InstanceResource {
  readonly instanceId: string;
  readonly privateIps: readonly string[];
  readonly publicIps: readonly string[];
  readonly vpcId?: string;
  readonly subnetIds: readonly string[];
  readonly securityGroupIds: readonly string[];
  readonly networkInterfaceIds: readonly string[];
  readonly instanceProfileArn?: string;
  readonly imageId?: string;
  readonly tags: Readonly<Record<string, string>>;
}

/** An instance of which nothing but its id is known: the rest is read live. */
export const instanceNamed = (instanceId: string): InstanceResource => ({
  instanceId,
  privateIps: [],
  publicIps: [],
  subnetIds: [],
  securityGroupIds: [],
  networkInterfaceIds: [],
  tags: {},
});

export interface AccessKeyResource {
  readonly accessKeyId?: string;
  /** `AROA...:session` for an assumed role, `AIDA...` for a user, an account id for root. */
  readonly principalId?: string;
  /** IAMUser | AssumedRole | Role | FederatedUser | Root | AWSAccount | ... as GuardDuty writes it. */
  readonly userType?: string;
  /** The role's or user's name. */
  readonly userName?: string;
}

/** What a malware scan found, by name. */
interface MalwareNames {
  readonly names: readonly string[];
  /** False where the finding shows only some of the names. */
  readonly complete: boolean;
}

export interface Finding extends Scope {
  readonly id: string;
  /** As published, e.g. `UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.OutsideAWS`. */
  readonly type: string;
  /** The part before the colon: `UnauthorizedAccess`. */
  readonly purpose: string;
  /** Between colon and slash: `IAMUser`, `EC2`, `S3`, `Kubernetes`, `Runtime`, ... */
  readonly family: string;
  readonly severity: number;
  readonly label: SeverityLabel;
  readonly arn?: string;
  readonly detectorId?: string;
  readonly title: string;
  readonly description: string;
  /** ISO 8601 UTC. */
  readonly createdAt?: string;
  readonly updatedAt: string;
  readonly firstSeen?: string;
  readonly lastSeen?: string;
  readonly count: number;
  readonly archived: boolean;
  readonly sample: boolean;
  /** What keeps it from being known that it is neither archived nor a sample. */
  readonly doubt?: string;
  /** resource.resourceType as written (`Instance`, `AccessKey`, ...); absent in some published findings. */
  readonly resourceType?: string;
  readonly resourceRole?: 'TARGET' | 'ACTOR';
  readonly instance?: InstanceResource;
  readonly accessKey?: AccessKeyResource;
  readonly action?: FindingAction;
  readonly threatLists: readonly string[];
  readonly malware?: MalwareNames;
  /** Name of the Custom Detection Rule that made it: about a call in CloudTrail, whatever resource the type names. */
  readonly customDetectionRule?: string;
  /** ARN of the attack sequence that it is a signal of (associatedAttackSequenceArn). */
  readonly sequenceArn?: string;
  /** Set where a result of a malware scan is the source, and not a finding of GuardDuty. */
  readonly scan?: ScanOutcome;
  /** ARN of the bucket or backup vault that a scan's result without threats is about. */
  readonly scanPlace?: string;
  /** The one object or scan it is about: a scan's result and GuardDuty's finding of it are one incident. */
  readonly scanned?: Scanned;
  /** The whole finding with camelCase keys, for pages and for playbooks that need more. Untrusted. */
  readonly detail: JsonObject;
}

/**
 * Parses one finding: an EventBridge event or a bare finding, camelCase or PascalCase; or the event of a malware scan.
 * Throws FindingInvalid, naming what is wrong and where; never anything else.
 */
export const parseFinding = (input: unknown): Finding =>
  isScanEvent(input) ? parseDetail(parseScan(input).detail) : normalise(detailOf(input));

/** Parses the finding itself: unlike `parseFinding` it unwraps nothing, so no member of it can pass for the finding. */
export const parseDetail = (detail: JsonObject): Finding => normalise(camelDetail(detail));

function normalise(detail: JsonObject): Finding {
  const at = reader(detail, 'detail');
  const { type, purpose, family, about } = typeOf(at.text('type'));
  const account = at.matching('accountId', /^\d{12,13}$/, 'an account id of 12 digits');
  const region = at.matching('region', REGION, 'a Region name');
  const severity = at.number('severity');
  if (!(severity >= 0 && severity <= 10))
    throw invalid(`severity: expected 1 to 10, got ${severity} (at detail.severity)`);
  const service = at.child('service');
  const resource = at.child('resource');
  const title = at.optionalText('title') ?? type;
  const updatedAt = at.time('updatedAt') ?? at.time('createdAt') ?? service?.time('eventLastSeen');
  if (updatedAt === undefined)
    throw invalid('updatedAt: there is no time in this finding (at detail.updatedAt)');
  const arn = at.optionalText('arn');
  const found: Writable<Finding> = {
    id: at.matching('id', /^[A-Za-z0-9_-]{1,300}$/, 'a finding id'),
    type,
    purpose,
    family,
    severity,
    label: severityLabel(severity),
    account,
    region,
    partition: partitionOf(at.optionalText('partition'), arn, region),
    title,
    description: at.optionalText('description') ?? '',
    updatedAt,
    count: service?.optionalNumber('count') ?? 1,
    archived: service?.value['archived'] === true,
    sample: isSample(title, service?.value ?? {}, resource?.value ?? {}),
    threatLists: threatListsOf(service),
    detail,
  };
  const createdAt = at.time('createdAt');
  if (createdAt !== undefined) found.createdAt = createdAt;
  if (arn !== undefined) found.arn = arn;
  const detectorId = service?.optionalText('detectorId');
  if (detectorId !== undefined) found.detectorId = detectorId;
  const firstSeen = service?.time('eventFirstSeen');
  if (firstSeen !== undefined) found.firstSeen = firstSeen;
  const lastSeen = service?.time('eventLastSeen');
  if (lastSeen !== undefined) found.lastSeen = lastSeen;
  const doubt = doubtOf(service?.value);
  if (doubt !== undefined) found.doubt = doubt;
  const resourceType = resource?.optionalText('resourceType');
  if (resourceType !== undefined) found.resourceType = resourceType;
  const resourceRole = roleOf(service?.optionalText('resourceRole'));
  if (resourceRole !== undefined) found.resourceRole = resourceRole;
  const instance = instanceOf(resource?.child('instanceDetails'));
  if (instance !== undefined) found.instance = instance;
  const accessKey = accessKeyOf(resource?.child('accessKeyDetails'));
  if (accessKey !== undefined) found.accessKey = accessKey;
  const action = actionOf(service?.child('action'));
  if (action !== undefined) found.action = action;
  const rule = at.optionalText('customDetectionRuleName');
  if (rule !== undefined) found.customDetectionRule = rule;
  const sequenceArn = at.optionalText('associatedAttackSequenceArn');
  if (sequenceArn !== undefined) found.sequenceArn = sequenceArn;
  const malware = malwareOf(service);
  if (malware !== undefined) found.malware = malware;
  const scan = scanOf(detail);
  if (scan !== undefined) found.scan = scan;
  const scanPlace = placeOf(detail);
  if (scanPlace !== undefined) found.scanPlace = scanPlace;
  const scanned = about === 'resource' || found.sample ? undefined : scannedIn(about, detail);
  if (scanned !== undefined) found.scanned = scanned;
  return found;
}

function scanOf({ malwareScanResult: said }: JsonObject): ScanOutcome | undefined {
  return isJsonObject(said) ? SCAN_OUTCOMES.find((outcome) => outcome === said['outcome']) : undefined;
}

function placeOf({ malwareScanResult: said }: JsonObject): string | undefined {
  return isJsonObject(said) ? textOf(said['place']) : undefined;
}

interface TypeParts {
  /** One text for all findings of the type: what is remembered of it is found faster. */
  readonly type: string;
  readonly purpose: string;
  readonly family: string;
  readonly about: Scanned['kind'] | 'resource';
}

const typeOf = remembered((type: string): TypeParts => {
  const parts = /^([^:/\s]+):([^:/\s]+)\/(.+)$/.exec(type);
  if (!parts) throw invalid(`type: expected Purpose:Resource/Name, got ${kindOf(type)} (at detail.type)`);
  const [, purpose = '', family = ''] = parts;
  return { type, purpose, family, about: aboutOf(type) };
});

function aboutOf(type: string): TypeParts['about'] {
  if (/^Execution:(EC2|S3)\/MaliciousFile!(AMI|Snapshot|RecoveryPoint)$/.test(type)) return 'scan';
  return /^(S3)?Object:S3\/MaliciousFile$/.test(type) ? 'object' : 'resource';
}

/** One object of one bucket, or one scan of an image, a snapshot or a recovery point; a finding that names more is about neither. */
function scannedIn(about: Scanned['kind'], { resource, service }: JsonObject): Scanned | undefined {
  if (about === 'scan') {
    const scan = isJsonObject(service) ? service['malwareScanDetails'] : undefined;
    const id = isJsonObject(scan) ? scan['scanId'] : undefined;
    return typeof id === 'string' && id !== '' ? { kind: 'scan', id } : undefined;
  }
  if (!isJsonObject(resource)) return undefined;
  const bucket = onlyOne(resource['s3BucketDetails']);
  const { name } = bucket ?? {};
  const { key, versionId, eTag } = onlyOne(bucket?.['s3ObjectDetails']) ?? {};
  if (typeof name !== 'string' || typeof key !== 'string') return undefined;
  const object = objectOf(name, key, textOf(versionId), textOf(eTag));
  return object.versionId === null && object.eTag === null ? undefined : { kind: 'object', object };
}

const textOf = (value: Json | undefined): string | undefined =>
  typeof value === 'string' ? value : undefined;

function onlyOne(value: Json | undefined): JsonObject | undefined {
  if (isJsonObject(value)) return value;
  const [first, ...more] = Array.isArray(value) ? value : [];
  return more.length === 0 && isJsonObject(first) ? first : undefined;
}

const RANKS: Record<SeverityLabel, number> = { low: 0, medium: 1, high: 2, critical: 3 };
/** Returns how grave a label is, for comparing two of them. */
export const severityRank = (label: SeverityLabel): number => RANKS[label];

/** low 1-3.9, medium 4-6.9, high 7-8.9, critical 9-10 (GuardDuty user guide). */
function severityLabel(severity: number): SeverityLabel {
  if (severity < 4) return 'low';
  if (severity < 7) return 'medium';
  return severity < 9 ? 'high' : 'critical';
}

const REGION = /^[a-z]{2,4}(-[a-z]+)+-\d{1,2}$/;
const PARTITIONS = new Set(['aws', 'aws-cn', 'aws-us-gov', 'aws-iso', 'aws-iso-b', 'aws-iso-e', 'aws-iso-f']);

/** ARNs are built from this, so only partitions that exist are taken. */
function partitionOf(named: string | undefined, findingArn: string | undefined, region: string): string {
  const partition = named ?? parseArn(findingArn ?? '')?.partition ?? partitionOfRegion(region);
  if (PARTITIONS.has(partition)) return partition;
  throw invalid(`partition: ${kindOf(partition)} is no AWS partition (at detail.partition)`);
}

const roleOf = (role: string | undefined): Finding['resourceRole'] => {
  const upper = role?.toUpperCase();
  return upper === 'TARGET' || upper === 'ACTOR' ? upper : undefined;
};

/**
 * Samples say so in the title, in additionalInfo.sample, or inside the JSON text additionalInfo.value [M]; their
 * resources carry made-up ids.
 */
function isSample(title: string, service: JsonObject, resource: JsonObject): boolean {
  if (title.startsWith('[SAMPLE]')) return true;
  const info = service['additionalInfo'];
  if (isJsonObject(info)) {
    if (saysYes(info['sample'])) return true;
    const value = info['value'];
    if (typeof value === 'string' && /"sample"\s*:\s*(true|"true")/i.test(value)) return true;
  }
  const instance = resource['instanceDetails'];
  if (isJsonObject(instance) && instance['instanceId'] === 'i-99999999') return true;
  const key = resource['accessKeyDetails'];
  const id = isJsonObject(key) ? key['accessKeyId'] : undefined;
  return typeof id === 'string' && id.startsWith('GeneratedFinding');
}

const saysYes = (value: Json | undefined): boolean =>
  value === true || (typeof value === 'string' && value.toLowerCase() === 'true');

/**
 * What is there and cannot be read must not be acted on as if it said no. Absent is no: both members are optional (GuardDuty API
 * reference, "Service").
 */
function doubtOf(service: JsonObject | undefined): string | undefined {
  if (service === undefined)
    return 'the finding has no service: whether it is archived or a sample is not known';
  const { archived, additionalInfo } = service;
  if (archived !== undefined && archived !== null && typeof archived !== 'boolean')
    return `service.archived is ${kindOf(archived)}: whether it is archived is not known`;
  const sample = isJsonObject(additionalInfo) ? additionalInfo['sample'] : undefined;
  if (sample === undefined || sample === null || typeof sample === 'boolean' || saysYes(sample))
    return undefined;
  return `service.additionalInfo.sample is ${kindOf(sample)}: whether it is a sample is not known`;
}

function instanceOf(at: Reader | undefined): InstanceResource | undefined {
  const instanceId = at?.optionalText('instanceId');
  if (!at || instanceId === undefined) return undefined;
  const privateIps: string[] = [];
  const publicIps: string[] = [];
  const vpcIds: string[] = [];
  const subnetIds: string[] = [];
  const securityGroupIds: string[] = [];
  const networkInterfaceIds: string[] = [];
  for (const eni of at.children('networkInterfaces')) {
    once(privateIps, eni.optionalText('privateIpAddress'));
    once(publicIps, eni.optionalText('publicIp'));
    once(vpcIds, eni.optionalText('vpcId'));
    once(subnetIds, eni.optionalText('subnetId'));
    once(networkInterfaceIds, eni.optionalText('networkInterfaceId'));
    for (const group of eni.children('securityGroups')) once(securityGroupIds, group.optionalText('groupId'));
  }
  const instanceProfileArn = at.child('iamInstanceProfile')?.optionalText('arn');
  const tags = tagsOf(at.children('tags'));
  const found: Writable<InstanceResource> = {
    instanceId,
    privateIps,
    publicIps,
    subnetIds,
    securityGroupIds,
    networkInterfaceIds,
    tags,
  };
  const [vpcId] = vpcIds;
  if (vpcId !== undefined) found.vpcId = vpcId;
  if (instanceProfileArn !== undefined) found.instanceProfileArn = instanceProfileArn;
  const imageId = at.optionalText('imageId');
  if (imageId !== undefined) found.imageId = imageId;
  return found;
}

function once(list: string[], text: string | undefined): void {
  if (text !== undefined && text !== '' && !list.includes(text)) list.push(text);
}

function tagsOf(given: readonly Reader[]): Readonly<Record<string, string>> {
  const tags: Record<string, string> = {};
  for (const tag of given) {
    const key = tag.optionalText('key');
    if (key !== undefined && key !== '__proto__') tags[key] = tag.optionalText('value') ?? '';
  }
  return tags;
}

function accessKeyOf(at: Reader | undefined): AccessKeyResource | undefined {
  if (!at) return undefined;
  const found: Writable<AccessKeyResource> = {};
  const accessKeyId = at.optionalText('accessKeyId');
  if (accessKeyId !== undefined) found.accessKeyId = accessKeyId;
  const principalId = at.optionalText('principalId');
  if (principalId !== undefined) found.principalId = principalId;
  const userType = at.optionalText('userType');
  if (userType !== undefined) found.userType = userType;
  const userName = at.optionalText('userName');
  if (userName !== undefined) found.userName = userName;
  return found;
}

function actionOf(at: Reader | undefined): FindingAction | undefined {
  if (!at) return undefined;
  const kind = at.optionalText('actionType') ?? 'UNKNOWN';
  // The details sit in a member named after the action: awsApiCallAction, networkConnectionAction, dnsRequestAction, ...
  const name = bodyNameOf(kind, at.value);
  const body = name === undefined ? undefined : at.child(name);
  if (!body) return { kind, remote: [] };
  const probes = body.children('portProbeDetails');
  const account = body.child('remoteAccountDetails');
  const domain = body.optionalText('domain') ?? body.child('domainDetails')?.optionalText('domain');
  const parties = (probes.length > 0 ? probes : [body]).flatMap((party) => remoteOf(party, account));
  const found: Writable<FindingAction> = { kind, remote: parties };
  const api = body.optionalText('api');
  if (api !== undefined) found.api = api;
  const service = body.optionalText('serviceName');
  if (service !== undefined) found.service = service;
  const callingService = callingServiceOf(body);
  if (callingService !== undefined) found.callingService = callingService;
  if (domain !== undefined) found.domain = domain;
  const direction = body.optionalText('connectionDirection');
  if (direction !== undefined) found.direction = direction;
  const protocol = body.optionalText('protocol');
  if (protocol !== undefined) found.protocol = protocol;
  const blocked = body.optionalFlag('blocked');
  if (blocked !== undefined) found.blocked = blocked;
  const first = probes[0] ?? body;
  const localPort = first.child('localPortDetails')?.optionalNumber('port');
  if (localPort !== undefined) found.localPort = localPort;
  const localIp = addressIn(first.child('localIpDetails'));
  if (localIp !== undefined) found.localIp = localIp;
  return found;
}

/** `callerType` is `Domain` where an AWS service called; a name of another form is no service's. */
function callingServiceOf(body: Reader): string | undefined {
  if (body.optionalText('callerType')?.toLowerCase() !== 'domain') return undefined;
  const domain = body.child('domainDetails')?.optionalText('domain');
  return domain !== undefined && /^[a-z0-9.-]{1,100}\.amazonaws\.com(\.cn)?$/.test(domain)
    ? domain
    : undefined;
}

/** Tools that print every member of the API leave the details of other actions next to it, empty or null. */
function bodyNameOf(kind: string, action: JsonObject): string | undefined {
  let name: string | undefined;
  for (const key in action) {
    if (!key.endsWith('Action') || !isJsonObject(action[key])) continue;
    if (name === undefined) name = key;
    else if (`${kind.replaceAll('_', '')}ACTION` === key.toUpperCase()) return key;
  }
  return name;
}

/** The address without what stands around it: with a blank before it no list of trusted or blocked addresses would know it. */
const addressIn = (at: Reader | undefined): string | undefined =>
  (at?.optionalText('ipAddressV4') ?? at?.optionalText('ipAddressV6'))?.trim();

function remoteOf(at: Reader, account: Reader | undefined): readonly RemoteParty[] {
  const details = at.child('remoteIpDetails');
  if (!details && !account) return [];
  const found: Writable<RemoteParty> = {};
  const ip = addressIn(details);
  if (ip !== undefined) found.ip = ip;
  const organization = details?.child('organization');
  const country = details?.child('country')?.optionalText('countryName');
  if (country !== undefined) found.country = country;
  const city = details?.child('city')?.optionalText('cityName');
  if (city !== undefined) found.city = city;
  const organisation = organization?.optionalText('asnOrg') ?? organization?.optionalText('org');
  if (organisation !== undefined) found.organisation = organisation;
  const asn = organization?.optionalText('asn');
  if (asn !== undefined) found.asn = asn;
  const port = at.child('remotePortDetails')?.optionalNumber('port');
  if (port !== undefined) found.port = port;
  const accountId = account?.optionalText('accountId');
  if (accountId !== undefined) found.account = accountId;
  const awsService = account?.optionalText('awsServiceName');
  if (awsService !== undefined) found.awsService = awsService;
  const affiliated = account?.optionalFlag('affiliated');
  if (affiliated !== undefined) found.affiliated = affiliated;
  return [found];
}

function threatListsOf(service: Reader | undefined): readonly string[] {
  const names: string[] = [];
  if (!service) return names;
  for (const list of service.child('evidence')?.children('threatIntelligenceDetails') ?? [])
    once(names, list.optionalText('threatListName'));
  once(names, service.child('additionalInfo')?.optionalText('threatListName'));
  return names;
}

/** Scans of volumes name threats in one place, scans of objects, images and snapshots in another. */
function malwareOf(service: Reader | undefined): MalwareNames | undefined {
  const byName = service
    ?.child('ebsVolumeScanDetails')
    ?.child('scanDetections')
    ?.child('threatDetectedByName');
  const scan = service?.child('malwareScanDetails');
  const threats = [...(byName?.children('threatNames') ?? []), ...(scan?.children('threats') ?? [])];
  if (threats.length === 0) return undefined;
  const names = unique(threats.map((threat) => threat.optionalText('name')));
  const total = byName?.optionalNumber('uniqueThreatNameCount') ?? scan?.optionalNumber('uniqueThreatCount');
  const shortened = byName?.value['shortened'] === true;
  const nameless = threats.some((threat) => !threat.optionalText('name'));
  return { names, complete: !shortened && !nameless && (total ?? names.length) <= names.length };
}

const unique = (values: readonly (string | undefined)[]): readonly string[] => [
  ...new Set(values.filter((value): value is string => value !== undefined && value !== '')),
];

/**
 * For what is put together member by member: absent ones are absent, not undefined, and taking them out afterwards costs a
 * stream of a million findings as much as all else here.
 */
type Writable<T> = { -readonly [K in keyof T]: T[K] };
