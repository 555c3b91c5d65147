/** The proving read: every interface listed now is in quarantine, quarantine lets nothing through, evidence is kept. */
import type { Proof, ProofCheck, StepContext, StepViewOf } from '../../core/journal/playbook.ts';
import { describeInstance, isGone } from '../common/ec2/instance.ts';
import { describeInterfaces, groupIdsOf, unmodifiableResidual, whyUnmodifiable } from './aws-calls.ts';
import { dnsChannel } from './dns-channel.ts';
import { snapshotsOfCase } from './evidence-steps.ts';
import { imagesMade } from './images.ts';
import { natResiduals } from './nat-denials.ts';
import { groupIdOf } from './network-steps.ts';
import { autoScalingOf, registrationsOf } from './read.ts';
import { credentialsOutside } from './role-credentials.ts';
import { describeRules, GROUPS, isAsWanted, ruleText } from './security-groups.ts';
import type { KINDS } from './steps.ts';
import type { InstanceFacts } from './target.ts';

export async function proveIsolation(
  context: StepContext<InstanceFacts>,
  steps: readonly StepViewOf<typeof KINDS>[],
): Promise<Proof> {
  const { aws, target } = context;
  const ec2 = await aws.ec2();
  const instance = await describeInstance(aws, target.id);
  if (!instance || isGone(instance)) {
    const saw = 'the instance is gone: it can do nothing more, and was not ended by Firebreak';
    return { proven: false, checks: [{ id: 'instance', ok: false, saw }], residual: [], next: 'final' };
  }
  const quarantine = groupIdOf(context, 'quarantine');
  const [interfaces, rules, group, registrations, snapshots, images, outside, dns] = await Promise.all([
    describeInterfaces(ec2, target.id),
    quarantine === undefined ? undefined : describeRules(ec2, quarantine),
    autoScalingOf(aws, target.id),
    registrationsOf(aws, instance),
    snapshotsOfCase(context),
    imagesMade(context),
    credentialsOutside(context, instance),
    dnsChannel(context, instance.VpcId ?? ''),
  ]);
  const planned = new Set(steps.flatMap(({ kind, args }) => (kind === 'interface-groups' ? [args.eni] : [])));
  const checks: ProofCheck[] = [...dns.checks];
  const residual: string[] = [...images, ...outside, ...dns.residual];
  let newcomer = false;
  for (const eni of interfaces) {
    const id = eni.NetworkInterfaceId ?? 'unknown';
    const fixed = whyUnmodifiable(eni, instance.VpcId);
    if (fixed !== undefined) {
      residual.push(unmodifiableResidual(id, fixed));
      continue;
    }
    const groups = groupIdsOf(eni);
    const ok = quarantine !== undefined && groups.length === 1 && groups[0] === quarantine;
    if (!ok && !planned.has(id)) newcomer = true;
    checks.push({
      id: `eni:${id}`,
      ok,
      saw: `${id} is in ${groups.join(', ') || 'no group'}${ok ? '' : `, not only in ${GROUPS.quarantine.name}`}`,
    });
  }
  const strays = rules?.map(ruleText) ?? [];
  checks.push({
    id: 'quarantine-rules',
    ok: rules !== undefined && isAsWanted('quarantine', rules),
    saw:
      rules === undefined
        ? `${GROUPS.quarantine.name} was not made`
        : `${GROUPS.quarantine.name} has ${strays.length} rules${strays.length > 0 ? `: ${strays.join(', ')}` : ''}`,
  });
  const attached = group !== null && !group.lifecycle.startsWith('Detach');
  checks.push({
    id: 'auto-scaling',
    ok: !attached,
    saw: attached ? `still in ${group.group}` : 'in no Auto Scaling group',
  });
  const serving = registrations.filter(({ health }) => !['draining', 'unused'].includes(health));
  checks.push({
    id: 'target-health',
    ok: serving.length === 0,
    saw:
      serving.length === 0
        ? 'no load balancer sends to it'
        : `still registered in ${serving.map(({ targetGroupName }) => targetGroupName).join(', ')}`,
  });
  const missing = snapshots.volumes.filter((volume) => snapshots.snapshots[volume] === undefined);
  checks.push({
    id: 'snapshots',
    ok: missing.length === 0,
    saw:
      missing.length === 0
        ? `${snapshots.volumes.length} of ${snapshots.volumes.length} volumes have a snapshot`
        : `no snapshot of ${missing.join(', ')}`,
  });
  residual.push(
    ...(await natResiduals(
      context,
      steps.filter((step) => step.kind === 'acl-entry'),
    )),
  );
  const proven = checks.every(({ ok }) => ok);
  // A change under us (interface attached, group restored, rule added) is contained again; drift is left to a person.
  const drifted = steps.some(({ status }) => status === 'drift');
  const again =
    newcomer ||
    checks.some(
      ({ id, ok }) => !ok && (id.startsWith('eni:') || id === 'quarantine-rules' || id === 'snapshots'),
    );
  return { proven, checks, residual, next: proven || drifted ? 'final' : again ? 'recontain' : 'wait' };
}
