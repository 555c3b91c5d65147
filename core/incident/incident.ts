/** The Incident record and its states. `incident-store.ts` keeps it in DynamoDB. */
import { createHash } from 'node:crypto';
import type { Finding, SeverityLabel } from '../finding/finding.ts';
import { scannedKey } from '../finding/scan.ts';
import type { Plan, Proof, Target, UndoSafety } from '../journal/playbook.ts';
import type { Json, JsonObject } from '../json.ts';
import type { MadeSummary } from './made/made.ts';
import type { IncidentStatus, TargetStatus } from './status.ts';

export type DecisionKind = 'record' | 'notify' | 'ask' | 'auto';
export type ExpiryAction = 'contain' | 'escalate';

/** What policy says about one incident, with its reasons in the order they were found. */
export interface Decision {
  readonly kind: DecisionKind;
  readonly reasons: readonly string[];
  /** Severity label of the finding when this was decided: an update compares with it. */
  readonly label: SeverityLabel;
  /** `rules[3] "stolen instance credentials"`, or `no rule`. */
  readonly rule: string;
  /** True when no rule knows the finding type: raises the UnknownFindingType alarm metric. */
  readonly unknownType: boolean;
  /** True when a person must be paged as well. */
  readonly page: boolean;
  readonly expiry: ExpiryAction;
  readonly approvalTimeoutSeconds: number;
  /** People needed to approve. */
  readonly approvals: 1 | 2;
  /** Playbooks that are decided about once this containment has settled. */
  readonly followUps: readonly string[];
  /** ISO 8601. Absent in decisions of earlier releases, which stand in the incident's own record. */
  readonly decidedAt?: string;
  /** `updatedAt` of the newest event of the finding that it was made for, or that left it as it is. */
  readonly findingUpdatedAt?: string;
}

/** What became of one target of the incident. */
export interface IncidentTarget {
  readonly key: string; // resourceKey(target)
  readonly playbook: string;
  readonly target: Target;
  /** Live state as the playbook read it, and when (ISO 8601). */
  readonly state?: JsonObject;
  readonly stateAt?: string;
  readonly plan?: Plan;
  /** Why there is no plan: the resource is gone, the role is missing, ... */
  readonly problem?: string;
  readonly proof?: Proof;
  /** When a live read last confirmed the containment, ISO 8601. */
  readonly verifiedAt?: string;
  /** Since when a containment that was confirmed is found removed, until a read confirms it again. ISO 8601. */
  readonly driftedAt?: string | undefined;
  readonly undo?: UndoSafety;
  /** When the containment is reverted automatically, ISO 8601. */
  readonly lapsesAt?: string;
  /** Per-target outcome; the incident's status is computed from these. */
  readonly status?: TargetStatus;
  readonly notes?: readonly string[];
  /** What the containment left worse than it was before, as the last live read saw it. */
  readonly worse?: readonly string[];
  /** Set where the plan made after the decision was not the one decided on: why, and how often that was asked about. */
  readonly changed?: {
    readonly reason: string;
    readonly times: number;
    /** ISO 8601. A decision made since starts again. */
    readonly at: string;
    /** The approval that it made void; null where none was needed. */
    readonly approval: string | null;
  };
  /** Environment tag at the first decision, kept once anything has changed since: it says who may approve. null: none. */
  readonly environment?: string | null;
  /** Ids of the containing steps that an approval in part left out. */
  readonly declined?: readonly string[];
}

/** Returns what changed of a target since policy decided; a decision made since has seen it. */
export const changeSinceDecision = (
  { decision }: Pick<Incident, 'decision'>,
  { changed }: Pick<IncidentTarget, 'changed'>,
): IncidentTarget['changed'] =>
  changed !== undefined && changed.at >= (decision?.decidedAt ?? '') ? changed : undefined;

/** The check of a proof that stands for the read itself. */
export const PROVING_READ = 'proving-read';

/** Returns whether the journal says that it is in place while no live read has said anything. */
export const isUnconfirmed = ({ proof, status }: Pick<IncidentTarget, 'proof' | 'status'>): boolean =>
  status === 'partial' && proof?.proven === false && proof.checks.some(({ id }) => id === PROVING_READ);

/** Returns whether a target waits for an approval of what changed: the last decision was about something else. */
export function isAskedAgain(
  incident: Pick<Incident, 'approval' | 'decision'>,
  target: Pick<IncidentTarget, 'changed'>,
): boolean {
  const changed = changeSinceDecision(incident, target);
  return changed !== undefined && changed.approval === (incident.approval?.id ?? null);
}

/** A value that someone else changed after the containment, and that an undo would overwrite. */
export interface UndoOverwrite {
  /** `key` of the incident's target. */
  readonly target: string;
  readonly step: string;
  readonly describe: string;
  readonly live: Json;
  readonly before: Json;
}

export interface UndoRun {
  /** Name of its execution. */
  readonly execution: string;
  /** Index of the one target to undo; all of the incident without it. */
  readonly target?: number;
  readonly asks: boolean;
  readonly ended: boolean;
  /** How often the sweep has it go on after it ended partly, and when it last did (ISO 8601). */
  readonly again?: { readonly times: number; readonly at: string };
}

/** Returns whether an undo was asked for that has not ended. */
export const isUndoOpen = ({ undoRun }: Pick<Incident, 'undoRun'>): boolean =>
  undoRun !== undefined && !undoRun.ended;

/** Returns whether a person is asked now whether it is undone. */
export const isUndoAsked = ({ approval }: Pick<Incident, 'approval'>, now: Date): boolean =>
  approval?.purpose === 'undo' && approval.outcome === undefined && approval.expiresAt > now.toISOString();

/** When the incident's containment expires: its parts end together, with the last of them. ISO 8601. */
export const lapseOf = ({ targets }: Pick<Incident, 'targets'>): string | undefined =>
  targets
    .flatMap(({ lapsesAt }) => lapsesAt ?? [])
    .sort()
    .at(-1);

/** Returns when live reads last confirmed every target; undefined where one of them is not confirmed. */
export function verifiedAt({ targets }: Pick<Incident, 'targets'>): string | undefined {
  const times = targets.map((entry) => (entry.proof?.proven ? entry.verifiedAt : undefined));
  return times.some((time) => time === undefined) ? undefined : times.sort()[0];
}

export interface ApprovalView {
  /** Opaque random id; buttons carry this and nothing else. */
  readonly id: string;
  readonly purpose: 'contain' | 'undo';
  readonly requestedAt: string;
  readonly expiresAt: string;
  readonly needed: 1 | 2;
  /** Slack ids of those who have approved so far; of an unsafe undo the requester is the first. */
  readonly approvedBy: readonly string[];
  readonly outcome?: 'approved' | 'denied' | 'expired';
  readonly decidedBy?: string;
  readonly decidedAt?: string;
  readonly reason?: string;
  /** Who asked for it (undo) and so may not approve it. */
  readonly requestedBy?: string;
  /** Approved in part: the containing steps chosen, as `position of the target/step id`. Without it all of them. */
  readonly chosen?: readonly string[];
  /** Answered with the question of another incident, which asks for the very same. */
  readonly joined?: { readonly incident: string; readonly decision: string };
  /** Grows with every change of the decision, so that the incident's copy never goes back. */
  readonly revision?: number;
  /** Approved by one person of the break-glass list, past everybody else. */
  readonly breakGlass?: boolean;
  /** The clock (ISO 8601): when a reminder and the escalation are due, and when they were sent. */
  readonly remindAt: string;
  readonly escalateAt: string;
  readonly remindedAt?: string;
  readonly escalatedAt?: string;
  /** Who snoozed the reminder, until when. */
  readonly snoozed?: { readonly by: string; readonly until: string };
}

/** Names one target where a person chooses among them: its key is too long for the value of a Slack option. */
export const partId = ({ key }: Pick<IncidentTarget, 'key'>): string =>
  createHash('sha256').update(key).digest('hex').slice(0, 16);

/** One more containment for a finding that was answered already; asked, or automatic where its rule says so. */
export interface FollowUp {
  /** The incident that has settled. */
  readonly incidentId: string;
  readonly playbook: string;
}

/** What was seen of a finding that goes on, over all its updates and live. */
interface Observed {
  /** ISO 8601. */
  readonly at: string;
  /** Distinct remote addresses over all updates. */
  readonly addresses: number;
  /** There were more than are counted. */
  readonly more: boolean;
  /** What a live read of the resource showed, one line each. */
  readonly lines: readonly string[];
}

/** The playbook that answers a finding and the kind of resource it acts on, or why none does. */
export type Answer = { readonly id: string; readonly kind: string } | { readonly none: string };

/** What GuardDuty said when the finding was read back. */
export type Confirmation =
  | { readonly kind: 'confirmed' }
  /** It holds no such finding, or another one than was delivered. */
  | { readonly kind: 'differs'; readonly reason: string }
  | { readonly kind: 'unread'; readonly reason: string }
  /** A scan's result that nothing confirms yet, where GuardDuty's finding about the object follows and decides. */
  | { readonly kind: 'awaited'; readonly reason: string };

/** What Enrich found out about one event of the finding, for Classify to judge. */
export interface Assessment {
  /** `updatedAt` of the event; another event is assessed again. */
  readonly findingUpdatedAt: string;
  readonly answer: Answer;
  /** What the rule wants, before the targets were looked at. */
  readonly wanted: Decision;
  /** Absent where nothing could act without a person, or policy reads nothing back. */
  readonly confirmation?: Confirmation;
}

export interface Incident {
  readonly id: string;
  readonly findingId: string;
  /** Detector of the finding; absent in incidents of earlier releases. */
  readonly detectorId?: string;
  /** The object or scan that it is about (`scannedKey`). */
  readonly scanned?: string;
  /** The newest event is GuardDuty's finding about what a scan's result had reported before: nothing new has happened. */
  readonly joined?: boolean | undefined;
  readonly type: string;
  readonly severity: number;
  readonly label: SeverityLabel;
  readonly account: string;
  readonly region: string;
  readonly partition: string;
  readonly title: string;
  readonly sample: boolean;
  readonly archived: boolean;
  readonly count: number;
  /** `updatedAt` of the newest finding event taken in: older ones are stale. */
  readonly findingUpdatedAt: string;
  /** Execution that delivered that event, and decides about it. Absent where an earlier release took it in. */
  readonly deliveredBy?: string;
  readonly createdAt: string;
  readonly updatedAt: string;
  /** When what the list shows of it last changed; earlier releases did not keep it. */
  readonly listedAt?: string;
  /** When containment was first proven; stays after undo. */
  readonly containedAt?: string;
  /** Set when this incident asks for one more containment after another one has settled. */
  readonly followUpOf?: FollowUp;
  /** Id of the drill that made its targets (core/incident/drill.ts). */
  readonly drill?: string;
  /** Incident of the attack sequence that this one is a signal of. */
  readonly partOf?: string | undefined;
  /** Execution that owns the response. Until the first decision it is the one that delivered the newest event. */
  readonly execution: string;
  readonly status: IncidentStatus;
  readonly playbook: string | null;
  /** ARN or id that people see; null when the finding names nothing to act on. */
  readonly display: string | null;
  readonly decision?: Decision;
  /** Absent where an earlier release enriched the incident. */
  readonly assessment?: Assessment;
  readonly targets: readonly IncidentTarget[];
  /** What the finding names and no playbook contains, with the reason. */
  readonly unhandled?: readonly string[];
  readonly observed?: Observed;
  /** What stays at risk however well the targets go: with one of these it never ends as plain `contained`. */
  readonly residual?: readonly string[];
  /** What its principals made before they were contained, in short; the whole list is kept with the incident. */
  readonly madeBefore?: MadeSummary;
  readonly approval?: ApprovalView | undefined;
  /** The card; `thread` is the message that it stands under, where it is a reply. */
  readonly slack?: { readonly channel: string; readonly ts: string; readonly thread?: string } | undefined;
  /** The attack's picture on the card: `shows` marks the graph it was drawn from, `file` is Slack's id of it. */
  readonly picture?: { readonly shows: string; readonly file: string } | undefined;
  /** Since when the card in Slack is behind the incident, because Slack did not take it; `sweep` posts it. */
  readonly cardOwedSince?: string | undefined;
  /** Why the newest event of the finding is not decided yet: its execution failed. It is started again. */
  readonly intakeFailed?: { readonly at: string; readonly reason: string } | undefined;
  /** The person who works on it. */
  readonly owner?: { readonly by: string; readonly at: string };
  /** Passes of contain/verify so far. */
  readonly passes: number;
  /** Who asked for the undo that is under way or done, and what was said about its safety. */
  readonly undoRequestedBy?: string;
  /** Slack id of the person who asked, where their door proves it: one of the two that an unsafe undo needs. */
  readonly undoPerson?: string | undefined;
  readonly undo?: UndoSafety;
  /** The undo that was asked for last: who moves it, and whether it waits for people who must agree. */
  readonly undoRun?: UndoRun;
  /** What the last undo that was asked for would overwrite, as people were shown it, and when it was read (ISO 8601). */
  readonly undoOverwrites?: { readonly at: string; readonly steps: readonly UndoOverwrite[] };
  /** Set when the finding was updated after containment: it is still going on. */
  readonly activeAfterContainment?: boolean;
  /** When a confirmed containment was last found removed, ISO 8601. */
  readonly removedAt?: string;
  /** Optimistic lock: every write names the version it read. */
  readonly version: number;
  /**
   * The same for its plan, which few functions may write. Absent in incidents of earlier releases: most functions may write
   * all of such a record, so it is acted on only as far as the journal goes.
   */
  readonly planVersion?: number;
}

/** Returns whether the newest event of the finding was taken in and Classify has not finished with it. */
export const isUndecided = ({ decision, deliveredBy, findingUpdatedAt }: Incident): boolean =>
  // An earlier release did not say which event it decided about.
  deliveredBy === undefined ? decision === undefined : decision?.findingUpdatedAt !== findingUpdatedAt;

/** Returns whether this execution is the one that decides about the newest event. */
export const isDeciding = (incident: Incident, execution: string): boolean =>
  isUndecided(incident) && (incident.deliveredBy ?? incident.execution) === execution;

export interface TimelineEvent {
  readonly at: string;
  readonly event: string;
}

/** What makes a finding one of its kind: its id alone is unique only within a detector. */
export interface FindingIdentity {
  readonly partition: string;
  readonly account: string;
  readonly region: string;
  /** Absent in findings that carry no service; those of one account and Region are of one detector then. */
  readonly detectorId?: string | undefined;
  readonly findingId: string;
  /** Of what a malware scan is about: it stands in place of detector and id, which only one of its two reports has. */
  readonly scanned?: string | undefined;
}

/** Returns what makes the finding one of its kind. */
export function identityOf(finding: Finding): FindingIdentity {
  const { partition, account, region, detectorId, id, scanned } = finding;
  return {
    ...{ partition, account, region, detectorId, findingId: id },
    ...(scanned === undefined ? {} : { scanned: scannedKey(scanned) }),
  };
}

/** Returns `fb-` and twelve hex digits: stable for a finding, short enough for names, tags and typing. */
export function incidentIdFor(identity: FindingIdentity, followUp?: FollowUp): string {
  const { partition, account, region, detectorId = '', findingId, scanned } = identity;
  const own = scanned === undefined ? [detectorId, findingId] : ['scanned', scanned];
  return idOf(JSON.stringify([partition, account, region, ...own]), followUp);
}

/** Returns the id that earlier releases gave the incident, by the finding's id alone. */
export const earlierIncidentIdFor = (findingId: string, followUp?: FollowUp): string =>
  idOf(findingId, followUp);

const idOf = (finding: string, followUp: FollowUp | undefined): string => {
  const seed = followUp ? `${finding}/${followUp.playbook}` : finding;
  return `fb-${createHash('sha256').update(seed).digest('hex').slice(0, 12)}`;
};
