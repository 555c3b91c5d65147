import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseFinding } from '../../../core/finding.ts';
import type { Incident } from '../../../core/incident.ts';
import { checkBlocks } from '../../../sandbox/slack-limits.ts';
import { incidentCard } from '../../../slack/card.ts';
import { cut, untrusted } from '../../../slack/text.ts';

const finding = parseFinding(
  JSON.parse(
    readFileSync(
      new URL('../../fixtures/findings/canary-ec2-stateless-integtest-1.json', import.meta.url),
      'utf8',
    ),
  ),
);
const AT = '2026-11-24T07:40:00.000Z';

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 400 }),
  fc.constantFrom(
    '<!channel>',
    '<@U0ALICE>',
    '<https://evil.example|click>',
    '*'.repeat(5000),
    '&'.repeat(5000),
    '`rm`',
  ),
);

const incident = fc
  .record({
    type: text,
    title: text,
    display: text,
    reasons: fc.array(text, { maxLength: 30 }),
    warnings: fc.array(text, { maxLength: 60 }),
  })
  .map(
    ({ type, title, display, reasons, warnings }): Incident => ({
      id: 'fb-000000000001',
      findingId: 'f',
      type,
      severity: 8,
      label: 'high',
      account: '111122223333',
      region: 'eu-west-1',
      partition: 'aws',
      title,
      sample: false,
      archived: false,
      count: 1,
      findingUpdatedAt: AT,
      createdAt: AT,
      updatedAt: AT,
      execution: 'e',
      status: 'awaiting-approval',
      playbook: 'isolate-instance',
      display,
      decision: {
        kind: 'ask',
        label: 'high',
        reasons,
        rule: 'r',
        unknownType: false,
        page: false,
        expiry: 'contain',
        approvalTimeoutSeconds: 60,
        approvals: 1,
        followUps: [],
      },
      targets: [
        {
          key: 'k',
          playbook: 'isolate-instance',
          target: {
            partition: 'aws',
            account: '1',
            region: 'r',
            kind: 'ec2-instance',
            id: 'i',
            display,
            facts: {},
          },
          plan: {
            kind: 'plan',
            steps: [
              {
                id: 's',
                kind: 's',
                role: 'contain',
                describe: title,
                args: {},
                before: display,
                after: type,
              },
            ],
            blastRadius: { count: 1, unit: 'instances', detail: reasons },
            warnings,
            residual: warnings,
            askBecause: [],
            tags: {},
            arns: [],
          },
        },
      ],
      approval: {
        id: 'a'.repeat(32),
        purpose: 'contain',
        requestedAt: AT,
        expiresAt: AT,
        needed: 1,
        approvedBy: [],
      },
      passes: 0,
      version: 1,
    }),
  );

describe('the card', () => {
  it('keeps every limit of Slack and lets no markup of a finding through', () => {
    fc.assert(
      fc.property(incident, (given) => {
        const card = incidentCard({
          incident: given,
          finding,
          steps: [],
          policyApprovers: ['U0BOB'],
          now: new Date(AT),
        });
        expect(checkBlocks(card.blocks)).toEqual([]);
        const markup = card.blocks
          .flatMap((block) =>
            block.type === 'section' ? ('text' in block ? [block.text] : block.fields) : [],
          )
          .flatMap((part) => part.text.match(/<[^>]*>/g) ?? []);
        // The approver and the date are ours; nothing else may be markup.
        expect(markup.filter((mark) => !/^<@U0BOB>$|^<!date\^\d+\^/.test(mark))).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  it('escapes first and never cuts an escape in two', () => {
    fc.assert(
      fc.property(text, fc.integer({ min: 20, max: 200 }), (given, limit) => {
        const short = cut(untrusted(given), limit);
        expect(short.length).toBeLessThanOrEqual(limit);
        expect(short).not.toMatch(/[<>]|&(?!amp;|lt;|gt;)/);
      }),
    );
  });
});
