/** The tour of `npm start`: approve a containment, see what it changed, undo it. Each step ticks itself off. */

import type { Incident } from '../core/incident/incident.ts';
import { isContained, isOver, mayUndo } from '../core/incident/status.ts';
import { CSRF_FIELD, hidden, type Page } from './layout.ts';
import { markup, type Value } from './markup.ts';
import type { ExtraPage } from './routes.ts';

const PATH = '/tour';

/** What the tour reads: nothing of it changes an account. */
export interface TourSource {
  incidents(): Promise<readonly Incident[]>;
}

interface Step {
  readonly title: string;
  readonly text: string;
  readonly done: boolean;
  /** What to press; absent while an earlier step is open. */
  readonly next?: Value;
}

/** Returns the page; it remembers which incident's changes were looked at until the process ends. */
export function tourPage(source: TourSource): ExtraPage {
  let looked: string | undefined;
  return {
    path: PATH,
    label: 'Tour',
    async get(url, csrf) {
      if (url.pathname !== PATH) return undefined;
      return pageOf(stepsOf(await source.incidents(), looked, csrf));
    },
    async post(path, form) {
      if (path !== `${PATH}/changed`) return undefined;
      const id = form.get('incident') ?? '';
      if (!(await source.incidents()).some((incident) => incident.id === id)) return undefined;
      looked = id;
      return `/incident/${id}`;
    },
  };
}

/** The steps as the incidents stand. `looked`: whose changes were opened from here. */
function stepsOf(incidents: readonly Incident[], looked: string | undefined, csrf: string): readonly Step[] {
  const approved = incidents.find(
    ({ approval }) => approval?.purpose === 'contain' && approval.outcome === 'approved',
  );
  const contained = approved !== undefined && (isContained(approved.status) || mayUndo(approved.status));
  const undone = approved?.status === 'undone';
  const changed =
    looked !== undefined &&
    incidents.some(({ id, status }) => id === looked && (isOver(status) || mayUndo(status)));
  return [
    {
      title: 'Approve a containment',
      text: 'Firebreak requests an approval in Slack. Press Contain now on the card, as Alice or Bob.',
      done: approved !== undefined,
      next: markup`<a class="button" href="/slack">Open the Slack channel</a>`,
    },
    {
      title: 'See what changed',
      text: 'The incident shows each value before and after, and the live read that confirmed the containment.',
      done: changed,
      ...(approved
        ? {
            next: markup`<form method="post" action="${PATH}/changed">${hidden({ [CSRF_FIELD]: csrf, incident: approved.id })}<button type="submit">Open the incident</button></form>`,
          }
        : {}),
    },
    {
      title: 'Undo it',
      text: 'Preview undo shows what will be restored. Every value that Firebreak changed gets its former one.',
      done: undone,
      ...(contained
        ? { next: markup`<a class="button" href="/incident/${approved.id}/undo">Preview undo</a>` }
        : {}),
    },
  ];
}

function pageOf(steps: readonly Step[]): Page {
  const open = steps.findIndex(({ done }) => !done);
  const items = steps.map(
    ({ title, text, done, next }, index) =>
      markup`<li${index === open ? markup` aria-current="step"` : ''}><h2>${done ? '✓' : `${index + 1}.`} ${title}${done ? markup` <small>done</small>` : ''}</h2><p>${text}</p>${done ? '' : next}</li>`,
  );
  const end = markup`<p>That was a whole response. <code>npx firebreak simulate TYPE</code> plays any finding type; <code>npx firebreak init</code> deploys Firebreak.</p>`;
  return {
    title: 'Tour',
    main: markup`<h1>Try it in three steps</h1><p>This is the pipeline as it is deployed; AWS and Slack are simulated on this machine.</p><ol class="tour">${items}</ol>${open < 0 ? end : ''}`,
    live: true,
  };
}
