/**
 * The attack as a graph: who, by which credential or connection, on which identity or resource, and what was touched. The cut is
 * where the containment made it; what is still open stays open. Console and terminals draw the same graph.
 */
import { attackersOf, placeOf } from '../finding/attackers.ts';
import type { Finding } from '../finding/finding.ts';
import { changeWords } from '../journal/change-words.ts';
import type { StepRecord } from '../journal/hold.ts';
import { capitalised, firstOf, shortened } from '../words.ts';
import { changeNames } from './change-names.ts';
import type { IncidentContext } from './context.ts';
import type { Incident, IncidentTarget } from './incident.ts';
import { playbookWords, shortIds, targetName } from './names.ts';
import { risksOfTarget } from './risks.ts';
import { isContained } from './status.ts';

/** cut: a live read confirmed it · open: the way is there · past: what happened, with nothing to cut. */
type WayState = 'cut' | 'open' | 'past';

export interface PathNode {
  readonly id: string;
  readonly kind: 'attacker' | 'means' | 'resource' | 'touched' | 'risk';
  /** What it is, then its name. Untrusted. */
  readonly title: string;
  readonly name: string;
}
export interface PathWay {
  readonly from: string;
  readonly to: string;
  readonly state: WayState;
  readonly label: string;
}
export interface PathGraph {
  readonly title: string;
  readonly nodes: readonly PathNode[];
  readonly ways: readonly PathWay[];
}

export interface PathView {
  readonly incident: Incident;
  readonly finding?: Finding | undefined;
  readonly steps: readonly StepRecord[];
  readonly context?: Pick<IncidentContext, 'activity'> | undefined;
}

/** Which way a playbook cuts: into the resource, or from the identity to what it can touch. */
const CUTS_IN: ReadonlySet<string> = new Set([
  ...['isolate-instance', 'quarantine-pod', 'restrict-database', 'block-indicator', 'disable-user-keys'],
  ...['evict-database-user'],
  ...['block-public-bucket', 'block-public-account', 'stop-task', 'scale-in-service', 'throttle-function'],
]);
/** They restore something, keep or mark it: there is no way that they cut. */
const CUTS_NOTHING: ReadonlySet<string> = new Set([
  ...['restore-logging', 'restore-event-selectors', 'restore-detection', 'mark-image', 'quarantine-object'],
  ...['suspend-expiry', 'reverse-iam-changes', 'reverse-network-changes', 'reverse-sharing-changes'],
  'reverse-alerting-changes',
  ...['reverse-deletion-changes', 'reverse-code-changes', 'reverse-detection-changes'],
  'reverse-function-changes',
  'reverse-logging-changes',
  'reverse-bucket-changes',
  ...['reverse-policy-changes', 'reverse-exposure-changes'],
]);
/** Kinds of steps that change which connections a resource takes. */
const NETWORK: ReadonlySet<string> = new Set(['interface-groups', 'network-policy', 'acl-entry']);

const MOST = 4;
const LONGEST = 60;
const cut = (text: string): string => shortened(shortIds(text), LONGEST);
const some = (all: readonly string[]): string => firstOf(all, MOST, String);

/** Returns the attack, and of what changed a network the path before and after; empty where nothing is known to draw. */
export function attackPaths(view: PathView): readonly PathGraph[] {
  const attack = attackOf(view);
  return attack.ways.length === 0 ? [] : [attack, ...networkPaths(view)];
}

function attackerOf(finding: Finding | undefined): PathNode | undefined {
  if (!finding) return undefined;
  const { parties, domain } = attackersOf(finding);
  const [first] = parties;
  const name = first?.ip ?? (first?.account === undefined ? domain : `AWS account ${first.account}`);
  if (name === undefined) return undefined;
  const place = first ? placeOf(first) : '';
  const more = new Set(parties.map(({ ip, account }) => ip ?? account)).size - 1;
  return {
    id: 'attacker',
    kind: 'attacker',
    title: place === '' ? 'Remote side' : cut(place),
    name: more > 0 ? `${cut(name)} and ${more} more` : cut(name),
  };
}

/** The credential that was used, or the connection. */
function meansOf(finding: Finding | undefined): PathNode | undefined {
  if (!finding) return undefined;
  const { accessKey, action } = finding;
  const key = accessKey?.accessKeyId;
  if (key !== undefined) return { id: 'means', kind: 'means', title: 'Access key', name: cut(key) };
  if (action === undefined) return undefined;
  const { protocol, localPort, remote, domain, api } = action;
  const port = action.direction === 'OUTBOUND' ? remote[0]?.port : localPort;
  const what = [protocol, port === undefined ? undefined : `port ${port}`].filter(
    (text) => text !== undefined,
  );
  if (domain !== undefined) return { id: 'means', kind: 'means', title: 'DNS look-up', name: cut(domain) };
  if (api !== undefined) return { id: 'means', kind: 'means', title: 'API call', name: cut(api) };
  return { id: 'means', kind: 'means', title: 'Connection', name: what.join(' ') || 'network' };
}

/** What the principal did, by CloudTrail: changes first. */
function touchedOf(context: PathView['context']): PathNode | undefined {
  if (context?.activity.kind !== 'read') return undefined;
  const done = context.activity.events.filter(({ error }) => error === undefined);
  const named = [...done.filter(({ readOnly }) => !readOnly), ...done.filter(({ readOnly }) => readOnly)];
  const calls = [
    ...new Set(named.map(({ source, name }) => `${source.replace(/\.amazonaws\.com.*$/, '')}:${name}`)),
  ];
  return calls.length === 0
    ? undefined
    : { id: 'touched', kind: 'touched', title: 'Calls in CloudTrail', name: cut(some(calls)) };
}

const isCut = ({ status, proof }: IncidentTarget): boolean =>
  status !== undefined &&
  status !== 'held' &&
  isContained(status) &&
  status !== 'partial' &&
  proof?.proven === true;

function attackOf({ incident, finding, context }: PathView): PathGraph {
  const [attacker, means, touched] = [attackerOf(finding), meansOf(finding), touchedOf(context)];
  const nodes: PathNode[] = [attacker, means, touched].filter((node) => node !== undefined);
  const ways: PathWay[] = [];
  if (attacker && means) ways.push({ from: attacker.id, to: means.id, state: 'past', label: '' });
  const from = means ?? attacker;
  incident.targets.slice(0, MOST).forEach((entry, index) => {
    const id = `target-${index}`;
    nodes.push({ id, kind: 'resource', title: kindWords(entry), name: cut(targetName(entry)) });
    const did = isCut(entry) && !incident.sample;
    const nothing = CUTS_NOTHING.has(entry.playbook);
    const inward = CUTS_IN.has(entry.playbook);
    const state = (here: boolean): WayState =>
      nothing ? 'past' : did && here ? 'cut' : did ? 'past' : 'open';
    const label = (here: boolean): string =>
      nothing || !here ? '' : did ? `cut: ${playbookWords(entry.playbook)}` : 'still open';
    if (from) ways.push({ from: from.id, to: id, state: state(inward), label: label(inward) });
    if (touched) ways.push({ from: id, to: touched.id, state: state(!inward), label: label(!inward) });
    // Without a call to draw the cut at, it stands on the way in.
    const [last] = ways.slice(-1);
    if (!touched && !inward && last && from)
      ways[ways.length - 1] = { ...last, state: state(true), label: label(true) };
    const [risk, ...others] = did ? risksOfTarget(entry) : [];
    if (risk === undefined) return;
    nodes.push({
      ...{ id: `risk-${index}`, kind: 'risk', name: cut(risk) },
      title: others.length > 0 ? `Still open, and ${others.length} more` : 'Still open',
    });
    ways.push({ from: id, to: `risk-${index}`, state: 'open', label: 'still open' });
  });
  return { title: 'Attack path', nodes, ways };
}

const kindWords = ({ target: { kind } }: IncidentTarget): string => {
  const words = kind
    .replaceAll('-', ' ')
    .replace(/^(ec2|ecs|eks|iam|s3|sso|vpc)\b/, (service) => service.toUpperCase());
  return capitalised(words);
};

/** Of each target whose network was changed: how it could be reached before, and how it can be now. */
function networkPaths({ incident, finding, steps }: PathView): readonly PathGraph[] {
  const attacker = attackerOf(finding);
  if (!attacker) return [];
  const names = changeNames(incident, steps);
  return incident.targets.slice(0, MOST).flatMap((entry): readonly PathGraph[] => {
    const did = isCut(entry) && !incident.sample;
    const planned = entry.plan?.kind === 'plan' ? entry.plan.steps : [];
    const journal = did ? steps.filter(({ id }) => planned.some((step) => step.id === id)) : [];
    const change = [...journal, ...planned].find(({ kind }) => NETWORK.has(kind));
    if (!change) return [];
    const { setting, before, after } = changeWords(change, names);
    const resource = (id: string): PathNode => ({
      ...{ id, kind: 'resource', title: kindWords(entry), name: cut(targetName(entry)) },
    });
    const gate = (id: string, name: string): PathNode => ({
      id,
      kind: 'means',
      title: cut(setting),
      name: cut(name),
    });
    const way = (from: string, to: string, state: WayState, label: string): PathWay => ({
      from,
      to,
      state,
      label,
    });
    return [
      {
        title: `Network path of ${cut(targetName(entry))}, before and ${did ? 'after' : 'after containment'}`,
        nodes: [
          { ...attacker, id: 'before-attacker' },
          gate('before-gate', before),
          resource('before-resource'),
          { ...attacker, id: 'after-attacker' },
          gate('after-gate', after),
          resource('after-resource'),
        ],
        ways: [
          way('before-attacker', 'before-gate', 'past', 'before'),
          way('before-gate', 'before-resource', 'open', did ? 'was open' : 'open'),
          way('after-attacker', 'after-gate', 'past', did ? 'after' : 'planned'),
          way('after-gate', 'after-resource', 'cut', did ? 'cut' : 'would be cut'),
        ],
      },
    ];
  });
}

/** One line from the attacker to the end of a way: what is passed, each with the way to it. */
export interface PathChain {
  readonly first: PathNode;
  readonly rest: readonly { readonly way: PathWay; readonly node: PathNode }[];
}

/** Returns every line from a node that nothing leads to; the ways of a graph lead nowhere twice. */
export function pathChains({ nodes, ways }: PathGraph): readonly PathChain[] {
  const onward = (id: string): readonly PathChain['rest'][] => {
    const next = ways.flatMap((way) => {
      const node = way.from === id ? nodes.find((one) => one.id === way.to) : undefined;
      return node ? onward(node.id).map((rest) => [{ way, node }, ...rest]) : [];
    });
    return next.length > 0 ? next : [[]];
  };
  return nodes
    .filter(({ id }) => ways.some(({ from }) => from === id) && !ways.some(({ to }) => to === id))
    .flatMap((first) => onward(first.id).map((rest) => ({ first, rest })));
}

const ARROWS: Readonly<Record<WayState, string>> = { cut: '--X', open: '- ->', past: '-->' };

/** The graph as text, a line for each way: for readers of screens, terminals and files. Untrusted. */
export function pathText({ nodes, ways }: PathGraph): readonly string[] {
  const named = new Map(nodes.map(({ id, title, name }) => [id, `${name} (${title})`]));
  return ways.map(
    ({ from, to, state, label }) =>
      `${named.get(from) ?? from} ${ARROWS[state]} ${named.get(to) ?? to}${label === '' ? '' : ` [${label}]`}`,
  );
}
