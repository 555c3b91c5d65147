/** The attacker assumes a role and names the session after someone's instance, so that the answer falls on that instance. */
import '../../sandbox/quiet.ts';
import { readFile } from 'node:fs/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { Incident } from '../../core/incident/incident.ts';
import type { JsonObject } from '../../core/json.ts';
import { parsePolicy } from '../../core/policy/policy.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { credentialFinding, credentialWorld, groupsOfInstance } from '../../sandbox/worlds.ts';
import { idle, until } from '../workflow/people.ts';

const ROLE = 'ci-runner';
const ROLE_ID = 'AROACIRUNNER00000001';
const NOWHERE = 'i-0ddd0000000000000';
const SERVICE = { Service: 'ec2.amazonaws.com' };
const DEVELOPERS = { AWS: 'arn:aws:iam::999999999999:root' };

let sandbox: Sandbox;
/** Its own role is another one than that of the finding. */
let victim: string;
afterEach(() => sandbox.close());

async function open(profiles: string[], principals: readonly object[] = [DEVELOPERS]): Promise<void> {
  const policy = (await readFile('policy.yml', 'utf8')).replaceAll(
    'followUp: [isolate-instance, detach-instance-profile, reverse-changes]',
    'followUp: [{ playbook: isolate-instance, decide: auto }, { playbook: detach-instance-profile, decide: auto }]',
  );
  sandbox = await startSandbox({ policy: parsePolicy(policy) });
  const { twin } = sandbox;
  victim = credentialWorld(twin).stolen.instanceId;
  twin.state.roles[ROLE] = {
    RoleName: ROLE,
    Path: '/',
    RoleId: ROLE_ID,
    Arn: `arn:aws:iam::${twin.scope.account}:role/${ROLE}`,
    MaxSessionDuration: 3600,
    AssumeRolePolicyDocument: JSON.stringify({
      Version: '2012-10-17',
      Statement: principals.map((Principal) => ({ Effect: 'Allow', Principal, Action: 'sts:AssumeRole' })),
    }),
    Tags: [],
    inline: {},
    attached: {},
    profiles,
  };
}

function reported(name: string): JsonObject {
  const event = credentialFinding(
    sandbox.twin,
    { roleName: ROLE, instanceId: name, issuedAt: new Date() },
    { seed: `named ${name}` },
  );
  const ours = JSON.stringify(event)
    .replace(/"principalId":"[^"]*"/, `"principalId":"${ROLE_ID}:${name}"`)
    .replace(/"userName":"[^"]*"/, `"userName":"${ROLE}"`);
  return JSON.parse(ours) as JsonObject;
}
const summary = ({ targets }: Incident): string =>
  targets
    .flatMap(({ plan, proof }) => [
      ...(plan?.kind === 'plan'
        ? [...plan.warnings, ...plan.blastRadius.detail, ...plan.steps.map(({ describe }) => describe)]
        : []),
      ...(plan?.kind === 'plan' ? plan.residual : []),
      ...(proof?.residual ?? []),
    ])
    .join('\n');
const denies = () =>
  Object.values(sandbox.twin.state.roles).flatMap(({ RoleName, inline }) =>
    Object.entries(inline).flatMap(([name, text]) =>
      name.startsWith('firebreak-') ? [[RoleName, (JSON.parse(text) as JsonObject)['Statement']]] : [],
    ),
  );
const first = async (): Promise<Incident> => {
  const found = (await sandbox.incidents()).find(({ followUpOf }) => !followUpOf);
  if (!found) throw new Error('no incident');
  return found;
};

describe.each([
  ['a role that no instance can have', []],
  ['a role that instances have, and others may assume', [ROLE]],
])('a session of %s', (_what, profiles) => {
  it("is denied as its caller's own, and the card says that a real instance bears its name", async () => {
    await open(profiles, profiles.length > 0 ? [SERVICE, DEVELOPERS] : undefined);
    await (await sandbox.deliver(reported(victim))).ended;
    const incident = await first();
    expect(incident.decision?.kind).toBe('auto');
    expect(denies()).toEqual([
      [
        ROLE,
        [expect.objectContaining({ Condition: { StringEquals: { 'aws:userid': `${ROLE_ID}:${victim}` } } })],
      ],
    ]);
    const text = summary(incident);
    expect(text).toContain(`the caller's own session ${victim}`);
    expect(text).toMatch(
      new RegExp(`instance ${victim} in eu-west-1 bears the session's name but does not run with ${ROLE}`),
    );
    expect(text).toMatch(/can come back under another session name/);
    expect(text).not.toMatch(/isolate it as well|itself loses every permission/);
    const card = JSON.stringify(sandbox.slack.messages.find(({ ts }) => ts === incident.slack?.ts));
    expect(card).toContain("bears the session's name");
  });

  it('never has the real instance isolated, or its profile taken, without a person', async () => {
    await open(profiles, profiles.length > 0 ? [SERVICE, DEVELOPERS] : undefined);
    const groups = groupsOfInstance(sandbox.twin, victim);
    await (await sandbox.deliver(reported(victim))).ended;
    const asked = await until(async () => {
      const all = (await sandbox.incidents()).filter(
        ({ followUpOf, status }) => followUpOf !== undefined && status === 'awaiting-approval',
      );
      return all.length === 2 ? all : undefined;
    });
    expect(asked.map(({ playbook }) => playbook).sort()).toEqual([
      'detach-instance-profile',
      'isolate-instance',
    ]);
    for (const { decision } of asked) {
      expect(decision?.reasons.join()).toMatch(new RegExp(`${victim} does not run with role ${ROLE}`));
    }
    expect(groupsOfInstance(sandbox.twin, victim)).toEqual(groups);
    const instance = sandbox.twin.region().instances.find(({ InstanceId }) => InstanceId === victim);
    expect(instance?.profileArn).toMatch(/instance-profile/);
  });
});

describe('a session that is named after no instance', () => {
  it('is denied, and that is said', async () => {
    await open([]);
    await (await sandbox.deliver(reported(NOWHERE))).ended;
    expect(denies()).toHaveLength(1);
    expect(summary(await first())).toMatch(new RegExp(`there is no instance ${NOWHERE} in this account`));
  });

  it('is denied where EC2 may not be read, and that is said', async () => {
    await open([]);
    sandbox.twin.failNext('DescribeRegions', 'UnauthorizedOperation', 99);
    await (await sandbox.deliver(reported(victim))).ended;
    expect(denies()).toHaveLength(1);
    expect(summary(await first())).toMatch(/whether instance .* bears the session's name is not known/);
  });
});

describe('a session of the role that the instance runs with', () => {
  it('is that of the instance, and is isolated with it', async () => {
    await open([ROLE], [SERVICE]);
    const instance = sandbox.twin.region().instances.find(({ InstanceId }) => InstanceId === victim);
    const profileArn = `arn:aws:iam::${sandbox.twin.scope.account}:instance-profile/${ROLE}`;
    Object.assign(instance ?? {}, { profileArn });
    await (await sandbox.deliver(reported(victim))).ended;
    await idle(sandbox);
    const text = summary(await first());
    expect(text).toContain('isolate it as well');
    expect(text).not.toContain("bears the session's name");
    expect(groupsOfInstance(sandbox.twin, victim)).toEqual(['firebreak-quarantine']);
  });
});
