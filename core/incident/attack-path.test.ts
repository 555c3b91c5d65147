/** The attack as a graph: the cut where it was made, and only where a live read confirmed it. */
import { describe, expect, it } from 'vitest';
import { simulatedEvent } from '../../sandbox/simulated/event.ts';
import { SCOPE } from '../../test/playbooks/properties.ts';
import { parseFinding } from '../finding/finding.ts';
import type { Plan, PlannedStep } from '../journal/playbook.ts';
import { attackPaths, pathChains, pathText } from './attack-path.ts';
import type { Incident, IncidentTarget } from './incident.ts';

const AT = '2026-11-25T08:00:00.000Z';
const found = (type: string) =>
  parseFinding(
    simulatedEvent(type, {
      ...{ scope: SCOPE, severity: 'high', seed: 'path', sample: false },
      now: new Date(AT),
    }),
  );
const step: PlannedStep = {
  ...{
    id: 'eni:eni-1',
    kind: 'interface-groups',
    role: 'contain',
    describe: 'Move eni-1',
    args: { eni: 'eni-1' },
  },
  ...{ before: ['sg-0a'], after: ['firebreak-quarantine'] },
  role: 'contain',
};
const plan: Plan = {
  ...{ kind: 'plan', steps: [step], blastRadius: { count: 1, unit: 'instances', detail: [] } },
  ...{ warnings: [], residual: [], askBecause: [], tags: { Name: 'web-1' }, arns: [] },
};
const target = (playbook: string, more: Partial<IncidentTarget> = {}): IncidentTarget => ({
  ...{ key: 'k', playbook, plan },
  target: {
    ...SCOPE,
    kind: 'ec2-instance',
    id: 'i-0a',
    display: 'arn:aws:ec2:eu-west-1:1:instance/i-0a',
    facts: {},
  },
  ...more,
});
const proof = (residual: readonly string[] = []) => ({
  proven: true,
  checks: [],
  residual,
  next: 'final' as const,
});
const incident = (one: IncidentTarget, status: Incident['status']): Incident => ({
  ...{ id: 'fb-000000000001', findingId: 'f', type: 't', severity: 8, label: 'high', title: 't' },
  ...{
    account: SCOPE.account,
    region: SCOPE.region,
    partition: SCOPE.partition,
    sample: false,
    archived: false,
  },
  ...{ count: 1, findingUpdatedAt: AT, createdAt: AT, updatedAt: AT, execution: 'e', playbook: one.playbook },
  ...{ display: one.target.display, targets: [one], passes: 1, version: 1, status },
});
const lines = (given: Incident, type: string): string =>
  attackPaths({ incident: given, finding: found(type), steps: [] })
    .flatMap((graph) => [graph.title, ...pathText(graph)])
    .join('\n');

describe('the attack path', () => {
  const BACKDOOR = 'Backdoor:EC2/C&CActivity.B';
  it('leads from the remote address to the resource, and stays open until the containment is confirmed', () => {
    const open = lines(incident(target('isolate-instance'), 'awaiting-approval'), BACKDOOR);
    expect(open).toContain(
      '198.51.100.77 (Netherlands, Example Hosting AS64500) --> TCP port 443 (Connection)',
    );
    expect(open).toContain('- -> instance web-1 (i-0a) (EC2 instance) [still open]');
    expect(open).toContain('would be cut');
    const unproven = target('isolate-instance', {
      status: 'contained',
      proof: { ...proof(), proven: false },
    });
    expect(lines(incident(unproven, 'partial'), BACKDOOR)).not.toContain('[cut');
  });

  it('is cut where the containment was made, with what is still open next to it', () => {
    const done = target('isolate-instance', { status: 'residual', proof: proof(['tracked flows']) });
    const text = lines(incident(done, 'residual'), BACKDOOR);
    expect(text).toContain('--X instance web-1 (i-0a) (EC2 instance) [cut: isolate instance]');
    expect(text).toContain('- -> tracked flows (Still open) [still open]');
    expect(text).toContain('before and after');
  });

  it('of a stolen key goes by the key to the calls, and the identity is cut from what it touched', () => {
    const done = target('revoke-role-sessions', { status: 'contained', proof: proof() });
    const graph = attackPaths({
      incident: incident(done, 'contained'),
      finding: found('UnauthorizedAccess:IAMUser/MaliciousIPCaller'),
      steps: [],
      context: {
        activity: {
          ...{ kind: 'read', of: 'k', from: AT, to: AT, more: false },
          events: [{ at: AT, name: 'PutObject', source: 's3.amazonaws.com', region: 'r', readOnly: false }],
        },
      },
    })[0];
    if (!graph) throw new Error('nothing to draw');
    expect(graph.ways.map(({ state }) => state)).toEqual(['past', 'past', 'cut']);
    expect(pathText(graph).at(-1)).toContain(
      '--X s3:PutObject (Calls in CloudTrail) [cut: revoke role sessions]',
    );
    const [chain, ...others] = pathChains(graph);
    expect(others).toEqual([]);
    expect(chain?.first.kind).toBe('attacker');
    expect(chain?.rest.map(({ way, node }) => [way.state, node.kind])).toEqual([
      ['past', 'means'],
      ['past', 'resource'],
      ['cut', 'touched'],
    ]);
  });

  it('shows no cut of what only restores or marks', () => {
    const done = target('restore-logging', { status: 'contained', proof: proof() });
    expect(lines(incident(done, 'contained'), BACKDOOR)).not.toContain('[cut: restore');
  });
});
