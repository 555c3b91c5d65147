/** What can go wrong at a call: at which calls each kind makes a difference, and what happens there. */
import { awsError } from '../../sandbox/aws-error.ts';
import type { Fault, Point } from './invocations.ts';
import type { Stage } from './stage.ts';

export const FAULT_KINDS = [
  'crash',
  'lost',
  'throttle',
  'outage',
  'deny',
  'stale',
  'update',
  'rise',
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

/** One fault at one call, by the name that the call has in an undisturbed run. */
export interface Strike {
  readonly fault: FaultKind;
  /** `contain EC2:CreateSecurityGroup #2`. */
  readonly at: string;
  /** Of `stale`: how many reads are answered as before the change. */
  readonly reads?: number;
}

interface Kind {
  /** What it is, for the table of results. */
  readonly what: string;
  readonly strikes: (point: Point) => readonly Omit<Strike, 'fault'>[];
  /** From the struck call on: `answer` is the call's own. */
  readonly fault: (stage: Stage, strike: Strike) => Fault;
}

const once = ({ name }: Point) => [{ at: name }];
/** A read has no effect: to die after it is to die after the effect before it. */
const effects = (point: Point) => (point.effect ? once(point) : []);
/** Reads that may lag; the longest is longer than the reads of any one step. */
const LAGS = [1, 3, 10, 30];
const FIRST_LOOK_MS = 1500;

export const FAULTS: Readonly<Record<FaultKind, Kind>> = {
  crash: {
    what: 'the function dies after the call took effect; Lambda reports it',
    strikes: effects,
    fault: (_stage, { at }) =>
      struckOnce(at, async (point, answer) => {
        await answer().catch(() => undefined);
        return point.die();
      }),
  },
  lost: {
    what: 'the function dies, and so does every execution: nothing reports it',
    strikes: effects,
    fault: ({ sandbox, invocations }, { at }) =>
      struckOnce(at, async (point, answer) => {
        await answer().catch(() => undefined);
        sandbox.machines.stopAll();
        invocations.dieAll();
        return point.die();
      }),
  },
  throttle: {
    what: 'the call and every try of it again is throttled; the next one is not',
    strikes: once,
    fault: (_stage, { at }) => {
      let struck: string | undefined;
      let left = 0;
      return async (point, answer) => {
        if (point.name === at) {
          struck = requestOf(point);
          left = triesOf(point);
        }
        if (left === 0 || requestOf(point) !== struck) return answer();
        left -= 1;
        return throttled(point);
      };
    },
  },
  outage: {
    what: 'this function is throttled in all calls of that operation until the workflow has given up',
    strikes: once,
    fault: (_stage, { at }) => sinceStruck(at, throttled),
  },
  deny: {
    what: 'this function is denied that operation until the workflow has given up',
    strikes: once,
    fault: (_stage, { at }) => sinceStruck(at, denied),
  },
  stale: {
    what: 'reads show the account as before a change, for 1, 3, 10 or 30 reads',
    strikes: ({ change, name }) => (change ? LAGS.map((reads) => ({ at: name, reads })) : []),
    fault: ({ sandbox: { twin } }, { at, reads = 0 }) => {
      let before: typeof twin.state | undefined;
      let left = 0;
      return async (point, answer) => {
        if (point.name === at) {
          before = structuredClone(twin.state);
          left = reads;
          return answer();
        }
        if (!before || left === 0 || !point.lags) return answer();
        left -= 1;
        const now = twin.state;
        // The twin looks at its state before it first waits.
        twin.state = before;
        const answered = answer();
        twin.state = now;
        return answered;
      };
    },
  },
  update: {
    what: 'GuardDuty delivers a newer update of the finding at that call',
    strikes: once,
    fault: (stage, { at }) =>
      struckOnce(at, async (_point, answer) => {
        await overtake(stage.send());
        return answer();
      }),
  },
  rise: {
    what: 'the finding was of low severity and only notified; at that call it is delivered as severe',
    strikes: once,
    fault: (stage, { at }) =>
      struckOnce(at, async (_point, answer) => {
        await overtake(stage.send(8));
        return answer();
      }),
  },
};

/** The update runs to its end while the call waits; where it waits for what the caller holds, the call goes on. */
async function overtake(sent: Promise<{ readonly ended: Promise<unknown> }>): Promise<void> {
  const { ended } = await sent;
  await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, FIRST_LOOK_MS))]);
}

function struckOnce(at: string, strike: Fault): Fault {
  let done = false;
  return (point, answer) => {
    if (done || point.name !== at) return answer();
    done = true;
    return strike(point, answer);
  };
}

function sinceStruck(at: string, refused: (point: Point) => object): Fault {
  let operation: string | undefined;
  return async (point, answer) => {
    if (point.name === at) operation = point.kind;
    return point.kind === operation ? refused(point) : answer();
  };
}

const requestOf = ({ kind, call }: Point): string => `${kind} ${JSON.stringify(call.input)}`;
/** Tries that a client makes of one call: the table's of the sandbox makes three. */
const triesOf = ({ call }: Point): number => (call.service === 'DynamoDB' ? 3 : 8);

const THROTTLING: Readonly<Record<string, readonly [name: string, status: number]>> = {
  DynamoDB: ['ProvisionedThroughputExceededException', 400],
  EC2: ['RequestLimitExceeded', 503],
  IAM: ['Throttling', 400],
  Lambda: ['TooManyRequestsException', 429],
  S3: ['SlowDown', 503],
  S3Control: ['SlowDown', 503],
};
const DENIALS: Readonly<Record<string, string>> = { EC2: 'UnauthorizedOperation', S3: 'AccessDenied' };

/** Throws as the service does, or answers as an API server. */
function throttled({ call }: Point): object {
  if (call.service === 'Kubernetes') return { status: 429, body: failure(429, 'TooManyRequests') };
  const [name, status] = THROTTLING[call.service] ?? ['ThrottlingException', 400];
  throw awsError(name, 'Rate exceeded', status);
}

function denied({ call }: Point): object {
  if (call.service === 'Kubernetes') return { status: 403, body: failure(403, 'Forbidden') };
  const name = DENIALS[call.service] ?? 'AccessDeniedException';
  throw awsError(name, 'not authorized to perform this operation', 403);
}

const failure = (code: number, reason: string) => ({
  ...{ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure' },
  ...{ message: reason, reason, code },
});
