/**
 * What protects evidence and our two groups, then capacity, then the interfaces, then evidence that protects nothing: the order
 * that loses nothing and contains first. Steps of one wave do not depend on each other and run together, since every round of
 * calls is time that the attacker has. Pure.
 */

import type { Plan, PlanOptions, StepOf, Target } from '../../core/journal/playbook.ts';
import type { Json } from '../../core/json.ts';
import { counted } from '../../core/words.ts';
import { shortList } from '../common/short-list.ts';
import { unmodifiableResidual } from './aws-calls.ts';
import type { Host } from './hosts.ts';
import { planNatDenials } from './nat-denials.ts';
import { groupStepId } from './network-steps.ts';
import { GROUPS } from './security-groups.ts';
import type { InstanceState } from './state.ts';
import type { KINDS } from './steps.ts';
import type { InstanceFacts } from './target.ts';
import { residualOf } from './tracked-paths.ts';

type Step = StepOf<typeof KINDS>;

export function planIsolation(
  live: InstanceState,
  target: Target<InstanceFacts>,
  options: PlanOptions,
): Plan<Step> {
  const transit = options.settings['transit'] !== false;
  const nat = planNatDenials(live, target, options.protectedArns);
  const fixed = live.interfaces.filter(({ unmodifiable }) => unmodifiable !== null);
  return {
    kind: 'plan',
    steps: [
      ...wave('prepare', [...protection(live), ...groupsOf(live, transit)]),
      ...wave('capacity', capacity(live)),
      ...wave('interfaces', [...interfacesOf(live, transit), ...nat.steps]),
      ...wave('evidence', evidence(live, options)),
    ],
    blastRadius: {
      count: 1,
      unit: 'instances',
      detail: [
        `${live.instance.id} with ${live.interfaces.length} network interfaces`,
        ...live.hosts.flatMap(alsoDown),
      ],
    },
    warnings: [...warnings(live, transit), ...nat.warnings],
    residual: [
      // What is denied at a NAT gateway is judged by the proving read.
      ...residualOf(live.trackedPaths.filter(({ id }) => !nat.denied.includes(id))),
      ...fixed.map(({ id, unmodifiable }) => unmodifiableResidual(id, unmodifiable ?? 'unmodifiable')),
      ...(onInstanceStore(live.instance)
        ? ['its root volume is an instance store: a shutdown from inside ends it, and the volume with it']
        : []),
    ],
    askBecause: [
      ...(target.facts.doubt === undefined ? [] : [target.facts.doubt]),
      ...askBecause(live),
      ...passedOn(live, target),
    ],
    tags: live.instance.tags,
    arns: [target.display, ...nat.arns],
    ...(live.instance.profileArn === null && !target.facts.instanceProfile
      ? {}
      : { followUps: ['revoke-instance-session'] }),
  };
}

const wave = (together: string, steps: readonly Step[]): Step[] =>
  steps.map((step) => ({ ...step, together }));

const VOLUMES = 'what becomes of its volumes';

/** Settings of the instance that EC2 lets no one change, each with the kind of instance that is the reason. */
function fixedSettings({ instance }: InstanceState): ReadonlyMap<string, string> {
  const { operator, spot } = instance;
  // EC2 leaves the settings of such an instance to the service [M].
  if (operator !== null) {
    const why = `an instance that ${operator} manages`;
    return new Map(['termination protection', 'shutdown behavior', VOLUMES].map((name) => [name, why]));
  }
  if (spot) {
    return new Map(['termination protection', 'shutdown behavior'].map((name) => [name, 'a spot instance']));
  }
  return onInstanceStore(instance)
    ? new Map([['shutdown behavior', 'an instance whose root volume is an instance store']])
    : new Map();
}

const onInstanceStore = ({ rootDeviceType }: InstanceState['instance']): boolean =>
  rootDeviceType === 'instance-store';

const outline = (id: string, describe: string, before: Json, after: Json) =>
  ({ id, role: 'evidence', describe, before, after }) as const;

/** What keeps the instance and its volumes: an attacker who notices the isolation ends it, and Auto Scaling may. */
function protection(live: InstanceState): Step[] {
  const fixed = fixedSettings(live);
  const steps: Step[] = [];
  if (!fixed.has('termination protection')) {
    steps.push({
      ...outline(
        'termination-protection',
        'Protect the instance from termination',
        live.terminationProtection,
        true,
      ),
      kind: 'termination-protection',
      args: {},
    });
  }
  if (!fixed.has('shutdown behavior')) {
    steps.push({
      ...outline('shutdown-behaviour', 'Set shutdown behavior to stop', live.shutdownBehaviour, 'stop'),
      kind: 'shutdown-behaviour',
      args: {},
    });
  }
  for (const { id, device, deleteOnTermination } of fixed.has(VOLUMES) ? [] : live.volumes) {
    steps.push({
      ...outline(`keep-volume:${id}`, `Preserve ${id} on termination`, deleteOnTermination, false),
      kind: 'keep-volume',
      args: { volume: id, device },
    });
  }
  return steps;
}

function evidence(live: InstanceState, { caseId, now }: PlanOptions): Step[] {
  const complete = live.volumes.every(({ snapshotCases }) => snapshotCases.includes(caseId));
  const tags = {
    'firebreak:case': caseId,
    'firebreak:contained-at': now.toISOString(),
    'firebreak:by': 'firebreak',
  };
  const steps: Step[] = [
    {
      ...outline('label', 'Tag the instance with the case', null, tags),
      kind: 'label',
      role: 'label',
      args: { by: 'firebreak' },
    },
  ];
  if (live.volumes.length > 0) {
    steps.push({
      ...outline(
        'snapshots',
        `Take a crash-consistent snapshot of ${counted(live.volumes.length, 'volume')}`,
        complete ? 'complete' : 'missing',
        'complete',
      ),
      kind: 'snapshots',
      args: {},
    });
  }
  return steps;
}

function capacity({ autoScaling, registrations }: InstanceState): Step[] {
  const steps: Step[] = [];
  if (autoScaling) {
    steps.push({
      id: 'auto-scaling',
      kind: 'detach-from-group',
      role: 'prepare',
      describe: `Detach it from the Auto Scaling group ${autoScaling.group}, which starts a replacement`,
      args: { group: autoScaling.group, decrement: false },
      before: autoScaling.group,
      after: null,
    });
  }
  // Detaching also takes it out of the groups of its Auto Scaling group; the others are left one by one.
  for (const { targetGroupArn, targetGroupName, id, port, availabilityZone } of registrations) {
    if (autoScaling?.targetGroupArns.includes(targetGroupArn)) continue;
    steps.push({
      id: `target:${targetGroupName}:${id}:${port ?? ''}`,
      kind: 'deregister',
      role: 'prepare',
      describe: `Deregister it from the target group ${targetGroupName}`,
      args: { targetGroupArn, id, port, availabilityZone },
      before: 'registered',
      after: 'out',
    });
  }
  return steps;
}

function groupsOf({ instance: { vpcId }, groups }: InstanceState, transit: boolean): Step[] {
  const flavours = transit ? (['transit', 'quarantine'] as const) : (['quarantine'] as const);
  return flavours.map((flavour) => ({
    id: groupStepId(flavour),
    kind: 'security-group',
    role: 'prepare',
    describe: `Create or verify the ${flavour} security group ${GROUPS[flavour].name} in ${vpcId} (${GROUPS[flavour].open.length === 0 ? 'no rules' : 'all traffic, for a moment'})`,
    args: { vpcId, flavour },
    before: groups[flavour] === null ? 'absent' : 'wrong',
    after: 'right',
  }));
}

const interfacesOf = ({ interfaces }: InstanceState, transit: boolean): Step[] =>
  interfaces
    .filter(({ unmodifiable }) => unmodifiable === null)
    .map(({ id, groups: before }) => ({
      id: `eni:${id}`,
      kind: 'interface-groups',
      role: 'contain',
      describe: `Move ${id} to ${GROUPS.quarantine.name}${transit ? ` through ${GROUPS.transit.name}` : ''}`,
      args: { eni: id, transit },
      before: before.map((group) => group.id),
      after: [GROUPS.quarantine.name],
      // Without the open group the interface is closed all the same, so only quarantine is needed.
      needs: [groupStepId('quarantine')],
    }));

/**
 * The VPC's resolver, the metadata service, NTP and DHCP do not pass security groups, so DNS tunnelling goes on. Said as
 * a warning: it holds for every isolated instance. Where the finding is about DNS the proof names it as a residual risk.
 */
function warnings(live: InstanceState, transit: boolean): string[] {
  const { instance, autoScaling, registrations } = live;
  return [
    'memory is not captured; do not stop the instance before someone has',
    'DNS through the VPC resolver and the metadata service still answer',
    'Systems Manager cannot reach it any more',
    ...(instance.profileArn === null
      ? []
      : [
          `credentials of ${instance.profileArn} that were taken out of it stay valid until its session is denied`,
        ]),
    ...(transit ? ['for a moment every port is open while tracked connections are dropped'] : []),
    ...(autoScaling
      ? [`a replacement starts from the same image ${instance.imageId}: it may be as vulnerable`]
      : []),
    ...(instance.spot
      ? ['a spot instance can be interrupted at any time: the snapshots are what is left then']
      : []),
    ...[...fixedSettings(live)].map(
      ([setting, kind]) => `${setting} stays as it is: EC2 does not let it be changed of ${kind}`,
    ),
    ...registrations
      .filter(({ otherHealthy }) => otherHealthy === 0)
      .map(({ targetGroupName }) => `it is the only healthy target of ${targetGroupName}`),
  ];
}

/** Controllers delete a node whatever Auto Scaling says: cordon or drain first, so a person decides. */
const hostAsks = ({ what, by, runs }: Host): string =>
  `it is ${what} (${by}): its controller may delete it${runs.length > 0 ? `, and ${runs.length === 1 ? '1 other runs' : `${runs.length} others run`} on it` : ''}; cordon or drain it first`;

/** What goes down with the instance. */
const alsoDown = ({ what, runs, unread }: Host): string[] => [
  ...(runs.length > 0 ? [`${runs.length} run there as on ${what}: ${shortList(runs)}`] : []),
  ...(unread === null ? [] : [`what runs there as on ${what} is not known: ${unread}`]),
];

/** A request for a name may be one that the instance only passes on: then another host is the one to look at. */
function passedOn({ resolvesFor }: InstanceState, { facts }: Target): string[] {
  const { otherSource } = facts;
  return [
    ...(resolvesFor.length > 0
      ? [`${resolvesFor.join(', ')} may ask it for names (port 53 is open): the request may be theirs`]
      : []),
    ...(typeof otherSource === 'string'
      ? [`the request came from ${otherSource}, which is no address of the instance`]
      : []),
  ];
}

function askBecause({ instance, registrations, forwards, hosts }: InstanceState): string[] {
  const alone = registrations.filter(
    ({ health, otherHealthy }) => health === 'healthy' && otherHealthy === 0,
  );
  return [
    ...hosts.map(hostAsks),
    ...forwards.map((why) => `${why}: it forwards the traffic of others, which isolating it cuts off`),
    ...(instance.operator === null ? [] : [`it is managed by ${instance.operator}`]),
    ...alone.map(
      ({ targetGroupName }) =>
        `it is the only healthy target of ${targetGroupName}: isolating it is an outage`,
    ),
  ];
}
