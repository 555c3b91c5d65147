/** The queue of events that did not start the workflow, or whose execution ended without success, and the function on it. */
import { randomUUID } from 'node:crypto';
import { handler as redrive } from '../functions/redrive.ts';
import type { Background } from './background.ts';

interface Message {
  readonly messageId: string;
  readonly body: string;
  receives: number;
}

export interface Undelivered {
  /** Hands a message to the function once the caller has its answer. */
  put(body: object): void;
  /** As SQS does after the visibility timeout: hands over again what the function did not take. */
  deliverAgain(): Promise<void>;
  /** Takes nothing any more. */
  close(): void;
}

export function openUndelivered(background: Background): Undelivered {
  const waiting = new Set<Message>();
  let isOpen = true;
  async function deliver(message: Message): Promise<void> {
    message.receives += 1;
    const { messageId, body, receives } = message;
    const record = { messageId, body, attributes: { ApproximateReceiveCount: String(receives) } };
    waiting.add(message);
    const { batchItemFailures } = await background.invoke<{ batchItemFailures: readonly unknown[] }>(
      'redrive',
      redrive,
      { Records: [record] },
    );
    if (batchItemFailures.length === 0) waiting.delete(message);
  }
  return {
    put(body) {
      if (!isOpen) return;
      const message = { messageId: randomUUID(), body: JSON.stringify(body), receives: 0 };
      background.after(() => deliver(message));
    },
    async deliverAgain() {
      for (const message of [...waiting]) await deliver(message);
    },
    close() {
      isOpen = false;
    },
  };
}
