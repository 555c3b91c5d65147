/** Stolen credentials of an administrator, and what their thief leaves behind to come back with. */
import { arn } from '../core/aws/arn.ts';
import type { JsonObject } from '../core/json.ts';
import { act, type Caller } from './attacker.ts';
import type { TwinGroup, TwinRegion } from './twin/state.ts';
import type { AccountTwin } from './twin/twin.ts';
import { findingOn } from './worlds.ts';

/** Identifiers, not secrets. */
const STOLEN_KEY = 'AKIAFIREBREAKDEMO001';
const ADMIN = 'deploy-admin';
const BACKDOOR = 'support-7';
const TAKEN = 'payments';
const THIEVES_ACCOUNT = '444455556666';

export interface PersistentWorld {
  readonly event: JsonObject;
  /** What an attacker could use now, one line each. */
  show(): readonly (readonly [what: string, usable: boolean])[];
}

/** An account in which the thief made a user and a key, took over a role, opened a port, and shared a snapshot. */
export function persistentWorld(twin: AccountTwin): PersistentWorld {
  const { scope, state } = twin;
  const now = Date.now();
  const user = {
    ...{ UserName: ADMIN, Path: '/', UserId: 'AIDAFIREBREAKDEMO0001', Tags: [], inline: {}, attached: {} },
    ...{ groups: [], console: false, mfa: [] },
  };
  const key = { AccessKeyId: STOLEN_KEY, Status: 'Active', CreateDate: '2024-03-01T09:00:00.000Z' };
  state.users[ADMIN] = { ...user, keys: [{ ...key, lastService: 'iam' }] };
  const owner: Caller = {
    accessKeyId: 'AKIAFIREBREAKDEMO002',
    principalId: 'AIDAFIREBREAKDEMO0002',
    userName: 'alice',
  };
  const thief: Caller = { accessKeyId: STOLEN_KEY, principalId: user.UserId, userName: ADMIN };
  const trusts = (AWS: string): string =>
    JSON.stringify({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Principal: { AWS }, Action: 'sts:AssumeRole' }],
    });
  const inIam = (caller: Caller, operation: string, input: JsonObject, minutesAgo: number): JsonObject =>
    act(twin, caller, { service: 'IAM', operation, input, at: new Date(now - minutesAgo * 60_000) });
  const own = arn(scope, 'iam', 'root', { global: true });
  const theirs = arn({ ...scope, account: THIEVES_ACCOUNT }, 'iam', 'root', { global: true });
  inIam(owner, 'CreateRole', { RoleName: TAKEN, AssumeRolePolicyDocument: trusts(own) }, 60 * 24 * 30);
  inIam(thief, 'CreateUser', { UserName: BACKDOOR }, 9);
  const PolicyArn = arn({ ...scope, account: 'aws' }, 'iam', 'policy/AdministratorAccess', { global: true });
  inIam(thief, 'AttachUserPolicy', { UserName: BACKDOOR, PolicyArn }, 8);
  inIam(thief, 'CreateAccessKey', { UserName: BACKDOOR }, 8);
  inIam(thief, 'UpdateAssumeRolePolicy', { RoleName: TAKEN, PolicyDocument: trusts(theirs) }, 7);
  const { group, snapshot } = opened(twin, thief, (minutesAgo) => new Date(now - minutesAgo * 60_000));
  const made = state.users[BACKDOOR];
  const backKey = made?.keys[0]?.AccessKeyId ?? '';
  return {
    event: findingOn(twin, {
      ...{
        seed: `demo ${now}`,
        type: 'Persistence:IAMUser/AnomalousBehavior',
        updatedAt: new Date(now - 600_000),
      },
      resource: {
        resourceType: 'AccessKey',
        accessKeyDetails: {
          ...{ userType: 'IAMUser', userName: ADMIN },
          ...{ accessKeyId: STOLEN_KEY, principalId: user.UserId },
        },
      },
    }),
    show: () => {
      const may = (keyId: string): boolean =>
        twin.requestByKey(keyId, { action: 'iam:CreateUser', resource: '*' }).decision === 'allowed';
      return [
        [`key ${backKey} of the user ${BACKDOOR} that the thief created`, may(backKey)],
        [
          `role ${TAKEN} from the thief's account ${THIEVES_ACCOUNT}`,
          state.roles[TAKEN]?.AssumeRolePolicyDocument.includes(THIEVES_ACCOUNT) === true,
        ],
        [
          `port 22 of everything in ${group.GroupId}, from anywhere`,
          group.rules.some(({ FromPort, CidrIpv4 }) => FromPort === 22 && CidrIpv4 === '0.0.0.0/0'),
        ],
        [
          `snapshot ${snapshot.SnapshotId} of the database's volume, copied from ${THIEVES_ACCOUNT}`,
          snapshot.sharedWith?.includes(THIEVES_ACCOUNT) === true,
        ],
      ];
    },
  };
}

/** The thief lets everyone at a security group's port, and its own account at a snapshot. CloudTrail writes EC2's lists as `{ items }`. */
function opened(twin: AccountTwin, thief: Caller, at: (minutesAgo: number) => Date) {
  const region = twin.region(twin.scope.region);
  const group: TwinGroup = {
    ...{ GroupId: twin.nextId('sg'), GroupName: 'database', VpcId: 'vpc-0000000000000d001' },
    ...{ Description: 'the database', Tags: {} },
    rules: [
      {
        ...{ SecurityGroupRuleId: twin.nextId('sgr'), IsEgress: false, IpProtocol: 'tcp' },
        ...{ FromPort: 5432, ToPort: 5432, CidrIpv4: '10.0.0.0/8', Description: 'the application' },
      },
    ],
  };
  const snapshot: TwinRegion['snapshots'][number] = {
    ...{ SnapshotId: twin.nextId('snap'), VolumeId: 'vol-0000000000000d001', Tags: {} },
  };
  region.groups.push(group);
  region.snapshots.push(snapshot);
  const { GroupId } = group;
  const { SnapshotId } = snapshot;
  act(twin, thief, {
    ...{ service: 'EC2', operation: 'AuthorizeSecurityGroupIngress', at: at(6) },
    input: {
      GroupId,
      IpPermissions: [{ IpProtocol: 'tcp', FromPort: 22, ToPort: 22, IpRanges: [{ CidrIp: '0.0.0.0/0' }] }],
    },
    record: {
      request: {
        groupId: GroupId,
        ipPermissions: {
          items: [
            {
              ...{ ipProtocol: 'tcp', fromPort: 22, toPort: 22 },
              ipRanges: { items: [{ cidrIp: '0.0.0.0/0' }] },
            },
          ],
        },
      },
      response: {},
    },
  });
  act(twin, thief, {
    ...{ service: 'EC2', operation: 'ModifySnapshotAttribute', at: at(5) },
    input: {
      ...{ SnapshotId, Attribute: 'createVolumePermission', OperationType: 'add' },
      UserIds: [THIEVES_ACCOUNT],
    },
    record: {
      request: {
        snapshotId: SnapshotId,
        createVolumePermission: { add: { items: [{ userId: THIEVES_ACCOUNT }] } },
      },
    },
  });
  return { group, snapshot };
}
