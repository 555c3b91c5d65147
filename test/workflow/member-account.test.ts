/** Findings of other accounts of the organisation: contained through their roles, and never in silence without one. */
import { afterEach, expect, it } from 'vitest';
import { type AwsCall, watchAws } from '../../core/aws/client.ts';
import { parsePolicy } from '../../core/policy/policy.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { addressFinding, addressWorld, credentialFinding, credentialWorld } from '../../sandbox/worlds.ts';
import { policyWithoutFollowUps } from '../policy-text.ts';
import { bobApproves, idle } from './people.ts';

const MEMBER = '444455556666';
const POLICY = async (change: (text: string) => string = (text) => text) =>
  parsePolicy(change(await policyWithoutFollowUps()));

let sandbox: Sandbox;
afterEach(() => sandbox.close());

/** The account that the world was put into is the member's. */
const moved = <T>(value: T): T =>
  JSON.parse(JSON.stringify(value).replaceAll(sandbox.twin.scope.account, MEMBER)) as T;
/** The same finding as the administrator's account sees it: of the member, in the administrator's Region. */
function ofMember(finding: object): object {
  sandbox.twin.state.roles = moved(sandbox.twin.state.roles);
  sandbox.twin.state.regions = moved(sandbox.twin.state.regions);
  return moved(finding);
}
const only = async () => {
  const [incident, ...rest] = await sandbox.incidents();
  expect(rest).toEqual([]);
  if (!incident) throw new Error('no incident');
  return incident;
};

it('contains in the member account, under a session named after the incident and limited to its target', async () => {
  sandbox = await startSandbox({
    policy: await POLICY((text) => text.replace('archiveContained: false', 'archiveContained: true')),
    members: [MEMBER],
  });
  const calls: AwsCall[] = [];
  const stop = watchAws((call) => calls.push(call));
  const { instanceId: bad } = addressWorld(sandbox.twin);
  const event = addressFinding(sandbox.twin, bad, { seed: 'member', severity: 8 });
  const implant = {
    ...event,
    detail: { ...(event['detail'] as object), type: 'Backdoor:EC2/C&CActivity.B' },
  };
  const delivered = await sandbox.deliver(ofMember(implant));
  await delivered.ended;
  const incident = await only();
  expect(incident).toMatchObject({ account: MEMBER, status: 'contained' });
  const assumed = calls.filter(({ operation }) => operation === 'AssumeRole');
  expect(new Set(assumed.map(({ account }) => account))).toEqual(new Set([sandbox.twin.scope.account]));
  const roles = assumed.map(
    ({ input }) => input as { RoleArn: string; RoleSessionName: string; Policy?: string },
  );
  expect(new Set(roles.map(({ RoleArn }) => RoleArn))).toEqual(
    new Set(['reader', 'responder'].map((name) => `arn:aws:iam::${MEMBER}:role/firebreak-${name}`)),
  );
  expect(roles.map(({ RoleSessionName }) => RoleSessionName)).toEqual(roles.map(() => incident.id));
  const writing = roles.filter(({ RoleArn }) => RoleArn.endsWith('responder'));
  for (const { Policy = '' } of writing.filter(({ Policy }) => Policy)) {
    expect(Policy).toContain(`:instance/${bad}`);
    expect(Policy).not.toContain(':instance/*');
  }
  expect(writing.some(({ Policy }) => Policy)).toBe(true);
  // What changes is in the member; the record, the page and the archived finding are the administrator's.
  const changes = calls.filter(({ operation }) =>
    /^(Modify|CreateS|CreateT|Authorize|Revoke)/.test(operation),
  );
  expect(new Set(changes.map(({ account }) => account))).toEqual(new Set([MEMBER]));
  expect(
    calls.filter(({ operation }) => operation === 'ArchiveFindings').map(({ account }) => account),
  ).toEqual([sandbox.twin.scope.account]);
  expect(sandbox.twin.state.archived).toHaveLength(1);
  await (await sandbox.undo(incident.id, 'U0ALICE')).ended;
  expect((await only()).status).toBe('undone');
  stop();
});

it.each(['auto', 'ask'])(
  'without the role: decided %s, a person is paged and shown what to do',
  async (decide) => {
    sandbox = await startSandbox({ policy: await POLICY(), approvalTimeoutSeconds: () => 1 });
    const finding =
      decide === 'auto'
        ? credentialFinding(sandbox.twin, credentialWorld(sandbox.twin).stolen, { seed: 'no-role' })
        : addressFinding(sandbox.twin, addressWorld(sandbox.twin).instanceId, {
            seed: 'no-role',
            severity: 5,
          });
    await (await sandbox.deliver(ofMember(finding))).ended;
    await idle(sandbox);
    const incident = await only();
    expect(incident.status).toBe('escalated');
    expect(JSON.stringify(incident.targets)).toContain(
      `no responder role can be assumed in account ${MEMBER}`,
    );
    const paged = sandbox.twin.state.pages.map(({ message }) => message).join('\n');
    expect(paged).toContain(MEMBER);
    expect(paged).toContain('Deploy the responder role in this account');
    const card = JSON.stringify(sandbox.slack.messages.find(({ ts }) => ts === incident.slack?.ts));
    expect(card).toContain('no responder role can be assumed');
    // Nothing of the member was touched, not even looked at.
    expect(sandbox.awsCalls.filter(({ account }) => account === MEMBER)).toEqual([]);
  },
);

it('is contained once the role is there and the role can be taken away again before undo', async () => {
  sandbox = await startSandbox({ policy: await POLICY(), members: [MEMBER] });
  const { stolen } = credentialWorld(sandbox.twin);
  await (await sandbox.deliver(ofMember(credentialFinding(sandbox.twin, stolen, { seed: 'then' })))).ended;
  expect((await only()).status).toBe('contained');
  sandbox.twin.members.clear();
  const undoing = await sandbox.undo((await only()).id, 'U0ALICE');
  await bobApproves(sandbox, () => true, 'undo');
  await undoing.ended;
  await idle(sandbox);
  expect((await only()).status).not.toBe('undone');
  expect(sandbox.twin.state.pages.map(({ subject, message }) => subject + message).join('\n')).toMatch(
    /undo|role/i,
  );
});
