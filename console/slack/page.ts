/** The Slack twin as a page of the console: the channel as the person who is played sees it, and their modal over it. */

import { CSRF_FIELD } from '../layout.ts';
import { Markup } from '../markup.ts';
import type { ExtraPage } from '../routes.ts';
import { act, isSlackPath, type Shown } from './actions.ts';
import type { SlackDesk } from './desk.ts';
import { isOver, slackModal, slackPane } from './pane.ts';
import { SLACK_SCRIPT, SLACK_STYLE } from './style.ts';

const PATH = '/slack';
const FILES = `${PATH}/file/`;

export function slackPage(desk: SlackDesk): ExtraPage {
  /** What the last press of someone left to show, next to what Slack holds. */
  let shown: { readonly to: string; readonly what: Shown } = { to: '', what: {} };
  return {
    path: PATH,
    label: 'Slack',
    async get({ pathname, searchParams }, csrf) {
      if (pathname !== PATH) return undefined;
      // Anyone who is asked for, or the first.
      const as = (desk.users.find(({ id }) => id === searchParams.get('as')) ?? desk.users[0])?.id ?? '';
      const proof = `<input type="hidden" name="${CSRF_FIELD}" value="${csrf}">`;
      const state = { ...(shown.to === as ? shown.what : {}), as, proof };
      const modal = slackModal(desk, state);
      return {
        title: 'Slack',
        live: true,
        main: new Markup(slackPane(desk, state)),
        over: new Markup(modal),
        inert: isOver(modal),
        styles: [`${PATH}/style.css`],
        scripts: [`${PATH}/modal.js`],
      };
    },
    async post(path, form) {
      const person = desk.users.find(({ id }) => id === form.get('as'));
      const what = person && isSlackPath(path) ? await act(desk, path, form, person.id) : undefined;
      if (!person || !what) return undefined;
      shown = { to: person.id, what };
      return `${PATH}?as=${encodeURIComponent(person.id)}`;
    },
    file(path) {
      if (path === `${PATH}/style.css`) return { type: 'text/css', body: SLACK_STYLE };
      if (path === `${PATH}/modal.js`) return { type: 'text/javascript', body: SLACK_SCRIPT };
      const shared = path.startsWith(FILES) ? desk.files.get(path.slice(FILES.length)) : undefined;
      return shared?.bytes && { type: 'image/png', body: shared.bytes };
    },
  };
}
