/** Out of Auto Scaling and load balancers before the network goes: a group with ELB health checks would end the evidence. */
import { z } from 'zod';
import { parseArn } from '../../core/aws/arn.ts';
import { awsErrorName } from '../../core/errors.ts';
import type { StepView, UndoSafety } from '../../core/journal/playbook.ts';
import { cannotRestore, damaged, stepKind } from '../common/step-kind.ts';
import { addressesOf } from './aws-calls.ts';
import { autoScalingOf } from './read.ts';

/** The name of the group the instance is in, or null. */
export const detachFromGroup = stepKind(z.object({ group: z.string(), decrement: z.literal(false) }), {
  value: z.string().nullable(),
  foreign: () => undefined,
  async read(_args, { aws, target }) {
    const found = await autoScalingOf(aws, target.id);
    // `Detaching` is on its way out: AWS answers the detach before it is done.
    return { value: found && !found.lifecycle.startsWith('Detach') ? found.group : null };
  },
  after: () => null,
  worse({ group }, { target }, { live, before, contained }) {
    return !contained && before !== null && live === null
      ? `instance ${target.id} was taken out of the Auto Scaling group ${group} and is not isolated`
      : undefined;
  },
  async apply({ group, decrement }, { aws, target }) {
    const live = await autoScalingOf(aws, target.id);
    if (live && live.group !== group)
      throw damaged(`the group is ${live.group}, not ${group}`, target.display);
    const { client, api } = await aws.autoScaling();
    await client.send(
      new api.DetachInstancesCommand({
        AutoScalingGroupName: group,
        InstanceIds: [target.id],
        ShouldDecrementDesiredCapacity: decrement,
      }),
    );
    return undefined;
  },
  async revert({ group }, { aws, target }, before) {
    if (before !== group) throw damaged(`the group was ${before}, not ${group}`, target.display);
    const { client, api } = await aws.autoScaling();
    try {
      await client.send(
        new api.AttachInstancesCommand({ AutoScalingGroupName: group, InstanceIds: [target.id] }),
      );
      return 'reverted';
    } catch (error) {
      // AWS says ValidationError when the maximum would be exceeded, the instance does not run, or the group is gone.
      if (!/^ValidationError/.test(awsErrorName(error) ?? '')) throw error;
      throw cannotRestore(
        `${group} did not take the instance back: ${error instanceof Error ? error.message : ''}`,
        target.id,
        'Make room in the group (its replacement is in it now), then undo again.',
        error,
      );
    }
  },
});

/**
 * Attaching an instance raises the desired capacity of its group by one (Auto Scaling, AttachInstances). Lowering it ends an
 * instance that Auto Scaling chooses, this one among them, so a person does that.
 */
export function capacityUndoSafety(steps: readonly StepView[]): UndoSafety {
  const groups = steps
    .filter(({ kind, before }) => kind === 'detach-from-group' && typeof before === 'string')
    .filter(({ status }) => status !== 'already' && status !== 'undone' && status !== 'kept')
    .map(({ before }) => before);
  return {
    safe: true,
    why: 'undo restores what the isolation changed',
    ...(groups.length === 0
      ? {}
      : {
          residual: groups.map(
            (group) =>
              `the replacement stays in the Auto Scaling group ${group}, whose desired capacity is one more than before: lower it by one where that is too many (Auto Scaling chooses the instance that it ends)`,
          ),
        }),
  };
}

const registrationArgs = z.object({
  targetGroupArn: z.string(),
  id: z.string(),
  port: z.number().nullable(),
  availabilityZone: z.string().nullable(),
});

const targetOf = ({ id, port, availabilityZone }: z.infer<typeof registrationArgs>) => ({
  Id: id,
  ...(port === null ? {} : { Port: port }),
  ...(availabilityZone === null ? {} : { AvailabilityZone: availabilityZone }),
});

/** Whether the target group sends traffic: `registered` or `out`. Draining keeps old flows up to 300 s by default [M]. */
export const deregister = stepKind(registrationArgs, {
  value: z.enum(['registered', 'out']),
  async foreign({ targetGroupArn, id }, { aws, target }) {
    const { service, account, region } = parseArn(targetGroupArn) ?? {};
    if (service !== 'elasticloadbalancing' || account !== target.account || region !== target.region)
      return `${targetGroupArn} is not a target group next to the instance`;
    if (id === target.id || (await addressesOf(aws, target)).includes(id)) return undefined;
    return `${id} is not the instance`;
  },
  async read(args, { aws }) {
    const { client, api } = await aws.elbv2();
    const answer = await client.send(
      new api.DescribeTargetHealthCommand({ TargetGroupArn: args.targetGroupArn, Targets: [targetOf(args)] }),
    );
    const health = answer.TargetHealthDescriptions?.[0]?.TargetHealth;
    const out = health?.State === 'draining' || health?.Reason === 'Target.NotRegistered' || !health;
    return { value: out ? 'out' : 'registered' };
  },
  after: () => 'out',
  worse({ targetGroupArn }, { target }, { live, before, contained }) {
    return !contained && before === 'registered' && live === 'out'
      ? `instance ${target.id} was taken out of the target group ${targetGroupArn} and is not isolated`
      : undefined;
  },
  async apply(args, { aws }) {
    const { client, api } = await aws.elbv2();
    await client.send(
      new api.DeregisterTargetsCommand({ TargetGroupArn: args.targetGroupArn, Targets: [targetOf(args)] }),
    );
    return undefined;
  },
  async revert(args, { aws }) {
    const { client, api } = await aws.elbv2();
    await client.send(
      new api.RegisterTargetsCommand({ TargetGroupArn: args.targetGroupArn, Targets: [targetOf(args)] }),
    );
    return 'reverted';
  },
});
