/**
 * Everything that a finding names: its instance as the finding describes it, the principal of its access key, and what any
 * playbook would act on. Follow-ups and notifications look for it, and on AWS they find it.
 */
import { arn } from '../core/aws/arn.ts';
import type { Finding } from '../core/finding/finding.ts';
import type { Target } from '../core/journal/playbook.ts';
import { callerOf } from '../playbooks/common/kubernetes/identity-target.ts';
import { functionOf } from '../playbooks/common/lambda-target.ts';
import { COMPOSITES, choosePlaybook, PLAYBOOKS } from '../playbooks/index.ts';

/** Returns it as targets to materialise, the finding's own description first. */
export function namedBy(finding: Finding): readonly Target[] {
  const choice = choosePlaybook(finding);
  const chosen = 'none' in choice ? [] : choice.parts.map(({ target }) => target);
  if (finding.sample) return chosen;
  const others = PLAYBOOKS.flatMap((playbook) => {
    const found = playbook.targetOf(finding);
    return found.ok ? [found.target] : [];
  });
  const asked = COMPOSITES.flatMap((composite) => {
    const found = composite.expand(finding, () => ({ ok: false, reason: 'not asked alone' }));
    return found.ok ? found.parts.map(({ target }) => target) : [];
  });
  return [
    ...principalOf(finding),
    ...clusterCallerOf(finding),
    ...instanceOf(finding),
    ...sessionHostOf(finding),
    ...functionLaunch(finding),
    ...chosen,
    ...others,
    ...asked,
  ];
}

const targetIn = (
  { partition, account, region }: Finding,
  kind: string,
  id: string,
  facts: Target['facts'],
): Target => ({ partition, account, region, kind, id, display: id, facts });

function instanceOf(finding: Finding): readonly Target[] {
  const { instance } = finding;
  if (!instance || !/^i-[0-9a-f]{8,17}$/.test(instance.instanceId)) return [];
  const { instanceId, tags, instanceProfileArn } = instance;
  const { direction, localPort } = finding.action ?? {};
  const facts = {
    privateIps: [...instance.privateIps],
    publicIps: [...instance.publicIps],
    interfaces: [...instance.networkInterfaceIds],
    vpcId: instance.vpcId ?? null,
    subnet: instance.subnetIds[0] ?? null,
    instanceProfile: instanceProfileArn ?? null,
    tags: { ...tags },
    openPort: direction === 'INBOUND' ? (localPort ?? null) : null,
  };
  return [
    targetIn(finding, 'ec2-instance', instanceId, facts),
    launchIn(finding, instanceId),
    ...(Object.hasOwn(tags, 'AmazonECSManaged') ? [targetIn(finding, 'ecs-host', instanceId, {})] : []),
  ];
}

/** Someone launched it, and CloudTrail's event history says who. */
const launchIn = (finding: Finding, resource: string): Target =>
  targetIn(finding, 'launch', resource, { at: finding.createdAt ?? finding.updatedAt });

function functionLaunch(finding: Finding): readonly Target[] {
  const found = functionOf(finding);
  return found.ok ? [launchIn(finding, found.target.id)] : [];
}

/** The instance whose role's session was used elsewhere: the session has its id. */
function sessionHostOf(finding: Finding): readonly Target[] {
  const { principalId, userName } = finding.accessKey ?? {};
  const id = /^AROA[A-Z0-9]+:(i-[0-9a-f]{8,17})$/.exec(principalId ?? '')?.[1];
  if (id === undefined || userName === undefined) return [];
  const instanceProfile = arn(finding, 'iam', `instance-profile/${userName}`, { global: true });
  return [targetIn(finding, 'ec2-instance', id, { instanceProfile })];
}

/** The user or role that made the call, whatever the playbook acts on. */
function principalOf(finding: Finding): readonly Target[] {
  const { userType, userName, principalId, accessKeyId } = finding.accessKey ?? {};
  if (userName === undefined || !/^[\w+=,.@-]{1,128}$/.test(userName)) return [];
  switch (userType) {
    case 'IAMUser': {
      const facts = { userId: principalId ?? null, accessKeyId: accessKeyId ?? null };
      return [targetIn(finding, 'iam-user', userName, facts)];
    }
    case 'AssumedRole':
    case 'Role': {
      const roleId = principalId?.split(':')[0] ?? null;
      return [targetIn(finding, 'role-session', userName, { roleName: userName, roleId })];
    }
    default:
      return [];
  }
}

/** The user that called a cluster, by its ARN. */
function clusterCallerOf(finding: Finding): readonly Target[] {
  const caller = callerOf(finding);
  const facts = caller.ok ? caller.target.facts : undefined;
  if (facts?.kind !== 'principal') return [];
  const { principal, principalId = null } = facts;
  const [kind, name = ''] = principal.split('/');
  return kind === 'user'
    ? [targetIn(finding, 'iam-user', name, { userId: principalId, accessKeyId: null })]
    : [];
}
