/** Before the deny the thief uses the session to get other credentials, and goes on with those. */
import '../../sandbox/quiet.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Incident } from '../../core/incident/incident.ts';
import { risksOfIncident } from '../../core/incident/risks.ts';
import type { JsonObject } from '../../core/json.ts';
import { loadPolicy, parsePolicy } from '../../core/policy/policy.ts';
import { type Caller, remember } from '../../sandbox/attacker.ts';
import { persistentWorld } from '../../sandbox/persistent.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import {
  type CredentialWorld,
  credentialFinding,
  credentialWorld,
  findingOn,
  ROLE,
  THIEF_IP,
} from '../../sandbox/worlds.ts';
import { policyWithoutFollowUps } from '../policy-text.ts';
import { bobApproves, idle } from '../workflow/people.ts';

const ROLE_ID = 'AROAFIREBREAKDEMO0001';
const KEY = 'ASIAFIREBREAKDEMO001';

let sandbox: Sandbox;
let world: CredentialWorld;
async function open(lever = 'session'): Promise<void> {
  const text = (await policyWithoutFollowUps()).replace(
    /(revoke-instance-session:\n +lever: )session/,
    `$1${lever}`,
  );
  expect(text).toContain(`lever: ${lever}`);
  sandbox = await startSandbox({ policy: parsePolicy(text) });
  world = credentialWorld(sandbox.twin, 1);
}
beforeEach(() => open());
afterEach(() => sandbox.close());

const session = () => `${ROLE_ID}:${world.stolen.instanceId}`;
/** A call of the stolen session, as CloudTrail has it. */
function called(
  eventName: string,
  more: JsonObject = {},
  { minutes = 5, region = 'eu-west-1', by = session(), source = 'sts' } = {},
): void {
  sandbox.twin.region(region).cloudtrail.history.push({
    ...(by === session() ? { key: KEY } : {}),
    name: by.split(':')[1] ?? '',
    event: {
      eventName,
      eventSource: `${source}.amazonaws.com`,
      awsRegion: region,
      eventTime: new Date(Date.now() - minutes * 60_000).toISOString(),
      userIdentity: { type: 'AssumedRole', principalId: by, accessKeyId: KEY },
      ...more,
    },
  });
}
const assumed = (): JsonObject => ({
  requestParameters: { roleArn: 'arn:aws:iam::111122223333:role/admin', roleSessionName: 'night-shift' },
  responseElements: { assumedRoleUser: { assumedRoleId: 'AROAADMIN00000000001:night-shift' } },
});
async function contained(): Promise<Incident> {
  await (await sandbox.deliver(credentialFinding(sandbox.twin, world.stolen, { seed: 'stolen' }))).ended;
  const [incident] = await sandbox.incidents();
  if (!incident) throw new Error('no incident');
  return incident;
}
async function risks(): Promise<string> {
  const incident = await contained();
  expect(incident.status).toBe('residual');
  return risksOfIncident(incident).join('\n');
}

describe('roles that the session assumed', () => {
  it.each(['eu-west-1', 'ap-southeast-2'])(
    'are named with the session that lives on: in %s',
    async (region) => {
      called('AssumeRole', assumed(), { region });
      expect(await risks()).toMatch(/session night-shift of role arn:aws:iam::111122223333:role\/admin/);
    },
  );
  it('are none where it assumed none', async () => {
    called('DescribeInstances');
    called('AssumeRole', { errorCode: 'AccessDenied' });
    expect((await contained()).status).toBe('contained');
  });
});

describe('tokens and credentials', () => {
  it('for services outside AWS are named with the service', async () => {
    called('GetWebIdentityToken', { requestParameters: { audience: ['https://ci.example.com'] } });
    expect(await risks()).toMatch(/token for https:\/\/ci\.example\.com \(sts:GetWebIdentityToken\)/);
  });
  it.each([
    ['GetScopedCredentials', 'sts'],
    ['CreateOAuth2Token', 'signin'],
  ])(
    'of %s have the identity that is denied, which a pin and a cut-off do not name',
    async (name, source) => {
      called(name, {}, { source });
      expect((await contained()).status).toBe('contained');
      for (const lever of ['pin', 'role']) {
        await sandbox.close();
        await open(lever);
        called(name, {}, { source });
        expect(await risks()).toContain(`${source}:${name}`);
      }
    },
  );
});

describe('ways that the deny leaves open', () => {
  it('pin: anyone who is in the same VPC or behind the same NAT gateway', async () => {
    await sandbox.close();
    await open('pin');
    expect(await risks()).toMatch(/still works .*vpc-\S+ .*203\.0\.113\.10/);
  });
  it('role: the instance goes on getting fresh credentials', async () => {
    await sandbox.close();
    await open('role');
    expect(await risks()).toMatch(/i-\S+ goes on getting new credentials/);
  });
  it('role: an instance that is isolated or gone gets none that leave it', async () => {
    await sandbox.close();
    await open('role');
    sandbox.twin.region().instances = [];
    expect((await contained()).status).toBe('contained');
  });
});

describe('a cluster that knows the role', () => {
  const cluster = (mode: 'API' | 'API_AND_CONFIG_MAP', principals: readonly string[], region = 'eu-west-1') =>
    sandbox.twin.region(region).eks.clusters.push({
      name: 'prod',
      mode,
      entries: principals.map((principalArn) => ({
        principalArn,
        type: 'STANDARD',
        groups: [],
        policies: {},
      })),
    });
  const OWN = `arn:aws:iam::111122223333:role/service/${ROLE}`;

  it.each(['eu-west-1', 'us-west-2'])('lets the denied session in: %s', async (region) => {
    cluster('API', ['arn:aws:iam::111122223333:role/other', OWN], region);
    expect(await risks()).toMatch(new RegExp(`cluster prod in ${region} .*sts:GetCallerIdentity`));
  });
  it('is none where it knows other roles', async () => {
    cluster('API', ['arn:aws:iam::111122223333:role/other']);
    expect((await contained()).status).toBe('contained');
  });
  it('may be one where its ConfigMap says so, which is not read', async () => {
    cluster('API_AND_CONFIG_MAP', []);
    expect(await risks()).toMatch(/prod .*aws-auth/);
  });
  it('is unknown where EKS may not be read', async () => {
    sandbox.twin.failNext('ListClusters', 'AccessDeniedException', 100);
    expect(await risks()).toMatch(/EKS could not be read/);
  });
});

it('a misused session of any role is looked through as well, and nothing is claimed that was not seen', async () => {
  const by = `${ROLE_ID}:build-42`;
  const deliver = async () => {
    const event = findingOn(sandbox.twin, {
      seed: `role-${Math.random()}`,
      type: 'UnauthorizedAccess:IAMUser/TorIPCaller',
      resource: {
        resourceType: 'AccessKey',
        accessKeyDetails: {
          userType: 'AssumedRole',
          userName: ROLE,
          principalId: by,
          accessKeyId: 'ASIAOTHERKEY00000001',
        },
      },
      action: {
        actionType: 'AWS_API_CALL',
        awsApiCallAction: { api: 'ListBuckets', remoteIpDetails: { ipAddressV4: THIEF_IP } },
      },
    });
    const { ended } = await sandbox.deliver(event);
    const { id } = await bobApproves(sandbox, ({ approval }) => approval?.outcome === undefined);
    await ended;
    return risksOfIncident(await sandbox.runtime.incidents.get(id)).join('\n');
  };
  expect(await deliver()).not.toMatch(/assumed|night-shift/);
  called('AssumeRole', assumed(), { by });
  expect(await deliver()).toContain('night-shift');
});

it('roles that were assumed in turn are revoked on one card, and undo restores each', async () => {
  await sandbox.close();
  sandbox = await startSandbox({ policy: await loadPolicy('policy.yml') });
  const { twin } = sandbox;
  const { event } = persistentWorld(twin);
  const [user] = Object.values(twin.state.users).filter(({ keys }) => keys.length > 0);
  const thief: Caller = {
    ...{ principalId: user?.UserId ?? '', userName: user?.UserName ?? '' },
    accessKeyId: user?.keys[0]?.AccessKeyId ?? '',
  };
  const assume = (by: Caller, name: string, minutes: number): Caller => {
    const roleId = `AROA${name.toUpperCase()}0000000001`;
    const Arn = `arn:aws:iam::${twin.scope.account}:role/${name}`;
    twin.state.roles[name] = {
      ...{ RoleName: name, Path: '/', RoleId: roleId, Arn, MaxSessionDuration: 3600, Tags: [] },
      AssumeRolePolicyDocument: JSON.stringify({
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Principal: { AWS: twin.scope.account }, Action: 'sts:AssumeRole' }],
      }),
      ...{ inline: {}, attached: {}, profiles: [] },
    };
    const accessKeyId = `ASIA${name.toUpperCase()}0000000001`;
    remember(twin, by, {
      ...{ service: 'STS', name: 'AssumeRole', region: twin.scope.region },
      at: new Date(Date.now() - minutes * 60_000),
      request: { roleArn: Arn, roleSessionName: 'night-shift' },
      response: {
        credentials: { accessKeyId },
        assumedRoleUser: { assumedRoleId: `${roleId}:night-shift`, arn: Arn },
      },
    });
    return { type: 'AssumedRole', principalId: `${roleId}:night-shift`, accessKeyId };
  };
  assume(assume(thief, 'deploy', 6), 'billing', 5);
  await sandbox.deliver(event);
  await bobApproves(sandbox, ({ followUpOf }) => followUpOf === undefined);
  await bobApproves(sandbox, ({ followUpOf }) => followUpOf?.playbook === 'reverse-changes');
  await idle(sandbox);

  const card = (await sandbox.incidents()).find(
    ({ followUpOf }) => followUpOf?.playbook === 'reverse-changes',
  );
  const revoked = card?.targets.filter(({ playbook }) => playbook === 'revoke-role-sessions') ?? [];
  expect(revoked.map(({ target, proof }) => [target.id, proof?.proven])).toEqual([
    ['deploy/AROADEPLOY0000000001/night-shift', true],
    ['billing/AROABILLING0000000001/night-shift', true],
  ]);
  const denies = (name: string) => JSON.stringify(twin.state.roles[name]?.inline);
  for (const name of ['deploy', 'billing'])
    expect(denies(name)).toContain(`AROA${name.toUpperCase()}0000000001:night-shift`);
  const undoing = await sandbox.undo(card?.id ?? '', 'U0ALICE');
  await bobApproves(sandbox, ({ id }) => id === card?.id, 'undo');
  await undoing.ended;
  for (const name of ['deploy', 'billing']) expect(denies(name)).toBe('{}');
});
