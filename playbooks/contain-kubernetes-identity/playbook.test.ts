import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { awsFor } from '../../core/aws/client.ts';
import { parseFinding } from '../../core/finding/finding.ts';
import type { JsonObject } from '../../core/json.ts';
import type { TwinCluster } from '../../sandbox/twin/eks.ts';
import { newKubernetes, putObject } from '../../sandbox/twin/kubernetes.ts';
import { type AccountTwin, createTwin } from '../../sandbox/twin/twin.ts';
import { findingOn } from '../../sandbox/worlds.ts';
import {
  type Accounts,
  playbookProperties,
  SCOPE,
  scene,
  sceneDatabase,
} from '../../test/playbooks/properties.ts';
import { callsAsOperator } from '../../test/unrecorded.ts';
import { containKubernetesPrincipal } from '../contain-kubernetes-principal/playbook.ts';
import { containKubernetesIdentity } from './playbook.ts';

callsAsOperator();

const ADMIN = 'arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy';
const VIEW = 'arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy';
const ROLE = 'arn:aws:iam::111122223333:role/teams/web/deployer';
const SESSION = 'arn:aws:sts::111122223333:assumed-role/deployer/build-42';

interface World {
  readonly mode: TwinCluster['mode'];
  readonly type: string;
  readonly groups: string[];
  readonly policies: TwinCluster['entries'][number]['policies'];
  readonly others: number;
}
const finding = (twin: AccountTwin, username: unknown = SESSION, name: unknown = 'shop') =>
  findingOn(twin, {
    seed: 'eks',
    type: 'CredentialAccess:Kubernetes/MaliciousIPCaller',
    resource: {
      resourceType: 'EKSCluster',
      eksClusterDetails: { name: name as string },
      kubernetesDetails: { kubernetesUserDetails: { username: username as string } },
    },
  });
const entry = (principalArn: string, more: Partial<World> = {}) => ({
  principalArn,
  type: more.type ?? 'STANDARD',
  groups: [...(more.groups ?? [])],
  policies: { ...(more.policies ?? {}) },
});
const accounts: Accounts<Partial<World>> = {
  worlds: fc.record({
    mode: fc.constantFrom('API' as const, 'API_AND_CONFIG_MAP' as const),
    // EKS gives the groups as a list; its order is kept by no one.
    groups: fc.uniqueArray(fc.constantFrom('admins', 'devs', 'viewers')).map((list) => [...list].sort()),
    policies: fc.constantFrom(
      {},
      { [ADMIN]: { type: 'cluster' } },
      { [ADMIN]: { type: 'cluster' }, [VIEW]: { type: 'namespace', namespaces: ['a', 'b'] } },
    ),
    others: fc.integer({ min: 0, max: 5 }),
  }),
  open(twin, world) {
    const others = Array.from({ length: world.others ?? 0 }, (_, index) =>
      entry(`arn:aws:iam::111122223333:role/other-${index}`, { groups: ['devs'] }),
    );
    twin.region().eks.clusters.push({
      name: 'shop',
      mode: world.mode ?? 'API',
      entries: [...others, entry(ROLE, world)],
    });
    return finding(twin);
  },
};
playbookProperties(containKubernetesIdentity, accounts);

const database = sceneDatabase('contain-kubernetes-identity-test');
const open = (world: Partial<World> = {}) =>
  scene(database(), containKubernetesIdentity, accounts, {
    groups: ['admins'],
    policies: { [ADMIN]: { type: 'cluster' }, [VIEW]: { type: 'namespace', namespaces: ['web'] } },
    ...world,
  });
const live = (at: ReturnType<typeof open>) => at.twin.region().eks.clusters[0]?.entries.at(-1);

describe('an IAM identity in a cluster', () => {
  it('loses its policies and groups and no one else does; undo restores them with their scope', async () => {
    const at = open({ others: 4 });
    const others = () => at.twin.region().eks.clusters[0]?.entries.slice(0, -1);
    const before = structuredClone([live(at), others()]);
    await at.contain();
    expect(live(at)).toMatchObject({ groups: [], policies: {} });
    expect(others()).toEqual(before[1]);
    expect(await at.prove()).toMatchObject({ proven: true });
    await at.undo();
    expect([live(at), others()]).toEqual(before);
  });

  it('asks for a role, and says what stays', async () => {
    const plan = await open({ mode: 'API_AND_CONFIG_MAP' }).plan();
    expect(plan.kind === 'plan' && plan.askBecause.join()).toContain('everybody who assumes role/deployer');
    expect(plan.kind === 'plan' && plan.residual.join()).toMatch(/rights in AWS.*aws-auth/);
  });

  it('is contained again when someone gives it a policy back, and drift is left on undo', async () => {
    const at = open();
    await at.contain();
    const found = live(at);
    if (found) found.policies = { [ADMIN]: { type: 'namespace', namespaces: ['kube-system'] } };
    expect(await at.prove()).toMatchObject({ proven: false, next: 'recontain' });
    expect((await at.undo()).kind).toBe('partial');
    expect(live(at)?.policies[ADMIN]).toEqual({ type: 'namespace', namespaces: ['kube-system'] });
  });

  it.each([
    ['the ConfigMap alone', { mode: 'CONFIG_MAP' as const }, 'aws-auth'],
    ['a node', { type: 'EC2_LINUX' }, 'nodes leave the cluster'],
  ])('%s: refused without a change', async (_name, world, words) => {
    const at = open(world);
    const plan = await at.plan();
    expect(plan.kind).toBe('refused');
    expect(JSON.stringify(plan)).toContain(words);
    expect(at.changes()).toBe(0);
  });
});

describe('an identity that is mapped to a user name', () => {
  const ID = 'AROAEXAMPLE0000DEPLOYER';
  const roles = (twin: AccountTwin, ...names: readonly string[]) =>
    names.forEach((name, index) => {
      twin.state.roles[name] = {
        RoleName: name,
        Path: '/teams/web/',
        RoleId: index === 0 ? ID : `AROAEXAMPLE0000OTHER${index}`,
        Arn: `arn:aws:iam::111122223333:role/teams/web/${name}`,
        MaxSessionDuration: 3600,
        AssumeRolePolicyDocument: '{}',
        Tags: [],
        inline: {},
        attached: {},
        profiles: [],
      };
    });
  const by = (
    user: JsonObject,
    world: Partial<World> & { readonly username?: string; readonly awsAuth?: JsonObject } = {},
    more: JsonObject = {},
  ) => {
    const mapped: Accounts<object> = {
      worlds: fc.constant({}),
      open(twin) {
        roles(twin, 'deployer', 'other');
        const kubernetes = newKubernetes();
        if (world.awsAuth !== undefined)
          putObject(kubernetes, {
            ...{ apiVersion: 'v1', kind: 'ConfigMap' },
            metadata: { name: 'aws-auth', namespace: 'kube-system' },
            data: world.awsAuth,
          });
        twin.region().eks.clusters.push({
          name: 'shop',
          mode: world.mode ?? 'API',
          ...(world.awsAuth === undefined ? {} : { kubernetes }),
          entries: [
            entry('arn:aws:iam::111122223333:role/teams/web/other', { groups: ['devs'] }),
            {
              ...entry(ROLE, { groups: ['admins'], policies: { [ADMIN]: { type: 'cluster' } } }),
              username: world.username ?? 'platform:{{SessionName}}',
            },
          ],
        });
        return findingOn(twin, {
          seed: 'eks',
          type: 'CredentialAccess:Kubernetes/MaliciousIPCaller',
          resource: {
            resourceType: 'EKSCluster',
            eksClusterDetails: { name: 'shop' },
            kubernetesDetails: { kubernetesUserDetails: user },
            ...more,
          },
        });
      },
    };
    return scene(database(), containKubernetesIdentity, mapped, {});
  };
  const uid = (account: string, id: string) => `aws-iam-authenticator:${account}:${id}`;

  it.each<[string, JsonObject, JsonObject]>([
    ['the uid of the authenticator', { username: 'platform:bob', uid: uid('111122223333', ID) }, {}],
    [
      'the uid, although the name is that of another role',
      { username: 'arn:aws:sts::111122223333:assumed-role/other/bob', uid: uid('111122223333', ID) },
      {},
    ],
    ['the user name of its access entry', { username: 'platform:bob' }, {}],
    [
      'the access key of the finding',
      { username: 'admin' },
      { accessKeyDetails: { userType: 'AssumedRole', userName: 'deployer', principalId: `${ID}:bob` } },
    ],
  ])(
    'is found by %s; it loses its access and no one else does, and undo restores it',
    async (_by, user, more) => {
      const here = by(user, {}, more);
      const before = structuredClone(here.twin.region().eks.clusters);
      await here.contain();
      const [other, deployer] = here.twin.region().eks.clusters[0]?.entries ?? [];
      expect(deployer).toMatchObject({ principalArn: ROLE, groups: [], policies: {} });
      expect(other).toMatchObject({ groups: ['devs'] });
      expect(await here.prove()).toMatchObject({ proven: true });
      await here.undo();
      expect(here.twin.region().eks.clusters).toEqual(before);
    },
  );

  it.each<[string, JsonObject, Partial<World> & { username?: string }, RegExp]>([
    [
      'aws-auth maps it',
      { username: 'platform:bob', uid: uid('111122223333', ID) },
      { mode: 'CONFIG_MAP' },
      /aws-auth.*role\/deployer.*platform:bob/,
    ],
    [
      'its role is gone',
      { username: 'platform:bob', uid: uid('111122223333', 'AROAEXAMPLE0000GONE') },
      {},
      /platform:bob is AROAEXAMPLE0000GONE, which .*does not exist/,
    ],
    ['nothing says who it is', { username: 'stranger' }, {}, /does not say which principal stranger is/],
  ])('%s: refused without a change, and the reason says who it is', async (_name, user, world, words) => {
    const here = by(user, world);
    const plan = await here.plan();
    expect(plan.kind).toBe('refused');
    expect(JSON.stringify(plan)).toMatch(words);
    expect(here.changes()).toBe(0);
  });

  const OTHER_ROLE = 'arn:aws:iam::111122223333:role/other';
  const WEB_ROLE = 'arn:aws:iam::111122223333:role/deployer';
  const roleMap = (...maps: readonly (readonly [string, string])[]) => ({
    mapRoles: maps
      .map(([arn, name]) => `- rolearn: ${arn}\n  username: "${name}"\n  groups: [admins]\n`)
      .join(''),
  });
  it.each<[string, string, JsonObject, JsonObject, RegExp]>([
    [
      'by its uid, with what it is in there',
      'CONFIG_MAP',
      { username: 'admin:alice', uid: uid('111122223333', ID) },
      roleMap([WEB_ROLE, 'admin:{{SessionName}}']),
      /ConfigMap only: role\/deployer is admin:\{\{SessionName\}\} there, in admins.*contain-kubernetes-principal.*reverse-changes/,
    ],
    [
      'by the one mapping that fits the name',
      'CONFIG_MAP',
      { username: 'admin:alice' },
      roleMap([WEB_ROLE, 'admin:{{SessionName}}'], [OTHER_ROLE, 'system:node:{{EC2PrivateDNSName}}']),
      /role\/deployer is admin:\{\{SessionName\}\} there/,
    ],
    [
      'not where several mappings fit: they are named',
      'CONFIG_MAP',
      { username: 'admin:alice' },
      roleMap([WEB_ROLE, 'admin:{{SessionName}}'], [OTHER_ROLE, '{{SessionName}}:alice']),
      /more than one is mapped to such a name in shop: role\/deployer, role\/other/,
    ],
    [
      'not where an entry is of another form: it may be the one',
      'CONFIG_MAP',
      { username: 'admin:alice' },
      { mapRoles: `${roleMap([WEB_ROLE, 'admin:alice']).mapRoles}- role: x\n` },
      /aws-auth was not read/,
    ],
    [
      'not where its access entry is asked instead',
      'API_AND_CONFIG_MAP',
      { username: 'admin:alice' },
      roleMap([WEB_ROLE, 'admin:alice']),
      /neither an access entry nor aws-auth of shop maps to it/,
    ],
    [
      'not where it is not in there either',
      'CONFIG_MAP',
      { username: 'x', uid: uid('111122223333', ID) },
      roleMap([OTHER_ROLE, 'x']),
      /neither an access entry nor aws-auth of shop names role\/deployer/,
    ],
  ])('is found in aws-auth %s', async (_how, mode, user, awsAuth, words) => {
    const here = by(user, { mode: mode as 'API', awsAuth });
    const plan = await here.plan();
    expect(plan.kind).toBe('refused');
    expect(JSON.stringify(plan)).toMatch(words);
    expect(here.changes()).toBe(0);
  });

  it.each<[string, JsonObject, JsonObject, unknown]>([
    [
      'the session that the mapping put into the user name',
      { username: 'admin:alice', uid: uid('111122223333', ID) },
      roleMap([WEB_ROLE, 'admin:{{SessionName}}']),
      { ok: true, parts: [{ target: { kind: 'role-session', facts: { userId: `${ID}:alice` } } }] },
    ],
    [
      'the session that GuardDuty says',
      { username: 'platform', uid: uid('111122223333', ID), sessionName: ['alice@example.com'] },
      roleMap([WEB_ROLE, 'platform']),
      { ok: true, parts: [{ target: { facts: { userId: `${ID}:alice@example.com` } } }] },
    ],
    [
      'no session whose name may have been another',
      { username: 'admin:alice-example', uid: uid('111122223333', ID) },
      roleMap([WEB_ROLE, 'admin:{{SessionName}}']),
      { ok: false, reason: expect.stringContaining('which session of role/deployer') },
    ],
    [
      'no one of several whom the name fits',
      { username: 'admin:alice' },
      roleMap([WEB_ROLE, 'admin:alice'], [OTHER_ROLE, 'admin:alice']),
      { ok: false, reason: expect.stringContaining('not known for certain') },
    ],
  ])('is contained in IAM: %s', async (_what, user, awsAuth, expected) => {
    const here = by(user, { mode: 'CONFIG_MAP', awsAuth });
    expect(await containKubernetesPrincipal.locate?.(here.finding, awsFor(SCOPE))).toMatchObject(
      expected as object,
    );
  });

  it('a principal of another account is left to that account, and stays as remaining risk', () => {
    const choice = containKubernetesIdentity.targetOf(
      parseFinding(
        findingOn(createTwin(SCOPE), {
          seed: 'eks',
          type: 'CredentialAccess:Kubernetes/MaliciousIPCaller',
          resource: {
            eksClusterDetails: { name: 'shop' },
            kubernetesDetails: {
              kubernetesUserDetails: { username: 'bob', uid: uid('999988887777', ID) },
            },
          },
        }),
      ),
    );
    expect(choice).toMatchObject({
      ok: false,
      named: 'actor',
      reason: expect.stringContaining('account 999988887777'),
    });
  });
});

describe('the router on the user name', () => {
  const choose = (username: unknown, cluster?: unknown) =>
    containKubernetesIdentity.targetOf(parseFinding(finding(createTwin(SCOPE), username, cluster)));
  it.each([
    ['system:serviceaccount:default:', 'no service account that can exist'],
    ['system:serviceaccount:default:web:more', 'no service account that can exist'],
    ['system:serviceaccount:De fault:web', 'no service account that can exist'],
    ['system:node:../x', 'no node that can exist'],
    ['system:kube-controller-manager', 'component of the cluster'],
    ['arn:aws:iam::999999999999:user/mallory', 'no IAM principal of account'],
    ['', 'does not name a Kubernetes user'],
  ])('%j is no target', (username, reason) => {
    expect(choose(username)).toMatchObject({ ok: false, reason: expect.stringContaining(reason) });
  });
  it('takes users and roles', () => {
    expect(choose('arn:aws:iam::111122223333:user/ops/alice')).toMatchObject({
      ok: true,
      target: { id: 'shop/user/alice' },
    });
    expect(choose(SESSION)).toMatchObject({ ok: true, target: { id: 'shop/role/deployer' } });
    expect(choose(SESSION, 'a/b')).toMatchObject({ ok: false });
  });
  it.each([
    ['system:anonymous', { kind: 'eks-anonymous', id: 'shop' }],
    ['system:serviceaccount:default:web', { kind: 'eks-service-account', id: 'shop/default/web' }],
    ['system:node:ip-10-0-0-1.ec2.internal', { kind: 'eks-node', id: 'shop/ip-10-0-0-1.ec2.internal' }],
  ])('takes %s', (username, target) => {
    expect(choose(username)).toMatchObject({ ok: true, target });
  });
});
