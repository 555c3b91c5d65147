/** What API Gateway (HTTP API, payload 2.0) gives and takes. */
import { z } from 'zod';

const httpEvent = z.object({
  rawPath: z.string().default(''),
  headers: z.record(z.string(), z.string().optional()).default({}),
  body: z.string().default(''),
  isBase64Encoded: z.boolean().default(false),
});

export interface HttpRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Exactly what Slack signed. */
  readonly rawBody: string;
}
export interface HttpAnswer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export function readHttp(event: unknown): HttpRequest {
  const { rawPath, headers, body, isBase64Encoded } = httpEvent.parse(event);
  const rawBody = isBase64Encoded ? Buffer.from(body, 'base64').toString('utf8') : body;
  return { path: rawPath, headers, rawBody };
}

/** Acknowledged: Slack shows nothing; what there is to say follows in the channel. */
export const acknowledged: HttpAnswer = {
  statusCode: 200,
  headers: { 'content-type': 'text/plain; charset=utf-8' },
  body: '',
};

export const refused = (statusCode: number, reason: string): HttpAnswer => ({
  statusCode,
  headers: { 'content-type': 'text/plain; charset=utf-8' },
  body: reason,
});

const json = (value: object): HttpAnswer => ({
  statusCode: 200,
  headers: { 'content-type': 'application/json; charset=utf-8' },
  body: JSON.stringify(value),
});

/** Answer to a slash command, seen by the person who typed it. */
export const ephemeral = (text: string): HttpAnswer => json({ response_type: 'ephemeral', text });

/** Keeps a modal open and says under the input what is wrong. */
export const correct = (blockId: string, text: string): HttpAnswer =>
  json({ response_action: 'errors', errors: { [blockId]: text } });
