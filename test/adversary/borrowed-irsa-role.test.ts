/** The attacker edits a service account, so that revoking the role of its pods hits someone else's role, or no role. */
import '../../sandbox/quiet.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { awsFor } from '../../core/aws/client.ts';
import { parseFinding } from '../../core/finding/finding.ts';
import type { JsonObject } from '../../core/json.ts';
import { loadPolicy } from '../../core/policy/policy.ts';
import { revokePodRole } from '../../playbooks/revoke-pod-role/playbook.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import type { TwinKubernetes } from '../../sandbox/twin/kubernetes.ts';
import {
  binding,
  byUser,
  inCluster,
  irsaTrust,
  objects,
  shopCluster,
  subject,
  webIdentityEvent,
} from '../playbooks/kubernetes-world.ts';
import { bobApproves, idle } from '../workflow/people.ts';

let sandbox: Sandbox;
let cluster: TwinKubernetes;
beforeEach(async () => {
  sandbox = await startSandbox({ policy: await loadPolicy('policy.yml') });
  cluster = shopCluster(sandbox.twin);
  objects(cluster, binding('admin', 'cluster-admin', [subject.account('web', 'cart')]));
  role('cart-pods', irsaTrust(sandbox.twin, 'web:cart'));
  role('billing', irsaTrust(sandbox.twin, 'billing:api'));
});
afterEach(() => sandbox.close());

const ALLOW = JSON.stringify({ Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] });
function role(name: string, trust: string): void {
  sandbox.twin.state.roles[name] = {
    RoleName: name,
    Path: '/teams/',
    RoleId: `AROA${name.replace('-', '').toUpperCase().padEnd(16, '0')}`,
    Arn: arnOf(name),
    MaxSessionDuration: 3600,
    AssumeRolePolicyDocument: trust,
    Tags: [],
    inline: { app: ALLOW },
    attached: {},
    profiles: [],
  };
}
const arnOf = (name: string) => `arn:aws:iam::${sandbox.twin.scope.account}:role/teams/${name}`;
const annotate = (arn: string | undefined) =>
  objects(cluster, {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: {
      name: 'cart',
      namespace: 'web',
      annotations: arn === undefined ? {} : { 'eks.amazonaws.com/role-arn': arn },
    },
  });
/** As the EKS webhook made it when the annotation still named `arn`. */
const pod = (arn?: string): void =>
  objects(cluster, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'cart-1', namespace: 'web', labels: { app: 'cart' } },
    spec: {
      serviceAccountName: 'cart',
      containers: [
        { name: 'app', env: arn === undefined ? [] : [{ name: 'AWS_ROLE_ARN', value: arn } as JsonObject] },
      ],
    },
  });
const ofPod = () =>
  inCluster(sandbox.twin, 'Execution:Runtime/ReverseShell', {
    kubernetesWorkloadDetails: { name: 'cart-1', namespace: 'web', type: 'pods' },
  });
const ofAccount = () => byUser(sandbox.twin, 'system:serviceaccount:web:cart');
const located = async (finding: JsonObject) =>
  revokePodRole.locate?.(parseFinding(finding), awsFor(sandbox.twin.scope));
const denied = () =>
  Object.values(sandbox.twin.state.roles)
    .filter(({ inline }) => Object.keys(inline).length > 1)
    .map(({ RoleName }) => RoleName);

describe('the annotation names a role of someone else', () => {
  it.each([
    ['that trusts another service account', (twin: Sandbox['twin']) => irsaTrust(twin, 'billing:api')],
    [
      'that trusts others of the name',
      (twin: Sandbox['twin']) => irsaTrust(twin, 'web:cart-*', 'StringLike'),
    ],
    [
      'that trusts another cluster',
      (twin: Sandbox['twin']) => irsaTrust(twin, 'web:cart', 'StringEquals', 'lab'),
    ],
    [
      'that keeps this service account out',
      (twin: Sandbox['twin']) => irsaTrust(twin, 'web:cart', 'StringNotEquals'),
    ],
    [
      'that EC2 alone may assume',
      () =>
        JSON.stringify({
          Statement: [
            { Effect: 'Allow', Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' },
          ],
        }),
    ],
  ])('%s: it is no candidate, and that is said', async (_how, trust) => {
    role('billing', trust(sandbox.twin));
    annotate(arnOf('billing'));
    pod();
    for (const finding of [ofAccount(), ofPod()]) {
      expect(await located(finding)).toMatchObject({
        ok: false,
        reason: expect.stringMatching(/role\/teams\/billing.* does not trust this service account/),
      });
    }
  });

  it.each([
    ['no role', 'x'],
    ['a role of no name that IAM takes', `arn:aws:iam::111122223333:role/${'x'.repeat(99)}`],
    ['a role that does not exist', 'arn:aws:iam::111122223333:role/none'],
    ['a role under another path', 'arn:aws:iam::111122223333:role/cart-pods'],
    ['a role of another account', 'arn:aws:iam::999999999999:role/teams/cart-pods'],
    ['a role with the rest of a URL', 'arn:aws:iam::111122223333:role/teams/cart-pods?x=/../%00'],
  ])('%s: the pod is contained all the same', async (_what, arn) => {
    annotate(arn);
    pod();
    await sandbox.deliver(ofPod());
    await bobApproves(sandbox, ({ followUpOf }) => !followUpOf);
    await idle(sandbox);
    const first = (await sandbox.incidents()).find(({ followUpOf }) => !followUpOf);
    expect(['contained', 'residual']).toContain(first?.status);
    const plan = first?.targets[0]?.plan;
    expect(plan?.kind === 'plan' && plan.warnings.join()).toContain('web/cart');
    expect(denied()).toEqual([]);
  });

  it.each([
    ['the running pod still names its own', () => pod(arnOf('cart-pods'))],
    [
      'CloudTrail saw its own',
      () => {
        pod();
        webIdentityEvent(sandbox.twin, arnOf('billing'), 'billing:api');
        webIdentityEvent(sandbox.twin, arnOf('cart-pods'), 'web:cart');
        // Of another cluster, where the attacker owns a service account of the same name.
        webIdentityEvent(sandbox.twin, arnOf('billing'), 'web:cart', 'lab');
      },
    ],
  ])('%s: that one is revoked, not the named one', async (_how, arrange) => {
    annotate(arnOf('billing'));
    arrange();
    await sandbox.deliver(ofAccount());
    await bobApproves(sandbox, ({ followUpOf }) => !followUpOf);
    const followUp = await bobApproves(sandbox, ({ followUpOf }) => followUpOf !== undefined);
    expect(JSON.stringify(followUp.targets)).toMatch(/does not trust this service account/);
    await idle(sandbox);
    expect(denied()).toEqual(['cart-pods']);
  });
});

describe('the annotation is gone', () => {
  it('is found by the pod that still runs, and by what CloudTrail saw', async () => {
    annotate(undefined);
    pod(arnOf('cart-pods'));
    for (const finding of [ofAccount(), ofPod()]) {
      expect(await located(finding)).toMatchObject({ ok: true, target: { display: arnOf('cart-pods') } });
    }
    pod();
    expect(await located(ofPod())).toMatchObject({ ok: false });
    // Its trust may have been changed since: the session is there all the same.
    role('cart-pods', irsaTrust(sandbox.twin, 'web:other'));
    webIdentityEvent(sandbox.twin, arnOf('cart-pods'), 'web:cart');
    expect(await located(ofPod())).toMatchObject({ ok: true, target: { display: arnOf('cart-pods') } });
  });
});

describe('a role that trusts the service account stays a candidate', () => {
  it.each([
    ['by name', 'web:cart', 'StringEquals'],
    ['by a pattern', 'web:*', 'StringLike'],
    ['by a pattern with ?', 'web:car?', 'StringLike'],
    ['by a list of values', 'web:cart', 'ForAnyValue:StringEquals'],
    ['by whom it keeps out', 'web:other', 'StringNotEquals'],
  ])('%s', async (_how, sub, operator) => {
    role('cart-pods', irsaTrust(sandbox.twin, sub, operator));
    annotate(arnOf('cart-pods'));
    expect(await located(ofAccount())).toMatchObject({ ok: true, target: { display: arnOf('cart-pods') } });
  });
});
