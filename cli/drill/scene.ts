/** What a drill of one playbook is: what it makes, the harmless attack, and the look from outside. */
import type { Aws, OthersCredentials } from '../../core/aws/client.ts';
import type { Json, JsonObject } from '../../core/json.ts';
import type { KindName } from './made.ts';

/** One fact of deploy/assumptions.yml, as a drill saw it. */
export interface Fact {
  /** `id` of the entry. */
  readonly id: string;
  readonly verdict: 'confirmed' | 'refuted';
  readonly saw: string;
}

/** What a drill works with. */
export interface Kit {
  /** Id of the drill, and the value of its tag on all that it makes. */
  readonly id: string;
  readonly aws: Aws;
  /** ARN of who runs the drill: the only one who may assume its roles. */
  readonly caller: string;
  /** `firebreak-drill-<id>-<part>`. */
  name(part: string): string;
  as(credentials: OthersCredentials): Aws;
  /** Records what is about to be made, then makes it. `id` is left out where AWS chooses it: it is found by its tag. */
  make<T>(kind: KindName, id: string | undefined, create: () => Promise<T>): Promise<T>;
  /** Tries until it is true, for three minutes unless given: AWS shows what was made by and by. Throws StepFailed. */
  until(what: string, look: () => Promise<boolean>, seconds?: number): Promise<void>;
}

/** The finding as GuardDuty would write it, as far as it differs from drill to drill. */
export interface DrillFinding {
  readonly type: string;
  readonly severity: number;
  readonly resource: JsonObject;
  readonly action: JsonObject;
  readonly resourceRole: 'TARGET' | 'ACTOR';
}

interface Seen {
  /** Whether the containment holds, seen from outside with credentials that are not Firebreak's. */
  holds(): Promise<boolean>;
  /** Whether all works again after the undo. */
  works(): Promise<boolean>;
  /** The live state that undo must restore, field for field. */
  state(): Promise<Json>;
  /** Looked at while the containment holds, each on its own: one that AWS does not answer is noted and takes no other with it. */
  readonly facts?: readonly (() => Promise<readonly Fact[]>)[];
}

/** What was made for one playbook, ready to be attacked. */
export interface AttackScene extends Seen {
  readonly finding: DrillFinding;
  /** Returns once the attack has succeeded: a containment of what never worked proves nothing. */
  attack(): Promise<void>;
}

/** A change of GuardDuty that an operator makes with a command: no finding starts it, and the workflow takes no part. */
export interface CommandScene extends Seen {
  apply(): Promise<void>;
  revert(): Promise<void>;
}

export type Scene = AttackScene | CommandScene;

/** Flags of the command. */
export const EXTRAS = ['ecs', 'eks', 'rds'] as const;
export type Extra = (typeof EXTRAS)[number];

export interface Drill {
  /** Id of a playbook, or name of a command. */
  readonly playbook: string;
  /** It drills a command: its scene is a CommandScene. */
  readonly command?: true;
  /** Played only where its flag or its name asks for it: it costs more, or takes longer. */
  readonly extra?: Extra;
  /** Lines of the plan and of docs/drill.md. */
  readonly makes: string;
  readonly attack: string;
  readonly probe: string;
  /** US dollars at most, and for what. */
  readonly cost: { readonly usd: number; readonly why: string };
  readonly minutes: number;
  /** Ids of entries in deploy/assumptions.yml that its steps prove or refute. */
  readonly settles: readonly string[];
  /** Asked in any mode: the plan of the playbook always asks a person. */
  readonly asks?: true;
  play(kit: Kit): Promise<Scene>;
}
