/** What carries findings on AWS: SNS, SQS, Lambda events, Kinesis, Firehose, CloudWatch Logs, a Step Functions execution. */
import { gunzipSync } from 'node:zlib';

/** An uncompressed batch of CloudWatch Logs is far below this; more is an attack on the reader. */
const LARGEST = 64 * 1024 * 1024;

/** Members that hold a list of messages: Lambda and S3 events, Firehose, `sqs receive-message`, CloudWatch Logs. */
const LISTS = ['Records', 'records', 'Messages', 'logEvents', 'events'] as const;
/** Members that hold one message as JSON text: SNS, SQS (by Lambda, by the CLI), CloudWatch Logs, an execution. */
const TEXTS = ['Message', 'body', 'Body', 'message', 'input'] as const;

/**
 * What such an envelope holds, or undefined where the value is none. Text that is no JSON is given as it is, so that
 * reading it names what is wrong.
 */
export function contentsOf(value: Readonly<Record<string, unknown>>): readonly unknown[] | undefined {
  const { detail } = value;
  // Firehose and Athena keep the finding of an event as text.
  if (detail !== undefined)
    return typeof detail === 'string' && looksJson(detail)
      ? [{ ...value, detail: parsed(detail) }]
      : undefined;
  // A finding may have members of these names some day; SNS has a Type as well.
  const isFinding = 'type' in value || ('Type' in value && value['Type'] !== 'Notification');
  if (isFinding) return undefined;
  for (const name of LISTS) {
    const list = value[name];
    if (Array.isArray(list)) return list;
  }
  for (const name of TEXTS) {
    const text = value[name];
    if (typeof text === 'string' && looksJson(text)) return [parsed(text)];
  }
  const inner = value['Sns'] ?? value['kinesis'] ?? value['awslogs'];
  if (typeof inner === 'object' && inner !== null) return [inner];
  const data = value['data'] ?? value['Data'];
  return typeof data === 'string' ? decoded(data) : undefined;
}

const looksJson = (text: string): boolean => /^\s*[[{]/.test(text);

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Base64, and inside of it gzip where CloudWatch Logs wrote it. Undefined where it is neither around JSON. */
function decoded(data: string): readonly unknown[] | undefined {
  const bytes = Buffer.from(data, 'base64');
  try {
    const zipped = bytes[0] === 0x1f && bytes[1] === 0x8b;
    const text = (zipped ? gunzipSync(bytes, { maxOutputLength: LARGEST }) : bytes).toString();
    if (!looksJson(text)) return undefined;
    const whole = parsed(text);
    // One record may hold several documents, one a line.
    return typeof whole === 'string' ? text.trim().split('\n').map(parsed) : [whole];
  } catch {
    return undefined;
  }
}
