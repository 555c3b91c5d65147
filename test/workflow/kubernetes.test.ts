/** Findings of an EKS cluster through the whole workflow: with access to the cluster, and without. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseFinding } from '../../core/finding/finding.ts';
import type { JsonObject } from '../../core/json.ts';
import { loadPolicy } from '../../core/policy/policy.ts';
import { choosePlaybook } from '../../playbooks/index.ts';
import { materialise } from '../../sandbox/materialise.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { accountOf } from '../../sandbox/saved.ts';
import { putObject, type TwinKubernetes } from '../../sandbox/twin/kubernetes.ts';
import { findingOn } from '../../sandbox/worlds.ts';
import { irsaTrust } from '../playbooks/kubernetes-world.ts';
import { bobApproves, idle } from './people.ts';

let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await startSandbox({ policy: await loadPolicy('policy.yml') });
});
afterEach(() => sandbox.close());

const event = (type: string, kubernetesDetails: JsonObject): JsonObject =>
  findingOn(sandbox.twin, {
    seed: `workflow ${type}`,
    type,
    resource: { resourceType: 'EKSCluster', eksClusterDetails: { name: 'shop' }, kubernetesDetails },
  });
const POD: JsonObject = { kubernetesWorkloadDetails: { name: 'cart-1', type: 'pods', namespace: 'web' } };
const reverseShell = () => event('Execution:Runtime/ReverseShell', POD);
const byAccount = () =>
  event('CredentialAccess:Kubernetes/TorIPCaller', {
    kubernetesUserDetails: { username: 'system:serviceaccount:web:cart' },
  });

/** What the finding names, as `firebreak run` puts it there. */
function world(finding: JsonObject): TwinKubernetes {
  const choice = choosePlaybook(parseFinding(finding));
  if ('none' in choice) throw new Error(choice.none);
  for (const { target } of choice.parts) materialise(sandbox.twin, target);
  const { kubernetes } = sandbox.twin.region().eks.clusters[0] ?? {};
  if (!kubernetes) throw new Error('no cluster');
  return kubernetes;
}
const pods = ({ objects }: TwinKubernetes) =>
  Object.entries(objects).filter(([, { kind }]) => kind === 'Pod');
const edit = (cluster: TwinKubernetes, spec: JsonObject) => {
  for (const [, pod] of pods(cluster))
    putObject(cluster, { ...pod, spec: { ...(pod['spec'] as JsonObject), ...spec } });
};
const incidents = async () => {
  const all = await sandbox.incidents();
  return {
    first: all.find(({ followUpOf }) => !followUpOf),
    followUp: all.find(({ followUpOf }) => followUpOf),
  };
};

describe('with access to the cluster', () => {
  it('a pod is asked about, quarantined, proven, and restored field for field', async () => {
    const cluster = world(reverseShell());
    const before = accountOf(structuredClone(sandbox.twin.state));
    const { ended } = await sandbox.deliver(reverseShell());
    await bobApproves(sandbox, () => true);
    await ended;
    const { first, followUp } = await incidents();
    expect(first).toMatchObject({ status: 'contained', playbook: 'quarantine-pod' });
    expect(followUp).toBeUndefined();
    expect(JSON.stringify(pods(cluster))).toContain('firebreak/quarantine');
    // The evidence is there, and no secret of the pod in it.
    const evidence = JSON.stringify(sandbox.twin.state.evidence);
    expect(evidence).toContain('pod-cart-1');
    expect(evidence).not.toContain('not to be kept');
    await (await sandbox.undo(first?.id ?? '', 'U0ALICE')).ended;
    expect(accountOf(sandbox.twin.state)).toEqual(before);
  });

  it('a privileged pod: contained with its risk, and a person is asked about the instance under it', async () => {
    const cluster = world(reverseShell());
    edit(cluster, { containers: [{ name: 'app', securityContext: { privileged: true } }] });
    await sandbox.deliver(reverseShell());
    await bobApproves(sandbox, ({ followUpOf }) => !followUpOf);
    await bobApproves(sandbox, ({ followUpOf }) => followUpOf !== undefined);
    await idle(sandbox);
    const { first, followUp } = await incidents();
    expect(first).toMatchObject({ status: 'residual', playbook: 'quarantine-pod' });
    expect(followUp).toMatchObject({
      playbook: 'isolate-instance',
      followUpOf: { incidentId: first?.id },
      display: expect.stringMatching(/instance\/i-[0-9a-f]+$/),
    });
    expect(['contained', 'residual']).toContain(followUp?.status);
  });

  const ROLE = 'cart-pods';
  function role(trust = JSON.stringify({ Version: '2012-10-17', Statement: [] })): void {
    const allow = { Effect: 'Allow', Action: '*', Resource: '*' };
    sandbox.twin.state.roles[ROLE] = {
      RoleName: ROLE,
      Path: '/',
      RoleId: 'AROACARTPODS00000001',
      Arn: `arn:aws:iam::${sandbox.twin.scope.account}:role/${ROLE}`,
      MaxSessionDuration: 3600,
      AssumeRolePolicyDocument: trust,
      Tags: [],
      inline: { app: JSON.stringify({ Version: '2012-10-17', Statement: [allow] }) },
      attached: {},
      profiles: [],
    };
  }
  const denies = () =>
    Object.entries(sandbox.twin.state.roles[ROLE]?.inline ?? {}).flatMap(([name, text]) =>
      name === 'app' ? [] : [JSON.parse(text) as unknown],
    );

  it('a pod with a role by Pod Identity: its sessions alone are asked about, denied by their tags, and restored', async () => {
    const cluster = world(reverseShell());
    role();
    const [found] = sandbox.twin.region().eks.clusters;
    if (!found) throw new Error('no cluster');
    const roleArn = sandbox.twin.state.roles[ROLE]?.Arn ?? '';
    found.podIdentities = [{ namespace: 'web', serviceAccount: 'default', roleArn }];
    const before = accountOf(structuredClone(sandbox.twin.state));
    await sandbox.deliver(reverseShell());
    await bobApproves(sandbox, ({ followUpOf }) => !followUpOf);
    await bobApproves(sandbox, ({ followUpOf }) => followUpOf !== undefined);
    await idle(sandbox);
    const { first, followUp } = await incidents();
    expect(first).toMatchObject({ status: 'residual' });
    expect(followUp).toMatchObject({ playbook: 'revoke-pod-role', status: 'residual' });
    const [path = ''] = pods(cluster)[0] ?? [];
    const { uid } = cluster.serverFields.of[path] ?? {};
    expect(denies()).toMatchObject([
      {
        Statement: [
          { Effect: 'Deny', Condition: { StringEquals: { 'aws:PrincipalTag/kubernetes-pod-uid': [uid] } } },
        ],
      },
    ]);
    expect(followUp?.targets[0]?.proof?.checks.map(({ id, ok }) => [id, ok])).toEqual([
      ['document', true],
      ['stolen-session', true],
      ['sibling', true],
    ]);
    for (const incident of [followUp, first]) {
      const undo = await sandbox.undo(incident?.id ?? '', 'U0ALICE');
      if (incident === followUp) await bobApproves(sandbox, ({ id }) => id === incident?.id, 'undo');
      await undo.ended;
    }
    expect(accountOf(sandbox.twin.state)).toEqual(before);
  });

  it('a service account with a role by annotation: every older session of it, and that always asks', async () => {
    const cluster = world(byAccount());
    role(irsaTrust(sandbox.twin, 'web:cart'));
    const annotations = { 'eks.amazonaws.com/role-arn': sandbox.twin.state.roles[ROLE]?.Arn ?? '' };
    putObject(cluster, {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'cart', namespace: 'web', annotations },
    });
    await sandbox.deliver(byAccount());
    await bobApproves(sandbox, ({ followUpOf }) => !followUpOf);
    await bobApproves(sandbox, ({ followUpOf }) => followUpOf !== undefined);
    await idle(sandbox);
    const { followUp } = await incidents();
    expect(followUp).toMatchObject({ playbook: 'revoke-pod-role', status: 'residual' });
    expect(followUp?.decision?.reasons.join()).toContain('everybody who uses cart-pods loses their sessions');
    expect(denies()).toMatchObject([{ Statement: [{ Condition: { DateLessThan: {} } }] }]);
  });

  it("a pod in its node's network: nothing in the cluster, the node is asked about at once", async () => {
    const cluster = world(reverseShell());
    edit(cluster, { hostNetwork: true });
    await sandbox.deliver(reverseShell());
    await bobApproves(sandbox, ({ followUpOf }) => followUpOf !== undefined);
    await idle(sandbox);
    const { first, followUp } = await incidents();
    expect(first).toMatchObject({ status: 'escalated' });
    expect(followUp).toMatchObject({ playbook: 'isolate-instance' });
    expect(JSON.stringify(cluster.objects)).not.toContain('firebreak/quarantine');
  });

  it('malware found in a pod that is contained already joins, and the last undo restores it', async () => {
    const malware = () => event('Execution:Kubernetes/MaliciousFile', POD);
    world(reverseShell());
    const before = accountOf(structuredClone(sandbox.twin.state));
    for (const finding of [reverseShell(), malware()]) {
      const { ended } = await sandbox.deliver(finding);
      await bobApproves(sandbox, () => true);
      await ended;
    }
    const all = await sandbox.incidents();
    expect(all.map(({ status }) => status)).toEqual(['contained', 'contained']);
    const [second, first] = all;
    await (await sandbox.undo(first?.id ?? '', 'U0ALICE')).ended;
    expect(accountOf(sandbox.twin.state)).not.toEqual(before);
    await (await sandbox.undo(second?.id ?? '', 'U0ALICE')).ended;
    expect(accountOf(sandbox.twin.state)).toEqual(before);
  });
});

describe('without access to the cluster: a person is paged with what to set up, and nothing fails', () => {
  it.each([
    [
      'no access entry',
      (cluster: TwinKubernetes) => (cluster.firebreak = null),
      "does not know Firebreak's role",
    ],
    [
      'an access entry without groups',
      (cluster: TwinKubernetes) => (cluster.firebreak = []),
      'the cluster refuses',
    ],
    ['a private endpoint', (cluster: TwinKubernetes) => (cluster.reachable = false), 'does not answer'],
  ])('%s', async (_name, change, words) => {
    for (const finding of [reverseShell(), byAccount()]) change(world(finding));
    for (const finding of [reverseShell(), byAccount()]) {
      const end = await (await sandbox.deliver(finding)).ended;
      expect(end.status).toBe('SUCCEEDED');
    }
    for (const incident of await sandbox.incidents()) {
      expect(incident.status).toBe('escalated');
      const timeline = (await sandbox.runtime.incidents.timeline(incident.id))
        .map((entry) => entry.event)
        .join();
      expect(timeline).toContain(words);
      expect(timeline).toContain('docs/kubernetes.md');
    }
    expect(sandbox.twin.state.pages.length).toBeGreaterThanOrEqual(2);
    expect(JSON.stringify(sandbox.twin.state.pages)).toContain('docs/kubernetes.md');
  });

  it('lost between the plan and the containment: partial or failed with the reason, and paged', async () => {
    const cluster = world(byAccount());
    const { ended } = await sandbox.deliver(byAccount());
    cluster.firebreak = ['firebreak-reader'];
    await bobApproves(sandbox, () => true);
    await ended;
    const [incident] = await sandbox.incidents();
    expect(incident).toMatchObject({ status: 'failed' });
    const timeline = (await sandbox.runtime.incidents.timeline(incident?.id ?? ''))
      .map((entry) => entry.event)
      .join();
    expect(timeline).toMatch(/cannot delete resource.*docs\/kubernetes\.md/);
    expect(sandbox.twin.state.pages.length).toBeGreaterThan(0);
  });
});
