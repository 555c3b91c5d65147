/** What the forms of the Slack page do: the gestures of the person who is played. */
import { z } from 'zod';
import type { SlackDesk } from './desk.ts';
import { buttonOf, type PaneState } from './pane.ts';

/** What the page shows until the next press, next to what Slack holds. */
export type Shown = Pick<PaneState, 'sure' | 'filled' | 'errors' | 'notice'>;

const PATHS = [
  '/slack/press',
  '/slack/command',
  '/slack/submit',
  '/slack/dismiss',
  '/slack/modal-press',
  '/slack/modal-menu',
] as const;
export type SlackPath = (typeof PATHS)[number];
export const isSlackPath = (path: string): path is SlackPath => (PATHS as readonly string[]).includes(path);

/** Undefined for a form that is none of the page's. */
export async function act(
  desk: SlackDesk,
  path: SlackPath,
  form: URLSearchParams,
  userId: string,
): Promise<Shown | undefined> {
  const field = (name: string) => form.get(name) ?? '';
  switch (path) {
    case '/slack/command': {
      const text = field('text').trim();
      const [, words] = /^\/firebreak(?:\s+(.*))?$/s.exec(text) ?? [];
      if (!text.startsWith('/firebreak')) return { notice: 'Only /firebreak is understood here.' };
      await desk.command({ text: words ?? '', userId });
      return {};
    }
    case '/slack/press': {
      if (form.has('cancel')) return {};
      const [actionId, value] = pressed(field('press')) ?? [];
      if (actionId === undefined || value === undefined) return undefined;
      const sure = { ts: field('ts'), press: field('press') };
      if (buttonOf(desk, sure.ts, sure.press)?.confirm && !form.has('sure')) return { sure };
      return failure(await desk.click({ ts: sure.ts, actionId, value, userId }));
    }
    case '/slack/modal-press': {
      const [actionId, value] = pressed(field('press')) ?? [];
      if (actionId === undefined || value === undefined) return undefined;
      return failure(await desk.clickInModal({ viewId: field('view'), actionId, value, userId }));
    }
    case '/slack/modal-menu': {
      const menu = { actionId: field('action'), value: field('chosen') };
      return failure(await desk.clickInModal({ viewId: field('view'), ...menu, userId }));
    }
    case '/slack/submit': {
      const filled = filledIn(form);
      const { errors } = await desk.submit({ viewId: field('view'), userId, filled });
      return Object.keys(errors).length > 0 ? { filled, errors } : {};
    }
    case '/slack/dismiss':
      desk.dismiss(userId);
      return {};
  }
}

/** `["action_id", "value"]`, as the buttons carry it; undefined for anything else: no page of ours sends it. */
function pressed(text: string): readonly [string, string] | undefined {
  try {
    return z.tuple([z.string(), z.string()]).safeParse(JSON.parse(text)).data;
  } catch {
    return undefined; // no JSON
  }
}

const filledIn = (form: URLSearchParams): Record<string, readonly string[]> =>
  Object.fromEntries(
    [...new Set([...form.keys()])]
      .filter((name) => name.startsWith('in:'))
      .map((name): [string, readonly string[]] => [
        name.slice('in:'.length),
        form
          .getAll(name)
          .map((value) => value.trim())
          .filter((value) => value !== ''),
      ]),
  );

/** Slack shows a warning next to the button when the app does not answer 200. */
const failure = ({ statusCode }: { readonly statusCode: number }): Shown =>
  statusCode === 200
    ? {}
    : { notice: 'Firebreak did not take it (Slack shows a warning next to the button).' };
