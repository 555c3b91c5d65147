/** What Lambda lets run at once: the account's quota, and the parts of it that are reserved for single functions. */
import { randomUUID } from 'node:crypto';
import { awsError } from './aws-error.ts';

export interface Capacity {
  /** The account's quota of concurrent executions. */
  readonly account: number;
  /** Reserved concurrency by function: a part of the quota that no other function has, and the function's ceiling. */
  readonly reserved: Readonly<Record<string, number>>;
  /** How long a function takes on AWS, in seconds; here it takes at least as long. */
  readonly seconds: (name: string) => number;
  /** How long a second of AWS takes here, in milliseconds. */
  readonly secondMs: number;
}

export interface Slots {
  /** Returns what ends the invocation. Throws what Step Functions reports when Lambda has no room for it. */
  take(name: string): () => void;
}

export function openSlots({ account, reserved }: Capacity): Slots {
  const shared = account - Object.values(reserved).reduce((sum, each) => sum + each, 0);
  const running = new Map<string, number>();
  return {
    take(name) {
      const own = reserved[name];
      const pool = own === undefined ? 'unreserved' : name;
      const busy = running.get(pool) ?? 0;
      if (busy >= (own ?? shared)) {
        throw awsError(
          'Lambda.TooManyRequestsException',
          `Rate Exceeded. (Service: Lambda, Status Code: 429, Request ID: ${randomUUID()})`,
          429,
        );
      }
      running.set(pool, busy + 1);
      return () => running.set(pool, (running.get(pool) ?? 1) - 1);
    },
  };
}
