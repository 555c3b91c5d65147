import { z } from 'zod';
import { FirebreakError } from '../../core/errors.ts';
import type {
  Apply,
  Reading,
  RevertResult,
  Seen,
  StepContext,
  StepKind,
} from '../../core/journal/playbook.ts';
import type { Json, JsonObject } from '../../core/json.ts';

/** Any JSON value, `null` included: a setting as AWS has it. */
export const anyJson = z.custom<Json>((value) => value !== undefined);

/** The name of a Region; it becomes part of a host name. */
export const regionName = z.string().regex(/^[a-z]{2,4}(-[a-z]+)+-\d{1,2}$/);

/**
 * A step kind whose arguments and values are parsed once, here, so that its functions can trust their form. Both come from the
 * table, which others may write to: the kind must be about the incident's target (`foreign`), and writes nothing but its own
 * form, made from the arguments and from what is live.
 */
interface TypedKind<A, V> {
  /** The form of what is read, and so of what the journal keeps as before and after. */
  readonly value: z.ZodType<V>;
  /**
   * Why the arguments are not those of a step about this target; undefined where they are. Asked before every write, and for
   * `apply` next to the record that the step is tried: what else `apply` must have looked at is looked at here.
   */
  foreign(
    args: A,
    context: StepContext,
    writing: 'apply' | 'revert' | 'close',
  ): string | undefined | Promise<string | undefined>;
  read(args: A, context: StepContext): Promise<Reading>;
  after(args: A, context: StepContext, before: V): Json | Promise<Json>;
  between?(args: A, context: StepContext): readonly Json[];
  apply(args: A, context: StepContext, before: V, after: V): Promise<Json | undefined>;
  readonly revert: 'keep' | ((args: A, context: StepContext, before: V, after: V) => Promise<RevertResult>);
  readonly expects?: true;
  same?(a: V, b: V): boolean;
  covers?(live: V, after: V): boolean;
  readonly shared?: Json;
  worse?(args: A, context: StepContext, seen: Seen<V>): string | undefined;
  close?(args: A, context: StepContext, seen: Seen<V>): Promise<void>;
}

/** Its functions throw InputInvalid for a record that the kind would not have written: the step fails, and that pages. */
export function stepKind<A extends JsonObject, V>(
  schema: z.ZodType<A>,
  kind: TypedKind<NoInfer<A>, V>,
): StepKind<A> {
  const value = (given: Json, what: string): V => parsed(kind.value, given, `the value ${what}`);
  const typed = (given: JsonObject): A => parsed(schema, given, 'arguments');
  const own = async (
    given: JsonObject,
    context: StepContext,
    writing: 'apply' | 'revert' | 'close',
  ): Promise<A> => {
    const args = typed(given);
    // It becomes part of names and tags.
    if (!/^fb-[0-9a-f]{12}$/.test(context.caseId)) throw damaged(`${context.caseId} is not a case`);
    const why = await kind.foreign(args, context, writing);
    if (why !== undefined) throw damaged(why, context.target.display);
    return args;
  };
  const { between, revert, expects, same, covers, shared, worse, close } = kind;
  const seen = ({ live, before, contained }: Seen): Seen<V> => ({
    ...{ live: value(live, 'read'), before: value(before, 'before'), contained },
  });
  /** What a writer cannot parse is the record's fault, and reported as such. */
  const refusing = async <T>(work: () => T | Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      if (error instanceof z.ZodError) throw damaged(z.prettifyError(error));
      throw error;
    }
  };
  const ready = async (given: JsonObject, context: StepContext): Promise<Apply> => {
    const args = await own(given, context, 'apply');
    return (before, after) =>
      refusing(() => kind.apply(args, context, value(before, 'before'), value(after, 'after')));
  };
  return {
    args: schema,
    // An async function, so that a refusal is a rejection wherever it is met.
    read: async (args, context) => kind.read(typed(args), context),
    after: async (args, context, before) => kind.after(typed(args), context, value(before, 'before')),
    ...(between
      ? { between: (args: JsonObject, context: StepContext) => between(typed(args), context) }
      : {}),
    apply: (args, context, before, after) =>
      refusing(async () => (await ready(args, context))(before, after)),
    ready: (args, context) => refusing(() => ready(args, context)),
    ...(expects ? { expects } : {}),
    ...(same ? { same: (a: Json, b: Json) => same(value(a, 'read'), value(b, 'read')) } : {}),
    ...(covers
      ? { covers: (live: Json, after: Json) => covers(value(live, 'read'), value(after, 'after')) }
      : {}),
    ...(worse
      ? {
          worse: (args: JsonObject, context: StepContext, given: Seen) =>
            worse(typed(args), context, seen(given)),
        }
      : {}),
    ...(close
      ? {
          close: (args: JsonObject, context: StepContext, given: Seen) =>
            refusing(async () => close(await own(args, context, 'close'), context, seen(given))),
        }
      : {}),
    ...(shared === undefined ? {} : { shared }),
    revert:
      revert === 'keep'
        ? 'keep'
        : (args, context, before, after) =>
            refusing(async () =>
              revert(
                await own(args, context, 'revert'),
                context,
                value(before, 'before'),
                value(after, 'after'),
              ),
            ),
  };
}

function parsed<T>(schema: z.ZodType<T>, given: Json, what: string): T {
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  throw damaged(`${what}: ${z.prettifyError(result.error)}`);
}

/** A record of the journal that does not fit its step: nothing is written on its account. */
export const damaged = (why: string, resource?: string): FirebreakError =>
  new FirebreakError('InputInvalid', `the journal holds a step that Firebreak does not write: ${why}`, {
    ...(resource === undefined ? {} : { resource }),
    next: 'Find out who wrote the record; deploy the version that planned this step, or restore the table from a backup.',
  });

/**
 * Undo cannot restore this and a person can fix the cause: the undo ends partial, and pressing Undo again tries it
 * again. Where no one can (the thing is gone), the step gives `{kept}` instead.
 */
export const cannotRestore = (
  message: string,
  resource: string,
  next: string,
  cause?: unknown,
): FirebreakError => new FirebreakError('StepFailed', message, { resource, next, cause });
