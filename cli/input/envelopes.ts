/** What carries findings on AWS: SNS, SQS, Lambda events, Kinesis, Firehose, CloudWatch Logs, a Step Functions execution. */
import { isScanEvent } from '../../core/finding/scan.ts';
import { isJsonObject } from '../../core/json.ts';
import { inflatedRecord, type TextPiece } from './compressed.ts';
import { Documents, type Part } from './documents.ts';
import { passedOn } from './security-hub.ts';

/** Members that hold a list of messages: Lambda and S3 events, Firehose, `sqs receive-message`, CloudWatch Logs. */
const LISTS = ['Records', 'records', 'Messages', 'logEvents', 'events'] as const;
/** Members that hold one message as JSON text: SNS, SQS (by Lambda, by the CLI), CloudWatch Logs, an execution. */
const TEXTS = ['Message', 'body', 'Body', 'message', 'input'] as const;
/** Members that hold one message as an object: the parts of Lambda events. */
const OBJECTS = ['Sns', 'kinesis', 'awslogs'] as const;
/** A finding in CloudWatch Logs in Kinesis in a Lambda event is four. */
const DEEPEST = 6;

export type InputItem =
  /** `lacks`: what the form that the finding came in does not carry. */
  { readonly raw: unknown; readonly lacks?: readonly string[] } | { readonly error: string };
type Members = Readonly<Record<string, unknown>>;

/** What an envelope holds, each with the name of the member that holds it. */
type Content =
  | { readonly at: string; readonly value: unknown }
  | { readonly at: string; readonly text: string }
  | { readonly at: string; readonly pieces: readonly TextPiece[] }
  | { readonly at: string; readonly problem: string };

/**
 * The single findings in a document: an EventBridge event, a bare finding, a GetFindings answer, what carries them on AWS,
 * or a list of these. Returns what is none of them as it is, so that parsing it names what is wrong.
 */
export function findingsIn(value: unknown, at = '', depth = 0): readonly InputItem[] {
  if (Array.isArray(value)) return value.flatMap((item) => findingsIn(item, at, depth));
  if (typeof value === 'string' && looksJson(value) && depth <= DEEPEST)
    return documentsIn(value, at, depth + 1);
  if (!isMembers(value)) return [{ raw: value }];
  const hub = isJsonObject(value) ? passedOn(value) : undefined;
  if (hub) return [hub];
  const contents = depth > DEEPEST ? undefined : contentsOf(value);
  if (contents === undefined) return wrapped(value, at, depth) ?? [{ raw: value }];
  return contents.flatMap((content) => {
    const place = at === '' ? content.at : `${at}.${content.at}`;
    if ('problem' in content) return [{ error: `${place}: ${content.problem}` }];
    if ('pieces' in content) return piecesIn(content.pieces, place, depth + 1);
    return 'text' in content
      ? documentsIn(content.text, place, depth + 1)
      : findingsIn(content.value, place, depth + 1);
  });
}

/**
 * The findings that stand whole somewhere in what Splunk, Elastic, Wazuh and others put around them, each once: they keep
 * the text next to the parsed form. Undefined where there is none.
 */
function wrapped(value: Members, at: string, depth: number): readonly InputItem[] | undefined {
  if (depth > DEEPEST || isFinding(value) || 'detail' in value) return undefined;
  const found = new Map<string, InputItem>();
  for (const [name, member] of Object.entries(value)) {
    const holds = typeof member === 'string' ? holdsJson(member) : typeof member === 'object';
    if (!holds || member === null) continue;
    const place = at === '' ? name : `${at}.${name}`;
    const inner =
      typeof member === 'string'
        ? documentsIn(member, place, depth + 1)
        : findingsIn(member, place, depth + 1);
    for (const item of inner) if ('raw' in item && isFinding(item.raw)) found.set(identityOf(item.raw), item);
  }
  return found.size === 0 ? undefined : [...found.values()];
}

const identityOf = (raw: unknown): string => {
  const inner = isMembers(raw) && isMembers(raw['detail']) ? raw['detail'] : raw;
  if (!isMembers(inner)) return JSON.stringify(raw);
  const { id, Id, updatedAt, UpdatedAt } = inner;
  const name = id ?? Id;
  return name === undefined ? JSON.stringify(raw) : JSON.stringify([name, updatedAt ?? UpdatedAt]);
};

/** Whether a value is a finding or carries one: only that is worth saving from what is damaged. */
export const carriesFinding = (value: unknown): boolean =>
  findingsIn(value).some((item) => 'raw' in item && isFinding(item.raw));

function isFinding(raw: unknown): boolean {
  if (!isMembers(raw)) return false;
  if (isScanEvent(raw)) return true;
  if (isMembers(raw['detail'])) return isFinding(raw['detail']);
  const type = raw['type'] ?? raw['Type'];
  return typeof type === 'string' && /^[^:/\s]+:[^:/\s]+\/./.test(type);
}

/** The same documents as in a file: a record may hold several, and be damaged as a file may be. */
const documentsIn = (text: string, at: string, depth: number): readonly InputItem[] =>
  piecesIn([{ text }], at, depth);

function piecesIn(pieces: readonly TextPiece[], at: string, depth: number): readonly InputItem[] {
  const documents = new Documents(depth > DEEPEST ? () => false : carriesFinding);
  const parts: Part[] = [];
  for (const piece of pieces)
    parts.push(...('text' in piece ? documents.push(piece.text) : documents.interrupt(piece.problem)));
  parts.push(...documents.end());
  return parts.flatMap((part): readonly InputItem[] => {
    if ('value' in part) return findingsIn(part.value, at, depth);
    const { problem, line, column } = part;
    return [{ error: `${at === '' ? '' : `${at}: `}line ${line}, column ${column}: ${problem}` }];
  });
}

function contentsOf(value: Members): readonly Content[] | undefined {
  const { detail } = value;
  // Firehose and Athena keep the finding of an event as text.
  if (typeof detail === 'string') return eventOf(value, detail);
  // Security Hub's events hold several findings.
  if (isMembers(detail)) {
    const list = value['source'] === 'aws.securityhub' ? detail['findings'] : undefined;
    return Array.isArray(list)
      ? list.map((item, index) => ({ at: `detail.findings[${index}]`, value: item }))
      : undefined;
  }
  if (detail !== undefined) return undefined;
  // A finding may have members of these names some day; SNS has a Type as well.
  const named = 'type' in value || ('Type' in value && value['Type'] !== 'Notification');
  if (named) return undefined;
  for (const name of ['Findings', 'findings', ...LISTS]) {
    const list = value[name];
    if (Array.isArray(list)) return list.map((item, index) => ({ at: `${name}[${index}]`, value: item }));
  }
  for (const name of TEXTS) {
    const text = value[name];
    if (typeof text === 'string' && holdsJson(text)) return [{ at: name, text }];
  }
  for (const name of OBJECTS) {
    const inner = value[name];
    if (isMembers(inner)) return [{ at: name, value: inner }];
  }
  for (const name of ['data', 'Data']) {
    const data = value[name];
    if (typeof data === 'string') return decoded(data, name);
  }
  return undefined;
}

function eventOf(value: Members, detail: string): readonly Content[] | undefined {
  if (!looksJson(detail)) return undefined;
  return documentsIn(detail, '', DEEPEST).map(
    (item): Content =>
      'raw' in item
        ? { at: 'detail', value: { ...value, detail: item.raw } }
        : { at: 'detail', problem: item.error },
  );
}

/** Base64, and inside of it gzip where CloudWatch Logs wrote it. Undefined where it is neither around JSON. */
function decoded(data: string, at: string): readonly Content[] | undefined {
  if (!/^[A-Za-z0-9+/_=\s-]+$/.test(data)) return looksJson(data) ? [{ at, text: data }] : undefined;
  const pieces = inflatedRecord(Buffer.from(data, 'base64'));
  if (!pieces.some((piece) => 'problem' in piece || holdsJson(piece.text))) return undefined;
  return [{ at, pieces }];
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: RFC 7464 separates records by one
const looksJson = (text: string): boolean => /^[\s\0\ufeff\u001e]*[[{]/.test(text);
/** A line of a log has its time before the finding. */
const holdsJson = (text: string): boolean => looksJson(text) || /\{\s*"/.test(text);

const isMembers = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
