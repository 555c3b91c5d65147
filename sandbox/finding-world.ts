/**
 * Everything that a finding names: its instance as the finding describes it, the principal of its access key, and what any
 * playbook would act on. Follow-ups and notifications look for it, and on AWS they find it.
 */
import type { Finding } from '../core/finding/finding.ts';
import type { Target } from '../core/journal/playbook.ts';
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
  return [...instanceOf(finding), ...principalOf(finding), ...chosen, ...others, ...asked];
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
  // The console makes a role and its profile under one name.
  const role = instanceProfileArn?.split('/').at(-1);
  return [
    targetIn(finding, 'ec2-instance', instanceId, facts),
    ...(role ? [targetIn(finding, 'role-session', role, { roleName: role, roleId: null })] : []),
    ...(Object.hasOwn(tags, 'AmazonECSManaged') ? [targetIn(finding, 'ecs-host', instanceId, {})] : []),
  ];
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
