import { z } from 'zod';
import { FirebreakError } from '../../core/errors.ts';
import type { Reading, RevertResult, StepContext, StepKind } from '../../core/journal/playbook.ts';
import type { Json, JsonObject } from '../../core/json.ts';

/** A step kind whose arguments are parsed once, here, so that its functions can trust them. */
interface TypedKind<A> {
  read(args: A, context: StepContext): Promise<Reading>;
  after(args: A, context: StepContext, before: Json): Json;
  between?(args: A, context: StepContext): readonly Json[];
  apply(args: A, context: StepContext, before: Json, after: Json): Promise<Json | undefined>;
  readonly revert:
    | 'keep'
    | ((args: A, context: StepContext, before: Json, after: Json) => Promise<RevertResult>);
  same?(a: Json, b: Json): boolean;
  covers?(live: Json, after: Json): boolean;
}

export function stepKind<A extends JsonObject>(
  schema: z.ZodType<A>,
  kind: TypedKind<NoInfer<A>>,
): StepKind<A> {
  const parse = (args: JsonObject): A => {
    const parsed = schema.safeParse(args);
    if (parsed.success) return parsed.data;
    throw new FirebreakError(
      'StepFailed',
      `the journal holds arguments this version does not know: ${z.prettifyError(parsed.error)}`,
      {
        next: 'Deploy the version of Firebreak that planned this step.',
      },
    );
  };
  const { between, revert, same, covers } = kind;
  return {
    args: schema,
    read: (args, context) => kind.read(parse(args), context),
    after: (args, context, before) => kind.after(parse(args), context, before),
    ...(between
      ? { between: (args: JsonObject, context: StepContext) => between(parse(args), context) }
      : {}),
    apply: (args, context, before, after) => kind.apply(parse(args), context, before, after),
    ...(same ? { same } : {}),
    ...(covers ? { covers } : {}),
    revert:
      revert === 'keep'
        ? 'keep'
        : (args, context, before, after) => revert(parse(args), context, before, after),
  };
}

/**
 * Undo cannot put this back and a person can mend the cause: the undo ends partial, and pressing Undo again tries it
 * again. Where nobody can (the thing is gone), the step gives `{kept}` instead.
 */
export const cannotRestore = (
  message: string,
  resource: string,
  next: string,
  cause?: unknown,
): FirebreakError => new FirebreakError('StepFailed', message, { resource, next, cause });
