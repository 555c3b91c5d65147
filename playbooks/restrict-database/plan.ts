/** One group in place of the database's own: the same rules without those that let the source in. Pure. */

import type { Plan, PlanOptions, StepOf, Target } from '../../core/journal/playbook.ts';
import { protectedBy } from '../common/protected.ts';
import { letsIn, ruleText, sortedRules } from './rules.ts';
import { type DatabaseState, GROUP_PREFIX } from './state.ts';
import { type KINDS, snapshotIdFor } from './steps.ts';
import type { DatabaseFacts } from './target.ts';

/** Rules of one security group in one direction (VPC quota, adjustable). */
const MOST_RULES = 60;

/** Firebreak's group is the only one: an incident before this one put it there. */
const isRestricted = ({ groupNames }: DatabaseState): boolean =>
  groupNames.length > 0 && groupNames.every((name) => name.startsWith(GROUP_PREFIX));

type Step = StepOf<typeof KINDS>;

export function planRestriction(
  live: DatabaseState,
  target: Target<DatabaseFacts>,
  options: PlanOptions,
): Plan<Step> {
  const { facts } = target;
  const no = whyNot(live, facts, target, options);
  const { vpcId } = live;
  if (no || vpcId === null) return { kind: 'refused', ...(no ?? noGroup(target)) };
  const dropped = live.rules.filter((rule) => letsIn(rule, facts.sources));
  const kept = sortedRules(live.rules.filter((rule) => !dropped.includes(rule)));
  const name = `${GROUP_PREFIX}${options.caseId}`;
  const before = live.groups.map(({ id }) => id);
  const what = { id: target.id, cluster: facts.cluster };
  const steps: readonly Step[] = [
    {
      id: 'group',
      kind: 'group',
      role: 'prepare',
      describe: `Make ${name}: the rules of ${before.join(', ')} without ${dropped.map(ruleText).join('; ')}`,
      args: { name, vpcId, rules: kept },
      before: null,
      after: kept.map(ruleText),
    },
    {
      id: 'groups',
      kind: 'groups',
      role: 'contain',
      describe: `Put ${target.id} behind ${name}`,
      args: what,
      before,
      after: [name],
      needs: ['group'],
    },
    {
      // After the swap: it takes minutes, and RDS refuses a change while it runs.
      id: 'snapshot',
      kind: 'snapshot',
      role: 'evidence',
      describe: `Snapshot ${target.id}`,
      args: {
        ...what,
        snapshotId: snapshotIdFor(options.caseId, what),
      },
      before: null,
      after: 'taken',
    },
  ];
  return {
    kind: 'plan',
    steps,
    blastRadius: {
      count: 1,
      unit: 'databases',
      detail: [
        `${live.engine} ${target.id}${facts.cluster ? `, members ${live.members.join(', ')}` : ''}`,
        ...dropped.map((rule) => `no longer let in: ${ruleText(rule)}`),
      ],
    },
    warnings: [
      `everybody in ${dropped.map(({ value }) => value).join(', ')} is locked out of new connections, not only ${facts.sources.join(', ')}`,
      ...(live.dependents.length > 0
        ? [
            `clients in ${live.dependents.join(', ')} are let out to the replaced groups only, so they lose the database`,
          ]
        : []),
    ],
    residual: [
      `connections that ${facts.sources.join(', ')} has open go on: security groups track them, so end them in the database`,
      `anyone who knows the password of ${facts.user ?? 'the database user'} still knows it: ${live.secret === null ? 'change it' : `rotate ${live.secret}`}`,
    ],
    askBecause:
      live.dependents.length > 0
        ? [`groups ${live.dependents.join(', ')} reach the database through the groups that are replaced`]
        : [],
    tags: live.tags,
    arns: [live.arn],
  };
}

const noGroup = ({ id }: Target<DatabaseFacts>): No => ({
  reason: `${id} has no security group of a VPC`,
  alternative: 'End the session in the database and change its password.',
});

type No = { readonly reason: string; readonly alternative: string };

function whyNot(
  live: DatabaseState,
  { sources }: DatabaseFacts,
  target: Target<DatabaseFacts>,
  { protectedArns }: PlanOptions,
): No | undefined {
  const pattern = protectedBy([target.id, live.arn, target.display], protectedArns);
  if (pattern !== undefined) {
    return {
      reason: `${target.id} is protected by policy.yml (protected: ${pattern})`,
      alternative: 'End the session in the database and change its password.',
    };
  }
  if (live.auroraCluster !== null) {
    return {
      reason: `${target.id} is a member of ${live.auroraCluster}, and the finding does not say so: its security groups belong to the cluster`,
      alternative: `Change the security groups of the cluster ${live.auroraCluster} by hand.`,
    };
  }
  if (live.engine.startsWith('custom-')) {
    return {
      reason: `${target.id} runs on RDS Custom, whose security groups RDS does not change`,
      alternative: 'Change the security groups of its EC2 instance by hand; end the session in the database.',
    };
  }
  if (live.vpcId === null || live.groups.length === 0) return noGroup(target);
  // Joining an incident changes nothing: the snapshot that runs then is Firebreak's own.
  const restricted = isRestricted(live);
  if (live.status !== 'available' && !restricted) {
    return {
      reason: `${target.id} is ${live.status}: RDS takes changes of an available database only`,
      alternative: 'Wait until it is available, then approve again or change its security groups by hand.',
    };
  }
  if (sources.length === 0) {
    return {
      reason: 'the finding does not name an address that could be shut out',
      alternative: 'Look at who is logged in, end the session in the database and change its password.',
    };
  }
  const open = live.rules.filter((rule) => letsIn(rule, sources));
  if (restricted && open.length > 0) {
    return {
      reason: `${target.id} is restricted for another incident, whose rules let ${sources.join(', ')} in`,
      alternative: `Take ${open.map(ruleText).join('; ')} out of ${live.groupNames.join(', ')} by hand.`,
    };
  }
  if (!restricted && open.length === 0) {
    return {
      reason: `no address range of its groups lets ${sources.join(', ')} in: it came through another group, a prefix list or a proxy`,
      alternative:
        'Contain the host it came through; end the session in the database and change its password.',
    };
  }
  const inbound = live.rules.filter(({ egress }) => !egress).length;
  if (Math.max(inbound, live.rules.length - inbound) > MOST_RULES) {
    return {
      reason: `its groups have ${live.rules.length} rules, one group takes ${MOST_RULES} in each direction`,
      alternative: `Take ${open.map(ruleText).join('; ')} out of a copy of its groups by hand.`,
    };
  }
  return undefined;
}
