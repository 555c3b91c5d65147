/** Who launched a miner and what else they launched, as CloudTrail shows it: the attacker writes much of what is read here. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { actingAs } from '../../core/aws/acting.ts';
import { awsFor, configureAws } from '../../core/aws/client.ts';
import { parseFinding } from '../../core/finding/finding.ts';
import type { JsonObject } from '../../core/json.ts';
import { type AccountTwin, createTwin } from '../../sandbox/twin/twin.ts';
import { addressWorld, findingOn } from '../../sandbox/worlds.ts';
import { SCOPE } from '../../test/playbooks/properties.ts';
import { choosePlaybook } from '../index.ts';
import { stopLauncher } from './playbook.ts';

const INTERN = {
  type: 'IAMUser',
  principalId: 'AIDAINTERN0000000001',
  userName: 'intern',
  accessKeyId: 'AKIAINTERN0000000001',
};
const ELSEWHERE = 'ap-northeast-1';

let twin: AccountTwin;
let miner: string;
beforeEach(() => {
  twin = createTwin(SCOPE);
  configureAws({ answer: twin.answer, retryBaseMs: 1 });
  miner = addressWorld(twin).instanceId;
});
afterEach(() => configureAws({}));

const mining = (resource: JsonObject = { instanceDetails: { instanceId: miner } }) =>
  parseFinding(findingOn(twin, { seed: 'miner', type: 'CryptoCurrency:EC2/BitcoinTool.B', resource }));
const locate = async (finding = mining()) =>
  actingAs({ playbook: { id: 'stop-launcher', part: 'read' } }, () =>
    stopLauncher.locate?.(finding, awsFor(SCOPE)),
  );
/** A call as the event history shows it, found by the resource it made or by its caller's name. */
const call = (region: string, by: { resource?: string; name?: string }, event: JsonObject) =>
  twin.region(region).cloudtrail.history.push({ ...by, event: { userIdentity: INTERN, ...event } });
const launched = (userIdentity: JsonObject = INTERN, eventName = 'RunInstances', resource = miner) =>
  call(SCOPE.region, { resource }, { eventName, eventTime: '2026-11-24T07:00:00Z', userIdentity });
const alsoStarted = (ids: readonly string[], more: JsonObject = {}, name = 'intern') =>
  call(
    ELSEWHERE,
    { name },
    {
      eventName: 'RunInstances',
      responseElements: { instancesSet: { items: ids.map((instanceId) => ({ instanceId })) } },
      ...more,
    },
  );
/** Running instances in another Region, like the miner. */
function running(count: number): readonly string[] {
  const [model] = twin.region().instances;
  if (!model) throw new Error('the world has no instance');
  return Array.from({ length: count }, () => {
    const InstanceId = twin.nextId('i');
    twin.region(ELSEWHERE).instances.push({ ...structuredClone(model), InstanceId, Volumes: [] });
    return InstanceId;
  });
}
const parts = async () => {
  const found = await locate();
  if (!found?.ok) throw new Error(found?.reason ?? 'there is no locate');
  return found.parts.map(({ playbook, target }) => `${playbook.id} ${target.region} ${target.id}`);
};

describe('the launcher', () => {
  const session = (name: string) => ({
    type: 'AssumedRole',
    principalId: `AROACI00000000000001:${name}`,
    sessionContext: { sessionIssuer: { userName: 'ci' } },
  });
  it.each([
    ['a user', INTERN, 'intern', 'disable-user-keys', 'user/intern'],
    ['a session of a role', session('build-42'), 'build-42', 'revoke-role-sessions', 'ci'],
    [
      'a session of an instance',
      session('i-0123456789abcdef0'),
      'i-0123456789abcdef0',
      'revoke-instance-session',
      'ci',
    ],
  ])('that is %s comes first, then what it launched', async (_name, identity, name, playbook, named) => {
    launched(identity);
    const [other = ''] = running(1);
    alsoStarted([other], { userIdentity: identity }, name);
    expect(await locate()).toMatchObject({
      ok: true,
      parts: [
        { playbook: { id: playbook }, target: { display: expect.stringContaining(named) } },
        { playbook: { id: 'isolate-instance' }, target: { region: ELSEWHERE, id: other } },
      ],
      unhandled: [],
    });
  });

  it('of a function is who wrote its code last', async () => {
    const mallory = { ...INTERN, userName: 'mallory', principalId: 'AIDAMALLORY000000001' };
    launched(mallory, 'UpdateFunctionCode20150331v2', 'resize');
    launched(INTERN, 'CreateFunction20150331', 'resize');
    const finding = mining({ lambdaDetails: { functionName: 'resize' } });
    expect(await locate(finding)).toMatchObject({
      ok: true,
      parts: [{ target: { display: expect.stringContaining('user/mallory') } }],
    });
  });

  it.each([
    ['a service', { type: 'AWSService', principalId: 'x' }],
    ['root', { type: 'Root', principalId: '111122223333' }],
    ['a user name that is a pattern', { ...INTERN, userName: 'int*' }],
    [
      'a role name that is a path',
      { type: 'AssumedRole', principalId: 'AROACI00000000000001:a/../b', userName: 'ci' },
    ],
  ])('that IAM cannot contain (%s) is said to be so, and no one is asked', async (_name, identity) => {
    launched(identity);
    expect(await locate()).toMatchObject({
      ok: false,
      reason: expect.stringMatching(new RegExp(`${miner} was launched \\(RunInstances\\) by another kind`)),
    });
  });

  it('that cannot be contained leaves what it launched, and the risk', async () => {
    const root = { type: 'Root', principalId: '111122223333' };
    launched(root);
    const [other = ''] = running(1);
    alsoStarted([other], { userIdentity: root }, 'root');
    expect(await locate()).toMatchObject({
      ok: true,
      parts: [{ playbook: { id: 'isolate-instance' }, target: { id: other } }],
      unhandled: [expect.stringContaining(`launched ${miner}`)],
      residual: [expect.stringContaining('can launch more')],
    });
  });
});

describe('what else it launched', () => {
  beforeEach(() => launched());

  it('is no instance of another principal under the same session name', async () => {
    const [foreign = ''] = running(1);
    alsoStarted([foreign], { userIdentity: { ...INTERN, principalId: 'AROAOTHER00000000001:intern' } });
    expect(await parts()).toEqual(['disable-user-keys us-east-1 intern']);
  });

  it('is no call that AWS refused, no instance that has ended, and not the miner again', async () => {
    const [refused = '', ended = ''] = running(2);
    for (const instance of twin.region(ELSEWHERE).instances)
      if (instance.InstanceId === ended) instance.State = 'terminated';
    alsoStarted([refused], { errorCode: 'Client.UnauthorizedOperation' });
    alsoStarted([ended]);
    call(
      SCOPE.region,
      { name: 'intern' },
      {
        eventName: 'RunInstances',
        responseElements: { instancesSet: { items: [{ instanceId: miner }] } },
      },
    );
    expect(await parts()).toEqual(['disable-user-keys us-east-1 intern']);
  });

  it('is looked up by whole ids: a filter of EC2 would take a pattern for every instance', async () => {
    const asked: unknown[] = [];
    configureAws({
      retryBaseMs: 1,
      answer: (made) => {
        if (made.operation === 'DescribeInstances') asked.push(made.input);
        return twin.answer(made);
      },
    });
    const [one = ''] = running(1);
    alsoStarted(['i-*', '*', `${one},${one}`, one]);
    expect(await parts()).toContain(`isolate-instance ${ELSEWHERE} ${one}`);
    expect(asked).toEqual([{ Filters: [{ Name: 'instance-id', Values: [one] }] }]);
  });

  it('is counted, not dropped, beyond what one card holds', async () => {
    const ids = running(12);
    alsoStarted(ids);
    const found = await locate();
    expect(found).toMatchObject({ ok: true, parts: { length: 10 } });
    expect(found?.ok && found.unhandled).toEqual(
      ids.slice(9).map((id) => `${id} in ${ELSEWHERE}: more than 9 instances`),
    );
  });

  it('is named where Firebreak stops nothing of the kind', async () => {
    const by = { name: 'intern' };
    call(ELSEWHERE, by, {
      eventName: 'CreateAutoScalingGroup',
      requestParameters: { autoScalingGroupName: 'w' },
    });
    call(ELSEWHERE, by, { eventName: 'RunJobFlow' });
    call(ELSEWHERE, by, { eventName: 'DescribeInstances' });
    expect(await locate()).toMatchObject({
      unhandled: [
        expect.stringContaining(`Auto Scaling group w in ${ELSEWHERE}`),
        expect.stringContaining(`RunJobFlow in ${ELSEWHERE}`),
      ],
    });
  });

  it('is not known where the Regions may not be listed, and the launcher is asked about all the same', async () => {
    twin.failNext('DescribeRegions', 'UnauthorizedOperation');
    expect(await locate()).toMatchObject({
      ok: true,
      parts: { length: 1 },
      unhandled: [expect.stringContaining('other Regions were not looked into')],
    });
  });
});

describe('no one is asked', () => {
  it.each([
    ['an instance id that is a pattern', { instanceDetails: { instanceId: 'i-*' } }],
    ['no resource', {}],
    ['an ECS task', { ecsClusterDetails: { name: 'shop', taskDetails: { arn: 'arn:aws:ecs:x' } } }],
  ])('about %s, and CloudTrail is not read', async (_name, resource) => {
    expect(await locate(mining(resource))).toMatchObject({ ok: false });
    expect(twin.calls).toEqual([]);
  });

  it('where only refused or other calls are on record', async () => {
    launched(INTERN, 'StopInstances');
    call(
      SCOPE.region,
      { resource: miner },
      { eventName: 'RunInstances', errorCode: 'Client.DryRunOperation' },
    );
    expect(await locate()).toEqual({
      ok: false,
      reason: expect.stringContaining('do not show who launched'),
    });
  });

  it('where CloudTrail may not be read', async () => {
    launched();
    twin.failNext('LookupEvents', 'AccessDeniedException');
    expect(await locate()).toEqual({ ok: false, reason: expect.stringContaining('may not be read') });
  });

  it('by the finding alone', () => {
    expect(stopLauncher.handles).toEqual([]);
    expect(choosePlaybook(mining())).toMatchObject({ id: 'stop-miner' });
    expect(twin.calls.filter(({ change }) => change)).toEqual([]);
  });
});
