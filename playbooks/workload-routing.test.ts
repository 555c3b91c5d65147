/** Runtime Monitoring and malware scans: routed by the resource a finding carries, whatever its type says. */
import { describe, expect, it } from 'vitest';
import { parseFinding } from '../core/finding/finding.ts';
import { resourceKey } from '../core/journal/playbook.ts';
import type { JsonObject } from '../core/json.ts';
import { createTwin } from '../sandbox/twin/twin.ts';
import { findingOn } from '../sandbox/worlds.ts';
import { SCOPE } from '../test/playbooks/properties.ts';
import { publishedTypes } from './coverage.ts';
import { choosePlaybook } from './index.ts';

const TYPES = (await publishedTypes()).map(({ type }) => type);
const RUNTIME = TYPES.filter((type) => type.includes(':Runtime/'));
const MALWARE = TYPES.filter((type) =>
  /^Execution:(EC2|ECS|Container|Kubernetes)\/(Malicious|Suspicious)File$/.test(type),
);

const instanceDetails = { instanceId: 'i-0123456789abcdef0' };
const TASK = 'arn:aws:ecs:eu-west-1:111122223333:task/shop/0123456789abcdef0123456789abcdef';
const task: JsonObject = { ecsClusterDetails: { name: 'shop', taskDetails: { arn: TASK } } };
const pod: JsonObject = {
  eksClusterDetails: { name: 'shop' },
  kubernetesDetails: {
    kubernetesWorkloadDetails: { name: 'cart-1', type: 'pods', namespace: 'web', uid: 'u-1' },
    // As it is on findings of Runtime Monitoring: there, and empty.
    kubernetesUserDetails: {},
  },
};
const routed = (type: string, resource: JsonObject) => {
  const choice = choosePlaybook(parseFinding(findingOn(createTwin(SCOPE), { seed: type, type, resource })));
  return 'none' in choice ? choice.none : choice.parts.map(({ playbook }) => playbook.id).join();
};
const target = (type: string, resource: JsonObject) => {
  const choice = choosePlaybook(parseFinding(findingOn(createTwin(SCOPE), { seed: type, type, resource })));
  const [part] = 'none' in choice ? [] : choice.parts;
  return part ? `${part.playbook.id} ${resourceKey(part.target)}` : 'none';
};

it('knows the types it is about', () => {
  expect(RUNTIME.length).toBeGreaterThan(30);
  expect(MALWARE).toHaveLength(8);
});

describe.each(RUNTIME)('%s', (type) => {
  it.each([
    ['an instance', { instanceDetails }, 'isolate-instance'],
    ['a task on Fargate', task, 'stop-task'],
    ['a task with its host', { ...task, instanceDetails }, 'stop-task'],
    ['a pod with its node', { ...pod, instanceDetails }, 'quarantine-pod'],
    ['a pod on Fargate', pod, 'quarantine-pod'],
    [
      'a node of a cluster and no pod',
      { instanceDetails, eksClusterDetails: { name: 'shop' } },
      'isolate-instance',
    ],
  ])('with %s', (_name, resource, playbook) => {
    expect(routed(type, resource)).toBe(playbook);
  });
  it('with nothing that can be contained: notified, with the reasons', () => {
    expect(routed(type, {})).toMatch(/no ECS task.*no workload.*name an EC2 instance/);
  });
});

describe('malware', () => {
  it.each([
    ['Execution:EC2/MaliciousFile', { instanceDetails }, 'isolate-instance'],
    ['Execution:ECS/MaliciousFile', { ...task, instanceDetails }, 'stop-task'],
    ['Execution:ECS/SuspiciousFile', { instanceDetails }, 'isolate-instance'],
    ['Execution:Kubernetes/MaliciousFile', { ...pod, instanceDetails }, 'quarantine-pod'],
    ['Execution:Kubernetes/SuspiciousFile', pod, 'quarantine-pod'],
    [
      'Execution:Kubernetes/MaliciousFile',
      { instanceDetails, eksClusterDetails: { name: 'shop' } },
      'isolate-instance',
    ],
    [
      'Execution:Container/MaliciousFile',
      { instanceDetails, containerDetails: { name: 'c' } },
      'isolate-instance',
    ],
    ['Execution:Container/MaliciousFile', { ...pod, instanceDetails }, 'quarantine-pod'],
  ])('%s with %j', (type, resource, playbook) => {
    expect(routed(type, resource)).toBe(playbook);
  });

  it.each([
    ['instance', 'Backdoor:EC2/C&CActivity.B', 'Execution:EC2/MaliciousFile', { instanceDetails }],
    ['instance', 'Backdoor:EC2/C&CActivity.B', 'Execution:EC2/SuspiciousFile', { instanceDetails }],
    ['task', 'Execution:Runtime/ReverseShell', 'Execution:ECS/MaliciousFile', task],
    [
      'pod',
      'Execution:Runtime/ReverseShell',
      'Execution:Kubernetes/MaliciousFile',
      { ...pod, instanceDetails },
    ],
    ['pod by its container', 'Impact:Runtime/CryptoMinerExecuted', 'Execution:Container/MaliciousFile', pod],
  ])(
    'on an %s that another finding contained: the same resource, so it joins that hold',
    (_name, first, second, resource) => {
      expect(target(second, resource)).toBe(target(first, resource));
      expect(target(first, resource)).not.toBe('none');
    },
  );
});

describe('the audit log of a cluster: who called comes before the workload', () => {
  const audit = (username: string) => ({
    ...pod,
    kubernetesDetails: {
      ...(pod['kubernetesDetails'] as JsonObject),
      kubernetesUserDetails: { username },
    },
  });
  it.each([
    [
      'PrivilegeEscalation:Kubernetes/PrivilegedContainer',
      'arn:aws:iam::111122223333:user/mallory',
      'contain-kubernetes-identity',
    ],
    [
      'Execution:Kubernetes/ExecInKubeSystemPod',
      'system:serviceaccount:ci:deployer',
      'contain-kubernetes-identity',
    ],
    // Mapped in aws-auth or an access entry: who that is, is found live.
    ['Persistence:Kubernetes/ContainerWithSensitiveMount', 'kubernetes-admin', 'contain-kubernetes-identity'],
    ['Execution:Kubernetes/ExecInKubeSystemPod', 'kubernetes-admin', 'contain-kubernetes-identity'],
    // Who was entered is not who entered, whatever is known of the latter.
    [
      'Execution:Kubernetes/ExecInKubeSystemPod',
      '',
      'contain-kubernetes-identity: the finding does not name a Kubernetes user; quarantine-pod: .*who entered it',
    ],
    ['Execution:Kubernetes/AnomalousBehavior.ExecInPod', 'system:kube-scheduler', 'contain-.*who entered it'],
    // They make pods for others.
    [
      'PrivilegeEscalation:Kubernetes/PrivilegedContainer',
      'system:serviceaccount:argocd:argocd-application-controller',
      'quarantine-pod',
    ],
    [
      'PrivilegeEscalation:Kubernetes/AnomalousBehavior.WorkloadDeployed!PrivilegedContainer',
      'system:serviceaccount:kube-system:replicaset-controller',
      'quarantine-pod',
    ],
    [
      'Persistence:Kubernetes/ContainerWithSensitiveMount',
      'system:serviceaccount:flux-system:kustomize-controller',
      'quarantine-pod',
    ],
    [
      'Execution:Kubernetes/AnomalousBehavior.WorkloadDeployed',
      'system:kube-controller-manager',
      'quarantine-pod',
    ],
    // Used from outside it is misused, whatever it deploys.
    [
      'Impact:Kubernetes/TorIPCaller',
      'system:serviceaccount:argocd:argocd-application-controller',
      'contain-kubernetes-identity',
    ],
    // Here the workload is what was looked at, not what is wrong.
    [
      'Discovery:Kubernetes/AnomalousBehavior.PermissionChecked',
      '',
      'contain-kubernetes-identity: the finding does not name a Kubernetes user',
    ],
    [
      'Policy:Kubernetes/ExposedDashboard',
      'arn:aws:iam::111122223333:user/mallory',
      'contain-kubernetes-identity: the dashboard is open',
    ],
  ])('%s by %s', (type, username, wanted) => {
    expect(routed(type, audit(username))).toMatch(new RegExp(`^${wanted}`));
  });

  it('who made the pod for others stays as remaining risk', () => {
    const choice = choosePlaybook(
      parseFinding(
        findingOn(createTwin(SCOPE), {
          seed: 'made',
          type: 'PrivilegeEscalation:Kubernetes/PrivilegedContainer',
          resource: audit('system:serviceaccount:argocd:argocd-application-controller'),
        }),
      ),
    );
    expect(choice).toMatchObject({ residual: [expect.stringContaining('argocd-application-controller')] });
  });
});

describe('what the finding names and no playbook can act on', () => {
  const runtime = (resource: JsonObject) =>
    choosePlaybook(
      parseFinding(
        findingOn(createTwin(SCOPE), { seed: 'over', type: 'Execution:Runtime/NewBinaryExecuted', resource }),
      ),
    );
  const of = (type: string): JsonObject => ({
    eksClusterDetails: { name: 'shop' },
    kubernetesDetails: { kubernetesWorkloadDetails: { name: 'cart', type, namespace: 'web' } },
  });
  it.each(['Rollout', 'virtualmachines', 'VirtualMachineInstance', 'somethings'])(
    'a %s says why its pod is passed over before its node is asked about',
    (type) => {
      const choice = runtime({ ...of(type), instanceDetails });
      if ('none' in choice) throw new Error(choice.none);
      expect(choice.id).toBe('isolate-instance');
      expect(choice.unhandled).toEqual([expect.stringMatching(new RegExp(`^quarantine-pod: .*"${type}"`))]);
    },
  );

  it('a task of another account or Region is refused with that reason, and its host says so', () => {
    for (const [arn, words] of [
      ['arn:aws:ecs:eu-west-1:999988887777:task/shop/0123456789abcdef0123456789abcdef', '999988887777'],
      ['arn:aws:ecs:us-east-1:111122223333:task/shop/0123456789abcdef0123456789abcdef', 'us-east-1'],
    ] as const) {
      const task = { ecsClusterDetails: { name: 'shop', taskDetails: { arn } } };
      const alone = runtime(task);
      expect('none' in alone && alone.none).toContain(words);
      const withHost = runtime({ ...task, instanceDetails });
      expect(withHost).toMatchObject({ unhandled: [expect.stringContaining(words)] });
    }
  });

  it.each<[string, string, JsonObject]>([
    [
      'function',
      'Backdoor:Lambda/C&CActivity.B',
      {
        lambdaDetails: {
          functionName: 'billing',
          functionArn: 'arn:aws:lambda:eu-west-1:999988887777:function:billing',
        },
      },
    ],
    [
      'function',
      'Backdoor:Lambda/C&CActivity.B',
      { lambdaDetails: { functionName: 'arn:aws:lambda:us-east-1:111122223333:function:billing:live' } },
    ],
    [
      'cluster',
      'Impact:Kubernetes/TorIPCaller',
      {
        eksClusterDetails: { name: 'shop', arn: 'arn:aws:eks:eu-west-1:999988887777:cluster/shop' },
        kubernetesDetails: { kubernetesUserDetails: { username: 'system:serviceaccount:web:cart' } },
      },
    ],
    [
      'database',
      'CredentialAccess:RDS/AnomalousBehavior.SuccessfulLogin',
      {
        rdsDbInstanceDetails: {
          dbInstanceIdentifier: 'orders',
          engine: 'postgres',
          dbInstanceArn: 'arn:aws:rds:eu-west-1:999988887777:db:orders',
        },
      },
    ],
  ])('a %s of another account or Region is never the own one of the same name', (what, type, resource) => {
    expect(routed(type, resource)).toMatch(new RegExp(`the ${what} is of account \\d+ in `));
  });
});
