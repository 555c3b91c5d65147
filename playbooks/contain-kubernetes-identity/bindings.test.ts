/** Service accounts and anonymous access: bindings taken away and restored, through the real client. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { awsFor } from '../../core/aws/client.ts';
import type { JsonObject } from '../../core/json.ts';
import type { TwinCluster } from '../../sandbox/twin/eks.ts';
import type { TwinKubernetes } from '../../sandbox/twin/kubernetes.ts';
import {
  binding,
  byUser,
  inCluster,
  irsaTrust,
  objects,
  shopCluster,
  subject,
} from '../../test/playbooks/kubernetes-world.ts';
import { type Accounts, playbookProperties, scene, sceneDatabase } from '../../test/playbooks/properties.ts';
import { containKubernetesIdentity } from './playbook.ts';

const SA = 'system:serviceaccount:web:cart';
const cart = subject.account('web', 'cart');
const others = [subject.account('web', 'other'), subject.group('devs'), subject.user('alice')];

interface World {
  readonly wide: number;
  readonly local: number;
  readonly shared: number;
  readonly place: number;
  readonly metadata: JsonObject;
  readonly noise: number;
}
const service: Accounts<Partial<World>> = {
  runs: 15,
  worlds: fc.record({
    wide: fc.integer({ min: 0, max: 2 }),
    local: fc.integer({ min: 0, max: 2 }),
    shared: fc.integer({ min: 1, max: 2 }),
    place: fc.nat({ max: 3 }),
    metadata: fc.constantFrom({}, { labels: { app: 'cart' }, annotations: { note: 'by hand' } }),
    noise: fc.integer({ min: 0, max: 4 }),
  }),
  open(twin, world) {
    const { wide = 0, local = 0, shared = 0, place = 0, metadata = {}, noise = 0 } = world;
    const cluster = shopCluster(twin);
    const each = (count: number, make: (index: number) => JsonObject) =>
      objects(cluster, ...Array.from({ length: count }, (_, index) => make(index)));
    each(wide, (index) => binding(`wide-${index}`, 'cluster-admin', [cart], metadata));
    each(local, (index) =>
      binding(`local-${index}`, 'view', [cart], { namespace: `ns-${index}`, ...metadata }),
    );
    each(shared, (index) =>
      binding(`shared-${index}`, 'view', others.toSpliced(place, 0, cart), { namespace: 'web', ...metadata }),
    );
    each(noise, (index) => binding(`noise-${index}`, 'view', others));
    return byUser(twin, SA);
  },
};
playbookProperties(containKubernetesIdentity, service);

const database = sceneDatabase('kubernetes-bindings-test');
const at = (
  username: string,
  make: (cluster: TwinKubernetes) => void,
  more: { readonly type?: string; readonly cluster?: Partial<TwinCluster> } = {},
) => {
  let cluster: TwinKubernetes | undefined;
  const accounts: Accounts<object> = {
    worlds: fc.constant({}),
    open(twin) {
      cluster = shopCluster(twin, more.cluster);
      make(cluster);
      return byUser(twin, username, more.type);
    },
  };
  const opened = scene(database(), containKubernetesIdentity, accounts, {});
  if (!cluster) throw new Error('no cluster');
  const kubernetes = cluster;
  return {
    ...opened,
    kubernetes,
    path: (name: string) => Object.keys(kubernetes.objects).find((key) => key.endsWith(name)),
  };
};
const planned = async (scene: { plan(): Promise<unknown> }) => JSON.stringify(await scene.plan());

describe('an administrator by default', () => {
  const granted = (type: string, name?: string) => {
    let cluster: TwinKubernetes | undefined;
    const own = subject.account('web', 'default');
    const accounts: Accounts<object> = {
      worlds: fc.constant({}),
      open(twin) {
        cluster = shopCluster(twin);
        objects(
          cluster,
          binding('oops', 'cluster-admin', [own]),
          binding('local-oops', 'admin', [own, subject.user('alice')], { namespace: 'web' }),
          binding('reads', 'view', [own], { namespace: 'web' }),
          binding('elsewhere', 'cluster-admin', [subject.account('other', 'default')]),
        );
        return inCluster(
          twin,
          type,
          {
            kubernetesUserDetails: { username: 'arn:aws:iam::111122223333:user/mallory' },
            kubernetesWorkloadDetails: { namespace: 'web' },
          },
          {},
          name === undefined ? {} : { kubernetesRoleBindingDetails: { kind: 'ClusterRoleBinding', name } },
        );
      },
    };
    const opened = scene(database(), containKubernetesIdentity, accounts, {});
    if (!cluster) throw new Error('no cluster');
    return {
      ...opened,
      names: () => Object.keys(cluster?.objects ?? {}).map((key) => key.split('/').at(-1)),
    };
  };

  it('loses what makes it one and keeps the rest; who granted it is the second question', async () => {
    const here = granted('Policy:Kubernetes/AdminAccessToDefaultServiceAccount');
    const plan = await here.plan();
    expect(plan).toMatchObject({
      kind: 'plan',
      followUps: expect.arrayContaining(['contain-kubernetes-granter']),
    });
    expect(JSON.stringify(plan)).toContain('user/mallory');
    await here.contain();
    expect(here.names()).not.toContain('oops');
    expect(here.names()).toEqual(expect.arrayContaining(['local-oops', 'reads', 'elsewhere']));
    expect(await here.prove()).toMatchObject({ proven: true });
    await here.undo();
    expect(here.names()).toContain('oops');
  });

  it('the binding that was created is the target where the finding names it', async () => {
    const here = granted('PrivilegeEscalation:Kubernetes/AnomalousBehavior.RoleBindingCreated', 'oops');
    await here.contain();
    expect(here.names()).not.toContain('oops');
    expect(here.names()).toEqual(expect.arrayContaining(['local-oops', 'reads', 'elsewhere']));
    expect(await here.prove()).toMatchObject({ proven: true });
    await here.undo();
    expect(here.names()).toContain('oops');
  });
});

describe('a service account', () => {
  it('loses what names it and nothing else; the API server then refuses it', async () => {
    const here = at(SA, (cluster) =>
      objects(
        cluster,
        binding('admin', 'cluster-admin', [cart]),
        binding('team', 'view', [others[0] as JsonObject, cart], { namespace: 'web' }),
        binding('elsewhere', 'cluster-admin', [subject.account('other', 'cart')]),
      ),
    );
    await here.contain();
    expect(here.path('/admin')).toBeUndefined();
    expect(here.path('/elsewhere')).toBeDefined();
    expect(here.kubernetes.objects[here.path('/team') ?? '']).toMatchObject({ subjects: [others[0]] });
    const proof = await here.prove();
    expect(proof).toMatchObject({ proven: true, residual: [] });
    expect(proof.checks.map(({ saw }) => saw).join()).toMatch(/no binding names .*refuses 4|refuses [1-9]/);
  });

  it('keeps rights through a group, and says which', async () => {
    const here = at(SA, (cluster) =>
      objects(
        cluster,
        binding('admin', 'cluster-admin', [cart]),
        binding('everybody', 'cluster-admin', [subject.group('system:serviceaccounts:web')]),
      ),
    );
    expect(await planned(here)).toContain('rights through a group as well: ClusterRoleBinding everybody');
    await here.contain();
    const proof = await here.prove();
    expect(proof.proven).toBe(true);
    expect(proof.residual.join()).toMatch(/may still \* \*: .*"everybody"/);
  });

  it('names the IAM roles of its pods, and the pods', async () => {
    const here = at(
      SA,
      (cluster) =>
        objects(
          cluster,
          binding('admin', 'cluster-admin', [cart]),
          {
            apiVersion: 'v1',
            kind: 'ServiceAccount',
            metadata: {
              name: 'cart',
              namespace: 'web',
              annotations: { 'eks.amazonaws.com/role-arn': 'arn:aws:iam::111122223333:role/cart-irsa' },
            },
          },
          ...['a', 'b'].map((name) => ({
            apiVersion: 'v1',
            kind: 'Pod',
            metadata: { name, namespace: 'web' },
            spec: { serviceAccountName: 'cart', containers: [] },
          })),
        ),
      {
        cluster: {
          podIdentities: [
            { namespace: 'web', serviceAccount: 'cart', roleArn: 'arn:aws:iam::111122223333:role/cart-pods' },
          ],
        },
      },
    );
    here.twin.state.roles['cart-irsa'] = {
      RoleName: 'cart-irsa',
      Path: '/',
      RoleId: 'AROACARTIRSA00000001',
      Arn: 'arn:aws:iam::111122223333:role/cart-irsa',
      MaxSessionDuration: 3600,
      AssumeRolePolicyDocument: irsaTrust(here.twin, 'web:cart'),
      Tags: [],
      inline: {},
      attached: {},
      profiles: [],
    };
    const plan = await here.plan();
    expect(plan.kind === 'plan' && plan.residual.join()).toMatch(
      /cart-irsa .*IRSA.*cart-pods .*Pod Identity/,
    );
    expect(plan.kind === 'plan' && plan.blastRadius).toMatchObject({ count: 2, unit: 'pods' });
  });

  it('asks about a component of the cluster, and leaves the control plane its bindings', async () => {
    const controller = subject.account('kube-system', 'node-controller');
    const here = at('system:serviceaccount:kube-system:node-controller', (cluster) =>
      objects(
        cluster,
        {
          apiVersion: 'rbac.authorization.k8s.io/v1',
          kind: 'ClusterRole',
          metadata: { name: 'system:controller:node-controller' },
          rules: [],
        },
        binding('system:controller:node-controller', 'system:controller:node-controller', [controller]),
        binding('system:controller:evil', 'cluster-admin', [controller]),
        // By name and role like one of the control plane; the account it names is not its own.
        {
          apiVersion: 'rbac.authorization.k8s.io/v1',
          kind: 'ClusterRole',
          metadata: { name: 'system:controller:like' },
          rules: [],
        },
        binding('system:controller:like', 'system:controller:like', [controller]),
      ),
    );
    const plan = await here.plan();
    expect(plan.kind === 'plan' && plan.askBecause.join()).toContain('kube-system');
    await here.contain();
    expect(here.path('/system:controller:node-controller')).toBeDefined();
    expect(here.path('bindings/system:controller:evil')).toBeUndefined();
    expect(here.path('bindings/system:controller:like')).toBeUndefined();
    expect(plan.kind === 'plan' && plan.residual.join()).toContain('system:controller:node-controller stays');
  });

  it('a binding that others changed meanwhile: the others stay, on contain and on undo', async () => {
    const here = at(SA, (cluster) =>
      objects(cluster, binding('team', 'view', [cart, others[0] as JsonObject])),
    );
    const path = here.path('/team') ?? '';
    await here.contain();
    here.kubernetes.objects[path] = binding('team', 'view', [
      others[0] as JsonObject,
      others[1] as JsonObject,
    ]);
    expect((await here.undo()).kind).toBe('undone');
    expect(here.kubernetes.objects[path]).toMatchObject({ subjects: [cart, others[0], others[1]] });
  });

  it('a binding of that name to another role, or one that someone else took away, is drift', async () => {
    const here = at(SA, (cluster) =>
      objects(cluster, binding('team', 'view', [cart, others[0] as JsonObject])),
    );
    await here.contain();
    delete here.kubernetes.objects[here.path('/team') ?? ''];
    expect(await here.undo()).toMatchObject({ kind: 'partial', steps: [{ status: 'drift' }] });
    objects(here.kubernetes, binding('team', 'cluster-admin', [others[0] as JsonObject]));
    expect(await here.undo()).toMatchObject({ kind: 'partial', steps: [{ status: 'drift' }] });
  });

  it('drift that people agreed to overwrite: the binding is what it was, with its own role', async () => {
    const here = at(SA, (cluster) => objects(cluster, binding('admin', 'cluster-admin', [cart])));
    await here.contain();
    const [step] = await here.journal();
    objects(here.kubernetes, binding('admin', 'view', [cart, others[0] as JsonObject]));
    const kind = containKubernetesIdentity.kinds['binding'];
    if (!kind || kind.revert === 'keep' || !step?.before) throw new Error('no step');
    const context = {
      target: here.target,
      aws: awsFor(here.target),
      caseId: 'fb-aaaaaaaaaaaa',
      outputs: {},
      now: () => new Date(),
    };
    const { value } = await kind.read(step.args, context);
    expect(await kind.revert(step.args, context, step.before, value)).toBe('reverted');
    expect(here.kubernetes.objects[here.path('bindings/admin') ?? '']).toEqual(
      binding('admin', 'cluster-admin', [cart]),
    );
  });

  it('found again by someone who gives it a binding: contained again', async () => {
    const here = at(SA, (cluster) => objects(cluster, binding('admin', 'cluster-admin', [cart])));
    await here.contain();
    objects(here.kubernetes, binding('again', 'cluster-admin', [cart]));
    expect(await here.prove()).toMatchObject({ proven: false, next: 'recontain' });
    await here.contain();
    expect(await here.prove()).toMatchObject({ proven: true });
  });
});

describe('anonymous access', () => {
  const open = (cluster: TwinKubernetes) =>
    objects(
      cluster,
      binding('anyone', 'cluster-admin', [subject.user('system:anonymous')]),
      binding('guests', 'view', [subject.group('system:unauthenticated'), subject.group('devs')]),
    );
  it.each([
    ['system:anonymous', 'CredentialAccess:Kubernetes/SuccessfulAnonymousAccess'],
    ['arn:aws:iam::111122223333:user/alice', 'Policy:Kubernetes/AnonymousAccessGranted'],
  ])(
    'by %s (%s): its bindings go, discovery stays, and the principal that granted it is named',
    async (username, type) => {
      const here = at(username, open, { type });
      const before = here.account();
      const plan = await here.plan();
      expect(plan.kind === 'plan' && plan.residual.some((risk) => risk.startsWith(username))).toBe(
        type.startsWith('Policy'),
      );
      await here.contain();
      expect(here.path('/anyone')).toBeUndefined();
      expect(here.kubernetes.objects[here.path('bindings/guests') ?? '']).toMatchObject({
        subjects: [subject.group('devs')],
      });
      expect(here.kubernetes.objects[here.path('bindings/system:public-info-viewer') ?? '']).toMatchObject({
        subjects: [{ name: 'system:authenticated' }, { name: 'system:unauthenticated' }],
      });
      expect(await here.prove()).toMatchObject({ proven: true, residual: [] });
      await here.undo();
      expect(here.account()).toEqual(before);
    },
  );

  it('a role of discovery that was widened is reported', async () => {
    const here = at('system:anonymous', (cluster) => {
      open(cluster);
      objects(cluster, {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'ClusterRole',
        metadata: { name: 'system:public-info-viewer' },
        rules: [{ apiGroups: [''], resources: ['secrets'], verbs: ['get'] }],
      });
    });
    expect(await planned(here)).toContain('grants more than discovery');
  });
});

describe('what the cluster lets Firebreak do', () => {
  const admin = (cluster: TwinKubernetes) => objects(cluster, binding('admin', 'cluster-admin', [cart]));
  it('no access entry: an error that says what to set up', async () => {
    const here = at(SA, (cluster) => {
      admin(cluster);
      cluster.firebreak = null;
    });
    await expect(here.plan()).rejects.toMatchObject({
      code: 'AccessDenied',
      next: expect.stringContaining('docs/kubernetes.md'),
    });
  });
  it('a private endpoint: the same', async () => {
    const here = at(SA, (cluster) => {
      admin(cluster);
      cluster.reachable = false;
    });
    await expect(here.plan()).rejects.toMatchObject({
      code: 'Unreachable',
      message: expect.stringContaining('does not answer'),
    });
  });
  it('reader alone: contain fails by name, once, and nothing is changed', async () => {
    const here = at(SA, (cluster) => {
      admin(cluster);
      cluster.firebreak = ['firebreak-reader'];
    });
    const before = here.account();
    const { steps } = await here.contain();
    expect(steps).toMatchObject([
      { status: 'failed', retry: false, note: expect.stringContaining('cannot delete') },
    ]);
    expect(here.account()).toEqual(before);
  });
  it('without the binder, undo is partial and says how; with it, pressing again is enough', async () => {
    const here = at(SA, (cluster) => {
      admin(cluster);
      cluster.firebreak = ['firebreak-reader', 'firebreak-responder'];
    });
    const before = here.account();
    await here.contain();
    expect(await here.undo()).toMatchObject({
      kind: 'partial',
      steps: [{ status: 'failed', note: expect.stringContaining('firebreak-binder') }],
    });
    here.kubernetes.firebreak = ['firebreak-reader', 'firebreak-responder', 'firebreak-binder'];
    expect((await here.undo()).kind).toBe('undone');
    expect(here.account()).toEqual({ ...(before as object), regions: expect.anything() });
  });
});

describe('a node', () => {
  it('is left its rights; its instance is named and asked about', async () => {
    const here = at('system:node:ip-10-0-9-9.eu-west-1.compute.internal', () => {});
    const plan = await here.plan();
    expect(plan).toMatchObject({ kind: 'refused', followUps: [] });
  });
});
