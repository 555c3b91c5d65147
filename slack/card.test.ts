import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Incident } from '../core/incident/incident.ts';
import { checkBlocks } from '../sandbox/slack-limits.ts';
import {
  AT,
  context,
  finding,
  foreignMarkup,
  incident,
  relatives,
  steps,
  text,
  textsOf,
} from '../test/hostile.ts';
import { ACTION_KINDS } from './actions.ts';
import type { Block, Button } from './block-kit.ts';
import { cardPicture, incidentCard } from './card.ts';
import { chunks, code, cut, middle, untrusted } from './text.ts';

const cardOf = (given: Incident, more: Partial<Parameters<typeof incidentCard>[0]> = {}) =>
  incidentCard({
    incident: given,
    finding,
    steps: [],
    policyApprovers: ['U0BOB', 'S0ONCALL'],
    now: new Date(AT),
    consoleUrl: 'https://console.example',
    ...more,
  });
const buttonsOf = (blocks: readonly Block[]): readonly Button[] =>
  blocks.flatMap((block) => (block.type === 'actions' ? block.elements : []));

describe('the card', () => {
  it('keeps every limit of Slack, fits some screens of a phone and lets no markup of others through', () => {
    fc.assert(
      fc.property(
        incident,
        steps,
        fc.option(context, { nil: undefined }),
        relatives,
        (given, journal, around, others) => {
          const card = cardOf(given, { steps: journal, context: around, relatives: others });
          expect(checkBlocks(card.blocks)).toEqual([]);
          expect(foreignMarkup([card.blocks, { type: 'mrkdwn', text: card.text }])).toEqual([]);
          expect(card.blocks.length).toBeLessThanOrEqual(20);
          expect(textsOf(card.blocks).join('').length).toBeLessThanOrEqual(16_000);
        },
      ),
      { numRuns: 150 },
    );
  });

  it('shows what GuardDuty saw: the file and its process', () => {
    const [given] = fc.sample(incident, 1);
    if (!given) throw new Error('no incident');
    const runtimeDetails = {
      context: { filePath: '/etc/ld.so.preload', fileOperation: 'Write' },
      process: { executablePath: '/tmp/.x/sh', pid: 4242 },
    };
    const card = cardOf(given, { finding: { ...finding, detail: { service: { runtimeDetails } } } });
    expect(textsOf(card.blocks).join('\n')).toContain(
      '*File* `/etc/ld.so.preload (Write)`\n*Process* `/tmp/.x/sh, pid 4242`',
    );
  });

  it('names what it follows and its follow-ups, each with its card and its page', () => {
    const [given] = fc.sample(incident, 1);
    if (!given) throw new Error('no incident');
    const id = 'fb-0123456789ab';
    const card = cardOf(given, {
      relatives: [{ id, what: 'follow-up of', status: 'contained', slack: { channel: 'C0A', ts: '1.2' } }],
    });
    expect(textsOf(card.blocks.slice(-1)).join()).toContain(
      `Follow-up of <https://slack.com/app_redirect?channel=C0A&message_ts=1.2|${id}> · <https://console.example/incident/${id}|its page>`,
    );
  });

  it('draws the attack as a line from the attacker to what was cut off', () => {
    const [sampled] = fc.sample(incident, 1);
    const [target] = fc.sample(incident, 50).flatMap(({ targets }) => targets);
    if (!sampled || !target) throw new Error('no incident');
    const contained = {
      ...target,
      playbook: 'isolate-instance',
      status: 'contained',
      proof: { proven: true, checks: [], residual: [], next: 'final' },
    } as const;
    const given = { ...sampled, status: 'contained', sample: false, targets: [contained] } as const;
    const text = textsOf(cardOf(given).blocks).join('\n');
    expect(text).toMatch(/\*Attack path\*\n• `0\.0\.0\.0` → `TCP port 22` ✂️ `/);
    expect(text).toContain('_cut: isolate instance');
  });

  it('shows the picture of this very state in the place of the line, with the line as its text', () => {
    const [sampled] = fc.sample(incident, 1);
    const [target] = fc.sample(incident, 50).flatMap(({ targets }) => targets);
    if (!sampled || !target) throw new Error('no incident');
    const given = { ...sampled, status: 'awaiting-approval', sample: false, targets: [target] } as const;
    const { shows = '', text: said = '' } = cardPicture({ incident: given, finding, steps: [] }) ?? {};
    const picture = { shows, file: 'F0PICTURE01' };
    const shown = cardOf({ ...given, picture });
    expect(shown.blocks.filter(({ type }) => type === 'image')).toEqual([
      {
        ...{ type: 'image', slack_file: { id: 'F0PICTURE01' }, alt_text: cut(said, 2000) },
        title: { type: 'plain_text', text: 'Attack path' },
      },
    ]);
    expect(said).toContain('0.0.0.0 → TCP port 22');
    expect(checkBlocks(shown.blocks)).toEqual([]);
    expect(textsOf(shown.blocks).join('\n')).not.toContain('*Attack path*');
    // Once it is contained, the picture of what was open is another one's.
    const contained = {
      ...{ ...target, playbook: 'isolate-instance', status: 'contained' as const },
      proof: { proven: true, checks: [], residual: [], next: 'final' as const },
    };
    const later = cardOf({ ...given, picture, status: 'contained', targets: [contained] });
    expect(later.blocks.filter(({ type }) => type === 'image')).toEqual([]);
    expect(textsOf(later.blocks).join('\n')).toContain('*Attack path*');
  });

  it('says the kind of a resource once', () => {
    const [sampled] = fc.sample(incident, 1);
    const [target] = fc.sample(incident, 50).flatMap(({ targets }) => targets);
    if (!sampled || !target) throw new Error('no incident');
    const display = 'arn:aws:ec2:eu-west-1:111122223333:instance/i-0a';
    const { plan: _plan, problem: _problem, ...bare } = target;
    const entry = { ...bare, playbook: 'isolate-instance', target: { ...target.target, display } };
    const given = { ...sampled, status: 'awaiting-approval', sample: false, targets: [entry] } as const;
    expect(textsOf(cardOf(given).blocks).join('\n')).toContain('isolate instance `i-0a`: not read yet');
  });

  it('has no picture where nothing could be cut', () => {
    const [sampled] = fc.sample(incident, 1);
    if (!sampled) throw new Error('no incident');
    expect(cardPicture({ incident: { ...sampled, targets: [] }, finding, steps: [] })).toBe(undefined);
  });

  it('offers buttons only while there is something to press them for', () => {
    fc.assert(
      fc.property(incident, (given) => {
        const ids = buttonsOf(cardOf(given).blocks).map(({ action_id }) => action_id);
        const open = given.approval && given.approval.outcome === undefined;
        expect(ids.includes(ACTION_KINDS.approve.id)).toBe(open === true);
        expect(ids.includes(ACTION_KINDS.deny.id)).toBe(open === true);
        expect(ids).toContain(ACTION_KINDS.details.id);
        expect(new Set(ids).size).toBe(ids.length);
      }),
      { numRuns: 100 },
    );
  });

  it("shows no step of another incident's journal where it changed nothing itself", () => {
    fc.assert(
      fc.property(incident, steps, (given, journal) => {
        const card = JSON.stringify(
          cardOf({ ...given, status: 'notified', sample: true }, { steps: journal }),
        );
        expect(card).not.toMatch(/steps? (?:in place|restored)/);
      }),
      { numRuns: 30 },
    );
  });

  it('carries ids in its buttons and nothing else', () => {
    fc.assert(
      fc.property(incident, (given) => {
        for (const { value } of buttonsOf(cardOf(given).blocks))
          expect([given.id, given.approval?.id]).toContain(value);
      }),
      { numRuns: 50 },
    );
  });
});

describe('text of others', () => {
  it('is escaped first and no escape is cut in two', () => {
    fc.assert(
      fc.property(text, fc.integer({ min: 20, max: 200 }), (given, limit) => {
        for (const made of [untrusted(given), code(given)]) {
          const short = cut(made, limit);
          expect(short.length).toBeLessThanOrEqual(limit);
          expect(short).not.toMatch(/[<>]|&(?!amp;|lt;|gt;)/);
          // What was opened as code is closed again.
          expect((cut(code(given), limit).match(/`/g) ?? []).length % 2).toBe(0);
        }
      }),
    );
  });

  it('is whole when its pieces are put together', () => {
    fc.assert(
      fc.property(text, fc.integer({ min: 20, max: 200 }), (given, limit) => {
        const made = untrusted(given);
        const pieces = chunks(made, limit);
        expect(pieces.join('')).toBe(made);
        for (const piece of pieces) {
          expect(piece.length).toBeLessThanOrEqual(limit);
          expect(piece).not.toMatch(/&(?!amp;|lt;|gt;)/);
        }
      }),
    );
  });

  it('keeps the end of a name that is too long', () => {
    expect(middle(`arn:${'x'.repeat(100)}-blue`, 40)).toMatch(/^arn:x+…x+-blue$/);
    expect(middle(`arn:${'x'.repeat(100)}-blue`, 40).length).toBeLessThanOrEqual(40);
  });
});
