/**
 * What can be switched off, each in a module of its own: how it is read, planned and proven. The playbook picks the subject
 * by the kind of its target.
 */
import type { z } from 'zod';
import type { Aws } from '../../../core/aws/client.ts';
import {
  fitting,
  type Plan,
  type PlanOptions,
  type Proof,
  recordedStep,
  type StepContext,
  type StepKinds,
  type StepOf,
  type StepView,
  type StepViewOf,
} from '../../../core/journal/playbook.ts';
import type { JsonObject } from '../../../core/json.ts';
import type { LoggingFacts, LoggingTarget } from './target.ts';

export interface Subject {
  /** Of its targets. */
  readonly kind: string;
  readonly kinds: StepKinds;
  read(target: LoggingTarget, aws: Aws, settings: JsonObject): Promise<JsonObject>;
  plan(state: JsonObject, target: LoggingTarget, options: PlanOptions): Plan;
  verify(context: StepContext<LoggingFacts>, steps: readonly StepView[]): Promise<Proof>;
  evidence?(target: LoggingTarget, aws: Aws): Promise<JsonObject>;
}

/** A subject as its module writes it, over its own state and step kinds. */
interface SubjectDefinition<S extends JsonObject, K extends StepKinds>
  extends Omit<Subject, 'kinds' | 'read' | 'plan' | 'verify'> {
  /** What `read` returns; it is stored with the incident, so records of earlier releases must still fit. */
  readonly state: z.ZodType<S>;
  readonly kinds: K;
  read(target: LoggingTarget, aws: Aws, settings: JsonObject): Promise<NoInfer<S>>;
  plan(state: NoInfer<S>, target: LoggingTarget, options: PlanOptions): Plan<StepOf<NoInfer<K>>>;
  verify(context: StepContext<LoggingFacts>, steps: readonly StepViewOf<NoInfer<K>>[]): Promise<Proof>;
}

/** Makes a subject of its definition: its state and recorded steps are parsed here, before `plan` and `verify` see them. */
export function defineSubject<S extends JsonObject, K extends StepKinds>(
  definition: SubjectDefinition<S, K>,
): Subject;
export function defineSubject({ state, ...subject }: SubjectDefinition<JsonObject, StepKinds>): Subject {
  return {
    ...subject,
    plan: (given, target, options) =>
      subject.plan(fitting(state, given, `the state of ${subject.kind}`, target.display), target, options),
    verify: async (context, steps) =>
      subject.verify(
        context,
        steps.map((step) => recordedStep(subject.kinds, step, context.target.display)),
      ),
  };
}
