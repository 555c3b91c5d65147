/** Claims the incident by finding id and reads live state. Duplicates and stale updates end here. */
import { z } from 'zod';
import type { Scope } from '../core/aws/arn.ts';
import { inBatches } from '../core/aws/batches.ts';
import type { Aws } from '../core/aws/client.ts';
import { beside } from '../core/beside.ts';
import { FirebreakError } from '../core/errors.ts';
import { type Finding, parseDetail } from '../core/finding/finding.ts';
import { parseScan } from '../core/finding/scan.ts';
import {
  type Assessment,
  type Decision,
  type FollowUp,
  type Incident,
  type IncidentTarget,
  identityOf,
  incidentIdFor,
  isDeciding,
  isUndecided,
} from '../core/incident/incident.ts';
import { isContained, reopens } from '../core/incident/status.ts';
import { resourceKey } from '../core/journal/playbook.ts';
import type { Policy } from '../core/policy/policy.ts';
import { readIntake } from '../core/table/intake.ts';
import { canaryUnderWay } from '../pipeline/canary.ts';
import { type ChannelEnvelope, channelOf, isRedrive, storedDetail } from '../pipeline/channel.ts';
import { mustBeDrilled, mustMatch, ofDrill, wantedByDrill } from '../pipeline/drill.ts';
import { checkAsked, choiceFor, followUpNote } from '../pipeline/follow-up.ts';
import { openPrincipal } from '../pipeline/open-principal.ts';
import { findingOf, planTarget } from '../pipeline/plan-target.ts';
import { actsAlone, readBack } from '../pipeline/read-back.ts';
import { reprove } from '../pipeline/reprove.ts';
import { accountsOf, logger, type Runtime } from '../pipeline/runtime.ts';
import { refreshClocks } from '../pipeline/time-to-live.ts';
import { warmContain } from '../pipeline/warm.ts';
import { type Task, workflowTask } from '../pipeline/workflow.ts';
import { type Choice, NOTICE } from '../playbooks/index.ts';

const input = z.object({
  /** Definitions of earlier releases do not say it. */
  task: z.literal('enrich').optional(),
  event: z.unknown(),
  execution: z.string().min(1),
});

export interface Enriched {
  readonly incidentId: string;
  /** `ignore`: a duplicate or stale delivery. */
  readonly route: 'respond' | 'ignore';
  readonly ignored?: 'duplicate' | 'stale';
}

export const handler = workflowTask('enrich', input, (given, runtime, task) => enrich(given, runtime, task));

async function enrich(
  { event, execution }: z.output<typeof input>,
  runtime: Runtime,
  task: Task,
): Promise<Enriched> {
  const { incidents, policy, now } = runtime;
  const channel = channelOf(event, execution);
  // The sweep found it removed and marked what; Classify takes it from there.
  if (channel.channel === 'reproof') return { incidentId: channel.incidentId, route: 'respond' };
  if (channel.channel === 'takeover') return takeOver(runtime, channel, execution, task);
  const followUp = channel.channel === 'follow-up' ? channel.followUp : undefined;
  const drill = channel.channel === 'drill' ? channel.drill : undefined;
  if (followUp) await checkAsked(runtime, followUp);
  const finding = await findingIn(runtime, channel);
  const identity = identityOf(finding);
  const id = incidentIdFor(identity, followUp);
  const accounts = accountsOf(runtime, id);
  const first = want(runtime, finding, { followUpOf: followUp, drill });
  if (isActing(first) && policy.actsOn(finding, [])) {
    await beside(() => accounts(finding).assume());
    // A question takes minutes; the sweep keeps Contain warm for those.
    if (first.kind === 'auto') await beside(() => warmContain(runtime));
  }
  const [choice, principalUnderIncident, known] = await Promise.all([
    choiceFor(runtime, finding, followUp),
    openPrincipal(runtime, finding),
    incidents.ofFinding(identity, followUp),
  ]);
  mustMatch(known, drill);
  const wanted = want(runtime, finding, { followUpOf: followUp, principalUnderIncident, drill });
  if (followUp) {
    await incidents.note(followUp.incidentId, followUpNote(followUp, choice, wanted.kind), now());
    if ('none' in choice) return { incidentId: followUp.incidentId, route: 'ignore' };
  }
  const planning: Planning = { execution, choice, wanted, accounts };
  // Next to the claim, for the execution that will most likely win it: reading changes nothing.
  const early = known
    ? undefined
    : look(runtime, { id, followUpOf: followUp, drill, targets: [] }, finding, planning);
  if (early) await beside(() => Promise.allSettled([early]));
  // What is not the drill's opens no incident.
  if (drill !== undefined) await early;
  const redriven = isRedrive(execution);
  const claim = await incidents.claim(finding, execution, now(), { followUp, redriven, known, drill });
  const { incident } = claim;
  mustMatch(incident, drill);
  logger.appendKeys({ incidentId: incident.id });
  const note = (text: string) => beside(() => incidents.note(incident.id, text, now()));
  switch (claim.kind) {
    case 'duplicate':
    case 'stale':
      logger.info(`ignored: ${claim.kind} delivery`, { findingId: finding.id, updatedAt: finding.updatedAt });
      return { incidentId: incident.id, route: 'ignore', ignored: claim.kind };
    case 'new':
      await note(`finding received: ${finding.type}`);
      break;
    case 'update':
      await note(
        incident.joined
          ? `GuardDuty reports the same object: finding ${finding.id}`
          : `finding updated: count ${claim.before.count} -> ${finding.count}, severity ${claim.before.severity} -> ${finding.severity}`,
      );
      break;
    case 'resumed':
      break;
  }
  if (claim.kind !== 'new' && incident.decision) {
    if (isContained(incident.status)) await reprove(runtime, incident);
    // A block may be a follow-up of a finding that was only notified.
    await refreshClocks(runtime, incident);
  }
  if (!isPlannable(incident, execution)) return { incidentId: incident.id, route: 'respond' };
  const seen =
    claim.kind === 'new' && early
      ? await early
      : await look(runtime, incident, finding, { ...planning, accounts: accountsOf(runtime, incident.id) });
  await task.keepCalls(incident.id);
  const planned = await keep(runtime, incident, execution, seen);
  if (isDeciding(planned, execution)) return { incidentId: incident.id, route: 'respond' };
  logger.info('a newer event came between, or this one is decided', { findingId: finding.id });
  return { incidentId: incident.id, route: 'ignore', ignored: 'stale' };
}

/**
 * Each delivery is planned once, before it is decided: reads that took too long do not replace those of a retry. A
 * containment that is under way or done is never planned again by an update: Classify judges, Report notifies.
 */
const isPlannable = (incident: Incident, execution: string): boolean =>
  isDeciding(incident, execution) &&
  incident.assessment?.findingUpdatedAt !== incident.findingUpdatedAt &&
  (incident.status === 'received' ? incident.execution === execution : reopens(incident.status, true));

/**
 * Takes the incident over from an execution that is gone; Classify says where it goes on. What it had not decided yet is
 * planned again. Only one execution does: the versioned write decides which.
 */
async function takeOver(
  runtime: Runtime,
  { incidentId, replaces }: Extract<ChannelEnvelope, { channel: 'takeover' }>,
  execution: string,
  task: Task,
): Promise<Enriched> {
  const { incidents, now } = runtime;
  const incident = await incidents.change(incidentId, now(), (read) => {
    if (read.execution !== replaces) return undefined;
    return read.status === 'received' && isUndecided(read)
      ? { execution, deliveredBy: execution }
      : { execution };
  });
  if (incident.execution !== execution) return { incidentId, route: 'ignore', ignored: 'duplicate' };
  if (!isPlannable(incident, execution)) return { incidentId, route: 'respond' };
  const finding = await findingOf(runtime, incidentId);
  const { followUpOf, drill } = incident;
  const choice = await choiceFor(runtime, finding, followUpOf);
  const principalUnderIncident = await openPrincipal(runtime, finding);
  const wanted = want(runtime, finding, { followUpOf, principalUnderIncident, drill });
  const accounts = accountsOf(runtime, incidentId);
  const seen = await look(runtime, incident, finding, { execution, choice, wanted, accounts });
  await task.keepCalls(incidentId);
  await keep(runtime, incident, execution, seen);
  return { incidentId, route: 'respond' };
}

/** Returns the finding that an execution is about. */
async function findingIn(
  runtime: Runtime,
  envelope: Exclude<ChannelEnvelope, { channel: 'reproof' | 'takeover' }>,
): Promise<Finding> {
  switch (envelope.channel) {
    case 'guardduty':
    case 'forwarded':
    case 'redrive':
      return parseDetail(envelope.detail);
    case 'simulate': {
      const finding = parseDetail(envelope.detail);
      if (finding.sample) return finding;
      throw new FirebreakError('Refused', 'a simulated finding must be a sample', { resource: finding.id });
    }
    case 'drill':
      return ofDrill(envelope.drill, parseDetail(envelope.detail));
    case 'scan':
      return parseDetail(parseScan(envelope.event, envelope.count).detail);
    case 'canary':
      return parseDetail(await canaryUnderWay(runtime));
    case 'intake':
      return parseDetail(storedDetail(await readIntake(runtime.table, envelope.reference)));
    case 'follow-up':
      return findingOf(runtime, envelope.followUp.incidentId);
  }
}

interface Planning {
  readonly execution: string;
  readonly choice: Choice;
  readonly wanted: Decision;
  readonly accounts: (scope: Scope) => Aws;
}

type Looked = Pick<Incident, 'id' | 'targets'> & {
  readonly followUpOf?: FollowUp | undefined;
  readonly drill?: string | undefined;
};

type Asked = Parameters<Policy['want']>[1] & { readonly drill?: string | undefined };

/** Returns what policy wants of a finding, or the drill that made it. */
const want = ({ policy }: Runtime, finding: Finding, { drill, ...facts }: Asked): Decision =>
  drill === undefined ? policy.want(finding, facts) : wantedByDrill(policy, finding, drill);

/** Reads and plans every target, and reads the finding back: what Classify judges. */
async function look(
  runtime: Runtime,
  incident: Looked,
  finding: Finding,
  { choice, wanted, accounts }: Planning,
): Promise<Partial<Incident>> {
  const { policy } = runtime;
  const answer = 'none' in choice ? choice : { id: choice.id, kind: choice.kind };
  const assessment: Assessment = { findingUpdatedAt: finding.updatedAt, answer, wanted };
  const { drill } = incident;
  if ('none' in choice && drill !== undefined)
    throw new FirebreakError('Refused', `drill ${drill}: ${choice.none}`);
  if ('none' in choice)
    return { playbook: NOTICE.id, ...(finding.scanPlace ? { display: finding.scanPlace } : {}), assessment };
  const { id, display, parts, unhandled, residual } = choice;
  const named = parts.map(
    ({ playbook, target }): IncidentTarget => ({
      key: resourceKey(target),
      playbook: playbook.id,
      target,
      ...kept(incident, resourceKey(target)),
    }),
  );
  // What is only recorded or reported needs no read: samples name resources that do not exist.
  const acts =
    isActing(wanted) &&
    policy.actsOn(
      finding,
      parts.map(({ playbook, target }) => ({ playbook: playbook.id, display: target.display })),
    );
  // GuardDuty holds no finding of a drill: what the drill made says so by its tag, read with the plan.
  const confirms = acts && policy.verifyFinding !== 'off' && actsAlone(wanted) && drill === undefined;
  const read = (entry: IncidentTarget) =>
    planTarget(runtime, incident, entry, { approved: false, aws: accounts(entry.target) });
  // Next to the live reads: it adds no round trip of its own.
  const [targets, confirmation] = await Promise.all([
    acts ? inBatches(named, 5, read) : named,
    confirms ? readBack(runtime, finding, incident, accounts(finding)) : undefined,
  ]);
  if (drill !== undefined) mustBeDrilled(drill, targets);
  return {
    playbook: id,
    display,
    targets,
    unhandled,
    residual,
    assessment: confirmation ? { ...assessment, confirmation } : assessment,
  };
}

const isActing = ({ kind }: Decision): boolean => kind === 'ask' || kind === 'auto';

/**
 * Keeps with the incident what was read; nothing is kept where a retry or a newer event came first. Returns the incident as it
 * stands then.
 */
async function keep(
  { incidents, now }: Runtime,
  incident: Incident,
  execution: string,
  seen: Partial<Incident>,
): Promise<Incident> {
  for (const what of seen.unhandled ?? [])
    await beside(() => incidents.note(incident.id, `not handled: ${what}`, now()));
  const change = (read: Incident) => (isPlannable(read, execution) ? seen : undefined);
  return incidents.plan(incident.id, now(), change, incident);
}

/**
 * What outlasts a plan: who may approve stays what the first decision saw, since a tag changed after it must not choose the
 * approvers of the next one; and that it changed, since Classify decides again because of it.
 */
function kept({ targets }: Looked, key: string): Pick<IncidentTarget, 'changed' | 'environment'> {
  const { changed, environment } = targets.find((entry) => entry.key === key) ?? {};
  return { ...(changed ? { changed } : {}), ...(environment === undefined ? {} : { environment }) };
}
