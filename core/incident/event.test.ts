import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { simulatedEvent } from '../../sandbox/simulated/event.ts';
import { SCOPE, sceneDatabase } from '../../test/playbooks/properties.ts';
import { parseFinding } from '../finding/finding.ts';
import { incidentEvent, incidentEventSchema } from './event.ts';
import type { Incident } from './incident.ts';
import { ocsfIncidentFinding } from './ocsf.ts';
import type { IncidentStatus } from './status.ts';
import { incidentStore } from './store.ts';

const database = sceneDatabase('incident-event');
const NOW = new Date('2026-11-25T08:00:00.000Z');

async function opened(): Promise<Incident> {
  const event = simulatedEvent('Trojan:EC2/DropPoint', {
    ...{ scope: SCOPE, severity: 'high', now: NOW, seed: 'event', sample: false },
  });
  return (await incidentStore(database().table).claim(parseFinding(event), 'execution', NOW)).incident;
}

const ENDS: readonly [IncidentStatus, number, number][] = [
  ['received', 1, 1],
  ['awaiting-approval', 2, 3],
  ['containing', 2, 2],
  ['contained', 3, 4],
  // Something remains at risk, or a person has to act: never reported as resolved or closed.
  ['residual', 2, 2],
  ['partial', 2, 2],
  ['failed', 2, 2],
  ['escalated', 2, 2],
  ['expired', 2, 2],
  ['undo-partial', 2, 2],
  ['notified', 3, 5],
  ['undone', 3, 5],
];

describe('incidentEvent', () => {
  it.each(ENDS)('of an incident that is %s fits its published schema', async (status) => {
    const event = incidentEvent({ ...(await opened()), status });
    expect(incidentEventSchema.parse(JSON.parse(JSON.stringify(event)))).toEqual(event);
    expect(event).toMatchObject({ schemaVersion: 1, status, account: SCOPE.account, severityLabel: 'high' });
  });

  it('tells what remains at risk, of the targets and of the incident', async () => {
    const incident = await opened();
    const target = { ...SCOPE, kind: 'ec2-instance', id: 'i-1', display: 'i-1', facts: {} };
    const proof = { proven: true, checks: [], residual: ['a tracked flow'], next: 'final' as const };
    const event = incidentEvent({
      ...incident,
      status: 'residual',
      targets: [{ key: 'k', playbook: 'isolate-instance', target, proof, status: 'residual' }],
      residual: ['the launcher'],
    });
    expect(event.residual).toEqual(['a tracked flow', 'the launcher']);
    expect(event.targets).toEqual([{ playbook: 'isolate-instance', display: 'i-1', status: 'residual' }]);
  });

  it('is published as a file that lists every member', () => {
    const file = new URL('../../docs/incident-event.schema.json', import.meta.url);
    const published = JSON.parse(readFileSync(file, 'utf8')) as { required: string[] };
    expect(new Set(published.required)).toEqual(new Set(Object.keys(incidentEventSchema.shape)));
  });
});

describe('ocsfIncidentFinding', () => {
  it.each(ENDS)(
    'of an incident that is %s has activity %i and status %i',
    async (status, activity, statusId) => {
      const finding = ocsfIncidentFinding({ ...(await opened()), status }, '1.2.3');
      expect(finding).toMatchObject({
        class_uid: 2005,
        category_uid: 2,
        activity_id: activity,
        type_uid: 200_500 + activity,
        status_id: statusId,
        severity_id: 4,
        time: NOW.getTime(),
        // OCSF demands an assignee or a group of them.
        assignee_group: { name: 'Firebreak approvers' },
        metadata: { version: '1.9.0', product: { version: '1.2.3' } },
        cloud: { provider: 'AWS', region: SCOPE.region, account: { uid: SCOPE.account } },
      });
    },
  );
});
