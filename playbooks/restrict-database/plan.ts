/** One group in place of the database's own: the same rules without those that let the source in. Pure. */

import type { Plan, PlanOptions, StepOf, Target } from '../../core/journal/playbook.ts';
import { protectedBy } from '../common/protected.ts';
import type { DatabaseFacts } from '../common/rds/database-target.ts';
import type { DatabaseProxy } from '../common/rds/proxies.ts';
import { letsIn, ruleText, sortedRules } from './rules.ts';
import { type DatabaseState, GROUP_PREFIX } from './state.ts';
import { type KINDS, snapshotIdFor } from './steps.ts';

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
        ...(live.restorableUntil === null
          ? []
          : [`a copy can be restored to any time until ${live.restorableUntil} (noted before the change)`]),
      ],
    },
    warnings: [
      `everybody in ${dropped.map(({ value }) => value).join(', ')} is locked out of new connections, not only ${facts.sources.join(', ')}`,
      ...(live.dependents.length > 0
        ? [
            `clients in ${live.dependents.join(', ')} are let out to the replaced groups only, so they lose the database`,
          ]
        : []),
      ...(live.restorableUntil === null
        ? ['automatic backups are off: no earlier time can be restored, only what the snapshot holds']
        : []),
    ],
    residual: [
      ...otherWays(live),
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

const proxiesIn = ({ proxies }: DatabaseState): readonly DatabaseProxy[] =>
  Array.isArray(proxies) ? proxies : [];
const proxyText = ({ name, groups }: DatabaseProxy): string =>
  `${name}${groups.length > 0 ? ` (${groups.join(', ')})` : ''}`;

/** What leads to the database, or to the same data, past the group that is put in front of it. */
const otherWays = (live: DatabaseState): readonly string[] => [
  ...proxiesIn(live).map(
    (proxy) =>
      `RDS Proxy ${proxyText(proxy)} leads to the database: anyone whom the proxy's groups let in comes through`,
  ),
  ...(Array.isArray(live.proxies)
    ? []
    : [
        `proxies that lead to the database could not be listed (${live.proxies.unread}): deploy the member roles again`,
      ]),
  ...live.replicas.map(
    (replica) => `the read replica ${replica} holds the same data behind groups of its own, which stay`,
  ),
];

const noGroup = ({ id }: Target<DatabaseFacts>): No => ({
  reason: `${id} has no security group of a VPC`,
  alternative: 'End the session in the database and change its password.',
  followUps: INSTEAD,
});

type No = { readonly reason: string; readonly alternative: string; readonly followUps?: readonly string[] };

/** What works where the path cannot be closed. */
const INSTEAD = ['evict-database-user', 'deny-database-logins'];

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
      followUps: INSTEAD,
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
    const proxies = proxiesIn(live).map(proxyText).join(', ');
    return {
      reason: `no address range of its groups lets ${sources.join(', ')} in: it came through another group, a prefix list or ${proxies === '' ? 'a proxy' : `RDS Proxy ${proxies}`}`,
      alternative: `${proxies === '' ? 'Contain the host it came through' : 'Contain the host it came through, or take it out of the groups of the proxy'}; end the session in the database and change its password.`,
      followUps: INSTEAD,
    };
  }
  const inbound = live.rules.filter(({ egress }) => !egress).length;
  if (Math.max(inbound, live.rules.length - inbound) > MOST_RULES) {
    return {
      reason: `its groups have ${live.rules.length} rules, one group takes ${MOST_RULES} in each direction`,
      alternative: `Take ${open.map(ruleText).join('; ')} out of a copy of its groups by hand.`,
      followUps: INSTEAD,
    };
  }
  return undefined;
}
