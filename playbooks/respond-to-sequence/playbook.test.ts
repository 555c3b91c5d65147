/** What an attack sequence expands into: which playbook for which actor and resource, in which order, and what is left to people. */
import { describe, expect, it } from 'vitest';
import { parseFinding } from '../../core/finding/finding.ts';
import { attackOf } from '../../core/incident/attack.ts';
import type { Json, JsonObject } from '../../core/json.ts';
import { createTwin } from '../../sandbox/twin/twin.ts';
import { findingOn } from '../../sandbox/worlds.ts';
import { SCOPE } from '../../test/playbooks/properties.ts';
import { choosePlaybook } from '../index.ts';

interface Given {
  readonly actors?: Json;
  readonly resources?: Json;
  readonly signals?: Json;
}

function findingOf(given: Given & { readonly [key: string]: Json }) {
  const event = findingOn(createTwin(SCOPE), {
    seed: 'sequence',
    type: 'AttackSequence:EKS/CompromisedCluster',
    resource: { resourceType: 'AttackSequence' },
  });
  const detail = event['detail'] as JsonObject;
  const service = detail['service'] as JsonObject;
  return parseFinding({
    ...event,
    detail: { ...detail, service: { ...service, detection: { sequence: given } } },
  });
}

function expand(given: Given & { readonly [key: string]: Json }) {
  const choice = choosePlaybook(findingOf(given));
  if ('none' in choice) return { parts: [], unhandled: choice.none, targets: [] };
  return {
    parts: choice.parts.map(({ playbook, target }) => `${playbook.id} ${target.id}`),
    unhandled: choice.unhandled.join('\n'),
    targets: choice.parts.map(({ target }) => target),
  };
}

const INSTANCE = 'i-0123456789abcdef0';
const arn = (service: string, resource: string) => `arn:aws:${service}:eu-west-1:111122223333:${resource}`;
const instance = (id = INSTANCE, interfaces: readonly string[] = []): JsonObject => ({
  resourceType: 'EC2_INSTANCE',
  uid: arn('ec2', `instance/${id}`),
  data: { ec2Instance: { ec2NetworkInterfaceUids: [...interfaces] } },
});
const cluster = (name: string): JsonObject => ({
  resourceType: 'EKS_CLUSTER',
  uid: arn('eks', `cluster/${name}`),
  name,
});
const workload = (type: string, more: JsonObject = {}): JsonObject => ({
  resourceType: 'KUBERNETES_WORKLOAD',
  uid: 'workload-1',
  name: 'cart-1',
  data: { kubernetesWorkload: { namespace: 'web', kubernetesResourcesTypes: type, containerUids: ['c-1'] } },
  ...more,
});
const TASK = arn('ecs', 'task/shop/0123456789abcdef0123456789abcdef');
const actor = (user: JsonObject, more: JsonObject = {}): JsonObject => ({ id: 'a-1', user, ...more });
const account = actor({ name: 'system:serviceaccount:web:cart', uid: 'u', type: 'Kubernetes' });
const session = (name: string) => ({ name: 'app', uid: `AROAEXAMPLE1:${name}`, type: 'AssumedRole' });
const signal = (name: string, resourceUids: readonly string[], actorIds: readonly string[] = []) => ({
  name,
  resourceUids: [...resourceUids],
  actorIds: [...actorIds],
});

describe('who acted', () => {
  it('a session of an instance by the narrower of the two playbooks, once for actor and key', () => {
    const key = {
      resourceType: 'ACCESS_KEY',
      uid: 'ASIAEXAMPLE',
      data: {
        accessKey: { principalId: `AROAEXAMPLE1:${INSTANCE}`, userName: 'app', userType: 'AssumedRole' },
      },
    };
    expect(expand({ actors: [actor(session(INSTANCE))], resources: [key] }).parts).toEqual([
      `revoke-instance-session app/AROAEXAMPLE1/${INSTANCE}`,
    ]);
    expect(expand({ actors: [actor(session('build-42'))] }).parts).toEqual([
      'revoke-role-sessions app/AROAEXAMPLE1/build-42',
    ]);
  });

  it('the role is the one that issued the session, and one of another account is left to that account', () => {
    const issued = (id: string) =>
      actor(
        { ...session('build-42'), name: 'someone' },
        { session: { issuer: `arn:aws:iam::${id}:role/team/app` } },
      );
    expect(expand({ actors: [issued('111122223333')] }).parts).toEqual([
      'revoke-role-sessions app/AROAEXAMPLE1/build-42',
    ]);
    const other = expand({ actors: [issued('444455556666')] });
    expect(other.parts).toEqual([]);
    expect(other.unhandled).toContain("app of account 444455556666: it is another account's");
  });

  it.each<[string, Given]>([
    ['its account', { actors: [actor({ ...session('bob'), account: { uid: '999988887777' } })] }],
    [
      'its account, where its key is listed as well',
      {
        actors: [
          actor({ ...session('bob'), credentialUid: 'ASIAEXAMPLE71', account: { uid: '999988887777' } }),
        ],
        resources: [
          {
            resourceType: 'ACCESS_KEY',
            uid: 'ASIAEXAMPLE71',
            data: {
              accessKey: { principalId: 'AROAEXAMPLE1:bob', userName: 'app', userType: 'AssumedRole' },
            },
          },
        ],
      },
    ],
    [
      'an ARN for a name',
      {
        actors: [
          actor({
            name: 'arn:aws:iam::999988887777:user/app',
            uid: 'AIDAEXAMPLE1',
            type: 'IAMUser',
          }),
        ],
      },
    ],
    [
      'an ARN for an id',
      {
        actors: [
          actor({
            name: 'app',
            uid: 'arn:aws:sts::999988887777:assumed-role/app/bob',
            type: 'AssumedRole',
          }),
        ],
      },
    ],
  ])("an actor of another account, by %s, is never one's own of the same name", (_how, given) => {
    const choice = choosePlaybook(
      findingOf({ ...given, resources: [...((given.resources as Json[]) ?? []), instance()] }),
    );
    if ('none' in choice) throw new Error(choice.none);
    expect(choice.parts.map(({ playbook, target }) => `${playbook.id} ${target.id}`)).toEqual([
      `isolate-instance ${INSTANCE}`,
    ]);
    const who = [expect.stringMatching(/app of account 999988887777: /)];
    // Isolating the instance does not contain who acted.
    expect(choice.unhandled).toEqual(who);
    expect(choice.residual).toEqual(who);
  });

  it('a user that a cluster maps to a name is one of that cluster, by the id of the authenticator', () => {
    const mapped = actor({
      name: 'platform:bob',
      uid: 'aws-iam-authenticator:111122223333:AROAEXAMPLE1',
      type: 'Kubernetes',
    });
    expect(expand({ actors: [mapped], resources: [cluster('shop')] }).parts).toEqual([
      'contain-kubernetes-identity shop/AROAEXAMPLE1',
    ]);
  });

  it('a process is no one, a role without a session and a foreign account are named', () => {
    const { parts, unhandled } = expand({
      actors: [
        { id: 'p', process: { name: 'xmrig', path: '/tmp/xmrig' } },
        actor({ name: 'app', uid: 'AROAEXAMPLE1', type: 'AssumedRole' }),
        actor({ name: 'them', uid: '444455556666', type: 'AWSAccount' }),
      ],
    });
    expect(parts).toEqual([]);
    expect(unhandled).toMatch(/role app: .*not name a session[\s\S]*them: the caller is an AWSAccount/);
  });

  it('a Kubernetes user in the cluster that a signal names, or the only one', () => {
    expect(expand({ actors: [account], resources: [cluster('shop')] }).parts).toEqual([
      'contain-kubernetes-identity shop/web/cart',
    ]);
    const two = [cluster('shop'), cluster('bank')];
    const expanded = expand({
      actors: [account],
      resources: two,
      signals: [signal('x', [arn('eks', 'cluster/bank')], ['a-1'])],
    });
    expect(expanded.parts).toEqual(['contain-kubernetes-identity bank/web/cart']);
    const unclear = expand({ actors: [account], resources: two });
    expect(unclear.parts).toEqual([]);
    expect(unclear.unhandled).toContain('does not say in which cluster');
  });

  it('an IAM actor at work in a cluster loses both; one who was not seen there only IAM', () => {
    const user = actor({ name: 'eve', uid: 'AIDAEXAMPLE1', type: 'IAMUser' });
    const inside = {
      actors: [user],
      resources: [cluster('shop')],
      signals: [signal('Discovery:Kubernetes/TorIPCaller', [arn('eks', 'cluster/shop')], ['a-1'])],
    };
    expect(expand(inside).parts).toEqual([
      'disable-user-keys eve',
      'contain-kubernetes-identity shop/user/eve',
    ]);
    expect(expand({ ...inside, signals: [] }).parts).toEqual(['disable-user-keys eve']);
  });
});

describe('what was touched', () => {
  it('tasks, pods and instances, each by its playbook, with containers in them', () => {
    const container = (uid: string) => ({ resourceType: 'CONTAINER', uid, name: 'app' });
    const { parts, unhandled } = expand({
      resources: [
        cluster('shop'),
        workload('PODS'),
        container('c-1'),
        container('c-2'),
        { resourceType: 'ECS_TASK', uid: TASK },
        instance(),
      ],
    });
    expect(parts).toEqual([
      `isolate-instance ${INSTANCE}`,
      'stop-task shop/0123456789abcdef0123456789abcdef',
      'quarantine-pod shop/web/cart-1',
    ]);
    expect(unhandled).toBe(
      'CONTAINER app: the sequence does not say in which task or pod it runs: find it, and stop or quarantine that',
    );
  });

  it('a task of an old ARN in the cluster that a signal names with it, or in the only one', () => {
    const old = arn('ecs', 'task/01234567-89ab-cdef-0123-456789abcdef');
    const task = { resourceType: 'ECS_TASK', uid: old };
    const ecs = (name: string) => ({ resourceType: 'ECS_CLUSTER', uid: arn('ecs', `cluster/${name}`), name });
    const found = 'stop-task shop/01234567-89ab-cdef-0123-456789abcdef';
    expect(expand({ resources: [task, ecs('shop')] }).parts).toEqual([found]);
    const several = [task, ecs('pay'), ecs('shop')];
    expect(expand({ resources: several }).unhandled).toContain('does not name the cluster');
    const signals = [signal('Execution:Runtime/NewBinaryExecuted', [old, arn('ecs', 'cluster/shop')])];
    expect(expand({ resources: several, signals }).parts).toEqual([found]);
  });

  it("a pod's uid only where it is Kubernetes' own", () => {
    const uidOf = (more: JsonObject) =>
      expand({ resources: [cluster('shop'), workload('PODS', more)] }).targets[0]?.facts['uid'];
    const own = '0f3c0f52-7a5a-4c53-9d1e-2f1a7f6a1d11';
    expect(uidOf({ uid: own })).toBe(own);
    expect(uidOf({})).toBeNull();
  });

  it('an interface is its instance; a profile and a group are the compromised instances that they list', () => {
    const eni = arn('ec2', 'network-interface/eni-0123456789abcdef0');
    const profile = {
      resourceType: 'IAM_INSTANCE_PROFILE',
      uid: 'p',
      name: 'app',
      data: { iamInstanceProfile: { ec2InstanceUids: [arn('ec2', `instance/${INSTANCE}`)] } },
    };
    const found = expand({
      resources: [instance(INSTANCE, [eni]), { resourceType: 'EC2_NETWORK_INTERFACE', uid: eni }, profile],
    });
    expect(found.parts).toEqual([`isolate-instance ${INSTANCE}`]);
    expect(found.unhandled).toMatch(/^IAM_INSTANCE_PROFILE app: the sequence does not name a session of i-/);
    expect(expand({ actors: [actor(session(INSTANCE))], resources: [profile] }).unhandled).toBe('');
    const group = expand({
      resources: [
        {
          resourceType: 'AUTOSCALING_AUTO_SCALING_GROUP',
          uid: 'g',
          name: 'web',
          data: { autoscalingAutoScalingGroup: { ec2InstanceUids: ['i-0aaaaaaaaaaaaaaaa'] } },
        },
        { resourceType: 'EC2_NETWORK_INTERFACE', uid: 'eni-1' },
      ],
    });
    expect(group.parts).toEqual(['isolate-instance i-0aaaaaaaaaaaaaaaa']);
    expect(group.unhandled).toMatch(/GROUP web: it is what.*\nnetwork interface eni-1: no instance/);
  });

  it('never the workers of a cluster that is merely named', () => {
    const { parts, unhandled } = expand({
      resources: [
        {
          ...cluster('shop'),
          data: { eksCluster: { ec2InstanceUids: [arn('ec2', `instance/${INSTANCE}`)] } },
        },
      ],
    });
    expect(parts).toEqual([]);
    expect(unhandled).toContain('EKS_CLUSTER shop: the sequence does not name a pod or an identity of it');
  });

  it('an object only where a malware scan names it', () => {
    const uid = 'arn:aws:s3:::data/in/a.exe';
    const object = { resourceType: 'S3_OBJECT', uid, data: { s3Object: { key: 'in/a.exe', eTag: 'e' } } };
    expect(expand({ resources: [object] }).parts).toEqual([]);
    const scanned = (resourceUids: readonly string[]) =>
      expand({ resources: [object], signals: [signal('Object:S3/MaliciousFile', resourceUids)] });
    expect(scanned(['another']).unhandled).toContain('objects of bucket data: who reached them');
    expect(scanned([uid]).parts).toEqual(['quarantine-object data/in/a.exe']);
  });

  it('in the account and Region that each resource says, or its ARN', () => {
    const there = {
      resourceType: 'EC2_INSTANCE',
      uid: `arn:aws:ec2:us-east-2:444455556666:instance/${INSTANCE}`,
    };
    expect(expand({ resources: [there] }).targets[0]).toMatchObject({
      account: '444455556666',
      region: 'us-east-2',
    });
    const said = { ...there, accountId: '777788889999', region: 'eu-north-1' };
    expect(expand({ resources: [said] }).targets[0]).toMatchObject({
      account: '777788889999',
      region: 'eu-north-1',
    });
  });

  it.each(['EC2_VPC', 'EC2_LAUNCH_TEMPLATE', 'BEDROCK_GUARDRAIL', 'SAGEMAKER_ENDPOINT', 'NEW_THING'])(
    '%s is named with what a person does',
    (resourceType) => {
      const { parts, unhandled } = expand({ resources: [{ resourceType, uid: 'r-1' }] });
      expect(parts).toEqual([]);
      expect(unhandled).toMatch(new RegExp(`${resourceType} r-1: .*(look|contain)`));
    },
  );
});

it('identities come first, then what runs, then what is stored; the rest beyond ten is named', () => {
  const ids = Array.from({ length: 10 }, (_, n) => `i-0aaaaaaaaaaaaaaa${n}`);
  const bucket = {
    resourceType: 'S3_BUCKET',
    uid: 'arn:aws:s3:::data',
    name: 'data',
    data: { s3Bucket: { effectivePermission: 'PUBLIC' } },
  };
  const { parts, unhandled } = expand({
    actors: [account],
    resources: [bucket, ...ids.map((id) => instance(id)), cluster('shop')],
  });
  expect(parts[0]).toBe('contain-kubernetes-identity shop/web/cart');
  expect(parts).toHaveLength(10);
  expect(unhandled).toMatch(/i-0aaaaaaaaaaaaaaa9: more than 10 targets\narn:aws:s3:::data: more than 10/);
});

it.each([
  ['an actor that is no object', { actors: ['eve', account], resources: [cluster('shop')] }],
  ['a user of another shape', { actors: [{ id: 'b', user: 'eve' }, account], resources: [cluster('shop')] }],
  ['data of another shape', { actors: [account], resources: [{ ...bucketWith('none') }, cluster('shop')] }],
  ['signals that are no list', { actors: [account], resources: [cluster('shop')], signals: 'none' }],
])('%s keeps no one else from being contained', (what, given) => {
  const { parts, unhandled } = expand(given);
  expect(parts).toEqual(['contain-kubernetes-identity shop/web/cart']);
  if (!what.startsWith('signals')) expect(unhandled).not.toBe('');
});

function bucketWith(data: Json): JsonObject {
  return { resourceType: 'S3_BUCKET', uid: 'arn:aws:s3:::data', name: 'data', data };
}

it('tactics and techniques are those of sequenceIndicators', () => {
  const finding = findingOf({
    sequenceIndicators: [{ key: 'ATTACK_TECHNIQUE', values: ['T1496 - Resource Hijacking'] }],
  });
  expect(JSON.stringify(attackOf(finding))).toContain('T1496');
});
