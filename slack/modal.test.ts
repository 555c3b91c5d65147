import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { partsOf } from '../core/approval/parts.ts';
import { checkModal } from '../sandbox/slack-limits.ts';
import {
  AT,
  context,
  finding,
  foreignMarkup,
  incident,
  relatives,
  similar,
  steps,
  text,
  textsOf,
} from '../test/hostile.ts';
import { actionOf, VIEWS, type ViewName } from './actions.ts';
import type { Modal } from './block-kit.ts';
import { changeLines } from './changes.ts';
import { type DetailsContent, detailsView } from './details.ts';
import { suppressForm } from './forms.ts';
import { firstView } from './modal.ts';

const TICKET = 'b'.repeat(32);
const CHAPTERS = ['finding', 'plan', 'identity', 'calls', 'risk', 'similar', 'history', 'raw'];

/** Every page of a chapter, by pressing `Next page` as long as there is one. */
function pagesOf(content: DetailsContent, chapter: string): readonly Modal[] {
  const pages: Modal[] = [];
  for (let page: string | undefined = `${chapter}.0`; page !== undefined; ) {
    const view: Modal = detailsView(TICKET, { ...content, page });
    pages.push(view);
    const next: { value: string } | undefined = view.blocks
      .flatMap((block) => (block.type === 'section' && 'text' in block ? [block.accessory] : []))
      .find((button) => button?.text.text === 'Next page');
    page = next && actionOf('firebreak_details_page', next.value)?.id;
  }
  return pages;
}

const content: fc.Arbitrary<DetailsContent> = fc
  .tuple(
    incident,
    steps,
    fc.option(context, { nil: undefined }),
    fc.option(similar, { nil: undefined }),
    fc.array(text, { maxLength: 100 }),
    relatives,
  )
  .map(([given, journal, around, alike, events, others]) => ({
    incident: given,
    finding,
    steps: journal,
    context: around,
    similar: alike,
    relatives: others,
    timeline: events.map((event, index) => ({ at: AT, event: `${event} <event-${index}>` })),
    consoleUrl: 'https://console.example',
  }));

describe('the details', () => {
  it('keep every limit on every page of every chapter, and let no markup of others through', () => {
    fc.assert(
      fc.property(content, (given) => {
        for (const chapter of CHAPTERS) {
          for (const view of pagesOf(given, chapter)) {
            expect(checkModal(view)).toEqual([]);
            expect(foreignMarkup(view)).toEqual([]);
            expect(view.private_metadata).toBe(TICKET);
          }
        }
      }),
      { numRuns: 12 },
    );
  });

  it('leave nothing out: every event of the history is on one of its pages', () => {
    fc.assert(
      fc.property(content, (given) => {
        const all = textsOf(pagesOf(given, 'history')).join('\n');
        for (const index of given.timeline.keys()) expect(all).toContain(`&lt;event-${index}&gt;`);
      }),
      { numRuns: 25 },
    );
  });

  it('show a finding of 300 kB as it was received, page by page', () => {
    const [given] = fc.sample(content, 1);
    if (!given) throw new Error('no sample');
    const detail = {
      ...finding.detail,
      process: Array.from({ length: 9000 }, (_, index) => `argument ${index} <&`),
    };
    const pages = pagesOf({ ...given, finding: { ...finding, detail } }, 'raw');
    const shown = textsOf(pages.map(({ blocks }) => blocks))
      .filter((each) => each.startsWith('```'))
      .map((each) => each.slice(4, -4))
      .join('');
    const back = shown.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
    expect(JSON.parse(back)).toEqual(JSON.parse(JSON.stringify(detail)));
    for (const view of pages) expect(checkModal(view)).toEqual([]);
  });

  it('open at the first page for a page that no one made', () => {
    const [given] = fc.sample(content, 1);
    if (!given) throw new Error('no sample');
    for (const page of ['', 'plan', 'plan.-1', 'constructor.0', 'history.9999', '../x.1', 'finding.1e3'])
      expect(checkModal(detailsView(TICKET, { ...given, page }))).toEqual([]);
  });
});

describe('the forms', () => {
  const names = Object.keys(VIEWS) as ViewName[];
  it('keep every limit and let no markup of others through', () => {
    fc.assert(
      fc.property(
        incident,
        fc.dictionary(fc.string({ minLength: 1 }), text),
        fc.array(incident, { maxLength: 15 }),
        (given, criterion, others) => {
          const hidden = others.map((each, index) => ({ incident: each, contained: index % 2 === 0 }));
          for (const view of [
            ...names.map((name) => firstView(name, TICKET, given)),
            suppressForm(TICKET, { incident: given, criterion, hidden }),
          ]) {
            expect(checkModal(view)).toEqual([]);
            expect(foreignMarkup(view)).toEqual([]);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('offer every containing step once, ten to a group', () => {
    fc.assert(
      fc.property(incident, (given) => {
        const offered = firstView('approvePart', TICKET, given).blocks.flatMap((block) =>
          block.type === 'input' && block.element.type === 'checkboxes'
            ? block.element.options.map(({ value }) => value)
            : [],
        );
        expect(offered.toSorted()).toEqual(
          partsOf(given)
            .map(({ key }) => key)
            .toSorted(),
        );
      }),
      { numRuns: 40 },
    );
  });
});

describe('a change', () => {
  it('shows what differs with two lines around, and that more is equal', () => {
    const before = { a: 1, b: 2, c: 3, d: 4, e: 5, f: 6 };
    expect(changeLines(before, { ...before, d: 'four' })).toEqual([
      '  …',
      '    "b": 2,',
      '    "c": 3,',
      '-   "d": 4,',
      '+   "d": "four",',
      '    "e": 5,',
      '    "f": 6',
      '  …',
    ]);
    const wide = { ...before, g: 7, h: 8, i: 9, j: 10 };
    expect(changeLines(wide, { ...wide, a: 0, j: 0 }).filter((line) => line === '  …')).toHaveLength(1);
    expect(changeLines('x', 'x')).toEqual(['  x']);
    const many = (from: number) => Array.from({ length: 3000 }, (_, index) => from + index);
    expect(changeLines(many(0), many(9000))).toHaveLength(6004);
    expect(changeLines(undefined, [])).toEqual(['- (not read yet)', '+ []']);
  });
});
