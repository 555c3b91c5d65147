/** Acceptance scenarios that run through the whole workflow: 9, 10, 11 and the small ones. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Incident } from '../../core/incident/incident.ts';
import type { JsonObject } from '../../core/json.ts';
import { loadPolicy } from '../../core/policy/policy.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { addPermissionSet } from '../../sandbox/twin/identity-center.ts';
import { madeStoreUser } from '../../sandbox/twin/made-id.ts';
import { addressFinding, addressWorld, findingOn, groupsOfInstance } from '../../sandbox/worlds.ts';
import { bobApproves, idle } from './people.ts';
import { addBucket, bucketResource, instanceResource, sequence } from './sequences.ts';

let sandbox: Sandbox;
let seconds: number | undefined;
beforeEach(async () => {
  seconds = undefined;
  sandbox = await startSandbox({
    policy: await loadPolicy('policy.yml'),
    approvalTimeoutSeconds: () => seconds,
  });
});
afterEach(() => sandbox.close());

const state = () => sandbox.twin.state;
const iamWrites = () =>
  sandbox.twin.calls
    .filter(({ service, change }) => service === 'IAM' && change)
    .map(({ operation }) => operation);
const pages = () =>
  state()
    .pages.map(({ subject, message }) => `${subject}\n${message}`)
    .join('\n');
const incidentOf = async (fits: (incident: Incident) => boolean): Promise<Incident> => {
  const found = (await sandbox.incidents()).find(fits);
  if (!found) throw new Error('no such incident');
  return found;
};

describe('identities that cannot or must not be changed', () => {
  const role = (RoleName: string, Path: string) => {
    const RoleId = 'AROAUNMODIFIABLE00001';
    state().roles[RoleName] = {
      RoleName,
      Path,
      RoleId,
      Arn: `arn:aws:iam::111122223333:role${Path}${RoleName}`,
      MaxSessionDuration: 3600,
      AssumeRolePolicyDocument: '{"Version":"2012-10-17","Statement":[]}',
      Tags: [],
      inline: {},
      attached: {},
      profiles: [],
    };
    return { userType: 'AssumedRole', userName: RoleName, principalId: `${RoleId}:session-1` };
  };
  const deliver = async (accessKeyDetails: JsonObject) =>
    sandbox.deliver(
      findingOn(sandbox.twin, {
        seed: 'identity',
        type: 'UnauthorizedAccess:IAMUser/TorIPCaller',
        resource: { resourceType: 'AccessKey', accessKeyDetails },
      }),
    );

  it.each([
    ['AWSServiceRoleForECS', '/aws-service-role/ecs.amazonaws.com/', 'SCP'],
    ['AWSReservedSSO_Admin_abcdef0123456789', '/aws-reserved/sso.amazonaws.com/', 'IAM Identity Center'],
    ['firebreak-prod-contain', '/firebreak/', 'never changes itself'],
    ['break-glass', '/', 'protected'],
    ['OrganizationAccountAccessRole', '/', 'management account'],
  ])('%s: no write to IAM, escalated, a person paged with what works', async (name, path, alternative) => {
    await (await deliver(role(name, path))).ended;
    expect(iamWrites()).toEqual([]);
    expect((await incidentOf(() => true)).status).toBe('escalated');
    expect(pages()).toContain(alternative);
    expect(JSON.stringify(sandbox.slack.messages)).toContain(alternative);
  });

  it('root: no write to IAM, and a page that says what works', async () => {
    await (await deliver({ userType: 'Root', userName: 'root', principalId: '111122223333' })).ended;
    expect(iamWrites()).toEqual([]);
    expect(pages()).toContain('root cannot be contained by IAM');
  });

  it('a session of Identity Center, approved: merged, provisioned, proven; undone letter for letter', async () => {
    const inline =
      '{ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": "s3:*", "Resource": "*" }] }';
    const { roleName, roleId, set } = addPermissionSet(sandbox.twin, {
      name: 'Admin',
      inline,
      region: 'eu-west-1',
      accounts: ['111122223333', '444455556666'],
    });
    const alice = madeStoreUser('alice');
    state().identityCenter.users['alice'] = alice;
    const execution = await deliver({
      userType: 'AssumedRole',
      userName: roleName,
      principalId: `${roleId}:alice`,
    });
    const asked = await bobApproves(sandbox, ({ playbook }) => playbook === 'revoke-sso-sessions');
    await execution.ended;
    expect((await incidentOf(({ id }) => id === asked.id)).status).toBe('residual');
    expect(state().provisioning.map(({ Status }) => Status)).toEqual(['SUCCEEDED']);
    expect(JSON.parse(set.inline)).toMatchObject({
      Statement: [
        { Action: 's3:*' },
        { Effect: 'Deny', Condition: { StringEquals: { 'identitystore:userId': alice } } },
      ],
    });
    expect(iamWrites()).toEqual([]);
    const undo = await sandbox.undo(asked.id, 'U0ALICE');
    await bobApproves(sandbox, ({ id }) => id === asked.id, 'undo');
    await undo.ended;
    expect(set.inline).toBe(inline);
  });
});

it('a function without a number has none again only after both incidents let go', async () => {
  sandbox.twin.region().lambda.functions.push({
    FunctionName: 'orders',
    Role: 'arn:aws:iam::111122223333:role/orders',
    Timeout: 30,
    CodeSha256: 'abc',
    reserved: null,
    provisioned: { live: 5 },
    eventSources: [],
    Tags: {},
  });
  const live = () => {
    const [found] = sandbox.twin.region().lambda.functions;
    return { reserved: found?.reserved, provisioned: found?.provisioned };
  };
  const contain = async (type: string) => {
    const execution = await sandbox.deliver(
      findingOn(sandbox.twin, { seed: type, type, resource: { lambdaDetails: { functionName: 'orders' } } }),
    );
    const { id } = await bobApproves(sandbox, (incident) => incident.type === type);
    await execution.ended;
    return id;
  };
  const first = await contain('CryptoCurrency:Lambda/BitcoinTool.B');
  expect(live()).toEqual({ reserved: 0, provisioned: {} });
  const second = await contain('Backdoor:Lambda/C&CActivity.B');
  await (await sandbox.undo(first, 'U0ALICE')).ended;
  expect(live()).toEqual({ reserved: 0, provisioned: {} });
  await (await sandbox.undo(second, 'U0ALICE')).ended;
  expect(live()).toEqual({ reserved: null, provisioned: { live: 5 } });
});

it('a sequence of 330 KB and 14 resources, some contained, one unknown, one account without a role', async () => {
  const ids = Array.from({ length: 4 }, () => addressWorld(sandbox.twin)).flatMap((world) => [
    world.instanceId,
    world.neighbourId,
  ]);
  const instances = ids.slice(0, 7);
  for (const instanceId of instances.slice(0, 2)) {
    const event = addressFinding(sandbox.twin, instanceId, { seed: instanceId, severity: 8 });
    const detail = { ...(event['detail'] as JsonObject), type: 'Backdoor:EC2/C&CActivity.B' };
    await (await sandbox.deliver({ ...event, detail })).ended;
  }
  const captured = (await incidentOf(({ type, followUpOf }) => type.startsWith('Backdoor') && !followUpOf))
    .id;
  for (const name of ['public-1', 'public-2']) addBucket(sandbox.twin, name);
  const event = sequence(
    sandbox.twin,
    [
      ...instances.map((id) => instanceResource(id)),
      instanceResource('i-0123456789abcdef0', { accountId: '222222222222' }),
      bucketResource('public-1', 'PUBLIC'),
      bucketResource('public-2', 'PUBLIC'),
      bucketResource('private-1'),
      bucketResource('private-2'),
      bucketResource('private-3'),
      { uid: 'model', resourceType: 'BEDROCK_CUSTOM_MODEL' },
    ],
    [],
    { indicators: [{ key: 'x'.repeat(330 * 1024) }] },
  );
  expect(JSON.stringify(event).length).toBeGreaterThan(330 * 1024);
  const execution = await sandbox.deliver(event);
  const { id } = await bobApproves(sandbox, ({ type }) => type.startsWith('AttackSequence'));
  await execution.ended;
  const cards = sandbox.slack.messages.filter((message) =>
    JSON.stringify(message).includes('AttackSequence:S3'),
  );
  expect(cards).toHaveLength(1);
  const incident = await incidentOf((each) => each.id === id);
  expect(incident.status).toBe('partial');
  expect(incident.targets.map(({ status }) => status)).toEqual([
    ...instances.map(() => 'contained'),
    'escalated',
    'contained',
    'contained',
  ]);
  expect(incident.unhandled?.join('\n')).toMatch(/BEDROCK_CUSTOM_MODEL model: it is not changed/);
  expect(incident.unhandled).toHaveLength(4);
  expect(incident.targets[7]?.notes?.join()).toContain('222222222222');
  expect(pages()).toContain('222222222222');

  // One target back: everything else stays as it is.
  const third = instances[2] ?? '';
  await (await sandbox.undo(id, 'U0ALICE', 2)).ended;
  expect(groupsOfInstance(sandbox.twin, third)).toEqual(['web', 'admin']);
  const others = instances.filter((other) => other !== third);
  for (const other of others) expect(groupsOfInstance(sandbox.twin, other)).toEqual(['firebreak-quarantine']);
  expect(state().s3.buckets['public-1']?.block).toMatchObject({ BlockPublicAcls: true });
  expect((await incidentOf((each) => each.id === id)).status).toBe('partial');

  // The two that were contained before were joined: what the sequence lets go of stays contained for the first incident.
  await (await sandbox.undo(id, 'U0ALICE')).ended;
  const [first, , , fourth] = instances;
  expect(groupsOfInstance(sandbox.twin, first ?? '')).toEqual(['firebreak-quarantine']);
  expect(groupsOfInstance(sandbox.twin, fourth ?? '')).toEqual(['web', 'admin']);
  expect(state().s3.buckets['public-1']?.block).toBeNull();
  await (await sandbox.undo(captured, 'U0ALICE')).ended;
  const released = [first, instances[1]].filter(
    (each) => groupsOfInstance(sandbox.twin, each ?? '').join() === 'web,admin',
  );
  expect(released).toHaveLength(1);
}, 180_000);

it('a silent trail is started in its home Region, and the delivery after that is seen', async () => {
  const TrailARN = 'arn:aws:cloudtrail:us-east-1:111122223333:trail/audit';
  sandbox.twin.region('us-east-1').cloudtrail.trails.push({
    TrailARN,
    Name: 'audit',
    HomeRegion: 'us-east-1',
    IsOrganizationTrail: false,
    logging: false,
    deliveryError: null,
  });
  await (
    await sandbox.deliver(
      findingOn(sandbox.twin, {
        seed: 'trail',
        type: 'Stealth:IAMUser/CloudTrailLoggingDisabled',
        resource: { resourceType: 'AccessKey' },
        action: {
          actionType: 'AWS_API_CALL',
          awsApiCallAction: {
            api: 'StopLogging',
            affectedResources: { 'AWS::CloudTrail::Trail': TrailARN },
          },
        },
      }),
    )
  ).ended;
  await idle(sandbox);
  const start = sandbox.awsCalls.find(({ operation }) => operation === 'StartLogging');
  expect(start).toMatchObject({ region: 'us-east-1', error: undefined });
  const { targets } = await incidentOf(({ followUpOf }) => !followUpOf);
  expect(targets[0]?.proof).toMatchObject({ proven: true, residual: [] });
});

it('an ask that Slack never showed is paged, and its time runs out all the same', async () => {
  const { instanceId } = addressWorld(sandbox.twin);
  sandbox.slack.down = true;
  seconds = 1;
  await (await sandbox.deliver(addressFinding(sandbox.twin, instanceId, { seed: 'down', severity: 8 })))
    .ended;
  expect(pages()).toContain('Slack is down');
  // The rule says contain where no one answers.
  expect(groupsOfInstance(sandbox.twin, instanceId)).toEqual(['firebreak-quarantine']);
});
