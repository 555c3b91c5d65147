import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { visible } from '../../core/invisible.ts';
import { image } from '../../slack/block-kit.ts';
import { incidentCard } from '../../slack/card.ts';
import { detailsView } from '../../slack/details.ts';
import { firstView } from '../../slack/modal.ts';
import { code, untrusted } from '../../slack/text.ts';
import { AT, context, finding, incident, steps, text } from '../../test/hostile.ts';
import type { SlackDesk } from './desk.ts';
import { mrkdwn } from './mrkdwn.ts';
import { slackPage } from './page.ts';
import { type PaneState, slackModal, slackPane } from './pane.ts';

const name = (id: string) => (id === 'U0BOB' ? 'Bob' : id);
/** Nothing was said yet, and nothing is answered. */
const ok = async () => ({ statusCode: 200, body: '', errors: {} });
const EMPTY: SlackDesk = {
  users: [{ id: 'U0BOB', name: 'Bob' }],
  channels: [{ id: 'C0INCIDENTS', name: 'incidents' }],
  messages: [],
  ephemerals: [],
  modals: [],
  files: new Map(),
  click: ok,
  clickInModal: ok,
  submit: ok,
  command: ok,
  dismiss: () => {},
};
const STATE: PaneState = { as: 'U0BOB', proof: '' };

/** Tags and links of a page; text of others must not add any. */
const tagsOf = (html: string) => new Set([...html.matchAll(/<\/?([a-z0-9!]+)/gi)].map(([, tag]) => tag));
const OWN =
  'section h1 h2 h3 nav a p form label input button article strong em span code pre time div br hr select option aside dialog textarea fieldset legend';
const hrefs = (html: string) => [...html.matchAll(/href="([^"]*)"/g)].map(([, href = '']) => href);

describe('the Slack page', () => {
  it('shows hostile incidents as text: no tag, link or handler of others', () => {
    fc.assert(
      fc.property(incident, steps, context, (given, journal, around) => {
        const card = incidentCard({
          ...{ incident: given, finding, steps: journal, context: around },
          ...{ policyApprovers: ['U0BOB'], now: new Date(AT) },
        });
        const content = { incident: given, finding, steps: journal, timeline: [], context: around };
        for (const view of [
          firstView('deny', 't', given),
          firstView('approvePart', 't', given),
          detailsView('t', { ...content, page: 'risk.0' }),
        ]) {
          const desk: SlackDesk = {
            ...EMPTY,
            messages: [{ channel: 'C', ts: '1795593920.000001', updates: 1, ...card }],
            ephemerals: [{ user: 'U0BOB', text: untrusted(given.title), blocks: [] }],
            modals: [{ id: 'V1', user: 'U0BOB', hash: 'h', view }],
          };
          const html = slackPane(desk, STATE) + slackModal(desk, STATE);
          for (const tag of tagsOf(html)) expect(OWN.split(' ')).toContain(tag);
          expect(html).not.toMatch(/<[^>]*\son\w+=/i);
          for (const href of hrefs(html))
            expect(href).toMatch(
              /^(?:https:\/\/(?:attack\.mitre\.org|eu-west-1\.console\.aws)|\/slack\?as=)/,
            );
        }
      }),
      { numRuns: 40 },
    );
  });

  it("shows markup as Slack does, and other people's marks as they are", () => {
    const shown = (given: string) => mrkdwn(given, name);
    expect(shown('*May contain*: <@U0BOB>')).toBe(
      '<strong>May contain</strong>: <span class="mention">@Bob</span>',
    );
    expect(shown('<https://a.example/x?b=1&amp;c=2|open>')).toContain(
      'href="https://a.example/x?b=1&#38;c=2"',
    );
    expect(shown('see _Details_')).toBe('see <em>Details</em>');
    expect(shown('<!date^1795593920^{date}|then>')).toMatch(/^<time datetime="2026-/);
    expect(shown(`${code('a`b*c*')} *b*`)).toBe('<code>aˋb*c*</code> <strong>b</strong>');
    expect(shown(untrusted('*not bold* _nor_ `code`'))).toBe('*not bold* _nor_ ˋcodeˋ');
    expect(shown('<javascript:alert(1)|x>')).toBe('&#60;javascript:alert(1)|x&#62;');
  });

  /** What the page shows of a text of others, read back. */
  const shownOf = (given: string) =>
    mrkdwn(untrusted(given), name)
      .replaceAll('<br>', '\n')
      .replace(/&#(\d+);/g, (_entity, number: string) => String.fromCodePoint(Number(number)));

  it('returns every character of what others wrote, the invisible ones as their code', () => {
    fc.assert(
      fc.property(text, (given) => {
        expect(shownOf(given) === visible(given).replaceAll('`', 'ˋ')).toBe(true);
      }),
    );
  });

  it('shows an uploaded image with its text, from the page itself', async () => {
    const bytes = Uint8Array.from([1, 2, 3]);
    const blocks = [image('F000000001', 'Attack path', '"><script>alert(1)</script>')];
    const message = { channel: 'C0INCIDENTS', ts: '1.2', text: 'card', blocks, updates: 0 };
    const desk = { ...EMPTY, messages: [message], files: new Map([['F000000001', { bytes }]]) };
    const shown = slackPane(desk, STATE);
    expect(shown).toContain('<img src="/slack/file/F000000001" alt="&#34;&#62;&#60;script&#62;');
    const page = slackPage(desk);
    expect(page.file?.('/slack/file/F000000001')).toEqual({ type: 'image/png', body: bytes });
    expect(page.file?.('/slack/file/F000000002')).toBe(undefined);
  });

  it('shows a tag character as its code, as Slack does', () => {
    expect(untrusted('a\u{e0020}b')).toBe('a\\udb40\\udc20b');
    expect(shownOf('a\u{e0020}b')).toBe('a\\udb40\\udc20b');
  });
});
