/** A thief uses a stolen key to make ways back, under thousands of harmless calls: each is listed with its containment. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { incidentJson, postMortem } from '../../console/export.ts';
import { madeSection } from '../../console/made-section.ts';
import { actingAs } from '../../core/aws/acting.ts';
import { iamHome } from '../../core/aws/regions.ts';
import { parseFinding } from '../../core/finding/finding.ts';
import { incidentEvent } from '../../core/incident/event.ts';
import { lookForMade } from '../../core/incident/made/look.ts';
import { madeLines, madeRisks, summaryOf } from '../../core/incident/made/made.ts';
import { risksOfIncident } from '../../core/incident/risks.ts';
import { loadPolicy } from '../../core/policy/policy.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { type CredentialWorld, credentialFinding, credentialWorld, findingOn } from '../../sandbox/worlds.ts';
import { detailsView } from '../../slack/details.ts';
import { bobApproves } from '../workflow/people.ts';

/** One moment for all: the order of the list is that of its texts then. */
const AT = new Date(Date.now() - 600_000).toISOString();
const KEY = 'ASIAFIREBREAKDEMO001';

const MEMBER = '444455556666';

let sandbox: Sandbox;
let world: CredentialWorld;
/** Done as a state of the workflow is entered. */
let entering: { readonly state: string; readonly work: () => void } | undefined;
beforeEach(async () => {
  entering = undefined;
  const onEnter = (state: string) => {
    if (state === entering?.state) entering.work();
  };
  sandbox = await startSandbox({ policy: await loadPolicy('policy.yml'), onEnter });
  world = credentialWorld(sandbox.twin, 3);
});
afterEach(() => sandbox.close());

const home = () => sandbox.twin.region(iamHome(sandbox.twin.scope).region);
const record = (eventName: string, eventSource: string, rest: object = {}) => ({
  eventID: `${eventName}-${Math.random()}`,
  eventTime: AT,
  eventName,
  eventSource: `${eventSource}.amazonaws.com`,
  awsRegion: sandbox.twin.scope.region,
  userIdentity: {
    type: 'AssumedRole',
    principalId: `AROAFIREBREAKDEMO0001:${world.stolen.instanceId}`,
    accessKeyId: KEY,
  },
  ...rest,
});

/** Newest first, as CloudTrail answers: what was made lies under the noise. */
function thief(noise: number): void {
  const harmless = Array.from({ length: noise }, () => ({
    key: KEY,
    event: record('GetCallerIdentity', 'sts', { readOnly: true }),
  }));
  const made = [
    record('UpdateAssumeRolePolicy', 'iam', {
      requestParameters: {
        roleName: 'deploy',
        policyDocument: JSON.stringify({
          Statement: [
            {
              Effect: 'Allow',
              Action: 'sts:AssumeRole',
              Principal: { AWS: 'arn:aws:iam::999988887777:root' },
            },
          ],
        }),
      },
    }),
    record('CreateAccessKey', 'iam', {
      requestParameters: { userName: 'alice' },
      responseElements: { accessKey: { userName: 'alice', accessKeyId: 'AKIAMADEBYTHETHIEF01' } },
    }),
    record('CreateUser', 'iam', {
      requestParameters: { userName: 'backdoor' },
      responseElements: { user: { userName: 'backdoor', userId: 'AIDAMADEBYTHETHIEF01' } },
    }),
    record('CreateRole', 'iam', { errorCode: 'AccessDenied', requestParameters: { roleName: 'tried' } }),
  ];
  const rule = record('PutRule', 'events', { requestParameters: { name: 'come-back' } });
  const another = {
    ...record('CreateUser', 'iam', {
      responseElements: { user: { userName: 'new-colleague', userId: 'AIDACOLLEAGUE0000001' } },
    }),
    userIdentity: {
      type: 'IAMUser',
      principalId: 'AIDAADMIN00000000001',
      accessKeyId: 'AKIAADMIN00000000001',
    },
  };
  home().cloudtrail.history.push(...harmless, ...made.map((event) => ({ key: KEY, event })), {
    key: 'AKIAADMIN00000000001',
    event: another,
  });
  sandbox.twin.region().cloudtrail.history.push(...harmless, { key: KEY, event: rule });
}

const opened = async () => {
  const incident = (await sandbox.incidents()).find(({ followUpOf }) => !followUpOf);
  if (!incident) throw new Error('no incident');
  return incident;
};

const WAYS_BACK = ['deploy', 'alice', 'backdoor', 'come-back'];

it('is listed with what to do, and the incident is not plainly contained', async () => {
  thief(120);
  const finding = credentialFinding(sandbox.twin, world.stolen, { seed: 'made', severity: 8 });
  await (await sandbox.deliver(finding)).ended;
  const incident = await opened();
  expect(incident.status).toBe('residual');
  const risks = risksOfIncident(incident).join('\n');
  expect(risks).toContain(`4 things that access key ${KEY} made`);
  const { incidents } = sandbox.runtime;
  const review = {
    incident,
    ...{ timeline: [], steps: [], calls: [], evidence: [], executions: [], relatives: [] },
    ...{ thread: undefined },
    ...{ finding: undefined, parsed: undefined, context: undefined },
    madeBefore: await incidents.madeBefore(incident.id),
  };
  const json = incidentJson(review);
  for (const name of WAYS_BACK) {
    expect(json).toContain(name);
    expect(postMortem(review)).toContain(name);
  }
  for (const text of [json, JSON.stringify(incidentEvent(incident))]) {
    expect(text).not.toContain('new-colleague');
    expect(text).not.toContain('tried');
  }
  expect(incidentEvent(incident).madeBefore).toMatchObject({ found: 4 });
  expect(JSON.stringify(sandbox.slack.messages[0]?.blocks)).toContain('backdoor');
  // Once, with what was found, though it was looked up twice.
  const paged = sandbox.twin.state.pages.filter(({ subject }) => subject?.includes('ways back remain'));
  expect(paged).toHaveLength(1);
  expect(JSON.stringify(paged)).toContain('aws iam attach-user-policy --user-name=backdoor');
});

it('is listed as well where CloudTrail delivers it after the containment', async () => {
  entering = { state: 'WaitForHistory', work: () => thief(0) };
  const finding = credentialFinding(sandbox.twin, world.stolen, { seed: 'late', severity: 8 });
  await (await sandbox.deliver(finding)).ended;
  const incident = await opened();
  expect(incident.status).toBe('residual');
  expect(incident.madeBefore).toMatchObject({ found: 4, again: true });
  expect(sandbox.invocations.filter((name) => name === 'report')).toHaveLength(2);
  expect(JSON.stringify(sandbox.slack.messages[0]?.blocks)).toContain('backdoor');
});

it('is listed in a member account, by the role that reads there', async () => {
  await sandbox.close();
  sandbox = await startSandbox({ policy: await loadPolicy('policy.yml'), members: [MEMBER] });
  world = credentialWorld(sandbox.twin, 3);
  thief(0);
  const { twin } = sandbox;
  const moved = <T>(value: T): T =>
    JSON.parse(JSON.stringify(value).replaceAll(twin.scope.account, MEMBER)) as T;
  const finding = moved(credentialFinding(twin, world.stolen, { seed: 'member', severity: 8 }));
  Object.assign(twin.state, { roles: moved(twin.state.roles), regions: moved(twin.state.regions) });
  await (await sandbox.deliver(finding)).ended;
  expect((await opened()).madeBefore).toMatchObject({ found: 4, unread: [] });
  expect((await sandbox.runtime.incidents.madeBefore((await opened()).id))?.refused).toEqual([]);
});

it('is listed for a user too, on page, details and terminal with its command', async () => {
  const user = { userName: 'ci', userType: 'IAMUser', principalId: 'AIDACI00000000000001' };
  sandbox.twin.state.users['ci'] = {
    ...{ UserName: 'ci', Path: '/', Arn: 'arn:aws:iam::111122223333:user/ci', UserId: user.principalId },
    ...{ Tags: [], inline: {}, attached: {}, keys: [], groups: [], console: false, mfa: [] },
  };
  const userIdentity = { type: 'IAMUser', userName: 'ci', principalId: user.principalId };
  const request = { requestParameters: { functionName: 'beacon' } };
  const event = { ...record('CreateFunction20150331', 'lambda', request), userIdentity };
  const namesake = { ...userIdentity, principalId: 'AIDAEARLIER000000001' };
  const others = record('CreateFunction20150331', 'lambda', {
    requestParameters: { functionName: 'theirs' },
  });
  sandbox.twin
    .region()
    .cloudtrail.history.push(
      { name: 'ci', event },
      { name: 'ci', event: { ...others, userIdentity: namesake } },
    );
  const type = 'UnauthorizedAccess:IAMUser/TorIPCaller';
  const finding = findingOn(sandbox.twin, { seed: 'user', type, resource: { accessKeyDetails: user } });
  const { ended } = await sandbox.deliver(finding);
  await bobApproves(sandbox, (incident) => incident.type === type && !incident.followUpOf);
  await ended;
  const { incidents } = sandbox.runtime;
  const incident = (await sandbox.incidents()).find((each) => each.type === type);
  const made = await incidents.madeBefore(incident?.id ?? '');
  if (!incident || !made) throw new Error('nothing was looked up');
  const details = { incident, finding: parseFinding(finding), steps: [], timeline: [], madeBefore: made };
  for (const screen of [
    madeSection(made).toString(),
    madeLines(made).join('\n'),
    JSON.stringify(detailsView('t', { ...details, page: 'made.0' })),
  ]) {
    expect(screen).toContain(
      'aws lambda put-function-concurrency --region=eu-west-1 --function-name=beacon --reserved-concurrent-executions=0',
    );
    expect(screen).not.toContain('theirs');
  }
});

/** A clock that moves by the pauses between look-ups. Two Regions pause at the same time; `slow`: AWS answers late. */
function pace(slow = 0) {
  let time = 0;
  return {
    now: () => {
      time += slow / 2;
      return time;
    },
    pause: async (ms: number) => {
      time += ms / 2;
    },
  };
}

const looked = async (clock: ReturnType<typeof pace>) => {
  const now = new Date();
  const finding = parseFinding(credentialFinding(sandbox.twin, world.stolen, { seed: 'made', severity: 8 }));
  const principalId = finding.accessKey?.principalId ?? '';
  const suspect = { what: `access key ${KEY}`, keys: [KEY], name: world.stolen.instanceId, principalId };
  const aws = sandbox.runtime.awsOf(finding, 'test');
  const own = { ...sandbox.twin.scope, stage: 'sandbox', name: 'investigate' };
  return actingAs({ function: own }, () => lookForMade(finding, [suspect], aws, now, clock));
};

it('is listed from under 3,000 harmless calls, each with a command, within the time', async () => {
  thief(3000);
  const made = await looked(pace());
  expect(made).toMatchObject({ unread: [], refused: [], left: 0 });
  expect(made.entries.map(({ call, command }) => [call, command])).toEqual([
    [
      'iam:CreateAccessKey',
      'aws iam update-access-key --user-name=alice --access-key-id=AKIAMADEBYTHETHIEF01 --status=Inactive',
    ],
    ['iam:UpdateAssumeRolePolicy', expect.stringContaining('--role-name=deploy')],
    [
      'iam:CreateUser',
      'aws iam attach-user-policy --user-name=backdoor --policy-arn=arn:aws:iam::aws:policy/AWSDenyAll',
    ],
    ['events:PutRule', `aws events disable-rule --region=${sandbox.twin.scope.region} --name=come-back`],
  ]);
  expect(made.entries[1]?.what).toContain('999988887777');
});

it('is listed from under so many calls that they cannot all be read', async () => {
  thief(12_000);
  const made = await looked(pace());
  expect(made.unread).toEqual([]);
  const lines = madeLines(made).join('\n');
  for (const name of WAYS_BACK) expect(lines).toContain(name);
  expect(lines).not.toMatch(/new-colleague|tried/);
});

it('says what could not be read, and is a risk even where nothing was found', async () => {
  thief(12_000);
  const made = await looked(pace(5000));
  expect(made.unread.join('\n')).toMatch(/calls by access key ASIAFIREBREAKDEMO001 in us-east-1 before 20/);
  expect(madeRisks({ ...summaryOf(made), found: 0, first: [] }).join()).toContain(
    'what else it made is not known',
  );
});

it('follows the keys, sessions and users that were made', async () => {
  thief(0);
  const by = { type: 'IAMUser', principalId: 'AIDAMADEBYTHETHIEF01', userName: 'backdoor' };
  home().cloudtrail.history.unshift(
    {
      name: 'backdoor',
      event: {
        ...record('CreateRole', 'iam', { requestParameters: { roleName: 'third' } }),
        userIdentity: by,
      },
    },
    {
      name: 'backdoor',
      event: {
        ...record('CreateRole', 'iam', { requestParameters: { roleName: 'of-a-namesake' } }),
        userIdentity: { ...by, principalId: 'AIDASOMEBODYELSE0001' },
      },
    },
    {
      key: 'AKIAMADEBYTHETHIEF01',
      event: record('CreatePolicy', 'iam', {
        responseElements: { policy: { arn: 'arn:aws:iam::111122223333:policy/fourth' } },
      }),
    },
  );
  const lines = madeLines(await looked(pace())).join('\n');
  expect(lines).toContain('role third');
  expect(lines).toContain('policy/fourth');
  expect(lines).not.toContain('of-a-namesake');
});

it('says which Regions refused, and reads the others', async () => {
  thief(0);
  sandbox.twin.failNext('LookupEvents', 'AccessDeniedException');
  const made = await looked(pace());
  expect(made.refused).toEqual([expect.stringMatching(/^[a-z0-9-]+ \(AccessDeniedException\)$/)]);
  expect(made.entries.length).toBeGreaterThan(0);
});
