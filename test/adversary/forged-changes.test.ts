/**
 * The attacker writes what CloudTrail records of their calls: names, documents, session names. Nothing of it widens what
 * `reverse-changes` changes, or keeps it from being named.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { awsFor, configureAws } from '../../core/aws/client.ts';
import { type Finding, parseFinding } from '../../core/finding/finding.ts';
import type { Expansion, PlannedStep } from '../../core/journal/playbook.ts';
import type { JsonObject } from '../../core/json.ts';
import { reverseChanges } from '../../playbooks/reverse-changes/playbook.ts';
import { reverseIamChanges } from '../../playbooks/reverse-iam-changes/playbook.ts';
import { type AccountTwin, createTwin } from '../../sandbox/twin/twin.ts';
import { INHERITED } from '../hostile.ts';
import { actsAs, attackedAccount, document, recordOnly } from '../playbooks/changed-world.ts';
import { SCOPE } from '../playbooks/properties.ts';
import { OWNER, SEEN, THIEF } from '../playbooks/reversed.ts';
import { unrecorded } from '../unrecorded.ts';

afterEach(() => configureAws({}));

function open(attacks: Parameters<typeof attackedAccount>[1] = []): {
  readonly twin: AccountTwin;
  readonly finding: Finding;
} {
  const twin = createTwin(SCOPE);
  configureAws({ answer: (call) => twin.answer(call), retryBaseMs: 1 });
  return { twin, finding: parseFinding(attackedAccount(twin, attacks)) };
}

const located = async (finding: Finding): Promise<Expansion> =>
  (await unrecorded(async () => reverseChanges.locate?.(finding, awsFor(SCOPE)))) ?? {
    ok: false,
    reason: 'not located',
  };

async function stepsFor(finding: Finding, protectedArns: readonly string[] = []) {
  const found = await located(finding);
  const [part] = found.ok ? found.parts : [];
  if (!part) return { steps: [] as readonly PlannedStep[], open: found.ok ? '' : found.reason };
  const state = await unrecorded(() => reverseIamChanges.read(part.target, awsFor(SCOPE)));
  const plan = reverseIamChanges.plan(state, part.target, {
    ...{ caseId: 'fb-aaaaaaaaaaaa', now: new Date(SEEN), settings: {}, protectedArns, approved: true },
  });
  return plan.kind === 'plan'
    ? { steps: plan.steps, open: plan.residual.join('\n') }
    : { steps: [] as readonly PlannedStep[], open: plan.reason };
}
const later = new Date(SEEN + 600_000);
const described = (steps: readonly PlannedStep[]) => steps.map(({ describe: text }) => text);

describe('whose a change is', () => {
  it('is not said by a session name or a user name that is like that of the finding', async () => {
    const { twin, finding } = open();
    const put = { UserName: 'eve', PolicyName: 'x', PolicyDocument: document('*') };
    const alike = {
      accessKeyId: 'AKIAEXAMPLE000000002',
      principalId: 'AIDAEXAMPLE000000002',
      userName: 'ops',
    };
    actsAs(twin, alike, ['PutUserPolicy', put], later);
    expect(await stepsFor(finding)).toMatchObject({ steps: [], open: expect.stringContaining('no change') });
  });

  it('follows the keys that the principal was issued', async () => {
    const { twin, finding } = open(['key']);
    const made = twin.state.users['bob']?.keys.at(-1)?.AccessKeyId ?? '';
    const onward = { accessKeyId: made, principalId: 'AIDABOB0000000001', userName: 'bob' };
    const put = { RoleName: 'app', PolicyName: 'x', PolicyDocument: document('*') };
    actsAs(twin, onward, ['PutRolePolicy', put], later);
    expect(described((await stepsFor(finding)).steps).join()).toMatch(/inline policy x of role app/);
  });

  it('is no change that was refused, only read, made by a service, or made in another account', async () => {
    const { twin, finding } = open();
    const request = { userName: 'eve', policyName: 'app', policyDocument: document('*') };
    const as = (more: JsonObject) => recordOnly(twin, THIEF, 'PutUserPolicy', request, later, more);
    as({ errorCode: 'AccessDenied' });
    as({ readOnly: true });
    as({ eventType: 'AwsServiceEvent' });
    as({ recipientAccountId: '444455556666' });
    as({ userIdentity: { type: 'AWSService', accessKeyId: THIEF.accessKeyId } });
    expect((await stepsFor(finding)).steps).toEqual([]);
  });
});

describe('what a record says', () => {
  it.each([...INHERITED, '../admin', 'x'.repeat(200), '*', '', 'a b', 'arn:aws:iam::444455556666:user/eve'])(
    'a name %j changes nothing but what has that name',
    async (name) => {
      const { twin, finding } = open();
      recordOnly(twin, THIEF, 'UpdateAssumeRolePolicy', { roleName: name, policyDocument: '{}' }, later);
      recordOnly(twin, THIEF, 'CreateUser', { userName: name }, later, {
        responseElements: { user: { userName: name, userId: 'AIDAX00000000000001' } },
      });
      expect((await stepsFor(finding)).steps).toEqual([]);
    },
  );

  it.each(INHERITED)('a call named %s is answered by no one', async (name) => {
    const { twin, finding } = open();
    recordOnly(twin, THIEF, name.replaceAll('_', ''), { userName: 'eve' }, later);
    expect((await stepsFor(finding)).steps).toEqual([]);
  });

  it('a policy of another account is not attached', async () => {
    const { twin, finding } = open();
    const policyArn = 'arn:aws:iam::444455556666:policy/evil';
    recordOnly(twin, THIEF, 'DetachUserPolicy', { userName: 'eve', policyArn }, later);
    expect((await stepsFor(finding)).steps).toEqual([]);
  });

  it('a call about what was there before does not remove it', async () => {
    const { twin, finding } = open();
    // It is attached already: the call succeeds, and changes nothing.
    const again = { UserName: 'bob', PolicyArn: 'arn:aws:iam::aws:policy/ReadOnlyAccess' };
    actsAs(twin, THIEF, ['AttachUserPolicy', again], later);
    expect((await stepsFor(finding)).steps).toEqual([]);
  });

  it('a user that was re-created is another one', async () => {
    const { twin, finding } = open(['user']);
    const mallory = twin.state.users['mallory'];
    if (mallory) mallory.UserId = 'AIDAREMADE0000000001';
    expect((await stepsFor(finding)).steps).toEqual([]);
  });
});

describe('what stays', () => {
  it('what is protected is named, and not changed', async () => {
    const { finding } = open(['put role', 'put user']);
    const { steps, open: rest } = await stepsFor(finding, ['arn:aws:iam::111122223333:role/service/app']);
    expect(described(steps).join()).toMatch(/of user eve/);
    expect(described(steps).join()).not.toMatch(/of role app/);
    expect(rest).toContain('is protected by policy.yml');
  });

  it('what another principal changed since is named, and stays', async () => {
    const { twin, finding } = open(['put role', 'trust']);
    const put = { RoleName: 'app', PolicyName: 'app', PolicyDocument: document('s3:List*') };
    actsAs(twin, OWNER, ['PutRolePolicy', put], later);
    const { steps, open: rest } = await stepsFor(finding);
    expect(described(steps)).toHaveLength(1);
    expect(rest).toMatch(/Inline policy of app .* is another value now \(PutRolePolicy of/);
  });

  it('a change of calls without an inverse is named with the command that shows it', async () => {
    const { twin, finding } = open(['trust']);
    recordOnly(twin, THIEF, 'CreateVirtualMFADevice', { virtualMFADeviceName: 'x; rm -rf /' }, later);
    const found = await located(finding);
    expect(found.ok && found.unhandled.join()).toMatch(
      /CreateVirtualMFADevice \(iam\.amazonaws\.com\) .*aws cloudtrail lookup-events/,
    );
    expect(found.ok && found.unhandled.join()).not.toContain('rm -rf');
  });

  it('2,000 calls are looked through, and more are said to be cut', async () => {
    const { twin, finding } = open(['trust']);
    const { history } = twin.region('us-east-1').cloudtrail;
    const [one] = history;
    if (!one) throw new Error('no call');
    const noise = { ...one, resources: [], event: { ...one.event, eventName: 'GetUser', readOnly: true } };
    history.unshift(...Array<typeof one>(1_900).fill(noise));
    const through = await located(finding);
    expect(through.ok && through.unhandled).toEqual([]);
    history.unshift(...Array<typeof one>(200).fill(noise));
    const cut = await located(finding);
    expect(cut.ok ? '' : cut.reason).toMatch(/more calls than are looked through/);
  });
});
