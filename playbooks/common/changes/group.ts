/**
 * A playbook made of inverses: the changes that a principal made to one sort of resources, as steps with a tick each. What
 * cannot be restored is named with what to type.
 */
import { z } from 'zod';
import { arn, parseArn, type Scope } from '../../../core/aws/arn.ts';
import { inBatches } from '../../../core/aws/batches.ts';
import type { Aws } from '../../../core/aws/client.ts';
import { iamHome } from '../../../core/aws/regions.ts';
import { awsErrorName, isAwsError, mayRetry } from '../../../core/errors.ts';
import type { Finding } from '../../../core/finding/finding.ts';
import {
  definePlaybook,
  type Permissions,
  type Plan,
  type PlannedStep,
  type PlanOptions,
  type Playbook,
  type Proof,
  type StepContext,
  type StepKinds,
  type StepView,
  type Target,
} from '../../../core/journal/playbook.ts';
import { type Json, type JsonObject, own } from '../../../core/json.ts';
import { protectedBy } from '../protected.ts';
import { anyJson } from '../step-kind.ts';
import { type Call, type Suspect, suspectSchema } from './call.ts';
import { beforeSchema, changeOf, lookUpOf, type Place, placeId, placeSchema } from './change.ts';
import type { Answered, ByHand, Inverse } from './inverse.ts';
import { rankOf } from './inverse.ts';
import { CONFIG_READS } from './recorded.ts';
import { type ChangeArgs, short, stepOf } from './step.ts';
import { HISTORY, notStored } from './stored.ts';
import { changesTable } from './table.ts';

/** On one card; the most dangerous first, the others are named. */
const MOST_CHANGES = 25;
const MOST_NAMED = 10;

const handworkSchema = z.object({ what: z.string(), next: z.string() });
const factsSchema = z.object({
  suspect: suspectSchema,
  places: z.array(placeSchema),
  byHand: z.array(handworkSchema),
});
type Facts = z.infer<typeof factsSchema>;

const foundSchema = z.object({
  ...placeSchema.shape,
  by: z.array(z.string()),
  left: anyJson,
  live: anyJson,
  before: beforeSchema,
  since: z.string().nullable(),
  /** Why the value before cannot be written. Absent in what earlier releases wrote. */
  unable: z.string().nullable().default(null),
  /** The live ARN, then other names. */
  names: z.array(z.string()),
});
type FoundChange = z.infer<typeof foundSchema>;
const stateSchema = z.object({
  changes: z.array(foundSchema),
  /** Changes that CloudTrail does not list under their resource: what was there is not known. */
  unlisted: z.array(z.string()),
  /** Changes of what may not be read, as a key whose policy shuts Firebreak out. Absent in what earlier releases wrote. */
  unread: z.array(z.string()).default([]),
});
type State = z.infer<typeof stateSchema>;

export interface ChangeGroup {
  readonly playbook: Playbook;
  readonly inverses: readonly Inverse[];
  readonly byHand: readonly ByHand[];
  /** Whether the call has an inverse here, and its record the form that the inverse reads. */
  answers(call: Call, account: Pick<Scope, 'partition' | 'account'>): boolean;
  /** The changes of the suspect among the calls, oldest first; undefined where there is none of the group's. */
  targetOf(finding: Finding, suspect: Suspect, calls: readonly Call[]): Target | undefined;
}

export interface GroupDefinition {
  readonly id: string;
  readonly title: string;
  /** What it answers and what stays, for the page; the table of calls follows it. */
  readonly about: string;
  /** Of its targets: `iam-changes`. */
  readonly kind: string;
  readonly answers: readonly (Inverse | ByHand)[];
  /** What undo does not make again, or with another id, or without its tags; nothing unless stated. */
  readonly lost?: string;
}

export function changeGroup({ id, title, about, kind, answers: all, lost }: GroupDefinition): ChangeGroup {
  const inverses = all.filter((one) => one.kind === 'inverse');
  const byHand = all.filter((one) => one.kind === 'by-hand');
  const byId = Object.fromEntries(inverses.map((inverse) => [inverse.id, inverse]));
  const answers: ChangeGroup['answers'] = (call, { partition, account }) => {
    const scope = { partition, account, region: call.region };
    return all.some(
      (one) =>
        answered(one.calls, call) &&
        (one.kind === 'inverse' ? one.effects(call, scope).length > 0 : one.next(call, scope) !== undefined),
    );
  };

  function targetOf(finding: Finding, suspect: Suspect, calls: readonly Call[]): Target | undefined {
    const home = iamHome(finding);
    const scope = { partition: finding.partition, account: finding.account };
    const places = new Map<string, Place>();
    for (const inverse of inverses)
      for (const call of calls.filter((one) => answered(inverse.calls, one)))
        for (const effect of inverse.effects(call, { ...scope, region: call.region })) {
          const { resource, left, before } = effect;
          // The call leaves it as it was.
          if (before !== undefined && inverse.same(before, left)) continue;
          const place = { inverse: inverse.id, region: call.region, resource };
          places.set(placeId(place), place);
        }
    const handwork = byHand.flatMap((one) =>
      calls
        .filter((call) => answered(one.calls, call))
        .flatMap((call) => one.next(call, { ...scope, region: call.region }) ?? []),
    );
    if (places.size === 0 && handwork.length === 0) return undefined;
    const rank = ({ inverse }: Place): number => rankOf(own(byId, inverse)?.danger ?? 'persists');
    const ordered = [...places.values()].sort((a, b) => rank(a) - rank(b));
    const [kept, over] = [ordered.slice(0, MOST_CHANGES), ordered.slice(MOST_CHANGES)];
    const facts: Facts = {
      suspect,
      places: kept,
      byHand: [...named(onceEach(handwork)), ...named(over.map((place) => beyond(place, byId)))],
    };
    return { ...home, kind, id: whoIs(suspect), display: principalOf(finding), facts: { ...facts } };
  }

  const playbook = definePlaybook<Facts & JsonObject, State & JsonObject, StepKinds>({
    id,
    title,
    about: `${about.trim()}\n\n${changesTable(all)}\n\n${EVERY_GROUP}`,
    handles: [],
    reversible: lost === undefined ? { kind: 'fully' } : { kind: 'partly', lost },
    permissions: rightsOf(inverses),
    // IAM and others enforce a change within seconds, documented as minutes.
    proofDelaySeconds: 15,
    facts: factsSchema,
    state: stateSchema,
    targetOf: () => ({
      ok: false,
      reason: 'asked by reverse-changes, for what CloudTrail shows was changed',
    }),
    read: (target, aws) => readChanges(target, aws, byId),
    plan: (state, target, options) => planChanges(state, target, options, byId),
    kinds: Object.fromEntries(inverses.map((inverse) => [inverse.id, stepOf(inverse)])),
    verify: (context, steps) => verify(context, steps, byId),
    undoSafety: (steps) => {
      const back = steps.filter(({ status }) => status === 'done').length;
      return back === 0
        ? { safe: true, why: 'nothing of this incident is in place' }
        : { safe: false, why: `undo restores ${back} of the attacker's changes, letter for letter` };
    },
  });
  return { playbook, inverses, byHand, answers, targetOf };
}

const EVERY_GROUP = `
**Only with approval**: every change has a tick of its own, and no answer is not a yes. A change belongs to the principal by
the access key that signed it or the id of its session, and by the keys that it was issued (AssumeRole, GetSessionToken,
GetFederationToken, CreateAccessKey). Of several changes of one resource, the value before the first is restored: as the call itself
shows it, an earlier call in CloudTrail's event history or in the store of events (docs/call-history.md), AWS Config, where it is on in
the Region of the call (for IAM in its home Region) and records the setting, or a version from before the finding that the service keeps.
What is live must be what the principal left: what others changed since is drift, is named and stays.

**Undo** restores what the attacker left, letter for letter, so a second person must agree.
`.trim();

const answered = ({ source, names }: Answered, call: Call): boolean =>
  call.source === source && names.includes(call.name);

const whoIs = ({ keys, principalIds }: Suspect): string => keys[0] ?? principalIds[0] ?? 'unknown';

/** The principal as people know it. */
function principalOf(finding: Finding): string {
  const { accessKeyId, principalId = '', userName = '', userType } = finding.accessKey ?? {};
  const name = /^[\w+=,.@-]{1,64}$/.test(userName) ? userName : undefined;
  const session = /^AROA[A-Z0-9]+:([\w+=,.@-]{2,64})$/.exec(principalId)?.[1];
  if (name !== undefined && session !== undefined)
    return arn(finding, 'sts', `assumed-role/${name}/${session}`, { global: true });
  if (name !== undefined && userType === 'IAMUser')
    return arn(finding, 'iam', `user/${name}`, { global: true });
  return accessKeyId ?? 'the actors of the attack';
}

/** What is done about it is the same for all: a thousand objects of one bucket are one line. */
function onceEach(all: readonly { readonly what: string; readonly next: string }[]) {
  const byNext = new Map<string, { readonly what: string; readonly count: number }>();
  for (const { what, next } of all)
    byNext.set(next, { what: byNext.get(next)?.what ?? what, count: (byNext.get(next)?.count ?? 0) + 1 });
  return [...byNext].map(([next, { what, count }]) => ({
    what: count === 1 ? what : `${what}, and ${count - 1} more such calls`,
    next,
  }));
}

const named = (all: readonly { readonly what: string; readonly next: string }[]) => {
  const rest = all.length - MOST_NAMED;
  return [
    ...all.slice(0, MOST_NAMED).map(({ what, next }) => ({ what, next })),
    ...(rest > 0
      ? [{ what: `${rest} more such changes`, next: 'See the calls of the principal in CloudTrail.' }]
      : []),
  ];
};

const beyond = ({ inverse, resource }: Place, byId: Readonly<Record<string, Inverse>>) => ({
  what: `${own(byId, inverse)?.listedAs(resource) ?? inverse} was changed as well: more than ${MOST_CHANGES} changes`,
  next: 'Once these are reversed, ask for reverse-changes again.',
});

function rightsOf(inverses: readonly Inverse[]): Permissions {
  const reads = inverses.flatMap(({ permissions }) => permissions.read);
  const undo = [...new Set(inverses.flatMap(({ permissions }) => permissions.undo ?? []))];
  return {
    read: [
      {
        // LookupEvents has no resource level.
        actions: ['cloudtrail:LookupEvents'],
        resources: ['*'],
        why: 'what the principal changed, and what was there before',
      },
      ...(inverses.some(({ recorded }) => recorded) ? [CONFIG_READS] : []),
      ...new Set(reads),
    ],
    write: [...new Set(inverses.flatMap(({ permissions }) => permissions.write))],
    ...(undo.length > 0 ? { undo } : {}),
  };
}

async function readChanges(
  { facts: { suspect, places } }: Target<Facts>,
  aws: Aws,
  byId: Readonly<Record<string, Inverse>>,
): Promise<State> {
  const look = lookUpOf(
    aws,
    places.flatMap((place) => {
      const inverse = own(byId, place.inverse);
      return inverse ? [{ ...place, inverse }] : [];
    }),
  );
  const unread: string[] = [];
  // Two at a time: CloudTrail answers two a second.
  const found = await inBatches(places, 2, async (place): Promise<FoundChange | string | undefined> => {
    const inverse = own(byId, place.inverse);
    if (!inverse) return undefined;
    const there = aws.inRegion(place.region);
    const change = await changeOf(there, suspect, inverse, place.resource, look);
    if (!change) {
      const why = notStored(await look.stored()).map((one) => `; ${one}`);
      return `${inverse.listedAs(place.resource)} was changed (${place.inverse})${why.join('')}`;
    }
    const { by, left, before, since = null } = change;
    try {
      const [live, names, unable = null] = await Promise.all([
        inverse.read(there, place.resource),
        inverse.names(there, place.resource),
        before.known && !inverse.same(before.value, left)
          ? inverse.unable?.(there, place.resource, before.value)
          : undefined,
      ]);
      return { ...place, by: [...by], left, live, before, since, names: [...names], unable };
    } catch (error) {
      // One that the principal shut Firebreak out of does not keep the others from being reversed.
      if (!isAwsError(error) || mayRetry(error)) throw error;
      const what = `${inverse.words.setting} of ${inverse.listedAs(place.resource)}`;
      unread.push(`${what} was changed by ${by.at(-1)}, and may not be read (${awsErrorName(error)})`);
      return undefined;
    }
  });
  return {
    changes: found.filter((one) => typeof one === 'object'),
    unlisted: found.filter((one) => typeof one === 'string'),
    unread,
  };
}

interface Taken {
  readonly step: PlannedStep;
  readonly unsure: readonly string[];
  readonly inverse: Inverse;
  readonly names: readonly string[];
}
/** One change, judged: a step, or a line for people. */
type Judged = Taken | { readonly open: string } | undefined;

function planChanges(
  { changes, unlisted, unread }: State,
  target: Target<Facts>,
  { protectedArns }: PlanOptions,
  byId: Readonly<Record<string, Inverse>>,
): Plan {
  const judged = inOrder(changes, byId).map((change) => judge(change, target, protectedArns, byId));
  const taken = whatIsMadeFirst(judged.flatMap((one) => (one && 'step' in one ? [one] : [])));
  const open = [
    ...judged.flatMap((one) => (one && 'open' in one ? [one.open] : [])),
    ...unlisted.map((what) => `${what}, and ${HISTORY} do not show what it was`),
    ...unread,
    ...target.facts.byHand.map(({ what, next }) => `${what}: ${next}`),
  ];
  if (taken.length === 0)
    return {
      kind: 'refused',
      reason: open.join('; ') || 'everything that the principal changed is as it was, or gone',
      alternative: target.facts.byHand[0]?.next ?? 'See the calls of the principal in CloudTrail.',
    };
  const unsure = taken.flatMap(({ step, unsure: why }) => why.map((one) => `${step.describe}: ${one}`));
  return {
    kind: 'plan',
    steps: taken.map(({ step }) => step),
    blastRadius: { count: 1, unit: 'principals', detail: taken.map(({ step }) => step.describe) },
    warnings: unsure,
    residual: [
      ...new Set([...open, ...taken.flatMap(({ inverse, step }) => remainsOf(inverse, step))]),
      'CloudTrail shows calls some minutes late: ask again for what the principal changed last',
    ],
    askBecause: ['what a principal changed is reversed only where a person ticked it'],
    tags: {},
    arns: [...new Set(taken.flatMap(({ names }) => names.filter((name) => parseArn(name) !== undefined)))],
  };
}

/** Returns the steps so that what was deleted is made again before what needs it. */
function whatIsMadeFirst(taken: readonly Taken[]): readonly Taken[] {
  const needs = ({ step, inverse }: Taken): readonly Taken[] =>
    taken.filter(
      (other) =>
        other.step.before === null &&
        other.step.id !== step.id &&
        regionOf(other.step) === regionOf(step) &&
        inverse.needs?.(resourceOf(step), {
          inverse: other.inverse.id,
          resource: resourceOf(other.step),
        }) === true,
    );
  const ordered = new Set<Taken>();
  const add = (one: Taken): void => {
    for (const other of needs(one)) if (!ordered.has(other)) add(other);
    ordered.add(one);
  };
  taken.forEach(add);
  return [...ordered].map((one) => {
    const first = needs(one).map(({ step }) => step.id);
    return first.length === 0 ? one : { ...one, step: { ...one.step, needs: first } };
  });
}

const resourceOf = ({ args }: Pick<PlannedStep, 'args'>): JsonObject => args['resource'] as JsonObject;
const regionOf = ({ args }: Pick<PlannedStep, 'args'>): string => String(args['region']);
const remainsOf = ({ remains }: Inverse, step: PlannedStep): readonly string[] =>
  remains?.(resourceOf(step)) ?? [];

/** The most dangerous first, and what is about one resource together. */
function inOrder(
  changes: readonly FoundChange[],
  byId: Readonly<Record<string, Inverse>>,
): readonly FoundChange[] {
  const about = (one: FoundChange): string => own(byId, one.inverse)?.listedAs(one.resource) ?? '';
  const rank = (one: FoundChange): number => rankOf(own(byId, one.inverse)?.danger ?? 'persists');
  const worst = new Map<string, number>();
  for (const one of changes) worst.set(about(one), Math.min(rank(one), worst.get(about(one)) ?? 99));
  const key = (one: FoundChange): string =>
    [String(worst.get(about(one))).padStart(2, '0'), about(one), String(rank(one)).padStart(2, '0')].join(
      ' ',
    );
  return [...changes].sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0));
}

function judge(
  change: FoundChange,
  { partition, account }: Scope,
  protectedArns: readonly string[],
  byId: Readonly<Record<string, Inverse>>,
): Judged {
  const inverse = own(byId, change.inverse);
  if (!inverse) return undefined;
  const { resource, region, left, live, before, since } = change;
  const what = `${inverse.words.setting} of ${inverse.listedAs(resource)} was changed by ${change.by.at(-1)}`;
  if (!before.known)
    return !inverse.same(live, left)
      ? undefined
      : {
          open: [
            `${what}, and what it was before is not known: ${before.why}`,
            ...(inverse.unknown ? [inverse.unknown(resource, region)] : []),
          ].join('; '),
        };
  const wanted = before.value;
  // The calls left it as it was.
  if (inverse.same(left, wanted)) return undefined;
  const never = inverse.never?.(resource, wanted, { region, by: 'reversal', from: left });
  if (never !== undefined) return { open: `${what}: ${never}` };
  // What is back already is a step as well: a second incident joins the first.
  if (!inverse.same(live, left) && !inverse.same(live, wanted))
    return {
      open: `${what}, and is ${live === null ? 'gone' : 'another value'} now${since === null ? '' : ` (${since})`}: it stays`,
    };
  if (inverse.coarse && since !== null && !inverse.same(live, wanted))
    return { open: `${what}, and by another principal since (${since}): it stays` };
  const pattern = protectedBy(change.names, protectedArns);
  if (pattern !== undefined)
    return { open: `${what}, and is protected by policy.yml (${pattern}): it stays` };
  if (change.unable !== null && !inverse.same(live, wanted)) return { open: `${what}: ${change.unable}` };
  const why = inverse.byHand?.(wanted, left, { partition, account, region });
  if (why !== undefined)
    return { open: `${what}; what was before (${before.from}) is for a person to restore: ${why}` };
  const args: ChangeArgs = { region, resource, left, wanted };
  const step: PlannedStep = {
    id: placeId(change),
    kind: inverse.id,
    role: 'contain',
    describe: `${inverse.says(resource, wanted)} (${[change.by.at(-1), ...sourceOf(change, before)].join('; ')})`,
    args: { ...args },
    before: live,
    after: wanted,
  };
  const meanwhile = since === null ? [] : [`another principal changed it since (${since})`];
  return { step, unsure: [...before.unsure, ...meanwhile], inverse, names: change.names };
}

/** What people must know of where the value comes from. */
const sourceOf = (
  { since }: FoundChange,
  { from, unsure }: Extract<FoundChange['before'], { readonly known: true }>,
) => [
  ...(/^(AWS Config\b|version )/.test(from) ? [`from ${from}`] : []),
  ...(unsure.length > 0 || since !== null ? ['not sure'] : []),
];

async function verify(
  { aws }: StepContext<Facts>,
  steps: readonly StepView[],
  byId: Readonly<Record<string, Inverse>>,
): Promise<Proof> {
  const checks = await inBatches(steps, 5, async ({ id, kind, args, after }) => {
    const inverse = own(byId, kind);
    const resource = resourceOf({ args });
    const live: Json = inverse
      ? await inverse.read(aws.inRegion(regionOf({ args })), inverse.resource.parse(resource))
      : null;
    const ok = inverse !== undefined && after !== undefined && inverse.same(live, after);
    const name = inverse ? `${inverse.words.setting} of ${inverse.listedAs(resource)}` : id;
    return { id, ok, saw: ok ? `${name} is as it was` : `${name} is ${short(live)}` };
  });
  const proven = checks.length > 0 && checks.every(({ ok }) => ok);
  const drifted = steps.some(({ status }) => status === 'drift');
  return { proven, checks, residual: [], next: proven || drifted ? 'final' : 'recontain' };
}
