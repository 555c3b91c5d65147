import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { awsFor } from '../../core/aws/client.ts';
import { parseFinding } from '../../core/finding/finding.ts';
import type { Json, JsonObject } from '../../core/json.ts';
import type { AccountTwin } from '../../sandbox/twin/twin.ts';
import { byUser, inCluster, irsaTrust, objects, shopCluster } from '../../test/playbooks/kubernetes-world.ts';
import {
  type Accounts,
  playbookProperties,
  SCOPE,
  scene,
  sceneDatabase,
} from '../../test/playbooks/properties.ts';
import { revokePodRole } from './playbook.ts';

const ARN = 'arn:aws:iam::111122223333:role/teams/cart-pods';
const ALLOW = { Effect: 'Allow', Action: '*', Resource: '*' };

interface World {
  readonly by: 'IRSA' | 'Pod Identity';
  readonly pods: number;
  readonly others: number;
}
const uids = (count: number) => Array.from({ length: count }, (_, index) => `uid-${index}`);
const target = ({ by, pods }: World) => ({
  ...SCOPE,
  region: 'us-east-1',
  kind: 'pod-role',
  id: ['cart-pods', 'shop', 'web', 'cart', ...uids(pods)].join('/'),
  display: ARN,
  facts: {
    roleName: 'cart-pods',
    by,
    cluster: 'shop',
    namespace: 'web',
    serviceAccount: 'cart',
    podUids: uids(pods),
    findingRegion: SCOPE.region,
    others: [],
  },
});
const putRole = (twin: AccountTwin, inline: Record<string, string> = {}, path = '/teams/') => {
  twin.state.roles['cart-pods'] = {
    RoleName: 'cart-pods',
    Path: path,
    RoleId: 'AROACARTPODS00000001',
    Arn: ARN.replace('/teams/', path),
    MaxSessionDuration: 3600,
    AssumeRolePolicyDocument: irsaTrust(twin, 'web:cart'),
    Tags: [],
    inline: { app: JSON.stringify({ Version: '2012-10-17', Statement: [ALLOW] }), ...inline },
    attached: {},
    profiles: [],
  };
};
const accountsOf = (world: World): Accounts<{ others: number }> => ({
  runs: 8,
  worlds: fc.record({ others: fc.integer({ min: 0, max: 4 }) }),
  target: () => ({ ok: true, target: target(world) }),
  // A handler that was killed revokes up to the time at which it goes on: later than undisturbed, never earlier.
  without: (account) =>
    JSON.parse(
      JSON.stringify(account).replace(/(TokenIssueTime[\\":]+)2026-[\d:.T-]+Z/g, '$1then'),
    ) as unknown,
  open(twin, { others }) {
    putRole(
      twin,
      Object.fromEntries(
        Array.from({ length: others }, (_, index) => [
          `other-${index}`,
          JSON.stringify({ Version: '2012-10-17', Statement: [ALLOW] }),
        ]),
      ),
    );
    return byUser(twin, 'system:serviceaccount:web:cart');
  },
});
describe('Pod Identity', () =>
  playbookProperties(revokePodRole, accountsOf({ by: 'Pod Identity', pods: 2, others: 0 })));
describe('IRSA', () => playbookProperties(revokePodRole, accountsOf({ by: 'IRSA', pods: 0, others: 0 })));

const database = sceneDatabase('revoke-pod-role-test');
const open = (world: World) => scene(database(), revokePodRole, accountsOf(world), { others: 1 });

describe('the deny', () => {
  it.each([
    [2, { 'aws:PrincipalTag/kubernetes-pod-uid': ['uid-0', 'uid-1'] }],
    [
      0,
      {
        'aws:PrincipalTag/eks-cluster-name': ['shop'],
        'aws:PrincipalTag/kubernetes-namespace': ['web'],
        'aws:PrincipalTag/kubernetes-service-account': ['cart'],
      },
    ],
  ])(
    'of %i pods by Pod Identity names them by their session tags, and no one else',
    async (pods, condition) => {
      const at = open({ by: 'Pod Identity', pods, others: 0 });
      await at.contain();
      const [text = '{}'] = Object.entries(at.twin.state.roles['cart-pods']?.inline ?? {}).flatMap(
        ([name, body]) => (name.startsWith('firebreak-fb-aaaaaaaaaaaa-') ? [body] : []),
      );
      expect(JSON.parse(text)).toMatchObject({
        Statement: [{ Effect: 'Deny', Action: '*', Condition: { StringEquals: condition } }],
      });
      at.clock.at += 61_000;
      const proof = await at.prove();
      expect(proof.proven).toBe(true);
      expect(proof.checks.map(({ id }) => id)).toEqual(['document', 'stolen-session', 'sibling']);
    },
  );

  it('by IRSA ends everybody’s older sessions, and always asks', async () => {
    const plan = await open({ by: 'IRSA', pods: 1, others: 0 }).plan();
    expect(plan.kind === 'plan' && plan.askBecause).toEqual([
      'everybody who uses cart-pods loses their sessions',
    ]);
    expect(JSON.stringify(plan)).not.toMatch(/isolate it|instance metadata/);
  });

  it('is taken away by someone: contained again', async () => {
    const at = open({ by: 'Pod Identity', pods: 1, others: 0 });
    await at.contain();
    const inline = at.twin.state.roles['cart-pods']?.inline ?? {};
    for (const name of Object.keys(inline)) if (name.startsWith('firebreak-fb-')) delete inline[name];
    at.clock.at += 61_000;
    expect(await at.prove()).toMatchObject({ proven: false, next: 'recontain' });
  });
});

describe('finding the role', () => {
  const found = async (make: (twin: AccountTwin) => Json) => {
    const here = open({ by: 'IRSA', pods: 0, others: 0 });
    const finding = make(here.twin);
    return revokePodRole.locate?.(parseFinding(finding), awsFor(SCOPE));
  };
  const account = (annotations: JsonObject): JsonObject => ({
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'cart', namespace: 'web', annotations },
  });
  const irsa = (arn: string) => account({ 'eks.amazonaws.com/role-arn': arn });

  it('of a service account, by its annotation', async () => {
    const choice = await found((twin) => {
      objects(shopCluster(twin), irsa(ARN));
      return byUser(twin, 'system:serviceaccount:web:cart');
    });
    expect(choice).toMatchObject({
      ok: true,
      target: {
        display: ARN,
        kind: 'pod-role',
        region: 'us-east-1',
        facts: { roleName: 'cart-pods', by: 'IRSA', podUids: [] },
      },
    });
  });

  it('of a pod, with the pod', async () => {
    const choice = await found((twin) => {
      const cluster = shopCluster(twin, {
        podIdentities: [
          { namespace: 'other', serviceAccount: 'cart', roleArn: 'arn:aws:iam::111122223333:role/not-this' },
          { namespace: 'web', serviceAccount: 'cart', roleArn: ARN },
        ],
      });
      objects(cluster, {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'cart-1', namespace: 'web' },
        spec: { serviceAccountName: 'cart', containers: [] },
      });
      return inCluster(twin, 'Execution:Runtime/ReverseShell', {
        kubernetesWorkloadDetails: { name: 'cart-1', namespace: 'web', type: 'pods' },
      });
    });
    expect(choice).toMatchObject({
      ok: true,
      target: { facts: { by: 'Pod Identity', podUids: [expect.any(String)] } },
    });
  });

  it.each([
    ['another account', irsa('arn:aws:iam::999999999999:role/theirs'), 'no IAM role in this account'],
    ['no role', account({}), 'no IAM role in this account'],
    [
      'an annotation that is no role',
      irsa('arn:aws:iam::111122223333:user/alice'),
      'no IAM role in this account',
    ],
  ])('%s: said, and no one is asked', async (_name, object, reason) => {
    const choice = await found((twin) => {
      objects(shopCluster(twin), object);
      return byUser(twin, 'system:serviceaccount:web:cart');
    });
    expect(choice).toMatchObject({ ok: false, reason: expect.stringContaining(reason) });
  });
});
