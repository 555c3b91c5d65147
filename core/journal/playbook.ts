/**
 * What a playbook is: a value that says which findings it handles, reads live state, plans pure data, and knows how
 * to read, apply and revert each kind of step. `core/journal/journal.ts` runs the steps compare-and-set, so contain, resume
 * after a crash, a second run and undo are one mechanism; no playbook writes its own.
 */
import { z } from 'zod';
import { actingAs } from '../aws/acting.ts';
import type { Scope } from '../aws/arn.ts';
import type { Aws } from '../aws/client.ts';
import { FirebreakError } from '../errors.ts';
import type { Finding } from '../finding/finding.ts';
import { isJsonObject, type Json, type JsonObject, own } from '../json.ts';

/** The resource an incident acts on. `F`: what its playbook says of the facts; the pipeline sees JSON. */
export interface Target<F = JsonObject> extends Scope {
  /** Kind of the resource: `ec2-instance`, `role-session`, ... part of the lock key. */
  readonly kind: string;
  readonly id: string;
  /** What people see: an ARN where the finding gives enough to build it, otherwise the id. */
  readonly display: string;
  /** What the finding says about the target and the playbook needs (untrusted, re-read live). */
  readonly facts: F;
}

/** `partition:account:region:kind:id`: two incidents on one resource meet here (lock, hold, journal). */
export const resourceKey = (target: Target): string =>
  [target.partition, target.account, target.region, target.kind, target.id].join(':');

export type TargetChoice<F = JsonObject> =
  | {
      readonly ok: true;
      readonly target: Target<F>;
      /** What stays at risk however well it is contained, as far as the finding tells. */
      readonly residual?: readonly string[];
    }
  /** The finding is of a handled type but names nothing this playbook can act on. */
  | {
      readonly ok: false;
      readonly reason: string;
      /**
       * The finding does name such a resource or actor, and it cannot be contained: the reason is shown even where another
       * playbook answers, and an actor stays at risk then.
       */
      readonly named?: 'resource' | 'actor';
      /** What `locate` has to find: the finding says enough to look for the target, and not which one it is. */
      readonly sought?: string;
    };

/** One IAM statement's worth of rights. ARNs are written with `${Partition}`, `${Account}`, `${Region}`. */
export interface Permission {
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  readonly condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
  /** Why the right is needed, in a few words. */
  readonly why: string;
  /** Of the role in the organisation's management account alone, which is deployed where wanted (deploy/management-account.ts). */
  readonly in?: 'management';
}

/** A right to change something. */
export interface Change extends Permission {
  /** The worst that code running with this right can do: what IAM cannot keep it from, not what Firebreak does. */
  readonly worst: string;
}

/**
 * read: what every function that plans or verifies needs · write: what containing changes, and undo as well · undo: what
 * only a revert calls. A function that contains does not have it, so that code running as one cannot undo at will.
 */
export interface Permissions {
  readonly read: readonly Permission[];
  readonly write: readonly Change[];
  readonly undo?: readonly Change[];
}

/**
 * evidence: keeps what an investigation needs · prepare: makes the containing step possible ·
 * contain: cuts the attacker off · label: marks what was done.
 */
export type StepRole = 'evidence' | 'prepare' | 'contain' | 'label';

interface StepOutline {
  /** Unique in the plan and stable across re-planning: `eni:eni-0abc`, `shutdown-behaviour`. */
  readonly id: string;
  readonly role: StepRole;
  /** One line for the card: "Move eni-0abc to firebreak-quarantine". */
  readonly describe: string;
  /**
   * What the plan saw and expects to leave, for the card and the diff. The journal captures the real prior value; where a kind
   * `expects` it, it is stored next to the read that confirms it.
   */
  readonly before: Json;
  readonly after: Json;
  /** Steps that must be done first; if one of them failed, this one is skipped with that reason. */
  readonly needs?: readonly string[];
  /**
   * Neighbours in the plan with the same word run at the same time. Without it a step waits for the one before it. Undo
   * goes one by one in any case: it is not in a hurry.
   */
  readonly together?: string;
}

/** A step as planned: plain data, stored in the journal before anything changes. */
export interface PlannedStep extends StepOutline {
  /** Key into `Playbook.kinds`. */
  readonly kind: string;
  /** Input of the step kind. */
  readonly args: JsonObject;
}

export type StepKinds = Readonly<Record<string, StepKind>>;

/** A planned step of one of `K`'s kinds with that kind's arguments: any other kind or argument does not compile. */
export type StepOf<K extends StepKinds> = {
  [Name in keyof K & string]: StepOutline & { readonly kind: Name; readonly args: ArgsOf<K[Name]> };
}[keyof K & string];

type ArgsOf<Kind> = Kind extends StepKind<infer A> ? A : never;

export interface BlastRadius {
  /** How many others are hit (instances, principals, ...), the target itself included. */
  readonly count: number;
  readonly unit: string;
  readonly detail: readonly string[];
}

/** One thing by which the identity of a target lets someone in, for the list of all of them. Texts may be untrusted. */
export interface IdentityPart {
  /** `access key AKIA…`, `console password`. */
  readonly what: string;
  /** Ids of the plan's steps of which each contains it; none: nothing does. */
  readonly by: readonly string[];
  /** Why nothing contains it, or what of it stays all the same. */
  readonly left?: string;
  /** The follow-up that finds and contains them: its own list stands in place of this line. */
  readonly followUp?: string;
}

export type Plan<Step = PlannedStep> =
  | {
      readonly kind: 'plan';
      readonly steps: readonly Step[];
      readonly blastRadius: BlastRadius;
      readonly warnings: readonly string[];
      /** What stays at risk even when every step is proven. Non-empty means: never plain `contained`. */
      readonly residual: readonly string[];
      /** Reasons why this plan must not run without a person, whatever the policy says. */
      readonly askBecause: readonly string[];
      /** Why two people must approve, whatever the policy says; no break-glass stands in for the second. */
      readonly twoPeople?: string;
      /** Live tags of the target; the exemption gate reads them. */
      readonly tags: Readonly<Record<string, string>>;
      /** Live ARNs of what is changed; the exemption gate reads them. */
      readonly arns: readonly string[];
      /** Seconds after which the containment is reverted automatically, as by Undo. Absent: it stays until someone does. */
      readonly lapseSeconds?: number;
      /**
       * Playbooks that a person is asked about once this containment has settled, because of what the plan saw (a privileged
       * pod: its node). Those that the finding's type asks for in any case are in policy.yml.
       */
      readonly followUps?: readonly string[];
      /** Everything that the identity is, where the target is one. */
      readonly identity?: readonly IdentityPart[];
    }
  | {
      /** Firebreak will not act on this target: protected, unmodifiable, identity mismatch. */
      readonly kind: 'refused';
      readonly reason: string;
      /** What works instead, for a person. */
      readonly alternative: string;
      /** The playbooks that do it: an approval is requested for each. */
      readonly followUps?: readonly string[];
    };

/** What a step's read found. `output` is what later steps need (e.g. the security group's id). */
export interface Reading {
  readonly value: Json;
  readonly output?: Json;
}

export interface StepContext<F = JsonObject> {
  readonly target: Target<F>;
  readonly aws: Aws;
  /** Id of the incident that opened the hold: used in names and tags, the same for every incident that joins. */
  readonly caseId: string;
  /** Outputs of the steps done so far, by step id. */
  readonly outputs: Readonly<Record<string, Json>>;
  /** Clock, so that scenarios can set the time. */
  readonly now: () => Date;
  /** Settings of the playbook in policy.yml as deployed: unlike a record, the table's writers cannot change them. */
  readonly settings?: JsonObject | undefined;
}

/** Changes AWS from `before` to `after`. */
export type Apply = (before: Json, after: Json) => Promise<Json | undefined>;

/**
 * How one kind of step reads, applies and reverts. The journal's rule:
 *  - contain: `read`; equal to `after` -> nothing to do; equal to the stored prior value (or to one of `between`) ->
 *    `apply`; anything else -> Drift.
 *  - undo: `read`; equal to `after` (or one of `between`) -> `revert`; equal to the prior value -> `revert` as well unless
 *    that read cannot be an old one; anything else -> Drift. A later read proves it.
 * `apply` and `revert` must be safe to repeat: a crash can come between the AWS call and its record.
 */
export interface StepKind<A = JsonObject> {
  /** The arguments of its steps: what a plan writes, and what the journal must hold. */
  readonly args: z.ZodType<A>;
  /** The live value, normalised so that equal states give equal JSON (sorted lists, no volatile fields). */
  read(args: JsonObject, context: StepContext): Promise<Reading>;
  /** The value to leave. May use outputs of earlier steps; asked for once, then stored. */
  after(args: JsonObject, context: StepContext, before: Json): Promise<Json> | Json;
  /** Values only an interrupted `apply` of ours leaves behind (e.g. an ENI still in the transit group). */
  between?(args: JsonObject, context: StepContext): readonly Json[];
  /** Changes AWS from `before` to `after`; gives the step's output if it has one. */
  apply(args: JsonObject, context: StepContext, before: Json, after: Json): Promise<Json | undefined>;
  /** The two halves of `apply`: reads what must be known before the change, next to the record that it is tried, and returns the change. */
  ready?(args: JsonObject, context: StepContext): Promise<Apply>;
  /**
   * `keep`: evidence and labels stay after undo. Otherwise changes AWS from `after` back to `before`; where people agreed to
   * overwrite someone else's change, `after` is that change.
   */
  readonly revert:
    | 'keep'
    | ((args: JsonObject, context: StepContext, before: Json, after: Json) => Promise<RevertResult>);
  /** The plan's prior value is what `read` returns while nothing has changed: the record that it is tried need not wait for the read. */
  readonly expects?: true;
  /** Equality of two values where plain JSON equality is too strict. */
  same?(a: Json, b: Json): boolean;
  /**
   * Equality between the live value and `after` on a later pass, for values that only move forward (a revocation's
   * cut-off time): true when `live` contains at least as much as `after`.
   */
  covers?(live: Json, after: Json): boolean;
  /**
   * What of ours is worse now than before the containment, in words for people: what an `apply` of several calls left
   * between two of them, or a change that only made sense with a containment that is not in place. Undefined: nothing is.
   */
  worse?(args: JsonObject, context: StepContext, seen: Seen): string | undefined;
  /**
   * Ends what `worse` names where the step goes neither on nor back. Gives up no more of the containment than that takes, and
   * leaves what others changed. Must be safe to repeat.
   */
  close?(args: JsonObject, context: StepContext, seen: Seen): Promise<void>;
  /**
   * Set where incidents share what the step makes: the value once it is gone. The last one to undo takes it away, whichever
   * made it. The output names it: where that is another one, another incident has made its own since.
   */
  readonly shared?: Json;
}

/** What a step's live value is judged by. */
export interface Seen<V = Json> {
  readonly live: V;
  readonly before: V;
  /** A containing step of the target is in place. */
  readonly contained: boolean;
}

/**
 * reverted: AWS accepted the change · absent: a read found nothing to revert, so nothing was sent · `kept` says what could
 * not or must not be restored, and why.
 */
export type RevertResult = 'reverted' | 'absent' | { readonly kept: string };

export interface ProofCheck {
  readonly id: string;
  readonly ok: boolean;
  /** What the proving read saw, for people. */
  readonly saw: string;
}

/** The proving read. `proven` only if every containing effect was seen live. */
export interface Proof {
  readonly proven: boolean;
  readonly checks: readonly ProofCheck[];
  /** Remaining risk seen live, reported with the outcome. */
  readonly residual: readonly string[];
  /**
   * wait: not visible yet, look again · recontain: something changed under us (new interface attached, deny detached),
   * plan and contain again · final: looking again will not change it.
   */
  readonly next: 'wait' | 'recontain' | 'final';
}

/** May this be undone now? */
export interface UndoSafety {
  /** True: one person's click is enough. False: a second person must agree, knowing `why`. */
  readonly safe: boolean;
  readonly why: string;
  /** When it becomes safe on its own, ISO 8601. */
  readonly safeAt?: string;
  /** What undoing opens all the same, however safe: said wherever an undo is offered, and with its result. */
  readonly residual?: readonly string[];
}

/** One step as the journal recorded it; undo safety looks at these. */
export interface StepView<Name extends string = string, Args = JsonObject> {
  readonly id: string;
  readonly kind: Name;
  readonly role: StepRole;
  readonly status: StepStatus;
  readonly args: Args;
  readonly before: Json | undefined;
  readonly after: Json | undefined;
  readonly output: Json | undefined;
  readonly doneAt: string | undefined;
}

/** A recorded step of one of `K`'s kinds with that kind's arguments, as the proving read gets it. */
export type StepViewOf<K extends StepKinds> = {
  [Name in keyof K & string]: StepView<Name, ArgsOf<K[Name]>>;
}[keyof K & string];

export type StepStatus =
  | 'planned'
  | 'applying' // prior value stored, AWS may or may not have changed
  | 'done'
  | 'already' // live value was the wanted one before we came; undo leaves it
  | 'failed'
  | 'skipped'
  | 'drift'
  | 'undoing'
  | 'undone'
  | 'kept'; // undo left it on purpose, with the reason in `note`

/** True of a step whose value is in place in AWS by the journal: set by Firebreak, or there before. */
export const inPlace = (status: StepStatus): boolean => status === 'done' || status === 'already';

export interface Playbook {
  readonly id: string;
  readonly title: string;
  /** What it contains and what it cannot, for the generated page (Markdown). */
  readonly about: string;
  /** Finding types, `*` matches any run of characters: `Backdoor:EC2/*`. */
  readonly handles: readonly string[];
  readonly reversible: { readonly kind: 'fully' } | { readonly kind: 'partly'; readonly lost: string };
  readonly permissions: Permissions;
  /** Seconds after the last step before the proving read means something (IAM is eventually consistent). */
  readonly proofDelaySeconds: number;
  /** Which resource, from the finding alone. Pure; never calls AWS. */
  targetOf(finding: Finding): TargetChoice;
  /**
   * The target where the finding alone does not tell it, found by looking: a stolen session names its instance but not
   * the Region the instance is in. Asked for follow-ups, and where `targetOf` says that the target is `sought`; for follow-ups
   * `targetOf` is asked without it. `options` are those of the plan.
   */
  locate?(finding: Finding, aws: Aws, options?: PlanOptions): Promise<TargetChoice>;
  /**
   * Live state, one round of concurrent calls. JSON, stored with the incident. Throws FirebreakError.
   * `settings` are those of the plan (policy.yml): what they make needless is not read, so that containment is sooner.
   */
  read(target: Target, aws: Aws, settings?: JsonObject): Promise<JsonObject>;
  /** Pure: ordered steps with before and after, blast radius, warnings, residual risk. */
  plan(state: JsonObject, target: Target, options: PlanOptions): Plan;
  readonly kinds: Readonly<Record<string, StepKind>>;
  verify(context: StepContext, steps: readonly StepView[]): Promise<Proof>;
  /** It marks and copies: it takes nothing down, the circuit breaker does not count it, and in a flood its cards share messages. */
  readonly tagsOnly?: true;
  /** What policy.yml may set for it (`playbooks: <id>:`); absent where nothing. */
  readonly settings?: z.ZodType;
  /**
   * Documents about the target as they stand, for the evidence store: what an investigation asks for and the plan does
   * not need. Read next to the containment, never before it. File name without ending -> document.
   */
  evidence?(target: Target, aws: Aws): Promise<Readonly<Record<string, Json>>>;
  undoSafety?(steps: readonly StepView[], state: JsonObject, now: Date): UndoSafety;
}

export interface PlanOptions {
  readonly caseId: string;
  readonly now: Date;
  /** Settings of this playbook in policy.yml (`playbooks: <id>: {...}`), parsed by the playbook. */
  readonly settings: JsonObject;
  /** What must never be changed: Firebreak's own, and what policy.yml protects. Matched with `protectedBy`. */
  readonly protectedArns: readonly string[];
  /** True once a person approved this plan: broad actions that need approval may be planned as contained. */
  readonly approved: boolean;
  /** Addresses and domains of your own: `trusted` in policy.yml, and `firebreak lists`. Absent: none is known. */
  readonly trusted?: readonly string[];
  /** On a trusted list of GuardDuty, put there by another way: anyone with rights to GuardDuty may have. */
  readonly unvouched?: readonly string[];
}

const ANY = z.custom<JsonObject>(isJsonObject);

/** A playbook as its author writes it, over its own facts, state and step kinds. */
export interface PlaybookDefinition<F extends JsonObject, S extends JsonObject, K extends StepKinds>
  extends Omit<
    Playbook,
    'targetOf' | 'locate' | 'read' | 'plan' | 'kinds' | 'verify' | 'evidence' | 'undoSafety'
  > {
  /** What `targetOf` writes into the target, where its id is not all; records of earlier releases must still fit. */
  readonly facts?: z.ZodType<F>;
  /** What `read` returns; it is stored with the incident, so records of earlier releases must still fit. */
  readonly state: z.ZodType<S>;
  readonly kinds: K;
  targetOf(finding: Finding): TargetChoice<NoInfer<F>>;
  locate?(finding: Finding, aws: Aws, options?: PlanOptions): Promise<TargetChoice<NoInfer<F>>>;
  read(target: Target<NoInfer<F>>, aws: Aws, settings?: JsonObject): Promise<NoInfer<S>>;
  plan(state: NoInfer<S>, target: Target<NoInfer<F>>, options: PlanOptions): Plan<StepOf<NoInfer<K>>>;
  verify(context: StepContext<NoInfer<F>>, steps: readonly StepViewOf<NoInfer<K>>[]): Promise<Proof>;
  evidence?(target: Target<NoInfer<F>>, aws: Aws): Promise<Readonly<Record<string, Json>>>;
  /** `state` is undefined where the target was never read, or an earlier release read another one: undo goes on without. */
  undoSafety?(steps: readonly StepView[], state: NoInfer<S> | undefined, now: Date): UndoSafety;
}

/**
 * Makes a playbook of its definition: facts, state and the arguments of recorded steps are parsed here, once, before its
 * functions see them, and whatever it calls is known to be its own (`acting`). Its functions throw InputInvalid where a
 * record does not fit the schema.
 * Registration is the list in playbooks/index.ts; nothing happens at import.
 */
export function definePlaybook<F extends JsonObject, S extends JsonObject, K extends StepKinds>(
  definition: PlaybookDefinition<F, S, K>,
): Playbook;
export function definePlaybook(definition: PlaybookDefinition<JsonObject, JsonObject, StepKinds>): Playbook {
  const { facts = ANY, state, ...playbook } = definition;
  const { id, locate, evidence, undoSafety } = playbook;
  const own =
    <A extends unknown[], R>(part: keyof Permissions, work: (...given: A) => R) =>
    (...given: A): R =>
      actingAs({ playbook: { id, part } }, () => work(...given));
  const typed = (target: Target): Target => ({
    ...target,
    facts: fitting(facts, target.facts, `the facts of a target of ${id}`, target.display),
  });
  const live = (given: JsonObject, resource: string): JsonObject =>
    fitting(state, given, `the state that ${id} read`, resource);
  return {
    ...playbook,
    read: own('read', (target, aws, settings) => playbook.read(typed(target), aws, settings)),
    plan: (given, target, options) => playbook.plan(live(given, target.display), typed(target), options),
    verify: own('read', async (context, steps) =>
      playbook.verify(
        { ...context, target: typed(context.target) },
        steps.map((step) => recordedStep(playbook.kinds, step, context.target.display)),
      ),
    ),
    ...(locate ? { locate: own('read', locate) } : {}),
    ...(evidence
      ? { evidence: own('read', (target: Target, aws: Aws) => evidence(typed(target), aws)) }
      : {}),
    ...(undoSafety
      ? {
          undoSafety: (steps: readonly StepView[], given: JsonObject, now: Date) =>
            undoSafety(steps, state.safeParse(given).data, now),
        }
      : {}),
    kinds: Object.fromEntries(
      Object.entries(playbook.kinds).map(([name, { ready, ...kind }]) => [
        name,
        {
          ...kind,
          read: own('write', kind.read),
          after: own('write', kind.after),
          apply: own('write', kind.apply),
          ...(ready
            ? {
                ready: async (args: JsonObject, context: StepContext) =>
                  own('write', await own('write', ready)(args, context)),
              }
            : {}),
          revert: kind.revert === 'keep' ? kind.revert : own('undo', kind.revert),
          // The sweep has no rights of an undo, and must end this all the same.
          ...(kind.close ? { close: own('write', kind.close) } : {}),
        },
      ]),
    ),
  };
}

/** Returns the kind of that name, and undefined for a name that only every object has. */
export const stepKindNamed = (kinds: StepKinds, name: string): StepKind | undefined => own(kinds, name);

/** Returns the recorded step with its arguments as its kind reads them. Throws InputInvalid where they do not fit. */
export function recordedStep(kinds: StepKinds, step: StepView, resource: string): StepView {
  const kind = stepKindNamed(kinds, step.kind);
  if (kind)
    return { ...step, args: fitting(kind.args, step.args, `the arguments of step ${step.id}`, resource) };
  throw new FirebreakError('InputInvalid', `there is no step kind ${step.kind} (step ${step.id})`, {
    resource,
    next: 'Deploy the version of Firebreak that wrote this record, or look at the resource by hand.',
  });
}

/** Returns the record as the schema reads it. Throws InputInvalid, with the resource, where it does not fit. */
export function fitting(
  schema: z.ZodType<JsonObject>,
  value: JsonObject,
  what: string,
  resource: string,
): JsonObject {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new FirebreakError('InputInvalid', `${what} do not fit: ${z.prettifyError(parsed.error)}`, {
    resource,
    next: 'Deploy the version of Firebreak that wrote this record, or contain the resource by hand.',
  });
}

/** One resource of a finding, and the playbook that contains it. */
export interface Part {
  readonly playbook: Playbook;
  readonly target: Target;
  /**
   * The finding as it is about this target, where the finding itself is about several and its `resource` about none: what
   * the target's plan asks for in addition is looked up in it.
   */
  readonly about?: Finding;
}

export type PartChoice =
  | ({ readonly ok: true; readonly part: Part } & PassedOver)
  | { readonly ok: false; readonly reason: string };

/** What narrower playbooks could not contain of a finding that another one answers. */
interface PassedOver {
  readonly unhandled?: readonly string[];
  readonly residual?: readonly string[];
}

export type Expansion =
  | {
      readonly ok: true;
      /** In the order in which they are shown and contained. */
      readonly parts: readonly Part[];
      /** What the finding names and no playbook contains, with the reason: shown, never dropped. */
      readonly unhandled: readonly string[];
      /** What stays at risk however well the parts go. Non-empty means: never plain `contained`. */
      readonly residual?: readonly string[];
    }
  | Extract<TargetChoice, { readonly ok: false }>;

/**
 * An answer that is made of other playbooks: an attack sequence, a miner with who started it. One incident and one card;
 * every part has a status, a journal and an undo of its own.
 */
export interface Composite {
  readonly id: string;
  readonly title: string;
  readonly about: string;
  readonly handles: readonly string[];
  /** Pure, as `Playbook.targetOf`. `single`: the playbook that would answer the finding alone. */
  expand(finding: Finding, single: (finding: Finding) => PartChoice): Expansion;
  /** As `Playbook.locate`: for follow-ups, what the finding alone does not tell. */
  locate?(finding: Finding, aws: Aws): Promise<Expansion>;
  /** Rights that `locate` needs in addition to those of the parts. */
  readonly reads?: readonly Permission[];
}

export const defineComposite = (composite: Composite): Composite => composite;

/** The answer that changes nothing: what people want to see of a finding that is only reported. */
export interface Notice {
  readonly id: string;
  readonly title: string;
  readonly about: string;
  readonly reads: readonly Permission[];
  /** Live facts, one line each; none where there is nothing to look up. Untrusted text may be in them. */
  look(finding: Finding, aws: Aws): Promise<readonly string[]>;
}

export const defineNotice = (notice: Notice): Notice => notice;
