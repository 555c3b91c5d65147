/** An attacker keeps a way that the plan foresaw: what leaves Firebreak names it, not only the card. */
import { expect, it } from 'vitest';
import { incidentJson, postMortem } from '../../console/export.ts';
import { parseFinding } from '../../core/finding/finding.ts';
import { incidentEvent } from '../../core/incident/event.ts';
import type { Incident, IncidentTarget } from '../../core/incident/incident.ts';
import { ocsfIncidentFinding } from '../../core/incident/ocsf.ts';
import { incidentStore } from '../../core/incident/store.ts';
import { simulatedEvent } from '../../sandbox/simulated/event.ts';
import { SCOPE, sceneDatabase } from '../playbooks/properties.ts';

const database = sceneDatabase('silent-residual');
const NOW = new Date('2026-11-25T08:00:00.000Z');

const planned: IncidentTarget = {
  key: 'k',
  playbook: 'isolate-instance',
  target: { ...SCOPE, kind: 'ec2-instance', id: 'i-1', display: 'i-1', facts: {} },
  plan: {
    kind: 'plan',
    steps: [],
    blastRadius: { count: 1, unit: 'instance', detail: [] },
    warnings: [],
    askBecause: [],
    tags: {},
    arns: [],
    residual: ['both saw it', 'the plan saw it'],
  },
  proof: { proven: true, checks: [], residual: ['both saw it', 'the proof saw it'], next: 'final' },
  status: 'residual',
};
const RISKS = ['both saw it', 'the plan saw it', 'the proof saw it', 'the response saw it'];

async function contained(): Promise<Incident> {
  const event = simulatedEvent('Trojan:EC2/DropPoint', {
    ...{ scope: SCOPE, severity: 'high', now: NOW, seed: 'silent', sample: false },
  });
  const { incident } = await incidentStore(database().table).claim(parseFinding(event), 'execution', NOW);
  return { ...incident, status: 'residual', targets: [planned], residual: ['the response saw it'] };
}

it('is in the incident event and the OCSF event, each risk once', async () => {
  const incident = await contained();
  expect(incidentEvent(incident).residual).toEqual(RISKS);
  expect(ocsfIncidentFinding(incident, '1.2.3')['unmapped']).toMatchObject({ residual: RISKS });
});

it('is in both exports of the review page', async () => {
  const review = {
    incident: await contained(),
    ...{ timeline: [], steps: [], calls: [], evidence: [], executions: [], relatives: [] },
    ...{ thread: undefined },
    ...{ finding: undefined, parsed: undefined, context: undefined, madeBefore: undefined },
  };
  expect(JSON.parse(incidentJson(review))).toMatchObject({ residual: RISKS });
  for (const risk of RISKS) expect(postMortem(review)).toContain(`- ${risk}`);
});
