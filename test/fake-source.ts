/** A source that holds one incident whose every text is hostile. */

import type { Review, ReviewSource } from '../console/source.ts';
import type { Incident } from '../core/incident/incident.ts';
import { rowOf } from '../core/incident/list.ts';
import type { JsonObject } from '../core/json.ts';

/** Markup, quotes, an entity, a direction mark, a zero-width space, an ANSI escape, a formula, Markdown, a tag character. */
export const HOSTILE =
  "=cmd|'/c calc'!A1 <script>alert(1)</script>\"'&amp;\u202e\u200b\u001b[31m [x](javascript:alert(1)) `|\\ ![i](http://x.example/i)\u{e0041}";

const AT = '2026-11-24T07:40:00.000Z';
export const incident: Incident = {
  id: 'fb-000000000001',
  findingId: HOSTILE,
  type: `Backdoor:EC2/${HOSTILE}`,
  severity: 8,
  label: 'high',
  account: '111122223333',
  region: 'eu-west-1',
  partition: 'aws',
  title: HOSTILE,
  sample: false,
  archived: false,
  count: 1,
  findingUpdatedAt: AT,
  createdAt: AT,
  updatedAt: AT,
  containedAt: '2026-11-24T07:40:04.000Z',
  execution: HOSTILE,
  status: 'residual',
  playbook: 'isolate-instance',
  display: HOSTILE,
  targets: [
    {
      key: HOSTILE,
      playbook: 'isolate-instance',
      target: {
        ...{ partition: 'aws', account: '111122223333', region: 'eu-west-1' },
        ...{ kind: 'ec2-instance', id: 'i-1', display: HOSTILE, facts: {} },
      },
      status: 'residual',
      proof: {
        proven: true,
        checks: [{ id: 'a', ok: true, saw: HOSTILE }],
        residual: [HOSTILE],
        next: 'final',
      },
      notes: [HOSTILE],
    },
  ],
  unhandled: [HOSTILE],
  decision: {
    ...{ kind: 'ask', reasons: [HOSTILE], label: 'high', rule: HOSTILE, unknownType: false, page: false },
    ...{ expiry: 'escalate', approvalTimeoutSeconds: 60, approvals: 1, followUps: [] },
  },
  approval: {
    ...{ id: 'd'.repeat(32), purpose: 'contain', requestedAt: AT, expiresAt: AT, needed: 1 },
    ...{ remindAt: AT, escalateAt: AT },
    ...{ approvedBy: [HOSTILE], outcome: 'approved', decidedBy: HOSTILE, decidedAt: AT, reason: HOSTILE },
  },
  passes: 1,
  version: 1,
};

const finding: JsonObject = {
  [HOSTILE]: HOSTILE,
  id: HOSTILE,
  createdAt: AT,
  resource: { instanceDetails: { tags: [{ key: HOSTILE, value: HOSTILE }] } },
  service: {
    eventFirstSeen: '2026-11-24T07:30:00.000Z',
    action: { awsApiCallAction: { remoteIpDetails: { country: HOSTILE } } },
  },
};

export const review: Review = {
  incident,
  timeline: [{ at: AT, event: HOSTILE }],
  steps: [
    {
      ...{ id: HOSTILE, number: 0, kind: 'k', role: 'contain', describe: HOSTILE, args: {}, needs: [] },
      ...{ status: 'done', before: { value: HOSTILE }, after: HOSTILE, output: undefined, doneAt: AT },
      note: HOSTILE,
    },
  ],
  finding,
  parsed: undefined,
  context: {
    at: AT,
    attack: [{ kind: 'tactic', id: HOSTILE, name: HOSTILE }],
    links: [],
    tags: { [HOSTILE]: HOSTILE },
    owner: HOSTILE,
    activity: {
      ...{ kind: 'read', of: HOSTILE, from: AT, to: AT, more: false },
      events: [
        {
          ...{ at: AT, name: HOSTILE, source: HOSTILE, region: HOSTILE, readOnly: true },
          ...{ ip: HOSTILE, agent: HOSTILE, error: HOSTILE },
        },
      ],
    },
  },
  madeBefore: {
    ...{ at: AT, of: HOSTILE, from: AT, to: AT, left: 1, unread: [HOSTILE], refused: [HOSTILE] },
    entries: [
      {
        ...{ at: AT, call: HOSTILE, region: HOSTILE, what: HOSTILE, by: HOSTILE, times: 2 },
        ...{ action: HOSTILE, command: HOSTILE },
      },
    ],
  },
  evidence: [{ name: 'finding', key: 'incidents/x', bytes: 1, sha256: 'ab', writtenAt: AT }],
  calls: [
    {
      ...{ partition: 'aws', account: '111122223333', region: 'eu-west-1', task: 'contain', service: 'EC2' },
      ...{ operation: 'ModifyNetworkInterfaceAttribute', at: AT, ms: 12, requestId: 'request-1' },
      ...{ attempts: 2, error: undefined },
    },
  ],
  thread: undefined,
  relatives: [{ id: 'fb-000000000002', what: HOSTILE, status: 'contained' }],
  executions: [
    { title: 'Response', machine: 'respond', arn: HOSTILE, kind: 'not-read', why: HOSTILE },
    {
      ...{ title: 'Undo', machine: 'undo', arn: HOSTILE, kind: 'read', status: 'FAILED', startedAt: AT },
      ...{ more: false, error: HOSTILE },
      visits: [
        {
          state: 'Preview',
          enteredAt: AT,
          exitedAt: AT,
          tries: 2,
          errors: [{ error: HOSTILE, cause: HOSTILE }],
        },
      ],
    },
  ],
};

export interface FakeSource extends ReviewSource {
  readonly undone: (readonly [string, string])[];
  change(): void;
  /** How many watch now. */
  watchers(): number;
}

export function fakeSource(): FakeSource {
  const listeners = new Set<() => void>();
  const undone: (readonly [string, string])[] = [];
  const only = (id: string) => (id === incident.id ? incident : undefined);
  return {
    place: HOSTILE,
    people: [
      { id: 'U0BOB', name: 'Bob' },
      { id: 'U0EVE', name: HOSTILE },
    ],
    command: (given) => `npx firebreak ${given}`,
    policy: async () => ({
      file: 'policy.yml',
      text: `version: 1\napprovers: [U0BOB]\nrules:\n  - name: all\n    match: { type: "*" }\n    decide: notify\n`,
    }),
    mode: async () => ({
      mode: 'observe',
      changes: [{ mode: 'observe', by: HOSTILE, at: '2026-11-24T00:00:00.000Z' }],
    }),
    incidents: async () => ({ items: [rowOf(incident)], examined: 1, cut: false }),
    counts: async () => [
      {
        time: '2026-11-24',
        total: 1,
        by: {
          status: { residual: 1 },
          severity: { high: 1 },
          account: { [HOSTILE]: 1 },
          region: { [HOSTILE]: 1 },
          family: { [HOSTILE]: 1 },
        },
        took: { auto: {}, asked: { 19: 1 } },
      },
    ],
    slowest: async () => [rowOf(incident)],
    failures: async () => [{ arn: HOSTILE, name: HOSTILE, at: AT, error: HOSTILE }],
    find: async (id) => only(id),
    finding: async () => finding,
    review: async (id) => (only(id) ? review : undefined),
    undoView: async () => ({
      safety: { safe: false, why: HOSTILE, safeAt: AT },
      targets: [
        {
          target: HOSTILE,
          heldBy: ['fb-000000000002'],
          holds: true,
          steps: review.steps.flatMap((step) => [
            { step, will: 'restore' as const, live: HOSTILE },
            { step, will: 'leave' as const, live: { drift: HOSTILE } },
            { step, will: 'unknown' as const, why: HOSTILE },
          ]),
        },
      ],
    }),
    waiting: async () => [incident],
    approvers: async () => ({ ids: [HOSTILE], mapped: { kind: 'mapped' } }),
    answer: async () => ({ counted: false, text: HOSTILE }),
    undo: async ({ id }, by) => {
      if (undone.length > 0) return { kind: 'refused', why: `${HOSTILE} asked for already` };
      undone.push([id, by]);
      return { kind: 'started' };
    },
    watch(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    undone,
    change: () => {
      for (const listener of listeners) listener();
    },
    watchers: () => listeners.size,
  };
}
