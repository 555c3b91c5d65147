/** What was found so far: entries that are alike are one, and who is to be followed next. */
import { parseArn, type Scope } from '../../aws/arn.ts';
import { madeBy } from './calls.ts';
import type { MadeEntry } from './made.ts';
import { recordOf, type TrailRecord, textNamed } from './record.ts';
import { isBy, KEY, NAME, type Suspect } from './suspects.ts';

/** No one works through a longer list; what grants the most is kept. */
const MOST_ENTRIES = 300;

export interface Collection {
  /** Takes a raw record in. `found`: the one whose key it was looked up by; others are distinguished by the caller. */
  take(raw: unknown, callers: readonly Suspect[], found?: Suspect): TrailRecord | undefined;
  /** Returns the keys, sessions and users that were made since this was last asked, each once. */
  onward(): readonly Suspect[];
  entries(): { readonly entries: readonly MadeEntry[]; readonly left: number };
}

/** Returns an empty collection for an account. */
export function collection(account: Scope): Collection {
  const seen = new Set<string>();
  const followed = new Set<string>();
  const groups = new Map<string, { readonly entry: MadeEntry; readonly order: number }>();
  let next: Suspect[] = [];

  function add(record: TrailRecord, caller: Suspect): void {
    const made = madeBy(record, account);
    if (!made || (made.keepsIdentity && caller.denied === 'identity')) return;
    const by = callerOf(record, caller);
    const { call, region, what, action, command, order } = made;
    const key = JSON.stringify([call, region, what, by, command]);
    const known = groups.get(key)?.entry;
    const at = known && known.at > record.eventTime ? known.at : record.eventTime;
    const times = (known?.times ?? 0) + 1;
    const entry = {
      at,
      call,
      region,
      what,
      by,
      times,
      action,
      ...(command === undefined ? {} : { command }),
    };
    groups.set(key, { entry, order });
    for (const suspect of madeCallers(record, account)) {
      const id = suspect.keys[0] ?? suspect.principalId ?? '';
      if (followed.has(id)) continue;
      followed.add(id);
      next.push(suspect);
    }
  }

  return {
    take(raw, callers, found) {
      const record = recordOf(raw);
      if (!record) return undefined;
      const caller = found ?? callers.find((each) => isBy(record, each));
      // The same call is found by its key and by its name.
      const id = record.eventID ?? JSON.stringify(raw);
      if (!caller || seen.has(id)) return record;
      seen.add(id);
      add(record, caller);
      return record;
    },
    onward() {
      const found = next;
      next = [];
      return found;
    },
    entries() {
      const all = [...groups.values()].sort(
        (a, b) => a.order - b.order || textOf(a.entry).localeCompare(textOf(b.entry)),
      );
      return {
        entries: all.slice(0, MOST_ENTRIES).map(({ entry }) => entry),
        left: Math.max(0, all.length - MOST_ENTRIES),
      };
    },
  };
}

const textOf = ({ at, what, call }: MadeEntry): string => `${at} ${what} ${call}`;

function callerOf({ userIdentity: { accessKeyId } }: TrailRecord, caller: Suspect): string {
  const key = accessKeyId !== undefined && KEY.test(accessKeyId) ? `access key ${accessKeyId}` : undefined;
  return key === undefined || caller.what.startsWith(key) ? caller.what : `${key} (${caller.what})`;
}

/** The keys and the user that a call made: what they called is the same hand's. */
function madeCallers(record: TrailRecord, { account }: Scope): readonly Suspect[] {
  const { eventName, responseElements, requestParameters } = record;
  const response = responseElements ?? undefined;
  const elsewhere = parseArn(textNamed(requestParameters ?? undefined, 'roleArn', /^arn:/) ?? '');
  if (elsewhere && elsewhere.account !== account) return [];
  const what = (name: string) => `${name}, made by ${eventName}`;
  const key = textNamed(response, 'accessKeyId', KEY);
  const id = eventName === 'CreateUser' ? textNamed(response, 'userId', /^AIDA[A-Z0-9]{4,124}$/) : undefined;
  const name = textNamed(response, 'userName', NAME);
  return [
    ...(key === undefined ? [] : [{ what: what(`access key ${key}`), keys: [key] }]),
    ...(id === undefined || name === undefined
      ? []
      : [{ what: what(`user ${name}`), keys: [], name, principalId: id }]),
  ];
}
