/**
 * Context and evidence of one incident. Before a person is asked: what they decide by, and documents as they stand.
 * After containment: the same where it was automatic, what the contained identity made before, and the record of what was done;
 * the identity's calls once more when CloudTrail had the time to deliver them. What cannot be read or kept is
 * noted on the incident and paged; it holds nothing up.
 */
import { isIP } from 'node:net';
import { z } from 'zod';
import { describeError, FirebreakError, isAwsError, mayRetry, TableUnavailable } from '../core/errors.ts';
import { contextOf } from '../core/incident/context.ts';
import {
  type EvidenceEntry,
  type EvidenceFile,
  keepEvidence,
  manifestOf,
} from '../core/incident/evidence.ts';
import type { Incident, IncidentTarget } from '../core/incident/incident.ts';
import { type Json, toJson } from '../core/json.ts';
import { keepMadeBefore } from '../pipeline/made-before.ts';
import { findingOf, playbookOf } from '../pipeline/plan-target.ts';
import { countMetric, page, type Runtime } from '../pipeline/runtime.ts';
import { stepsOf } from '../pipeline/steps.ts';
import { incidentInput, workflowTask } from '../pipeline/workflow.ts';
import { notify } from '../playbooks/notify/playbook.ts';

const input = incidentInput.extend({ phase: z.enum(['before', 'after', 'again']) });

export interface Investigated {
  /** Calls of the principal that were found. */
  readonly activity: number;
  /** Objects in the evidence bucket. */
  readonly evidence: number;
  /** More was found that a contained identity made before. */
  readonly news: boolean;
}

export const handler = workflowTask(
  'investigate',
  input,
  async ({ incidentId, phase }, runtime): Promise<Investigated> => {
    const { incidents } = runtime;
    const incident = await incidents.get(incidentId);
    await gatherContext(runtime, incident);
    if (phase !== 'again') await observe(runtime, incident);
    const news = phase !== 'before' && (await keepMadeBefore(runtime, incident, phase === 'again'));
    const kept =
      phase === 'again' && !news
        ? await incidents.evidence(incidentId)
        : await gatherEvidence(runtime, await incidents.get(incidentId), phase);
    const context = await incidents.context(incidentId);
    return {
      activity: context?.activity.kind === 'read' ? context.activity.events.length : 0,
      evidence: kept.length,
      news,
    };
  },
);

async function gatherContext(runtime: Runtime, incident: Incident): Promise<void> {
  const { incidents, now } = runtime;
  if (await incidents.context(incident.id)) return;
  const finding = await findingOf(runtime, incident.id);
  try {
    const context = await contextOf(finding, incident, runtime.awsOf(finding, incident.id), now());
    await incidents.saveContext(incident.id, context);
    if (context.activity.kind === 'not-read') {
      await incidents.note(incident.id, `no CloudTrail timeline: ${context.activity.why}`, now());
    }
  } catch (error) {
    // A member account without the reader role: known from the plan already, and no reason to stop here.
    if (!(error instanceof FirebreakError)) throw error;
    await incidents.note(incident.id, `no context: ${describeError(error)}`, now());
  }
}

/** With every update: distinct addresses, and what is live of a resource that is only reported. */
async function observe(runtime: Runtime, { id, decision, observed }: Incident): Promise<void> {
  const { incidents, now } = runtime;
  const finding = await findingOf(runtime, id);
  const remote =
    finding.action?.remote.flatMap(({ ip }) => (ip !== undefined && isIP(ip) !== 0 ? [ip] : [])) ?? [];
  const lines = decision?.kind === 'notify' ? await notify.look(finding, runtime.awsOf(finding, id)) : [];
  if (remote.length === 0 && lines.length === 0) return;
  const { count, more } = await incidents.addAddresses(id, remote);
  const at = now().toISOString();
  await incidents.change(id, now(), () => ({ observed: { at, addresses: count, more, lines } }));
  const news = lines.filter((line) => !observed?.lines.includes(line));
  if (news.length > 0) await incidents.note(id, `seen: ${news.join('; ')}`, now());
}

/** Only where something was or may be contained: a finding that only notified has its record in the table. */
async function gatherEvidence(
  runtime: Runtime,
  incident: Incident,
  phase: 'before' | 'after' | 'again',
): Promise<readonly EvidenceEntry[]> {
  const { env, incidents, own, now } = runtime;
  const acts = incident.decision?.kind === 'ask' || incident.decision?.kind === 'auto';
  if (env.EVIDENCE_BUCKET === undefined || !acts) return [];
  const known = await incidents.evidence(incident.id);
  const documents = known.length === 0 ? await documentsOf(runtime, incident) : [];
  const files = [...documents, ...(phase === 'before' ? [] : await recordOf(runtime, incident))];
  try {
    const written = await keepEvidence(own, env.EVIDENCE_BUCKET, incident.id, files, now());
    const all = [...new Map([...known, ...written].map((entry) => [entry.key, entry])).values()];
    await incidents.saveEvidence(incident.id, all);
    if (phase !== 'before') {
      const manifest = manifestOf(incident.id, incident.findingId, all);
      const [entry] = await keepEvidence(own, env.EVIDENCE_BUCKET, incident.id, [manifest], now());
      await incidents.note(
        incident.id,
        `evidence kept: ${all.length} files, manifest SHA-256 ${entry?.sha256 ?? ''}`,
        now(),
      );
    }
    return all;
  } catch (error) {
    if (error instanceof TableUnavailable) throw error;
    countMetric('EvidenceFailed');
    const reason = describeError(error);
    await incidents.note(incident.id, `evidence could not be kept: ${reason}`, now());
    await page(runtime, `Firebreak ${incident.id}: evidence could not be kept`, reason);
    return known;
  }
}

/** The finding, and per target what the plan saw and what the playbook's own evidence read adds. */
async function documentsOf(runtime: Runtime, incident: Incident): Promise<readonly EvidenceFile[]> {
  const finding = await findingOf(runtime, incident.id);
  const files: EvidenceFile[] = [{ name: 'finding', value: finding.detail }];
  for (const [index, entry] of incident.targets.entries()) {
    const place = `target-${index}`;
    if (entry.state)
      files.push({ name: `${place}/state-before`, value: { ...entry.state, readAt: entry.stateAt ?? '' } });
    for (const [name, value] of Object.entries(await ownDocuments(runtime, incident, entry))) {
      files.push({ name: `${place}/${name.replace(/[^\w-]+/g, '_').slice(0, 100)}`, value });
    }
  }
  return files;
}

async function ownDocuments(
  runtime: Runtime,
  incident: Incident,
  entry: IncidentTarget,
): Promise<Readonly<Record<string, Json>>> {
  const playbook = playbookOf(entry);
  if (!playbook.evidence || entry.problem !== undefined) return {};
  try {
    return await playbook.evidence(entry.target, runtime.awsOf(entry.target, incident.id));
  } catch (error) {
    // The resource is gone, or may not be read: that is what the evidence says then. Throttling and 5xx are tried again.
    if (!(error instanceof FirebreakError) && (!isAwsError(error) || mayRetry(error))) throw error;
    const reason = describeError(error);
    await runtime.incidents.note(
      incident.id,
      `documents of ${entry.target.display} could not be read: ${reason}`,
      runtime.now(),
    );
    return { 'not-read': reason };
  }
}

/** What was decided and done, as the table has it. */
async function recordOf(runtime: Runtime, incident: Incident): Promise<readonly EvidenceFile[]> {
  const { incidents } = runtime;
  const [context, madeBefore] = await Promise.all([
    incidents.context(incident.id),
    incidents.madeBefore(incident.id),
  ]);
  return [
    { name: 'incident', value: toJson(incident) },
    { name: 'steps', value: toJson(await stepsOf(runtime, incident)) },
    { name: 'timeline', value: toJson(await incidents.timeline(incident.id)) },
    ...(context ? [{ name: 'context', value: toJson(context) }] : []),
    ...(madeBefore ? [{ name: 'made-before', value: toJson(madeBefore) }] : []),
  ];
}
