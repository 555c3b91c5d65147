/** One card lists everything that a stolen identity is: each with its own tick there, or on the follow-up that it links to. */
import '../../sandbox/quiet.ts';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { identityOf } from '../../core/incident/identity.ts';
import type { Incident } from '../../core/incident/incident.ts';
import { relativesOf } from '../../core/incident/relatives.ts';
import { loadPolicy } from '../../core/policy/policy.ts';
import { stepsOf } from '../../pipeline/steps.ts';
import { remember } from '../../sandbox/attacker.ts';
import { persistentWorld } from '../../sandbox/persistent.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { perform } from '../../sandbox/twin/twin.ts';
import { unrecorded } from '../unrecorded.ts';
import { bobApproves, idle } from './people.ts';

const USER = 'deploy-admin';
const ROLE = 'reports';
const ACTIVE = { Status: 'Active', UploadDate: '2020-01-01T00:00:00.000Z' };

let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await startSandbox({ policy: await loadPolicy('policy.yml') });
});
afterEach(() => sandbox.close());

const isFirst = ({ followUpOf }: Incident) => followUpOf === undefined;
const isFollowUp = ({ followUpOf }: Incident) => followUpOf?.playbook === 'reverse-changes';
const first = async () => (await sandbox.incidents()).find(isFirst);

/** The user has every kind of credential, and its thief went on as a session of a role. */
function stolen() {
  const { twin } = sandbox;
  const world = persistentWorld(twin);
  const user = twin.state.users[USER];
  if (!user) throw new Error('no user');
  user.console = true;
  user.certificates = [{ id: 'CERTIFICATE0000000000001', ...ACTIVE }];
  user.sshKeys = [{ id: 'APKASSHKEY0000000001', ...ACTIVE }];
  const { scope } = twin;
  const Principal = { AWS: `arn:aws:iam::${scope.account}:root` };
  const trust = {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal, Action: 'sts:AssumeRole' }],
  };
  const input = { RoleName: ROLE, AssumeRolePolicyDocument: JSON.stringify(trust) };
  perform(twin, { service: 'IAM', operation: 'CreateRole', input, region: 'us-east-1' });
  const role = twin.state.roles[ROLE];
  if (!role) throw new Error('no role');
  remember(
    twin,
    { accessKeyId: 'AKIAFIREBREAKDEMO001', principalId: user.UserId, userName: USER },
    {
      ...{ service: 'STS', name: 'AssumeRole', region: scope.region, at: new Date(Date.now() - 240_000) },
      request: { roleArn: `arn:aws:iam::${scope.account}:role/${ROLE}`, roleSessionName: 'nightly' },
      response: {
        credentials: { accessKeyId: 'ASIANIGHTLY000000001' },
        assumedRoleUser: { assumedRoleId: `${role.RoleId}:nightly` },
      },
    },
  );
  return world.event;
}

async function list(): Promise<readonly string[]> {
  const incident = await first();
  if (!incident) throw new Error('no incident');
  return unrecorded(async () => {
    const steps = await stepsOf(sandbox.runtime, incident);
    const rows = identityOf(incident, steps, await relativesOf(sandbox.runtime.incidents, incident));
    return rows.map(
      ({ what, state, incident: on }) => `${what}: ${state}${on === undefined ? '' : ' elsewhere'}`,
    );
  });
}

const CREDENTIALS = [
  'access key AKIAFIREBREAKDEMO001',
  'console password',
  'signing certificate CERTIFICATE0000000000001',
  'SSH public key APKASSHKEY0000000001',
  'sessions of GetSessionToken and GetFederationToken',
  'sessions of the console',
];

it('asks for each, then shows what became of it and of the role that was assumed with it, and of its undo', async () => {
  await sandbox.deliver(stolen());
  await bobApproves(sandbox, isFirst);
  const before = CREDENTIALS.map((what) => `${what}: contained`);
  await bobApproves(sandbox, isFollowUp);
  await idle(sandbox);
  expect(await list()).toEqual([
    ...before,
    `session nightly of role ${ROLE}: contained elsewhere`,
    `other sessions of role ${ROLE}: left elsewhere`,
  ]);
  const incident = await first();
  const followUp = (await sandbox.incidents()).find(isFollowUp);
  const card = JSON.stringify(sandbox.slack.messages.find(({ ts }) => ts === incident?.slack?.ts));
  expect(card).toContain('*Identity: 7 of 8 contained*');
  // The card of the first incident is written again when its follow-up is through.
  expect(card).toMatch(new RegExp(`other sessions of role ${ROLE}: <[^>]*\\|${followUp?.id}> left`));

  const undo = await sandbox.undo(incident?.id ?? '', 'U0ALICE');
  await bobApproves(sandbox, isFirst, 'undo');
  await undo.ended;
  expect((await list()).slice(0, CREDENTIALS.length)).toEqual(CREDENTIALS.map((what) => `${what}: left`));
});

it('asks about each before anyone answers', async () => {
  await sandbox.deliver(stolen());
  for (let tries = 0; (await first())?.status !== 'awaiting-approval' && tries < 500; tries++)
    await new Promise((resolve) => setTimeout(resolve, 10));
  expect(await list()).toEqual([
    ...CREDENTIALS.map((what) => `${what}: asked`),
    'roles assumed onward: left',
  ]);
});
