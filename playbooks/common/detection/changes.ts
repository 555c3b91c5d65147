/**
 * What a principal changed in GuardDuty so that it reports less, as CloudTrail's event history tells, and what each part is
 * to be again. What was archived, trusted or stopped may be switched back at once; what names a place (a list's object, a
 * bucket) comes from the calls of other principals, and is never made up. The members of a request are as the API spells
 * them [M-LAB].
 */

import type { Scope } from '../../../core/aws/arn.ts';
import { inBatches } from '../../../core/aws/batches.ts';
import type { Aws } from '../../../core/aws/client.ts';
import { awsCommand } from '../../../core/aws/command-line.ts';
import { isJsonObject, type Json, type JsonObject, own, sameJson } from '../../../core/json.ts';
import {
  type Baseline,
  lastGood,
  type PastCall,
  type PastCalls,
  partOfAttack,
  pastCalls,
} from '../logging/history.ts';
import type { LoggingFacts } from '../logging/target.ts';
import { switchedOffIn } from './features.ts';
import { type DetectionPart, partId, partSchema, readPart } from './parts.ts';

export interface DetectionChange {
  readonly part: DetectionPart;
  /** `UpdateFilter of 2026-11-30T…`. */
  readonly by: string;
  readonly live: Json;
  readonly baseline: Baseline;
  /** What remains although it is restored. */
  readonly rest: readonly string[];
}

/** What only a person, or another account, can revert. */
export interface ByHand {
  readonly what: string;
  readonly next: string;
}

/** Sets by the noun of their calls. */
const SETS = [
  ['IPSet', 'ipSetId', 'trusted', 'addresses'],
  ['TrustedEntitySet', 'trustedEntitySetId', 'trusted', 'entities'],
  ['ThreatIntelSet', 'threatIntelSetId', 'threat', 'addresses'],
  ['ThreatEntitySet', 'threatEntitySetId', 'threat', 'entities'],
] as const;

/** Names of CloudTrail by which a part can be changed, and by which its earlier value is known. */
const FILTERS = ['CreateFilter', 'UpdateFilter'];
const DESTINATION = [
  'CreatePublishingDestination',
  'UpdatePublishingDestination',
  'DeletePublishingDestination',
];
const MEMBERS = ['StopMonitoringMembers', 'DisassociateMembers', 'UpdateMemberDetectors'];
const OF_SETS = SETS.flatMap(([noun]) => [`Create${noun}`, `Update${noun}`]);
const BY_HAND = [
  'DeleteThreatIntelSet',
  'DeleteThreatEntitySet',
  'DeleteMembers',
  'DisassociateFromAdministratorAccount',
  'DisassociateFromMasterAccount',
  'UpdateOrganizationConfiguration',
];

const text = (from: JsonObject, name: string): string | undefined => {
  const value = own(from, name);
  return typeof value === 'string' ? value : undefined;
};

/** Two at a time: CloudTrail answers two a second. */
async function callsNamed(aws: Aws, names: readonly string[]): Promise<PastCalls> {
  const found = await inBatches(names, 2, (name) => pastCalls(aws, [name]));
  const unread = found.find((calls) => 'unread' in calls);
  if (unread !== undefined) return unread;
  return found.flatMap((calls) => ('unread' in calls ? [] : calls)).sort((a, b) => (a.at < b.at ? 1 : -1));
}

/** The parts that a call changes so that less is reported; none where it fits no form that is known. */
function partsOf(call: PastCall): readonly DetectionPart[] {
  const { name, request, response } = call;
  const given = (part: unknown) => partSchema.safeParse(part).data ?? [];
  const accounts = (own(request, 'accountIds') ?? []) as Json;
  const members = Array.isArray(accounts) ? accounts : [];
  if (FILTERS.includes(name)) {
    const filter = text(request, 'filterName') ?? text(request, 'name') ?? text(response, 'name');
    return [given({ of: 'filter', name: filter })].flat();
  }
  if (DESTINATION.includes(name)) return [{ of: 'destination' }];
  if (name === 'UpdateMemberDetectors')
    return members.flatMap((account) => given({ of: 'member-features', account }));
  if (MEMBERS.includes(name)) return members.flatMap((account) => given({ of: 'member', account }));
  return SETS.flatMap(([noun, key, kind, holds]) =>
    name === `Create${noun}` || name === `Update${noun}`
      ? given({ of: 'set', kind, holds, id: text(request, key) ?? text(response, key) })
      : [],
  );
}

/** Names whose calls tell what the part was before. */
function namesFor(part: DetectionPart): readonly string[] {
  switch (part.of) {
    case 'filter':
      return FILTERS;
    case 'destination':
      return DESTINATION;
    case 'member':
    case 'member-features':
      return MEMBERS;
    case 'set':
      return SETS.flatMap(([noun, , kind, holds]) =>
        kind === part.kind && holds === part.holds ? [`Create${noun}`, `Update${noun}`] : [],
      );
  }
}

const same = (a: DetectionPart, b: DetectionPart): boolean => partId(a) === partId(b);

/** Returns what the finding's principal changed, each once by its newest call. */
export async function changesOf(
  aws: Aws,
  detector: string,
  suspect: LoggingFacts,
): Promise<{ readonly changes: readonly DetectionChange[]; readonly unread: string | null }> {
  const calls = await callsNamed(aws, [...FILTERS, ...OF_SETS, ...DESTINATION, ...MEMBERS]);
  if ('unread' in calls) return { changes: [], unread: calls.unread };
  const parts = new Map<string, DetectionPart>();
  for (const call of calls) {
    if (!partOfAttack(call, suspect)) continue;
    for (const part of partsOf(call)) parts.set(partId(part), parts.get(partId(part)) ?? part);
  }
  const found = await inBatches([...parts.values()], 5, (part) =>
    changeOf(aws, detector, suspect, part, calls),
  );
  return { changes: found.flatMap((change) => change ?? []), unread: null };
}

/** Returns the change of one part, looked up again; undefined where the principal did not make it less. */
export async function changeOfPart(
  aws: Aws,
  detector: string,
  suspect: LoggingFacts,
  part: DetectionPart,
): Promise<DetectionChange | undefined> {
  const calls = await callsNamed(aws, namesFor(part));
  return 'unread' in calls ? undefined : changeOf(aws, detector, suspect, part, calls);
}

async function changeOf(
  aws: Aws,
  detector: string,
  suspect: LoggingFacts,
  part: DetectionPart,
  all: readonly PastCall[],
): Promise<DetectionChange | undefined> {
  const calls = all.filter((call) => partsOf(call).some((one) => same(one, part)));
  const theirs = calls.filter((call) => partOfAttack(call, suspect));
  const [newest] = theirs;
  if (!newest) return undefined;
  const live = await readPart(aws, detector, part);
  const change = { part, by: `${newest.name} of ${newest.at}`, live };
  switch (part.of) {
    case 'filter': {
      // One that only marks findings, or is gone, hides none.
      if (live !== 'ARCHIVE' && live !== 'NOOP') return undefined;
      if (live === 'NOOP' && !theirs.some(({ request }) => text(request, 'action') === 'ARCHIVE'))
        return undefined;
      const made = theirs.some(({ name }) => name === 'CreateFilter');
      return {
        ...change,
        baseline: known('NOOP', change.by),
        rest: [
          'findings that the filter archived stay archived: list them with service.archived true, and unarchive what matters',
          ...(made
            ? []
            : [
                `filter ${part.name} archives nothing until its criteria are checked and its action is set again`,
              ]),
        ],
      };
    }
    case 'set':
      return setChange(part, change, calls, theirs, suspect);
    case 'destination': {
      const baseline = lastGood(calls, suspect, destinationIn);
      return { ...change, baseline, rest: ['findings meanwhile were not exported'] };
    }
    case 'member':
      return {
        ...change,
        baseline:
          live === null
            ? { known: false, why: `account ${part.account} is no member any more` }
            : known('monitored', change.by),
        rest: [`what happened in account ${part.account} meanwhile was not seen by GuardDuty`],
      };
    case 'member-features':
      return featuresChange(part, change, theirs);
  }
}

/** Returns whether CloudTrail shows that someone gave the part this place: a record could name another one. */
export async function wasPlace(aws: Aws, part: DetectionPart, value: Json): Promise<boolean> {
  const calls = await callsNamed(aws, namesFor(part));
  if ('unread' in calls || !isJsonObject(value)) return false;
  return calls
    .filter((call) => partsOf(call).some((one) => same(one, part)))
    .some((call) =>
      part.of === 'destination'
        ? sameJson(destinationIn(call) ?? null, value)
        : text(call.request, 'location') === value['location'],
    );
}

const known = (value: Json, from: string): Baseline => ({ known: true, value, from, unsure: [] });

type Bare = Pick<DetectionChange, 'part' | 'by' | 'live'>;

/**
 * A set goes back to the object that another principal named. A trusted set is switched off where that is not known, or
 * where the object is the same: what it holds may have been changed, and an untrusted address only raises findings.
 */
function setChange(
  part: Extract<DetectionPart, { of: 'set' }>,
  change: Bare,
  calls: readonly PastCall[],
  theirs: readonly PastCall[],
  suspect: LoggingFacts,
): DetectionChange | undefined {
  const { live } = change;
  if (!isJsonObject(live)) return undefined;
  const location = live['location'] ?? null;
  const made = theirs.some(({ name }) => name.startsWith('Create'));
  if (made) {
    // A threat list of theirs raises findings: noise, not silence.
    if (part.kind === 'threat') return undefined;
    return { ...change, baseline: known({ location, active: false }, change.by), rest: [TRUSTED_REST] };
  }
  const before = lastGood(calls, suspect, ({ request }) => {
    const at = text(request, 'location');
    return at === undefined ? undefined : { location: at, active: own(request, 'activate') !== false };
  });
  const moved = before.known && isJsonObject(before.value) && before.value['location'] !== location;
  if (part.kind === 'threat') return { ...change, baseline: before, rest: [THREAT_REST] };
  if (before.known && moved) return { ...change, baseline: before, rest: [TRUSTED_REST] };
  return {
    ...change,
    baseline: known({ location, active: false }, change.by),
    rest: [
      TRUSTED_REST,
      `the list at ${shown(location)} is trusted again once its object is checked and the set activated`,
    ],
  };
}

const TRUSTED_REST = 'what the trusted list named meanwhile raised no findings';
const THREAT_REST =
  'what the threat list names raised no findings meanwhile; its object may have been changed as well';

const shown = (value: Json): string =>
  typeof value === 'string' && /^[\w:/.@+=-]{1,300}$/.test(value) ? value : 'the same place';

/** Returns where findings go after the call; null: nowhere. */
export function destinationIn({ name, request }: Pick<PastCall, 'name' | 'request'>): Json | undefined {
  if (name.startsWith('Delete')) return null;
  const properties = own(request, 'destinationProperties');
  if (!isJsonObject(properties)) return undefined;
  const arn = text(properties, 'destinationArn');
  return arn === undefined ? undefined : { arn, key: text(properties, 'kmsKeyArn') ?? null };
}

function featuresChange(
  part: Extract<DetectionPart, { of: 'member-features' }>,
  change: Bare,
  theirs: readonly PastCall[],
): DetectionChange | undefined {
  const off = new Set(theirs.flatMap(({ request }) => switchedOffIn(request['features'])));
  const { live } = change;
  if (off.size === 0) return undefined;
  const rest = [`what these features would have seen in account ${part.account} meanwhile was not seen`];
  if (!isJsonObject(live))
    return {
      ...change,
      baseline: { known: false, why: `account ${part.account} is no member any more` },
      rest,
    };
  const value = Object.fromEntries(
    Object.entries(live).map(([name, status]) => [name, off.has(name) ? 'ENABLED' : status]),
  );
  return sameJson(value, live) && ![...off].some((name) => Object.hasOwn(live, name))
    ? undefined
    : { ...change, baseline: known(value, change.by), rest };
}

/** Returns what the principal did that cannot be restored from here, each with what to type. */
export async function byHandOf(
  aws: Aws,
  detector: string,
  suspect: LoggingFacts,
): Promise<readonly ByHand[]> {
  const calls = await callsNamed(aws, BY_HAND);
  if ('unread' in calls) return [];
  return calls
    .filter((call) => partOfAttack(call, suspect))
    .flatMap((call) => handwork(aws.scope, detector, call) ?? []);
}

/** Returns what a person does about the call; undefined where it changed nothing for the worse. */
export function handwork(
  scope: Scope,
  detector: string,
  call: Pick<PastCall, 'name' | 'at' | 'request'>,
): ByHand | undefined {
  const { name, at, request } = call;
  const from = `${name} of ${at}`;
  const region = scope.region;
  const accounts = ((own(request, 'accountIds') ?? []) as Json[]).filter(
    (account): account is string => typeof account === 'string' && /^\d{12}$/.test(account),
  );
  switch (name) {
    case 'DeleteMembers':
      return {
        what: `members ${accounts.join(', ') || 'of GuardDuty'} were deleted (${from})`,
        next:
          accounts.length === 0
            ? 'Add them again with aws guardduty create-members.'
            : `Add each again: aws guardduty create-members --region=${region} --detector-id=${detector} --account-details AccountId=${accounts[0]},Email=<its address>`,
      };
    case 'DisassociateFromAdministratorAccount':
    case 'DisassociateFromMasterAccount':
      return {
        what: `this account left its GuardDuty administrator (${from}): only the administrator can take it back`,
        next: `In the administrator account: aws guardduty create-members --region=${region} --detector-id=<its detector> --account-details AccountId=${scope.account},Email=<its address>`,
      };
    case 'UpdateOrganizationConfiguration': {
      const none =
        own(request, 'autoEnable') === false || own(request, 'autoEnableOrganizationMembers') === 'NONE';
      if (!none) return undefined;
      const command = awsCommand('guardduty update-organization-configuration', {
        region,
        'detector-id': detector,
        'auto-enable-organization-members': 'ALL',
      });
      return {
        what: `new accounts no longer get GuardDuty (${from})`,
        next: `Switch it on again: ${command}`,
      };
    }
    default:
      return {
        what: `a threat list was deleted (${from})`,
        next: 'Create it again from your template, with the object that it had.',
      };
  }
}
