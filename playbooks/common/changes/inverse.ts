/**
 * An inverse: which calls of CloudTrail it answers, what they changed, and how that is restored. One file each, in the
 * folder `inverses` of a playbook; docs/adding-an-inverse.md says how to write one.
 */
import { z } from 'zod';
import type { Scope } from '../../../core/aws/arn.ts';
import type { Aws } from '../../../core/aws/client.ts';
import type { Permissions } from '../../../core/journal/playbook.ts';
import { isJsonObject, type Json, type JsonObject, sameJson } from '../../../core/json.ts';
import { anyJson } from '../step-kind.ts';
import type { Call } from './call.ts';
import type { ConfigItem, Recorded } from './recorded.ts';

/** What the change lets the attacker do: the order of the table. */
const DANGERS = [
  'destroys',
  'takes over',
  'lets back in',
  'exposes data',
  'opens the network',
  'blinds',
  'persists',
] as const;
export type Danger = (typeof DANGERS)[number];
export const rankOf = (danger: Danger): number => DANGERS.indexOf(danger);

export interface Answered {
  /** `iam.amazonaws.com` */
  readonly source: string;
  readonly names: readonly string[];
  /** Calls that only say what the value was: they make it, or another inverse answers them. */
  readonly alsoTold?: readonly string[];
}

/** What one call did to one resource, as its record says. Parts that do not fit the schemas are passed over. */
interface Effect {
  readonly resource: unknown;
  /** The value that the call left. */
  readonly left: unknown;
  /** The value before, where the call proves it: it fails on what is there already. */
  readonly before?: unknown;
  /** What is taken for the value before where nothing shows it, and so is said. Never what gives a right or opens anything. */
  readonly guess?: unknown;
}

interface Words {
  /** What is changed: "Inline policy". */
  readonly setting: string;
  /** Why it matters. */
  readonly why: string;
  /** What a text or a boolean stands for. */
  readonly values?: Readonly<Record<string, string>>;
}

interface Description {
  /** Its kind of step, unlike any other. */
  readonly id: string;
  readonly danger: Danger;
  readonly calls: Answered;
  /** What is done, for the table of answered calls: "set Inactive". */
  readonly does: string;
  /** A record as CloudTrail writes it; the page shows it and the tests play it. */
  readonly example: {
    readonly eventName: string;
    readonly requestParameters: JsonObject;
    readonly responseElements?: JsonObject;
  };
}

/** A write that is asked about before it is made. */
interface Write<V> {
  readonly region: string;
  readonly by: 'reversal' | 'undo';
  /** The value whose place it takes. */
  readonly from: V;
}

/** Returns what is said of the newest of the versions that were there before. */
export const whichOf = (versions: number): string =>
  versions === 1
    ? 'it is the only version from before that is left, as far as the service shows'
    : `it is the newest of ${versions} versions from before, and which was the default is not shown`;

/** An earlier version that the service keeps. */
interface Kept<V> {
  readonly value: V;
  /** When it was made, ISO 8601. */
  readonly at: string;
  /** `version 3`. */
  readonly from: string;
  /** Why it may not be the one that was in force. */
  readonly unsure: readonly string[];
}

export interface InverseDefinition<R extends JsonObject, V> extends Description {
  /** What is changed, in a form that no hostile name fits: it comes from a record, and from the table. */
  readonly resource: z.ZodType<R>;
  readonly value: z.ZodType<V>;
  effects(call: Call, scope: Scope): readonly Effect[];
  /** The name under which CloudTrail lists the calls of the resource. */
  listedAs(resource: R): string;
  /** Other names that its calls give it. */
  alsoListedAs?(resource: R): readonly string[];
  /** Where AWS Config has the value, for what CloudTrail does not show. */
  readonly recorded?: Recorded<NoInfer<R>>;
  /** The value before a time, where the service itself keeps earlier versions: for what CloudTrail and AWS Config do not show. */
  kept?(aws: Aws, resource: NoInfer<R>, before: string): Promise<Kept<V> | undefined>;
  /** The live ARNs, then other names: for `protected` in policy.yml, and for the session policy, which is narrowed to the ARNs. */
  names(aws: Aws, resource: NoInfer<R>): Promise<readonly string[]> | readonly string[];
  /** What is done, on a line of the table: "Set AKIA… of eve Inactive". */
  says(resource: R, wanted: V): string;
  /**
   * Why a reversal leaves the value to a person: it would let someone in. Undo may write it all the same: what lets others in is
   * a right of undo alone.
   */
  byHand?(wanted: V, left: V, scope: Scope): string | undefined;
  /** The live value; null where the resource is gone or is another one by now. */
  read(aws: Aws, resource: NoInfer<R>): Promise<V>;
  /** Writes a value. Must be safe to repeat. `absent`: no read shows yet what there is to delete. */
  put(aws: Aws, resource: R, to: V, from: V): Promise<void> | Promise<'absent' | undefined>;
  /** Values that an interrupted `put` of several calls leaves, or a step that makes the resource again. */
  between?(resource: R, left: V, wanted: V): readonly V[];
  /** Whether the step of another inverse, which makes again what was deleted, comes first: without it this one cannot be done. */
  needs?(resource: R, made: { readonly inverse: string; readonly resource: JsonObject }): boolean;
  /** What a person does where nothing shows the value before. */
  unknown?(resource: R, region: string): string;
  /** Why a value is not written: it destroys, or only undo may. With what a person may type. */
  never?(resource: R, value: V, write: Write<V>): string | undefined;
  /** Why a value cannot be written now, as a look at AWS says: what would be written is kept nowhere. With what a person may do. */
  unable?(aws: Aws, resource: NoInfer<R>, wanted: V): Promise<string | undefined>;
  /** Values say too little to tell what the principal left from what another wrote since: such a change stays. */
  readonly coarse?: true;
  /** Equality where that of JSON is too strict. */
  same?(a: V, b: V): boolean;
  /** What stays although it is restored. */
  remains?(resource: R): readonly string[];
  readonly permissions: Permissions;
  readonly words: Words;
}

/** A change without an inverse: it is named, with what to type. */
export interface ByHand extends Description {
  readonly kind: 'by-hand';
  /** What happened and the command or page; undefined where the call does not fit the form. */
  next(call: Call, scope: Scope): { readonly what: string; readonly next: string } | undefined;
}

/** An inverse whose resources and values were parsed before its functions see them. */
export interface Inverse
  extends Omit<InverseDefinition<JsonObject, Json>, 'effects' | 'same' | 'recorded' | 'kept'> {
  readonly kind: 'inverse';
  kept?(aws: Aws, resource: JsonObject, before: string): Promise<Kept<Json> | undefined>;
  readonly recorded?: Recorded<JsonObject, Json>;
  effects(call: Call, scope: Scope): readonly ParsedEffect[];
  same(a: Json, b: Json): boolean;
}

export interface ParsedEffect {
  readonly resource: JsonObject;
  readonly left: Json;
  readonly before?: Json | undefined;
  readonly guess?: Json | undefined;
}

/** Makes an inverse of its definition: what does not fit its schemas never reaches its functions. */
export function defineInverse<R extends JsonObject, V extends Json>(
  definition: InverseDefinition<R, V>,
): Inverse;
export function defineInverse(definition: InverseDefinition<JsonObject, Json>): Inverse {
  const { recorded, kept, ...rest } = definition;
  const { resource: form, value, same = sameJson } = rest;
  const asked = (given: unknown): Json | undefined =>
    given === undefined ? undefined : value.safeParse(given).data;
  return {
    ...rest,
    kind: 'inverse',
    same(a, b) {
      const [one, other] = [asked(a), asked(b)];
      return one !== undefined && other !== undefined && same(one, other);
    },
    ...(recorded
      ? {
          recorded: {
            of: recorded.of,
            value: (item: ConfigItem, about: JsonObject) => asked(recorded.value(item, about)),
          },
        }
      : {}),
    ...(kept
      ? {
          async kept(aws: Aws, about: JsonObject, before: string) {
            const found = await kept(aws, about, before);
            return found && asked(found.value) !== undefined ? found : undefined;
          },
        }
      : {}),
    effects: (call, scope) =>
      definition.effects(call, scope).flatMap(({ resource, left, before, guess }) => {
        const about = form.safeParse(resource);
        const leaves = asked(left);
        if (!about.success || leaves === undefined) return [];
        return [{ resource: about.data, left: leaves, before: asked(before), guess: asked(guess) }];
      }),
  };
}

export const defineByHand = (definition: Omit<ByHand, 'kind'>): ByHand => ({
  kind: 'by-hand',
  ...definition,
});

/** Returns a text of a record; undefined where there is none. */
export function textIn(from: Json | undefined, ...path: readonly string[]): string | undefined {
  const value = valueIn(from, ...path);
  return typeof value === 'string' ? value : undefined;
}

/** Returns what stands at a path of a record. Names that every object has are not in it. */
export function valueIn(from: Json | undefined, ...path: readonly string[]): Json | undefined {
  return path.reduce<Json | undefined>(
    (at, name) => (isJsonObject(at) && Object.hasOwn(at, name) ? at[name] : undefined),
    from,
  );
}

/** Returns the objects of a list at a path; undefined where there is no list. */
export function objectsIn(
  from: Json | undefined,
  ...path: readonly string[]
): readonly JsonObject[] | undefined {
  const list = valueIn(from, ...path);
  return Array.isArray(list) ? list.filter(isJsonObject) : undefined;
}

/** Returns the entries of a list in a record: CloudTrail writes EC2's lists as `{ items: [...] }`. */
export const itemsIn = (from: JsonObject, ...path: readonly string[]): readonly JsonObject[] =>
  objectsIn(from, ...path, 'items') ?? [];

/** A policy as text: CloudTrail shows it as it was sent, and undo writes it so. Equal where the documents are. */
export const documentText = z.string().max(20_000).nullable();
export const sameDocument = (a: string | null, b: string | null): boolean =>
  a === b || (a !== null && b !== null && sameJson(documentOf(a), documentOf(b)));

function documentOf(text: string): Json {
  try {
    return anyJson.parse(JSON.parse(text));
  } catch {
    return text;
  }
}
