/** Which modal opens for which button. What must be read first opens empty and is filled by the worker. */
import type { Incident } from '../core/incident/incident.ts';
import type { ViewName } from './actions.ts';
import type { Modal } from './block-kit.ts';
import { approvePartForm, breakGlassForm, denyForm, readingForm, snoozeForm } from './forms.ts';

/** What opens at once: whole where the incident is enough, `Reading …` where the worker fills it. */
export function firstView(view: ViewName, ticket: string, incident: Incident): Modal {
  switch (view) {
    case 'deny':
      return denyForm(ticket, incident);
    case 'breakGlass':
      return breakGlassForm(ticket, incident);
    case 'approvePart':
      return approvePartForm(ticket, incident);
    case 'snooze':
      return snoozeForm(ticket, incident);
    case 'details':
    case 'suppress':
      return readingForm(view, ticket, incident);
  }
}
