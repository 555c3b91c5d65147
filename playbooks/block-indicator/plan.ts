/** One step per place that blocks; what is not set up is said. Pure. */
import { arn } from '../../core/aws/arn.ts';
import type { Plan, PlanOptions, StepOf, Target } from '../../core/journal/playbook.ts';
import { specificationsOf } from '../common/dns-firewall/lists.ts';
import { ACL_TAG, denySteps } from '../common/network-acl.ts';
import { protectedBy } from '../common/protected.ts';
import { whyAsk, whyNever } from './safety.ts';
import { settingsOf } from './settings.ts';
import type { IndicatorState } from './state.ts';
import type { KINDS } from './steps.ts';
import type { IndicatorFacts } from './target.ts';

type Step = StepOf<typeof KINDS>;

export function planBlock(
  live: IndicatorState,
  target: Target<IndicatorFacts>,
  options: PlanOptions,
): Plan<Step> {
  const { facts } = target;
  const settings = settingsOf(options.settings);
  if ('problem' in settings) return no(settings.problem, 'Correct policy.yml, or block it by hand.');
  const never = whyNever(facts, live, settings, options.trusted ?? []);
  if (never !== undefined) {
    return no(never, 'Contain the resource that talks to it; block by hand what you know to be harmless.');
  }
  const acls = usableAcls(live, target, facts, options.protectedArns);
  const missing = [...acls.missing, ...dnsMissing(live, facts), ...live.missing];
  const steps = [
    ...acls.usable.flatMap(({ id, subnets }) =>
      denySteps({ region: facts.region, acl: id, cidr: facts.indicator, subnets, what: target.id }),
    ),
    ...ipSetSteps(live, facts),
    ...domainSteps(live, facts),
  ];
  if (steps.length === 0) {
    return no(
      `nothing is set up to block it with: ${missing.join('; ')}`,
      'Set up what is named, or block it by hand.',
    );
  }
  const subnets = acls.usable.reduce((sum, { filters }) => sum + filters, 0);
  return {
    kind: 'plan',
    steps: steps.map((step) => ({ ...step, together: 'block' })),
    blastRadius: {
      count: Math.max(1, subnets),
      unit: acls.usable.length > 0 ? 'subnets' : 'lists',
      detail: [
        ...acls.usable.map(({ id, filters }) => `${id} filters ${filters} subnets`),
        ...live.ipSets.map(({ scope, name, size }) => `${scope} IP set ${name} with ${size} entries`),
        ...(live.domainList
          ? [
              `domain list ${live.domainList.name}, used in ${live.domainList.uses.map(({ vpcId }) => vpcId).join(', ')}`,
            ]
          : []),
      ],
    },
    warnings: [
      ...resolvers(live, facts),
      ...missing,
      ...(acls.usable.length > 0 ? ipSetCaveats(live) : []),
      ...acls.usable.flatMap((acl) => almostFull(acl, facts)),
      ...warningsOf(facts),
    ],
    residual: residualOf(live, facts, acls.open, acls.usable.length > 0),
    askBecause: whyAsk(facts, live, options.unvouched ?? []),
    tags: Object.assign({}, ...acls.usable.map(({ tags }) => tags)),
    arns: [
      ...acls.usable.map(({ id }) => aclArn(target, facts, id)),
      ...live.ipSets.map((set) => set.arn),
      ...(live.domainList ? [live.domainList.arn] : []),
    ],
    lapseSeconds: settings.timeToLive,
  };
}

const no = (reason: string, alternative: string): Plan<never> => ({ kind: 'refused', reason, alternative });

const aclArn = (
  { partition, account }: Target<IndicatorFacts>,
  { region }: IndicatorFacts,
  id: string,
): string => arn({ partition, account, region }, 'ec2', `network-acl/${id}`);

type Acl = IndicatorState['acls'][number];

/** ACLs that may be changed; of the others, what is missing and which subnets stay open. */
function usableAcls(
  { acls }: IndicatorState,
  target: Target<IndicatorFacts>,
  facts: IndicatorFacts,
  protectedArns: readonly string[],
): {
  readonly usable: readonly Acl[];
  readonly missing: readonly string[];
  readonly open: readonly string[];
} {
  const usable: Acl[] = [];
  const missing: string[] = [];
  const open: string[] = [];
  for (const acl of acls) {
    const pattern = protectedBy([acl.id, aclArn(target, facts, acl.id)], protectedArns);
    if (acl.tagged && pattern === undefined) {
      usable.push(acl);
      continue;
    }
    open.push(...acl.subnets);
    missing.push(
      pattern === undefined
        ? `network ACL ${acl.id}: it does not carry the tag ${ACL_TAG}`
        : `network ACL ${acl.id}: protected by policy.yml (protected: ${pattern})`,
    );
  }
  return { usable, missing, open };
}

const ipSetSteps = ({ ipSets }: IndicatorState, { indicator }: IndicatorFacts): readonly Step[] =>
  ipSets.map(({ scope, region, name, id, listed }) => ({
    id: `waf:${scope}:${region}:${name}`,
    kind: 'ip-set',
    role: 'contain',
    describe: `Put ${indicator} into the ${scope} IP set ${name}`,
    args: { scope, region, name, id, cidr: indicator },
    before: listed ? 'listed' : 'absent',
    after: 'listed',
  }));

/** Where the list does something for the instance; everywhere when its VPC is not known. */
const usesHere = ({ domainList, vpcId }: IndicatorState) =>
  (domainList?.uses ?? []).filter((use) => vpcId === null || use.vpcId === vpcId);

/** A list that no rule blocks with, or only after one that lets the domain through, would be written for nothing. */
const listWorks = (live: IndicatorState): boolean => usesHere(live).some(({ passes }) => passes.length === 0);

function dnsMissing(live: IndicatorState, { family }: IndicatorFacts): readonly string[] {
  const { domainList, vpcId } = live;
  if (family !== 'domain' || domainList === null || listWorks(live)) return [];
  const passes = usesHere(live).flatMap((use) => use.passes);
  return passes.length > 0
    ? [`DNS Firewall: ${passes.join(', ')} lets it through before the rule that uses ${domainList.name}`]
    : [`DNS Firewall: no rule with action BLOCK uses ${domainList.name} in ${vpcId ?? 'any VPC'}`];
}

function domainSteps(live: IndicatorState, { indicator, region }: IndicatorFacts): readonly Step[] {
  const { domainList } = live;
  if (domainList === null || !listWorks(live)) return [];
  return [
    {
      id: `dns:${region}:${domainList.name}`,
      kind: 'domain-list',
      role: 'contain',
      describe: `Put ${specificationsOf(indicator).join(' and ')} into the domain list ${domainList.name}`,
      args: { region, name: domainList.name, id: domainList.id, domain: indicator, vpcId: live.vpcId },
      before: domainList.listed,
      after: [...specificationsOf(indicator)],
    },
  ];
}

const ipSetCaveats = ({ ipSets }: IndicatorState): readonly string[] =>
  ipSets.map(
    ({ scope, name }) =>
      `the ${scope} IP set ${name} acts only where a web ACL blocks with it, which Firebreak does not read`,
  );

/** Rules of one direction and address family unless the quota was raised, the default deny counted (Amazon VPC quotas). */
const USUAL_RULES = 20;

const almostFull = ({ id, rules }: Acl, { family }: IndicatorFacts): readonly string[] =>
  [false, true].flatMap((egress) => {
    const own = rules.filter(
      (rule) => rule.egress === egress && rule.cidr.includes(':') === (family === 'ipv6'),
    ).length;
    return own >= USUAL_RULES
      ? [
          `${id} has ${own} ${egress ? 'outbound' : 'inbound'} rules: AWS refuses one more unless its quota was raised`,
        ]
      : [];
  });

/** Who loses the name when it is blocked; said first. */
function resolvers({ queriedBy }: IndicatorState, { indicator }: IndicatorFacts): readonly string[] {
  if (queriedBy === null) return [];
  if (!queriedBy.read) return [`who else resolves ${indicator} is not known: ${queriedBy.why}`];
  const { who, more } = queriedBy;
  if (who.length === 0)
    return [`the query log shows no one in the VPC that resolved ${indicator} in 24 hours`];
  const shown = who.slice(0, 5).join(', ');
  const left = who.length - 5;
  return [
    `in the last 24 hours ${indicator} was resolved by ${shown}${left > 0 || more ? ` and ${more ? 'more' : `${left} more`}` : ''}`,
  ];
}

const warningsOf = ({ family }: IndicatorFacts): readonly string[] =>
  family === 'domain'
    ? [
        'only queries through the VPC resolver are blocked: DNS over HTTPS, other resolvers and the address itself are not',
      ]
    : ['an attacker changes addresses: this one is blocked, the implant is not gone'];

function residualOf(
  live: IndicatorState,
  { family }: IndicatorFacts,
  open: readonly string[],
  denied: boolean,
): readonly string[] {
  const { acls, domainList, vpcId } = live;
  const mayPass = usesHere(live).flatMap((use) => use.mayPass);
  return [
    ...(mayPass.length > 0
      ? [
          `${mayPass.join(', ')} comes first in DNS Firewall and may let it through: what it matches cannot be read`,
        ]
      : []),
    ...(open.length > 0
      ? [`${open.join(', ')} can still reach it: their network ACL is not Firebreak's to change`]
      : []),
    ...(family !== 'domain' && acls.length === 0
      ? ['instances can still reach it: no network ACL denies it']
      : []),
    ...live.unreadable.map((what) => `${what} may not be read: it does not block the indicator`),
    // Where a network ACL denies the address, the sets come on top: that they may do nothing is said as a warning.
    ...(denied ? [] : ipSetCaveats(live)),
    ...(domainList !== null && vpcId === null
      ? ['the VPC is not known: whether its resolver uses the domain list was not read']
      : []),
  ];
}
