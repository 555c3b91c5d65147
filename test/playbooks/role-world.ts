/** A role and its instances as AWS would answer for them, with faults on demand; records every call. */
import { type AwsCall, configureAws } from '../../core/aws/client.ts';
import type { Finding } from '../../core/finding/finding.ts';
import { parseFinding } from '../../core/finding/finding.ts';
import type { Target } from '../../core/journal/playbook.ts';
import { revokeInstanceSession } from '../../playbooks/revoke-instance-session/playbook.ts';
import { awsError } from '../../sandbox/aws-error.ts';

export const ACCOUNT = '111122223333';
export const ROLE_ID = 'AROAEXAMPLEROLEID0001';
export const INSTANCE = 'i-0abc1234def567890';
export const THIEF = '198.51.100.7';
export const NAT = '203.0.113.10';

export class Killed extends Error {}

export interface Decision {
  readonly decision: string;
  /** The policy that matched. */
  readonly by?: string | undefined;
}

export interface World {
  readonly role: Record<string, unknown>;
  readonly inline: Map<string, string>;
  readonly attached: string[];
  /** Instances by Region. */
  readonly instances: Map<string, Record<string, unknown>[]>;
  readonly routeTables: Record<string, unknown>[];
  readonly natGateways: Record<string, unknown>[];
  readonly calls: AwsCall[];
  /** `Operation` or `Operation region` -> what is thrown instead of an answer. */
  readonly faults: Map<string, Error>;
  /** Thrown once, after the call took effect: the handler dies before it hears of it. */
  dieAfter: string | undefined;
  simulate: (keys: Record<string, string>) => Decision;
}

export const trust = (...principals: unknown[]) =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Service: 'ec2.amazonaws.com' }, ...principals].map((Principal) => ({
      Effect: 'Allow',
      Principal,
      Action: 'sts:AssumeRole',
    })),
  });

export function openWorld(change: Partial<Record<'name' | 'path' | 'roleId' | 'trust', string>> = {}): World {
  const { name = 'app', path = '/', roleId = ROLE_ID } = change;
  const world: World = {
    role: {
      RoleName: name,
      Path: path,
      Arn: `arn:aws:iam::${ACCOUNT}:role${path}${name}`,
      RoleId: roleId,
      CreateDate: new Date(0),
      MaxSessionDuration: 3600,
      AssumeRolePolicyDocument: encodeURIComponent(change.trust ?? trust()),
      Tags: [{ Key: 'team', Value: 'web' }],
    },
    inline: new Map([['app-rights', JSON.stringify({ Version: '2012-10-17', Statement: [] })]]),
    attached: [],
    instances: new Map([
      ['us-east-1', []],
      ['eu-west-1', [instance(INSTANCE)]],
    ]),
    routeTables: [
      {
        RouteTableId: 'rtb-1',
        Associations: [{ SubnetId: 'subnet-1', Main: false }],
        Routes: [
          { DestinationCidrBlock: '10.0.0.0/16', GatewayId: 'local', State: 'active' },
          { DestinationCidrBlock: '0.0.0.0/0', NatGatewayId: 'nat-1', State: 'active' },
          { DestinationPrefixListId: 'pl-1', GatewayId: 'vpce-1', State: 'active' },
        ],
      },
    ],
    natGateways: [
      { NatGatewayId: 'nat-1', ConnectivityType: 'public', NatGatewayAddresses: [{ PublicIp: NAT }] },
    ],
    calls: [],
    faults: new Map(),
    dieAfter: undefined,
    simulate: (keys) => evaluate(world.inline, keys),
  };
  configureAws({
    answer: (call) => answer(world, call),
    retryBaseMs: 1,
    // Outside the SDK's retry: what is thrown inside it becomes an AWS error.
    record: ({ operation, error }) => {
      if (world.dieAfter !== operation || error !== undefined) return;
      world.dieAfter = undefined;
      throw new Killed(operation);
    },
  });
  return world;
}

export const instance = (id: string): Record<string, unknown> => ({
  InstanceId: id,
  State: { Name: 'running' },
  VpcId: 'vpc-1',
  IamInstanceProfile: { Arn: `arn:aws:iam::${ACCOUNT}:instance-profile/app` },
  Tags: [{ Key: 'Name', Value: 'web' }],
  NetworkInterfaces: [{ SubnetId: 'subnet-1', PrivateIpAddresses: [{ PrivateIpAddress: '10.0.1.5' }] }],
});

/** `count` instances of the role, the stolen session's own among them, over two Regions. */
export function shareRole(world: World, count: number): void {
  const ids = Array.from({ length: count - 1 }, (_, index) => `i-${String(index + 1).padStart(17, '0')}`);
  world.instances.set('eu-west-1', [instance(INSTANCE), ...ids.slice(0, 30).map(instance)]);
  world.instances.set('us-east-1', ids.slice(30).map(instance));
}

const WRITES = new Set(['PutRolePolicy', 'DeleteRolePolicy']);
export const writesOf = ({ calls }: World): string[] =>
  calls.map(({ operation }) => operation).filter((name) => WRITES.has(name));
export const services = ({ calls }: World): string[] =>
  [...new Set(calls.map(({ service }) => service))].sort();

async function answer(world: World, call: AwsCall): Promise<object> {
  world.calls.push(call);
  const fault = world.faults.get(`${call.operation} ${call.region}`) ?? world.faults.get(call.operation);
  if (fault) throw fault;
  const result = reply(world, call);
  // The SDK's retry writes into it.
  return { $metadata: { httpStatusCode: 200 }, ...result };
}

function reply(world: World, { operation, region, input }: AwsCall): object {
  const asked = input as Record<string, never>;
  const missing = () => awsError('NoSuchEntityException', 'cannot be found', 404);
  if ('RoleName' in asked && asked.RoleName !== world.role.RoleName) throw missing();
  switch (operation) {
    case 'GetRole':
      return { Role: world.role };
    case 'ListRolePolicies': {
      // One name per page, so that paging is walked.
      const names = [...world.inline.keys()];
      const at = Number(asked.Marker ?? 0);
      return {
        PolicyNames: names.slice(at, at + 1),
        IsTruncated: at + 1 < names.length,
        Marker: String(at + 1),
      };
    }
    case 'GetRolePolicy': {
      const text = world.inline.get(asked.PolicyName ?? '');
      if (text === undefined) throw missing();
      return {
        RoleName: asked.RoleName,
        PolicyName: asked.PolicyName,
        PolicyDocument: encodeURIComponent(text),
      };
    }
    case 'PutRolePolicy':
      world.inline.set(asked.PolicyName ?? '', asked.PolicyDocument ?? '');
      return {};
    case 'DeleteRolePolicy':
      if (!world.inline.delete(asked.PolicyName ?? '')) throw missing();
      return {};
    case 'ListAttachedRolePolicies':
      return { AttachedPolicies: world.attached.map((PolicyArn) => ({ PolicyArn })), IsTruncated: false };
    case 'ListInstanceProfilesForRole':
      return {
        InstanceProfiles: [
          {
            Arn: `arn:aws:iam::${ACCOUNT}:instance-profile/app`,
            ...{ InstanceProfileName: 'app', InstanceProfileId: 'AIPAEXAMPLE000000001', Path: '/' },
            ...{ CreateDate: new Date(0), Roles: [] },
          },
        ],
        IsTruncated: false,
      };
    case 'SimulatePrincipalPolicy': {
      const entries = asked.ContextEntries as unknown as {
        ContextKeyName: string;
        ContextKeyValues: string[];
      }[];
      const keys = Object.fromEntries(
        entries.map((entry) => [entry.ContextKeyName, entry.ContextKeyValues[0] ?? '']),
      );
      const { decision, by } = world.simulate(keys);
      return {
        EvaluationResults: [
          {
            EvalActionName: 'sts:GetCallerIdentity',
            EvalDecision: decision,
            MatchedStatements: by ? [{ SourcePolicyId: `role_app_${by}` }] : [],
          },
        ],
      };
    }
    case 'DescribeRegions':
      return { Regions: [...world.instances.keys()].map((RegionName) => ({ RegionName })) };
    case 'DescribeInstances':
      return { Reservations: [{ Instances: world.instances.get(region) ?? [] }] };
    case 'LookupEvents':
      return { Events: [] };
    case 'ListClusters':
      return { clusters: [] };
    case 'DescribeRouteTables':
      return { RouteTables: world.routeTables };
    case 'DescribeNatGateways':
      return { NatGateways: world.natGateways };
    default:
      throw new Error(`${operation} is not a call this playbook makes`);
  }
}

interface FindingParts {
  readonly type?: string;
  readonly principalId?: string;
  readonly userName?: string;
  readonly region?: string;
  readonly partition?: string;
  readonly remote?: Record<string, unknown>;
}

export const stolen = (parts: FindingParts = {}): Finding =>
  parseFinding({
    id: 'abcdef0123456789',
    type: parts.type ?? 'UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.OutsideAWS',
    accountId: ACCOUNT,
    region: parts.region ?? 'eu-west-1',
    partition: parts.partition ?? 'aws',
    severity: 8,
    updatedAt: '2026-11-24T07:40:00.000Z',
    resource: {
      resourceType: 'AccessKey',
      accessKeyDetails: {
        accessKeyId: 'ASIAEXAMPLEKEY000001',
        principalId: parts.principalId ?? `${ROLE_ID}:${INSTANCE}`,
        userType: 'AssumedRole',
        userName: parts.userName ?? 'app',
      },
    },
    service: {
      action: {
        actionType: 'AWS_API_CALL',
        awsApiCallAction: {
          api: 'ListBuckets',
          serviceName: 's3.amazonaws.com',
          remoteIpDetails: { ipAddressV4: THIEF },
          ...parts.remote,
        },
      },
    },
  });

/** The target of a finding that names one. */
export function targetOf(finding: Finding = stolen()): Target {
  const choice = revokeInstanceSession.targetOf(finding);
  if (!choice.ok) throw new Error(choice.reason);
  return choice.target;
}

/** Of IAM's evaluation what the three denies rely on: conditions AND, a negated operator matches an absent key. */
export function evaluate(
  inline: ReadonlyMap<string, string>,
  keys: Readonly<Record<string, string>>,
): Decision {
  for (const [by, text] of inline) {
    const { Statement } = JSON.parse(text) as {
      Statement: { Condition: Record<string, Record<string, unknown>> }[];
    };
    if (Statement.some(({ Condition }) => conditionsHold(Condition, keys)))
      return { decision: 'explicitDeny', by };
  }
  return { decision: 'allowed' };
}

function conditionsHold(
  conditions: Record<string, Record<string, unknown>>,
  keys: Readonly<Record<string, string>>,
): boolean {
  return Object.entries(conditions).every(([operator, test]) =>
    Object.entries(test).every(([name, wanted]) => {
      const given = keys[name];
      const values = [wanted]
        .flat()
        .map((value) => String(value).replace(/^\$\{(.*)\}$/, (_all, key: string) => keys[key] ?? ''));
      const equal = given !== undefined && values.some((value) => value.replace(/\/(32|128)$/, '') === given);
      switch (operator) {
        case 'StringEquals':
        case 'ArnEquals':
          return equal;
        case 'StringNotEquals':
        case 'NotIpAddress':
          return !equal;
        case 'BoolIfExists':
          return given === undefined || equal;
        case 'DateLessThan':
          return given !== undefined && Date.parse(given) < Date.parse(values[0] ?? '');
        default:
          throw new Error(`${operator} is not evaluated here`);
      }
    }),
  );
}
