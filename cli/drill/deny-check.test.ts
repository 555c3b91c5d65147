import { afterEach, beforeEach, expect, it } from 'vitest';
import { awsFor, configureAws } from '../../core/aws/client.ts';
import { awsError } from '../../sandbox/aws-error.ts';
import { type AccountTwin, createTwin } from '../../sandbox/twin/twin.ts';
import { callsAsOperator } from '../../test/unrecorded.ts';
import { denyLines, denyVerdicts, dryRun, LIMITS, memberAccounts, reachedAccounts } from './deny-check.ts';

callsAsOperator();

const SCOPE = { partition: 'aws', account: '111122223333', region: 'eu-west-1' };
const HOME = 'firebreak-prod-eu-west-1-contain';
const allowAll = JSON.stringify({ Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] });

let twin: AccountTwin;
/** What the organization does not allow. */
let scp: readonly string[];
beforeEach(() => {
  twin = createTwin(SCOPE);
  scp = [];
  role(HOME, allowAll);
  configureAws({
    ownAccount: SCOPE.account,
    async answer(call) {
      if (call.operation === 'AssumeRole') throw awsError('AccessDenied', 'not authorized', 403);
      if (call.operation === 'CreateVpc') throw awsError('DryRunOperation', 'would have succeeded', 412);
      const answer = (await twin.answer(call)) as { EvaluationResults?: { EvalActionName: string }[] };
      return {
        ...answer,
        EvaluationResults: answer.EvaluationResults?.map((one) => ({
          ...one,
          OrganizationsDecisionDetail: { AllowedByOrganizations: !scp.includes(one.EvalActionName) },
        })),
      };
    },
  });
});
afterEach(() => configureAws({}));

const role = (RoleName: string, text: string) => {
  twin.state.roles[RoleName] = {
    ...{ RoleName, Path: '/firebreak/', RoleId: 'AROATEST', MaxSessionDuration: 3600, Tags: [] },
    Arn: `arn:aws:iam::${SCOPE.account}:role/firebreak/${RoleName}`,
    ...{ AssumeRolePolicyDocument: '{}', inline: { all: text }, attached: {}, profiles: [] },
  };
};
const check = async (members: readonly string[] = [], name?: string) =>
  denyVerdicts(await reachedAccounts(awsFor(SCOPE), 'prod', members, name), [
    'revoke-role-sessions',
    'isolate-instance',
  ]);

it('finds nothing that stops a role that may do all', async () => {
  const verdicts = await check();
  expect(verdicts.length).toBeGreaterThan(5);
  expect(verdicts.filter(({ verdict }) => verdict !== 'allowed')).toEqual([]);
});

it('names what a service control policy stops', async () => {
  scp = ['iam:PutRolePolicy'];
  const stopped = (await check()).filter(({ verdict }) => verdict === 'stopped');
  expect(stopped.map(({ playbook, action, why }) => [playbook, action, why])).toEqual([
    ['revoke-role-sessions', 'iam:PutRolePolicy', 'a service control policy does not allow it'],
  ]);
});

it('names what a policy of the role denies, or none of them allows', async () => {
  const deny = { Effect: 'Deny', Action: 'ec2:ModifyNetworkInterfaceAttribute', Resource: '*' };
  role(HOME, JSON.stringify({ Statement: [{ Effect: 'Allow', Action: 'ec2:*', Resource: '*' }, deny] }));
  const stopped = (await check()).filter(({ verdict }) => verdict === 'stopped');
  expect(stopped).toContainEqual(expect.objectContaining({ action: 'ec2:ModifyNetworkInterfaceAttribute' }));
  expect(stopped).toContainEqual(
    expect.objectContaining({ action: 'iam:PutRolePolicy', why: 'no policy of the role allows it' }),
  );
});

it('says where the role is missing', async () => {
  delete twin.state.roles[HOME];
  expect(new Set((await check()).map(({ verdict, why }) => `${verdict} ${why.slice(0, 20)}`))).toEqual(
    new Set(['stopped there is no role arn']),
  );
});

it('calls an account undecided that it cannot ask in, and prints what it leaves out', async () => {
  const verdicts = await check(['222233334444'], 'Audit');
  const there = verdicts.filter(({ account }) => account === '222233334444');
  expect(there.map(({ verdict }) => verdict)).toEqual(['undecided', 'undecided']);
  const text = [...denyLines(verdicts)].join('\n');
  expect(text).toContain('Audit cannot be assumed there');
  for (const line of LIMITS) expect(text).toContain(line);
});

it('finds the members that GuardDuty reports from, over every page', async () => {
  const member = { email: 'a@example.com', status: 'Enabled', features: {} };
  twin.region().guardduty.members = Object.fromEntries(
    Array.from({ length: 60 }, (_, index) => [String(222233330000 + index), member]),
  );
  const found = await memberAccounts(awsFor(SCOPE));
  expect(found.accounts).toEqual(Array.from({ length: 60 }, (_, index) => String(222233330000 + index)));
  expect(found.unlisted).toEqual([]);
  expect((await reachedAccounts(awsFor(SCOPE), 'prod', found.accounts, undefined)).length).toBe(61);
});

it('calls it undecided where the members may not be listed', async () => {
  twin.failNext('ListMembers', 'AccessDeniedException', 9);
  const { accounts, unlisted } = await memberAccounts(awsFor(SCOPE));
  expect(accounts).toEqual([]);
  expect(unlisted).toMatchObject([{ verdict: 'undecided', action: 'guardduty:ListMembers' }]);
  expect([...denyLines(unlisted)].join('\n')).toContain('--accounts');
});

it('takes a dry run that would succeed for allowed', async () => {
  expect(await dryRun(awsFor(SCOPE))).toBeUndefined();
});
