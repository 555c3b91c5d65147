/** Is this request from Slack, fresh, and from somebody who may? Each check says why not. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { ACTIONS } from './card.ts';

export type Verdict = { readonly ok: true } | { readonly ok: false; readonly reason: string };

/** Requests older (or newer) than this are replays. */
const MAX_AGE_SECONDS = 300;

/**
 * Slack's v0 signature: HMAC-SHA256 over `v0:timestamp:raw body` [S25]. The raw bytes count: a body that was parsed and
 * written again does not verify.
 */
export function verifySignature(request: {
  readonly rawBody: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly signingSecret: string;
  readonly now: Date;
}): Verdict {
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, text]) => [name.toLowerCase(), text]),
  );
  const timestamp = headers['x-slack-request-timestamp'] ?? '';
  if (!/^\d{1,12}$/.test(timestamp)) return { ok: false, reason: 'no request timestamp' };
  if (Math.abs(request.now.getTime() / 1000 - Number(timestamp)) > MAX_AGE_SECONDS) {
    return { ok: false, reason: 'request timestamp is more than 5 minutes off' };
  }
  const given = Buffer.from(headers['x-slack-signature'] ?? '');
  const mac = createHmac('sha256', request.signingSecret)
    .update(`v0:${timestamp}:${request.rawBody}`)
    .digest('hex');
  const wanted = Buffer.from(`v0=${mac}`);
  const same = given.length === wanted.length && timingSafeEqual(given, wanted);
  return same ? { ok: true } : { ok: false, reason: 'bad signature' };
}

const payload = z.object({
  type: z.literal('block_actions'),
  api_app_id: z.string(),
  team: z.object({ id: z.string() }),
  user: z.object({ id: z.string() }),
  channel: z.object({ id: z.string() }),
  message: z.object({ ts: z.string() }),
  actions: z.array(z.object({ action_id: z.enum(ACTIONS), value: z.string().max(255) })).length(1),
});

export interface Interaction {
  readonly appId: string;
  readonly teamId: string;
  readonly userId: string;
  readonly channel: string;
  readonly ts: string;
  readonly action: keyof typeof ACTIONS;
  readonly value: string;
}

/** A button click, or undefined for anything else. */
export function parseInteraction(rawBody: string): Interaction | undefined {
  const text = new URLSearchParams(rawBody).get('payload');
  if (text === null) return undefined;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined; // not JSON: not a click
  }
  const parsed = payload.safeParse(json);
  const action = parsed.data?.actions[0];
  if (!parsed.success || !action) return undefined;
  const name = (['approve', 'deny', 'undo'] as const).find((key) => ACTIONS[key] === action.action_id);
  return (
    name && {
      appId: parsed.data.api_app_id,
      teamId: parsed.data.team.id,
      userId: parsed.data.user.id,
      channel: parsed.data.channel.id,
      ts: parsed.data.message.ts,
      action: name,
      value: action.value,
    }
  );
}

/** By ids, never by display names, which anybody can change. */
export function authorise(
  click: Interaction,
  allowed: {
    readonly teamId: string;
    readonly appId: string;
    readonly approvers: readonly string[];
    /** The card of the incident that the button claims to be of. */
    readonly card: { readonly channel: string; readonly ts: string } | undefined;
  },
): Verdict {
  if (click.teamId !== allowed.teamId) return { ok: false, reason: 'another workspace' };
  if (click.appId !== allowed.appId) return { ok: false, reason: 'another app' };
  if (!allowed.approvers.includes(click.userId)) return { ok: false, reason: 'not on the list of approvers' };
  if (!allowed.card || click.channel !== allowed.card.channel || click.ts !== allowed.card.ts) {
    return { ok: false, reason: 'not the card of this incident' };
  }
  return { ok: true };
}
