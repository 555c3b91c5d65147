/** The four lines, for every status: what they must say, and what they must not. */
import { describe, expect, it } from 'vitest';
import { parseFinding } from '../finding/finding.ts';
import type { StepRecord } from '../journal/hold.ts';
import type { Plan } from '../journal/playbook.ts';
import { plainWords } from '../words.ts';
import { type Brief, briefLines, briefOf } from './brief.ts';
import type { ApprovalView, Decision, Incident, IncidentTarget } from './incident.ts';
import { STATUSES } from './status.ts';

const AT = '2026-11-24T07:40:00.000Z';
const ARN = 'arn:aws:ec2:eu-west-1:111122223333:instance/i-0abc0000000000009';
const plan: Plan = {
  kind: 'plan',
  steps: [
    { id: 'eni', kind: 'eni', role: 'contain', describe: 'Move eni-1', before: 'a', after: 'b', args: {} },
  ],
  blastRadius: { count: 1, unit: 'instances', detail: [] },
  ...{ warnings: [], residual: ['foreseen by the plan'], askBecause: [], arns: [ARN] },
  tags: { Name: 'web-1' },
};
const target: IncidentTarget = {
  key: 'k',
  playbook: 'isolate-instance',
  target: {
    ...{ partition: 'aws', account: '111122223333', region: 'eu-west-1' },
    ...{ kind: 'ec2-instance', id: 'i-0abc0000000000009', display: ARN, facts: {} },
  },
  plan,
};
const incident: Incident = {
  ...{
    id: 'fb-000000000001',
    findingId: 'f',
    type: 'Backdoor:EC2/C&CActivity.B',
    severity: 8,
    label: 'high',
  },
  ...{ account: '111122223333', region: 'eu-west-1', partition: 'aws', sample: false, archived: false },
  ...{ title: 'EC2 instance talks to a command server.', count: 1, findingUpdatedAt: AT, createdAt: AT },
  ...{ updatedAt: AT, execution: 'e', status: 'contained', playbook: 'isolate-instance', display: ARN },
  ...{ targets: [target], passes: 1, version: 1 },
};
const finding = parseFinding({
  ...{ id: 'f', type: incident.type, severity: 8, accountId: '111122223333', region: 'eu-west-1' },
  updatedAt: AT,
  service: {
    action: {
      actionType: 'NETWORK_CONNECTION',
      networkConnectionAction: {
        connectionDirection: 'OUTBOUND',
        remoteIpDetails: {
          ipAddressV4: '198.51.100.77',
          country: { countryName: 'Netherlands' },
          organization: { asn: '64500', asnOrg: 'Example Hosting' },
        },
      },
    },
  },
});
const failed: StepRecord = {
  ...{ id: 'eni', number: 0, kind: 'eni', role: 'contain', describe: 'Move eni-1', args: {}, needs: [] },
  ...{
    status: 'failed',
    note: 'AccessDenied',
    before: 'a',
    after: 'b',
    output: undefined,
    doneAt: undefined,
  },
};
const approval: ApprovalView = {
  ...{ id: 'd'.repeat(32), requestedAt: AT, expiresAt: '2026-11-24T08:10:00.000Z' },
  ...{ approvedBy: [], remindAt: AT, escalateAt: AT },
  purpose: 'contain',
  needed: 1,
};

const remains = (brief: Brief): readonly string[] => brief.remains.map(plainWords);

describe('the four lines', () => {
  it('say where the attacker is, by country and network, and name the resource', () => {
    const { happened } = briefOf({ incident, finding, steps: [] });
    expect(plainWords(happened)).toBe(
      'EC2 instance talks to a command server: to 198.51.100.77 (Netherlands, Example Hosting AS64500), on instance web-1 (i-0abc…0009) in account 111122223333, eu-west-1.',
    );
  });

  it('let no Name tag pass for the id', () => {
    const tags = { Name: 'bastion (i-0fff0000000000001)' };
    const named = { ...target, plan: { ...plan, tags } };
    const { happened } = briefOf({ incident: { ...incident, targets: [named] }, steps: [] });
    expect(plainWords(happened)).toContain('instance bastion i-0fff…0001 (i-0abc…0009)');
  });

  it('shorten ids of what happened and was done, and keep those that someone acts on', () => {
    const risk = 'snap-0123456789abcdef0 is shared with account 444455556666';
    const moved = {
      ...failed,
      status: 'done',
      note: undefined,
      describe: 'Move eni-0123456789abcdef0',
    } as const;
    const contained = { ...target, status: 'residual', plan: { ...plan, residual: [risk] } } as const;
    const brief = briefOf({
      incident: { ...incident, status: 'residual', targets: [contained] },
      finding,
      steps: [moved],
    });
    expect(plainWords(brief.did)).toContain('Move eni-0123…def0');
    expect(`${plainWords(brief.happened)}${plainWords(brief.did)}`).not.toMatch(/-[0-9a-f]{17}/);
    expect(remains(brief)).toContain(risk);
  });

  it.each(STATUSES)('are all there for an incident that is %s', (status) => {
    const lines = briefLines(
      briefOf({ incident: { ...incident, status }, finding, steps: [] }),
      (given) => given,
    );
    for (const title of ['What happened: ', 'What Firebreak did: ', 'What remains:', 'What to do next: '])
      expect(lines.find((line) => line.startsWith(title))).toMatch(/\w/);
  });

  it('name every risk of step, plan, proof, note and incident', () => {
    const proof = { proven: true, checks: [], residual: ['seen by the proof'], next: 'final' as const };
    const brief = briefOf({
      incident: {
        ...incident,
        status: 'partial',
        targets: [{ ...target, status: 'partial', proof, worse: ['left open'], notes: ['noted'] }],
        residual: ['of the incident'],
        unhandled: ['a launcher'],
      },
      steps: [failed],
    });
    const text = remains(brief).join('\n');
    for (const risk of [
      ...['foreseen by the plan', 'seen by the proof', 'left open', 'noted', 'of the incident', 'a launcher'],
      'Move eni-1: failed, AccessDenied',
    ])
      expect(text).toContain(risk);
  });

  it('say that nothing is contained while no one has decided, and what the plan will leave', () => {
    const asking: Incident = { ...incident, status: 'awaiting-approval', approval };
    expect(remains(briefOf({ incident: asking, steps: [] }))).toEqual([
      'Nothing is contained: the attacker keeps what they have.',
      'Even once contained: foreseen by the plan',
    ]);
  });

  it.each([
    ['contain', 'Contains automatically at', ' unless denied.'],
    ['escalate', 'Escalates at', ', and nothing is changed.'],
  ] as const)('say until when to decide, and that then policy says %s', (expiry, before, after) => {
    const decision: Decision = {
      ...{ reasons: [], rule: 'r', unknownType: false, page: false, expiry },
      ...{ approvalTimeoutSeconds: 60, followUps: [] },
      ...{ kind: 'ask', label: 'high', approvals: 1 },
    };
    const { next } = briefOf({
      incident: { ...incident, status: 'awaiting-approval', approval, decision },
      steps: [],
    });
    expect(next).toMatchObject({
      deadline: { before, at: approval.expiresAt, after },
      button: 'Contain now',
      commands: ['approve fb-000000000001', 'deny fb-000000000001 --reason "…"'],
    });
  });

  it('claim no confirmation that no live read gave', () => {
    const didFor = (status: IncidentTarget['status'], proven: boolean) =>
      plainWords(
        briefOf({
          incident: {
            ...incident,
            status: 'residual',
            targets: [
              {
                ...target,
                ...(status === undefined ? {} : { status }),
                proof: { proven, checks: [], residual: [], next: 'final' },
                verifiedAt: AT,
              },
            ],
          },
          steps: [],
        }).did,
      );
    expect(didFor('residual', true)).toContain('Confirmed by a live read');
    expect(didFor('residual', false)).toContain('No live read has confirmed all of it');
  });
});
