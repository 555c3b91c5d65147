/**
 * What can be switched off, each in a module of its own: how it is read, planned and proven. The playbook picks the subject
 * by the kind of its target.
 */
import type { Aws } from '../../../core/aws/client.ts';
import type {
  Plan,
  PlanOptions,
  Proof,
  StepContext,
  StepKind,
  StepView,
} from '../../../core/journal/playbook.ts';
import type { JsonObject } from '../../../core/json.ts';
import type { LoggingFacts, LoggingTarget } from './target.ts';

export interface Subject {
  /** Of its targets. */
  readonly kind: string;
  readonly kinds: Readonly<Record<string, StepKind>>;
  read(target: LoggingTarget, aws: Aws, settings: JsonObject): Promise<JsonObject>;
  plan(state: JsonObject, target: LoggingTarget, options: PlanOptions): Plan;
  verify(context: StepContext<LoggingFacts>, steps: readonly StepView[]): Promise<Proof>;
  evidence?(target: LoggingTarget, aws: Aws): Promise<JsonObject>;
}
