/**
 * GuardDuty's findings as Security Hub passes them on: in ASFF, with GuardDuty's own members flattened to texts in
 * ProductFields, and in OCSF. What a decision needs is restored; what was lost on the way is said.
 */
import { type ParsedArn, parseArn } from '../../core/aws/arn.ts';
import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';

export interface PassedOn {
  readonly raw: JsonObject;
  /** What the form does not carry, one line each: a decision without it may differ. */
  readonly lacks: readonly string[];
}

/** Returns the finding of GuardDuty that ASFF or OCSF carries; undefined where the value is neither. */
export function passedOn(value: JsonObject): PassedOn | undefined {
  if (
    isOfGuardDuty(value['ProductArn']) ||
    (isJsonObject(value['ProductFields']) && value['ProductName'] === 'GuardDuty')
  )
    return fromAsff(value);
  const product = at(value, 'metadata', 'product');
  const named = [text(product, 'name'), text(product, 'uid')].some((name) => /guardduty/i.test(name ?? ''));
  return value['class_uid'] !== undefined && named ? fromOcsf(value) : undefined;
}

const isOfGuardDuty = (arn: Json | undefined): boolean =>
  typeof arn === 'string' && /:product\/aws\/guardduty$/i.test(arn);

// --- ASFF ---

function fromAsff(value: JsonObject): PassedOn {
  const own = unflattened(isJsonObject(value['ProductFields']) ? value['ProductFields'] : {});
  const service = isJsonObject(own['service']) ? own['service'] : {};
  const arn = text(value, 'Id') ?? '';
  const account = text(value, 'AwsAccountId') ?? '';
  const resources = objects(value['Resources']);
  const severity = isJsonObject(value['Severity']) ? value['Severity'] : {};
  const found: Record<string, Json> = {
    ...identityOf(arn),
    accountId: account,
    region: text(value, 'Region') ?? parseArn(arn)?.region ?? text(resources[0], 'Region') ?? '',
    ...member('partition', text(resources[0], 'Partition')),
    type: typeOf(texts(value['Types'])) ?? '',
    ...member('severity', severityOf(severity)),
    title: text(value, 'Title') ?? '',
    description: text(value, 'Description') ?? '',
    createdAt: text(value, 'CreatedAt') ?? '',
    updatedAt: text(value, 'UpdatedAt') ?? text(value, 'CreatedAt') ?? '',
    resource: resourceOf(resources.map(asffResource)),
    service: {
      ...service,
      detectorId: text(service, 'detectorId') ?? identityOf(arn).detectorId ?? '',
      archived: value['RecordState'] === 'ARCHIVED' || service['archived'] === true,
    },
  };
  return { raw: found, lacks: lacksOf(found, 'ASFF') };
}

/** `TTPs/Command and Control/Backdoor:EC2-C&CActivity.B`: the slash of the type is written as a dash. */
function typeOf(types: readonly string[]): string | undefined {
  for (const given of types) {
    const type = /[^:/\s]+:[^:/\s]+\/\S+$/.exec(given)?.[0] ?? given.slice(given.lastIndexOf('/') + 1);
    const [, purpose, family, name] = /^([^:/\s]+):([^:/\s-]+)[-/](.+)$/.exec(type) ?? [];
    if (purpose !== undefined) return `${purpose}:${family}/${name}`;
  }
  return undefined;
}

/** `aws/guardduty/service/evidence/threatIntelligenceDetails.0_/threatListName` and its like, as members and lists again. */
function unflattened(fields: JsonObject): JsonObject {
  const root = new Map<string, Json>();
  for (const [key, value] of Object.entries(fields)) {
    if (!key.startsWith('aws/guardduty/') || typeof value !== 'string') continue;
    const path = key
      .slice('aws/guardduty/'.length)
      .replaceAll(/\.(\d+)_/g, '/#$1')
      .split('/');
    root.set(path.join('\n'), typed(path.at(-1) ?? '', value));
  }
  return nested([...root].map(([path, value]) => ({ path: path.split('\n'), value })));
}

interface Leaf {
  readonly path: readonly string[];
  readonly value: Json;
}

function nested(leaves: readonly Leaf[]): JsonObject {
  const members: Record<string, Json> = {};
  for (const [name, inner] of grouped(leaves)) {
    if (name === '__proto__') continue;
    const deeper = inner.filter(({ path }) => path.length > 0);
    const [leaf] = inner;
    if (deeper.length === 0) members[name] = leaf?.value ?? null;
    else if (deeper.some(({ path }) => path[0]?.startsWith('#'))) members[name] = listed(deeper);
    else members[name] = nested(deeper);
  }
  return members;
}

const listed = (leaves: readonly Leaf[]): Json =>
  [...grouped(leaves.filter(({ path }) => path[0]?.startsWith('#')))]
    .sort(([a], [b]) => Number(a.slice(1)) - Number(b.slice(1)))
    .map(([, inner]) =>
      inner.some(({ path }) => path.length > 0) ? nested(inner) : (inner[0]?.value ?? null),
    );

function grouped(leaves: readonly Leaf[]): Map<string, Leaf[]> {
  const groups = new Map<string, Leaf[]>();
  for (const { path, value } of leaves) {
    const [name, ...rest] = path;
    if (name === undefined) continue;
    groups.set(name, [...(groups.get(name) ?? []), { path: rest, value }]);
  }
  return groups;
}

/** ProductFields holds texts only. */
const NUMBERS = new Set(['count', 'port', 'lat', 'lon', 'uniqueThreatNameCount']);
function typed(name: string, value: string): Json {
  if (value === 'true' || value === 'false') return value === 'true';
  return NUMBERS.has(name) && /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value;
}

function severityOf(severity: JsonObject): number | undefined {
  const { Product, Normalized, Label } = severity;
  if (typeof Product === 'number' && Product > 0) return Product;
  if (typeof Normalized === 'number') return Normalized / 10;
  return typeof Label === 'string' ? LABELS[Label.toUpperCase()] : undefined;
}

/** The least severity of each: a decision must not be stronger than what GuardDuty said. */
const LABELS: Readonly<Record<string, number>> = {
  INFORMATIONAL: 1,
  LOW: 1,
  MEDIUM: 4,
  HIGH: 7,
  CRITICAL: 9,
};

interface Resource {
  readonly type: string;
  readonly id: string;
  readonly arn: ParsedArn | undefined;
  readonly details: JsonObject;
  readonly tags: readonly Json[];
}

function asffResource(resource: JsonObject): Resource {
  const type = text(resource, 'Type') ?? '';
  const id = text(resource, 'Id') ?? '';
  const tags = isJsonObject(resource['Tags']) ? resource['Tags'] : {};
  return {
    type,
    id,
    arn: parseArn(id),
    details: at(resource, 'Details', type) ?? {},
    tags: Object.entries(tags).map(([key, value]) => ({ key, value })),
  };
}

/** The members of `resource` as GuardDuty writes them. */
function resourceOf(resources: readonly Resource[]): JsonObject {
  const found: Record<string, Json> = {};
  for (const { type, id, arn, details, tags } of resources) {
    const name = arn?.resource.split(/[/:]/).at(-1) ?? '';
    switch (type.replaceAll('::', '').toLowerCase()) {
      case 'awsec2instance':
        found['resourceType'] ??= 'Instance';
        found['instanceDetails'] ??= instanceOf(name === '' ? id : name, details, tags);
        break;
      case 'awsiamaccesskey':
        found['resourceType'] ??= 'AccessKey';
        found['accessKeyDetails'] ??= {
          ...member('accessKeyId', text(details, 'AccessKeyId') ?? /(A[KS]IA[A-Z0-9]{12,})$/.exec(id)?.[1]),
          ...member('principalId', text(details, 'PrincipalId')),
          ...member('userType', text(details, 'PrincipalType')),
          ...member('userName', text(details, 'PrincipalName')),
        };
        break;
      case 'awss3bucket':
        found['resourceType'] ??= 'S3Bucket';
        found['s3BucketDetails'] ??= [{ name: name === '' ? id : name, arn: id, tags }];
        break;
      case 'awslambdafunction':
        found['resourceType'] ??= 'Lambda';
        found['lambdaDetails'] ??= {
          functionArn: id,
          ...member('functionName', text(details, 'FunctionName')),
        };
        break;
      case 'awsekscluster':
        found['resourceType'] ??= 'EKSCluster';
        found['eksClusterDetails'] ??= { name, arn: id, tags };
        break;
      case 'awsecscluster':
        found['resourceType'] ??= 'ECSCluster';
        found['ecsClusterDetails'] ??= { name, arn: id, tags };
        break;
      default:
    }
  }
  return found;
}

const instanceOf = (instanceId: string, details: JsonObject, tags: readonly Json[]): JsonObject => ({
  instanceId,
  tags,
  ...(text(details, 'IamInstanceProfileArn') === undefined
    ? {}
    : { iamInstanceProfile: { arn: text(details, 'IamInstanceProfileArn') ?? '' } }),
  networkInterfaces: [
    {
      ...member('vpcId', text(details, 'VpcId')),
      ...member('subnetId', text(details, 'SubnetId')),
      ...member('privateIpAddress', texts(details['IpV4Addresses']).find(isPrivate)),
      ...member(
        'publicIp',
        texts(details['IpV4Addresses']).find((ip) => !isPrivate(ip)),
      ),
    },
  ],
});

const isPrivate = (ip: string): boolean =>
  /^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.)/.test(ip);

// --- OCSF ---

function fromOcsf(value: JsonObject): PassedOn {
  const info = at(value, 'finding_info') ?? {};
  const cloud = at(value, 'cloud') ?? {};
  const uid = text(info, 'uid') ?? '';
  const resources = objects(value['resources']).map((resource): Resource => {
    const id = text(resource, 'uid') ?? '';
    const tags = objects(resource['tags']).map((tag) => ({
      key: tag['name'] ?? '',
      value: tag['value'] ?? '',
    }));
    return { type: text(resource, 'type') ?? '', id, arn: parseArn(id), details: {}, tags };
  });
  const found: Record<string, Json> = {
    ...identityOf(uid),
    accountId: text(at(cloud, 'account'), 'uid') ?? parseArn(uid)?.account ?? '',
    region: text(cloud, 'region') ?? parseArn(uid)?.region ?? '',
    type: typeOf(texts(info['types'])) ?? '',
    ...member('severity', ocsfSeverity(value)),
    title: text(info, 'title') ?? '',
    description: text(info, 'desc') ?? '',
    createdAt: info['created_time_dt'] ?? info['created_time'] ?? '',
    updatedAt: info['modified_time_dt'] ?? info['modified_time'] ?? value['time_dt'] ?? value['time'] ?? '',
    resource: resourceOf(resources),
    service: {
      ...member('detectorId', identityOf(uid).detectorId),
      archived: text(value, 'status')?.toLowerCase() === 'archived',
      count: typeof value['count'] === 'number' ? value['count'] : 1,
      ...ocsfAction(objects(value['evidences'])[0]),
    },
  };
  return { raw: found, lacks: lacksOf(found, 'OCSF') };
}

function ocsfSeverity(value: JsonObject): number | undefined {
  const own = at(value, 'vendor_attributes') ?? value;
  const id = own['severity_id'] ?? value['severity_id'];
  return typeof id === 'number' ? [undefined, 1, 1, 4, 7, 9, 9][id] : undefined;
}

function ocsfAction(evidence: JsonObject | undefined): JsonObject {
  if (!evidence) return {};
  const ip = text(at(evidence, 'src_endpoint'), 'ip');
  const operation = text(at(evidence, 'api'), 'operation');
  const remoteIpDetails = member('ipAddressV4', ip);
  if (operation === undefined) return {};
  const serviceName = member('serviceName', text(at(evidence, 'api', 'service'), 'name'));
  return {
    action: {
      actionType: 'AWS_API_CALL',
      awsApiCallAction: { api: operation, ...serviceName, remoteIpDetails },
    },
  };
}

// --- both ---

/** Id and detector, from the finding's ARN where it is one. */
function identityOf(arn: string): {
  readonly id: string;
  readonly arn?: string;
  readonly detectorId?: string;
} {
  const [, detectorId, id] =
    /^detector\/([^/]+)\/finding\/([^/]+)$/.exec(parseArn(arn)?.resource ?? '') ?? [];
  return id === undefined || detectorId === undefined ? { id: arn } : { id, arn, detectorId };
}

function lacksOf({ resource, service }: Readonly<Record<string, Json>>, form: string): readonly string[] {
  const lacking = [
    ...(isJsonObject(resource) && resource['resourceType'] !== undefined
      ? []
      : ['a resource that a playbook knows']),
    ...(isJsonObject(service) && isJsonObject(service['action'])
      ? []
      : ['the action with its remote address']),
    'details of the resource such as security groups, containers and processes',
  ];
  return [
    `read from ${form}, which lacks ${lacking.join('; ')}: GuardDuty's own finding may be decided differently`,
  ];
}

function at(value: Json | undefined, ...path: readonly string[]): JsonObject | undefined {
  let found: Json | undefined = value;
  for (const name of path) found = isJsonObject(found) ? found[name] : undefined;
  return isJsonObject(found) ? found : undefined;
}

function text(value: Json | undefined, name: string): string | undefined {
  const found = isJsonObject(value) ? value[name] : undefined;
  return typeof found === 'string' && found !== '' ? found : undefined;
}

const member = (name: string, value: Json | undefined): JsonObject =>
  value === undefined ? {} : { [name]: value };

const objects = (value: Json | undefined): readonly JsonObject[] =>
  (Array.isArray(value) ? value : [value]).filter(isJsonObject);

const texts = (value: Json | undefined): readonly string[] =>
  (Array.isArray(value) ? value : [value]).filter((item): item is string => typeof item === 'string');
