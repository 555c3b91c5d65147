/** Pods put into quarantine through the real client, against a twin of the Kubernetes API. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { awsFor, configureAws } from '../../core/aws/client.ts';
import type { JsonObject } from '../../core/json.ts';
import type { TwinKubernetes } from '../../sandbox/twin/kubernetes.ts';
import { putObject } from '../../sandbox/twin/kubernetes.ts';
import type { AccountTwin } from '../../sandbox/twin/twin.ts';
import { inCluster, objects, shopCluster } from '../../test/playbooks/kubernetes-world.ts';
import { type Accounts, playbookProperties, scene, sceneDatabase } from '../../test/playbooks/properties.ts';
import { quarantinePod } from './playbook.ts';

const NODE = 'ip-10-0-0-7.eu-west-1.compute.internal';
const INSTANCE = 'i-0fb00000000000007';
const apps = (kind: string, name: string, spec: JsonObject, more: JsonObject = {}): JsonObject => ({
  apiVersion: 'apps/v1',
  kind,
  metadata: { name, namespace: kind === 'DaemonSet' ? 'kube-system' : 'web', ...more },
  spec,
});
const agent = (on: boolean) =>
  apps('DaemonSet', 'aws-node', {
    template: {
      spec: { containers: [{ name: 'aws-eks-nodeagent', args: [`--enable-network-policy=${on}`] }] },
    },
  });
const node = (name = NODE, spec: JsonObject = {}): JsonObject => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name },
  spec: { providerID: `aws:///eu-west-1a/${INSTANCE}`, ...spec },
});
const owner = (kind: string, name: string): JsonObject => ({
  ownerReferences: [{ apiVersion: 'apps/v1', kind, name, uid: `uid-${name}`, controller: true }],
});
const pod = (name: string, spec: JsonObject = {}, metadata: JsonObject = {}): JsonObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name,
    namespace: 'web',
    labels: { app: 'cart', tier: 'front' },
    ...owner('ReplicaSet', 'cart-1'),
    ...metadata,
  },
  spec: {
    nodeName: NODE,
    serviceAccountName: 'cart',
    containers: [{ name: 'app', image: 'cart:1', env: [{ name: 'PASSWORD', value: 'hunter2' }] }],
    ...spec,
  },
  status: { phase: 'Running', containerStatuses: [{ name: 'app', image: 'cart:1', imageID: 'sha256:abc' }] },
});
const policy = (name: string, podSelector: JsonObject, rules: JsonObject): JsonObject => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name, namespace: 'web' },
  spec: { podSelector, ...rules },
});
const cartSet = [
  apps('Deployment', 'cart', { replicas: 3, selector: { matchLabels: { app: 'cart' } } }),
  apps(
    'ReplicaSet',
    'cart-1',
    { replicas: 3, selector: { matchLabels: { app: 'cart' } } },
    owner('Deployment', 'cart'),
  ),
];

const finding = (
  twin: AccountTwin,
  workload: JsonObject = { name: 'cart-1-a', type: 'pods' },
  type = 'Execution:Runtime/ReverseShell',
) =>
  inCluster(
    twin,
    type,
    { kubernetesWorkloadDetails: { namespace: 'web', ...workload } },
    { instanceDetails: { instanceId: INSTANCE } },
  );

interface World {
  readonly labels: JsonObject;
  readonly unschedulable: boolean;
  readonly pods: number;
  readonly whole: boolean;
}
const worlds = fc.record({
  labels: fc.constantFrom({}, { labels: { app: 'cart', tier: 'front' } }, { labels: { app: 'cart' } }),
  unschedulable: fc.boolean(),
  pods: fc.integer({ min: 1, max: 4 }),
  whole: fc.boolean(),
});
const accounts = (settings: JsonObject): Accounts<World> => ({
  runs: 12,
  settings,
  worlds,
  open(twin, { labels, unschedulable, pods, whole }) {
    const cluster = shopCluster(twin);
    objects(
      cluster,
      node(NODE, unschedulable ? { unschedulable: true } : {}),
      agent(true),
      ...cartSet,
      // The first may have no labels; then it is no pod of the Deployment.
      pod('cart-1-a', {}, whole ? {} : { ...labels, ...('labels' in labels ? {} : { labels: {} }) }),
      ...Array.from({ length: pods - 1 }, (_, index) => pod(`cart-1-${'bcd'[index]}`)),
    );
    return finding(twin, whole ? { name: 'cart', type: 'deployments' } : undefined);
  },
});
playbookProperties(quarantinePod, accounts({}));
describe('detached and scaled in', () => playbookProperties(quarantinePod, accounts({ scaleIn: true })));

const database = sceneDatabase('quarantine-pod-test');
const at = (
  make: (cluster: TwinKubernetes) => void,
  more: { readonly workload?: JsonObject; readonly settings?: JsonObject; readonly type?: string } = {},
) => {
  let cluster: TwinKubernetes | undefined;
  const opened = scene(
    database(),
    quarantinePod,
    {
      worlds: fc.constant({}),
      settings: more.settings ?? {},
      open(twin) {
        cluster = shopCluster(twin);
        objects(cluster, node(), agent(true), ...cartSet);
        make(cluster);
        return finding(twin, more.workload, more.type);
      },
    },
    {},
  );
  if (!cluster) throw new Error('no cluster');
  const kubernetes = cluster;
  const live = (name: string) =>
    Object.entries(kubernetes.objects).find(([path]) => path.endsWith(`/${name}`))?.[1];
  return { ...opened, kubernetes, live };
};
const labelsOf = (object: JsonObject | undefined) =>
  (object?.['metadata'] as JsonObject | undefined)?.['labels'];
const residual = async (here: { plan(): Promise<unknown> }) =>
  JSON.stringify((await here.plan()) as JsonObject);

describe('a pod', () => {
  it('goes under a policy that allows nothing, with its node cordoned; nothing else changes and it lives on', async () => {
    const here = at((cluster) => objects(cluster, pod('cart-1-a'), pod('cart-1-b')));
    await here.contain();
    expect(labelsOf(here.live('cart-1-a'))).toEqual({
      app: 'cart',
      tier: 'front',
      'firebreak/quarantine': 'fb-aaaaaaaaaaaa',
    });
    expect(here.live('cart-1-b')).toEqual(pod('cart-1-b'));
    expect(here.live('firebreak-fb-aaaaaaaaaaaa')).toMatchObject({
      spec: {
        podSelector: { matchLabels: { 'firebreak/quarantine': 'fb-aaaaaaaaaaaa' } },
        policyTypes: ['Ingress', 'Egress'],
      },
    });
    expect(here.live(NODE)).toMatchObject({ spec: { unschedulable: true } });
    expect(await here.prove()).toMatchObject({ proven: true, residual: [] });
    const plan = await here.plan();
    expect(plan.kind === 'plan' && plan.residual).toEqual([]);
    expect(here.twin.calls.filter(({ operation }) => operation === 'DeletePods')).toEqual([]);
  });

  it('detached: every label goes and comes back; its owner starts another, which is said', async () => {
    const here = at((cluster) => objects(cluster, pod('cart-1-a')), { settings: { detach: true } });
    await here.contain();
    expect(labelsOf(here.live('cart-1-a'))).toEqual({ 'firebreak/quarantine': 'fb-aaaaaaaaaaaa' });
    expect(await residual(here)).toContain('starts another pod from the same image');
    await here.undo();
    expect(here.live('cart-1-a')).toEqual(pod('cart-1-a'));
  });

  it('its Deployment at 0 always asks, and comes after the pod has left it', async () => {
    const here = at((cluster) => objects(cluster, pod('cart-1-a')), { settings: { scaleIn: true } });
    const plan = await here.plan();
    expect(plan.kind === 'plan' && plan.askBecause.join()).toContain('stopped altogether');
    expect(plan.kind === 'plan' && plan.steps.map(({ kind }) => kind)).toEqual([
      'network-policy',
      'quarantine',
      'cordon',
      'scale',
    ]);
    here.twin.failNext('PatchPods', 'AccessDenied', 9);
    const { steps } = await here.contain();
    expect(steps.map(({ id, status }) => `${id} ${status}`)).toContain('scale skipped');
  });

  it.each([
    [
      'no one enforces policies',
      (cluster: TwinKubernetes) => objects(cluster, agent(false)),
      'nothing in the cluster is seen to enforce',
    ],
    [
      'another policy allows it something',
      (cluster: TwinKubernetes) =>
        objects(
          cluster,
          policy(
            'web-out',
            { matchExpressions: [{ key: 'tier', operator: 'In', values: ['front'] }] },
            { egress: [{}] },
          ),
          policy('back-out', { matchLabels: { tier: 'back' } }, { egress: [{}] }),
          policy('deny', {}, { policyTypes: ['Ingress'] }),
        ),
      'NetworkPolicy web-out (egress) still allows',
    ],
    [
      'Calico',
      (cluster: TwinKubernetes) =>
        objects(
          cluster,
          agent(false),
          apps('DaemonSet', 'calico-node', { template: { spec: { containers: [] } } }),
        ),
      'Calico may let connections live',
    ],
  ])('%s: a remaining risk', async (_name, make, words) => {
    const here = at((cluster) => {
      objects(cluster, pod('cart-1-a'));
      make(cluster);
    });
    const said = await residual(here);
    expect(said).toContain(words);
    expect(said).not.toContain('back-out');
  });

  it.each([
    ['privileged', { containers: [{ name: 'app', securityContext: { privileged: true } }] }],
    [
      'hostPath /var/run/docker.sock',
      { volumes: [{ name: 'sock', hostPath: { path: '/var/run/docker.sock' } }] },
    ],
    ['hostPID', { hostPID: true }],
    [
      'SYS_ADMIN',
      { containers: [{ name: 'app', securityContext: { capabilities: { add: ['CAP_SYS_ADMIN'] } } }] },
    ],
  ])('%s: the node is lost, and a person is asked about its instance', async (words, spec) => {
    const here = at((cluster) => objects(cluster, pod('cart-1-a', spec as unknown as JsonObject)));
    const plan = await here.plan();
    expect(plan).toMatchObject({ kind: 'plan', followUps: ['isolate-instance'] });
    expect(plan.kind === 'plan' && plan.residual.join()).toMatch(
      new RegExp(`${words}.*treat ${NODE} .${INSTANCE}. as lost`),
    );
  });

  it("in its node's network: refused, and the node is asked about", async () => {
    const here = at((cluster) => objects(cluster, pod('cart-1-a', { hostNetwork: true })));
    expect(await here.plan()).toMatchObject({ kind: 'refused', followUps: ['isolate-instance'] });
    expect(here.changes()).toBe(0);
  });

  it('re-created under the same name is another one', async () => {
    const here = at((cluster) => objects(cluster, pod('cart-1-a')), {
      workload: { name: 'cart-1-a', type: 'pods', uid: 'the-old-one' },
    });
    await expect(here.plan()).rejects.toMatchObject({ code: 'ResourceNotFound' });
  });

  it('that ends meanwhile: contained, and undo says that it is gone', async () => {
    const here = at((cluster) => objects(cluster, pod('cart-1-a'), pod('cart-1-b')), {
      workload: { name: 'cart', type: 'Deployment' },
    });
    await here.contain();
    const path = Object.keys(here.kubernetes.objects).find((key) => key.endsWith('/cart-1-a')) ?? '';
    delete here.kubernetes.objects[path];
    expect(await here.prove()).toMatchObject({ proven: true });
    const undone = await here.undo();
    expect(undone).toMatchObject({ kind: 'undone' });
    expect(JSON.stringify(undone)).toContain('the pod is gone');
  });

  it('keeps its evidence without values of the environment', async () => {
    const applied = {
      annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{"env":"hunter2"}', note: 'x' },
    };
    const here = at((cluster) => objects(cluster, pod('cart-1-a', {}, applied)));
    const documents = await quarantinePod.evidence?.(here.target, awsFor(here.target));
    expect(JSON.stringify(documents)).toContain('PASSWORD');
    expect(JSON.stringify(documents)).toContain('"note":"x"');
    expect(JSON.stringify([documents, await here.plan()])).not.toContain('hunter2');
  });
});

describe('all pods of a workload', () => {
  it('a pod that came since is contained as well', async () => {
    const here = at((cluster) => objects(cluster, pod('cart-1-a'), pod('cart-1-b')), {
      workload: { name: 'cart', type: 'deployments' },
    });
    const plan = await here.plan();
    expect(plan).toMatchObject({ blastRadius: { count: 2, unit: 'pods' } });
    await here.contain();
    objects(here.kubernetes, pod('cart-1-c'));
    expect(await here.prove()).toMatchObject({ proven: false, next: 'recontain' });
    await here.contain();
    expect(await here.prove()).toMatchObject({ proven: true });
  });
});

describe('pods that are known by who owns them', () => {
  const job = 'cart-29700000';
  it.each([
    ['CRONJOBS', owner('Job', job), [owner('Job', 'cart-by-hand'), owner('Job', 'other-29700000')]],
    [
      'ReplicationControllers',
      owner('ReplicationController', 'cart'),
      [owner('ReplicationController', 'cart-two'), owner('Job', job)],
    ],
  ])('of %s', async (type, own, others) => {
    const here = at(
      (cluster) =>
        objects(
          cluster,
          pod('own', {}, own),
          ...others.map((other, index) => pod(`other-${index}`, {}, other)),
        ),
      { workload: { name: 'cart', type } },
    );
    expect(await here.plan()).toMatchObject({ kind: 'plan', blastRadius: { count: 1 } });
    expect((await residual(here)).includes('CronJob cart starts other pods')).toBe(type === 'CRONJOBS');
    await here.contain();
    expect(await here.prove()).toMatchObject({ proven: true });
    expect(labelsOf(here.live('own'))).toHaveProperty(['firebreak/quarantine']);
    expect(labelsOf(here.live('other-0'))).not.toHaveProperty(['firebreak/quarantine']);
    await here.undo();
    expect(here.live('own')).toEqual(pod('own', {}, own));
  });
});

describe('two pods of one node', () => {
  it.each([[false], [true]])('the last undo opens it again (it was closed before: %s)', async (closed) => {
    const here = at((cluster) =>
      objects(cluster, node(NODE, closed ? { unschedulable: true } : {}), pod('cart-1-a'), pod('cart-1-b')),
    );
    const before = here.live(NODE);
    const kind = quarantinePod.kinds['cordon'];
    if (!kind || kind.revert === 'keep') throw new Error('no cordon');
    const context = (caseId: string) => ({
      target: here.target,
      aws: awsFor(here.target),
      caseId,
      outputs: {},
      now: () => new Date(),
    });
    const cases = ['fb-000000000001', 'fb-000000000002'] as const;
    const args = (caseId: string) => ({ cluster: 'shop', node: NODE, caseId });
    for (const id of cases) await kind.apply(args(id), context(id), null, null);
    await kind.revert(args('fb-000000000001'), context('fb-000000000001'), null, null);
    expect(here.live(NODE)).toMatchObject({ spec: { unschedulable: true } });
    // As undo sees it after a crash: the mark is gone, so it is done.
    const { value } = await kind.read(args('fb-000000000001'), context('fb-000000000001'));
    expect(kind.same?.(value, { marked: false, unschedulable: closed })).toBe(true);
    await kind.revert(args('fb-000000000002'), context('fb-000000000002'), null, null);
    expect(here.live(NODE)).toEqual(before);
  });
});

describe('a change at the same moment', () => {
  it('is seen by its version: read again, and then written', async () => {
    const here = at((cluster) => objects(cluster, pod('cart-1-a')));
    const { answer } = here.twin;
    let touched = 0;
    configureAws({
      retryBaseMs: 1,
      answer: async (call) => {
        // The kubelet writes the status between our read and our write, twice.
        if (call.operation === 'PatchPods' && touched < 2) {
          touched += 1;
          putObject(here.kubernetes, { ...pod('cart-1-a'), status: { phase: 'Running', touched } });
        }
        return answer(call);
      },
    });
    const { steps } = await here.contain();
    expect(steps.every(({ status }) => status === 'done')).toBe(true);
    expect(here.live('cart-1-a')).toMatchObject({
      status: { touched: 2 },
      metadata: { labels: { 'firebreak/quarantine': expect.any(String) } },
    });
    expect(
      here.twin.calls.filter(({ operation, error }) => operation === 'PatchPods' && error === '409'),
    ).toHaveLength(2);
  });
});
