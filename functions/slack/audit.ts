/** Refusals change nothing and leave a record: in the log always, on the incident's timeline where it is known. */
import type { Incident } from '../../core/incident/incident.ts';
import { countMetric, logger, type Runtime } from '../../pipeline/runtime.ts';
import type { SlackRequest } from '../../slack/request.ts';

/** What was tried, for the record: no words that came from outside. */
function whatOf(request: SlackRequest): string {
  switch (request.kind) {
    case 'press':
      return request.action;
    case 'submission':
      return `${request.view} (modal)`;
    case 'command':
      return `/firebreak ${request.command}`;
  }
}

export async function audit(
  runtime: Runtime,
  reason: string,
  request?: SlackRequest,
  incident?: Incident,
): Promise<void> {
  countMetric('SlackRefused');
  logger.warn('Slack request refused', {
    audit: true,
    reason,
    what: request && whatOf(request),
    user: request?.userId,
    team: request?.teamId,
    app: request?.appId,
    incidentId: incident?.id,
  });
  if (incident && request) {
    const text = `refused ${whatOf(request)} by ${request.userId}: ${reason}`;
    await runtime.incidents.note(incident.id, text, runtime.now());
  }
}
