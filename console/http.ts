/** HTTP for the console: answers with their headers, cookies, comparison in constant time, forms of a bounded length. */
import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { FirebreakError } from '../core/errors.ts';

/** policy.yml is the longest thing anybody sends. */
const LONGEST_BODY = 500_000;
const POLICY_HEADERS = {
  'content-security-policy':
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  'x-content-type-options': 'nosniff',
  // Not `no-referrer`: with it a browser sends its own form with the origin `null`.
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
};

/** What a request is answered with. */
export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}
export const plain = (status: number, body: string): Answer => ({ status, type: 'text/plain', body });
export const redirect = (location: string): Answer => ({ ...plain(303, ''), headers: { location } });
export const download = (type: string, name: string, body: string): Answer => ({
  ...{ status: 200, type, body },
  headers: { 'content-disposition': `attachment; filename="${name}"` },
});

/** Sends the answer with the headers that keep other sites out. */
export function send(response: ServerResponse, { status, type, body, headers = {} }: Answer): void {
  response.writeHead(status, {
    ...POLICY_HEADERS,
    'content-type': typeof body === 'string' ? `${type}; charset=utf-8` : type,
    ...headers,
  });
  response.end(body);
}

export function cookieOf(request: IncomingMessage, name: string): string {
  const cookies = (request.headers.cookie ?? '').split(/;\s*/);
  return cookies.find((one) => one.startsWith(`${name}=`))?.slice(name.length + 1) ?? '';
}

export const same = (given: string, wanted: string): boolean =>
  Buffer.byteLength(given) === wanted.length && timingSafeEqual(Buffer.from(given), Buffer.from(wanted));

export async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of request) {
    parts.push(part as Buffer);
    length += (part as Buffer).length;
    if (length > LONGEST_BODY) throw new FirebreakError('InputInvalid', 'the form is too long');
  }
  return Buffer.concat(parts).toString();
}
