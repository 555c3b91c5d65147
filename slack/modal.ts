/** Modals: what is asked for before something is done, and the details of an incident. */
import type { IncidentContext } from '../core/context.ts';
import type { Finding } from '../core/finding.ts';
import type { StepRecord } from '../core/hold.ts';
import type { Incident, TimelineEvent } from '../core/incident.ts';
import { INPUTS, VIEWS, type ViewName } from './actions.ts';
import { type InputBlock, list, type Modal, plain, section, type ViewBlock } from './block-kit.ts';
import { LIMITS, untrusted } from './text.ts';

const reason = (label: string): InputBlock => ({
  type: 'input',
  block_id: INPUTS.reason,
  label: plain(label, LIMITS.label),
  element: { type: 'plain_text_input', action_id: INPUTS.reason, multiline: true, max_length: 1000 },
});

/** What opens at once: whole where the incident is enough, `reading …` where the worker fills it. */
export function firstView(view: ViewName, ticket: string, incident: Incident): Modal {
  const modal = (title: string, blocks: readonly ViewBlock[], submit?: string): Modal => ({
    type: 'modal',
    callback_id: VIEWS[view],
    private_metadata: ticket,
    title: plain(title, LIMITS.viewTitle),
    close: plain('Cancel', LIMITS.viewTitle),
    ...(submit ? { submit: plain(submit, LIMITS.viewTitle) } : {}),
    blocks,
  });
  switch (view) {
    case 'deny':
      return modal('Deny', [reason('Why')], 'Deny');
    case 'breakGlass':
      return modal('Break glass', [reason('Why, in a sentence: everyone is paged')], 'Contain now');
    case 'details':
    case 'suppress':
    case 'approvePart':
    case 'snooze':
      return modal('Firebreak', [section(`Reading ${incident.id} …`)]);
  }
}

export interface DetailsContent {
  readonly incident: Incident;
  readonly finding: Finding;
  readonly steps: readonly StepRecord[];
  readonly timeline: readonly TimelineEvent[];
  readonly context?: IncidentContext | undefined;
  /** The page asked for; the first one without it. */
  readonly page?: string | undefined;
}

export const detailsView = (ticket: string, { incident, timeline }: DetailsContent): Modal => ({
  type: 'modal',
  callback_id: VIEWS.details,
  private_metadata: ticket,
  title: plain(incident.id, LIMITS.viewTitle),
  blocks: [
    section(untrusted(incident.title)),
    ...list(
      '*Timeline*',
      timeline.map(({ event }) => untrusted(event)),
    ),
  ],
});
