/** GuardDuty's detector, one a Region: lists of addresses and filters. A set reads its object when it is activated, not before. */
import { arn } from '../../core/aws/arn.ts';
import { camelKeys } from '../../core/finding/shape.ts';
import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import { awsError } from '../aws-error.ts';
import type { TwinState } from './state.ts';
import type { Answers, TwinCall } from './twin.ts';

interface TwinSet {
  id: string;
  Name: string;
  Format: string;
  Location: string;
  Status: string;
  Tags?: Record<string, string>;
  /** What GuardDuty loaded at the last activation. */
  loaded: string[];
}
interface TwinFilter {
  Name: string;
  Action: string;
  Description: string;
  FindingCriteria: Record<string, unknown>;
  Tags?: Record<string, string>;
}
/** This service's part of a Region. */
export interface TwinGuardDuty {
  detector: string;
  /** False: suspended. Left out: enabled. */
  enabled?: boolean;
  /** By feature, and by `FEATURE/PART` for its additional configurations. */
  features?: Record<string, 'ENABLED' | 'DISABLED'>;
  /** Keys of `features` that an organisation policy sets. */
  managed?: string[];
  ipSets: TwinSet[];
  threatSets: TwinSet[];
  /** Sets of addresses and domains; left out: none. */
  trustedEntitySets?: TwinSet[];
  threatEntitySets?: TwinSet[];
  filters: TwinFilter[];
  /** Where findings are exported to; left out: nowhere. */
  destination?: { id: string; arn: string; key: string | null; status?: string };
  /** Of an administrator: each member with the status of its relation and its features. Left out: no members. */
  members?: Record<
    string,
    { email: string; status: string; features: Record<string, 'ENABLED' | 'DISABLED'> }
  >;
}
export const emptyGuardDuty = (): TwinGuardDuty => ({
  detector: '12abc34d567e8fa901bc2d34e56789f0',
  ipSets: [],
  threatSets: [],
  trustedEntitySets: [],
  threatEntitySets: [],
  filters: [],
});

const missing = () =>
  awsError(
    'BadRequestException',
    'The request is rejected because the input is not owned by the current account.',
  );

function setOf(sets: TwinSet[], id: unknown): TwinSet {
  const found = sets.find((set) => set.id === id);
  if (!found) throw missing();
  // Seen once more on its way before it is there.
  return found;
}

/** A line of a list of addresses, and of one of entities; the twin loads plain text only. */
const LINES = {
  addresses: /^[0-9a-fA-F.:]+(\/\d+)?$/,
  entities: /^([0-9a-fA-F.:]+(\/\d+)?|(\*\.)?([\w-]+\.)+[\w-]+)$/,
} as const;

function load(call: TwinCall, set: TwinSet, form: RegExp): void {
  const { Location, Activate } = call.input as { Location?: string; Activate?: boolean };
  if (Location !== undefined) set.Location = Location;
  if (Activate === false) {
    set.Status = 'INACTIVE';
    return;
  }
  const [, path = ''] = /^s3:\/\/(.+)$/.exec(set.Location) ?? [];
  const object = call.state.s3.objects[path];
  const lines = object?.body.split('\n').filter((line) => line !== '');
  if (!lines)
    throw awsError('BadRequestException', 'The request failed because the S3 object could not be read.');
  const bad = set.Format === 'TXT' && lines.some((line) => !form.test(line));
  set.Status = bad ? 'ERROR' : 'ACTIVATING';
  if (!bad) set.loaded = lines;
}

const described = (set: TwinSet): object => {
  const { id: _id, loaded: _loaded, ...shown } = set;
  if (set.Status === 'ACTIVATING') set.Status = 'ACTIVE';
  return shown;
};

/** `Tags` of a request to create, where it has some. */
const tagsOf = ({ input }: TwinCall): { Tags?: Record<string, string> } =>
  input['Tags'] === undefined ? {} : { Tags: { ...(input['Tags'] as Record<string, string>) } };

/** The five calls about one kind of set, which differ in their names alone. */
function setCalls(
  noun: string,
  idKey: string,
  most: number,
  form: RegExp,
  of: (guardduty: TwinGuardDuty) => TwinSet[],
): Answers {
  return {
    [`List${noun}s`]: ({ region }) => ({ [`${idKey}s`]: of(region.guardduty).map(({ id }) => id) }),
    [`Get${noun}`]: ({ region, input }) => described(setOf(of(region.guardduty), input[idKey])),
    [`Create${noun}`]: (call) => {
      const sets = of(call.region.guardduty);
      if (sets.length >= most)
        throw awsError('BadRequestException', 'The request is rejected because the limit is reached.');
      const { Name, Format, Location } = call.input as { Name: string; Format: string; Location: string };
      const set: TwinSet = {
        ...{ id: call.nextId('set'), Name, Format, Location, Status: 'INACTIVE', loaded: [] },
        ...tagsOf(call),
      };
      load(call, set, form);
      sets.push(set);
      return { [idKey]: set.id };
    },
    [`Update${noun}`]: (call) => {
      load(call, setOf(of(call.region.guardduty), call.input[idKey]), form);
      return {};
    },
    [`Delete${noun}`]: ({ region, input }) => {
      const sets = of(region.guardduty);
      sets.splice(sets.indexOf(setOf(sets, input[idKey])), 1);
      return {};
    },
  };
}

const SET_CALLS: Answers = {
  ...setCalls('IPSet', 'IpSetId', 1, LINES.addresses, ({ ipSets }) => ipSets),
  ...setCalls('ThreatIntelSet', 'ThreatIntelSetId', 6, LINES.addresses, ({ threatSets }) => threatSets),
  ...setCalls('TrustedEntitySet', 'TrustedEntitySetId', 1, LINES.entities, (guardduty) => {
    guardduty.trustedEntitySets ??= [];
    return guardduty.trustedEntitySets;
  }),
  ...setCalls('ThreatEntitySet', 'ThreatEntitySetId', 6, LINES.entities, (guardduty) => {
    guardduty.threatEntitySets ??= [];
    return guardduty.threatEntitySets;
  }),
};

/** Keeps a finding as GuardDuty does that made it; an older reading of it does not replace a newer one. */
export function holdFinding(state: TwinState, detail: JsonObject): void {
  const held = camelKeys(detail);
  if (!isJsonObject(held) || typeof held['id'] !== 'string') return;
  state.findings ??= {};
  const known = state.findings[held['id']];
  if (known === undefined || String(known['updatedAt']) <= String(held['updatedAt']))
    state.findings[held['id']] = held;
}

/** The API's key case. It has no null: what a finding has none of is left out. */
function pascalKeys(value: Json): Json {
  if (Array.isArray(value)) return value.map(pascalKeys);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => member !== null)
      .map(([key, member]) => [
        /^[a-z][A-Za-z0-9]*$/.test(key) ? `${key.charAt(0).toUpperCase()}${key.slice(1)}` : key,
        pascalKeys(member),
      ]),
  );
}

/** Members that the SDK reads as a time, wherever they stand; of the finding itself the times are texts. */
const TIMES =
  /^((Created|Updated|FirstSeen|LastSeen|LastModified|Modified|Started|TaskCreated|ScanStarted|ScanCompleted)At|(Start|End|Created)Time)$/;

function withTimes(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withTimes);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [key, TIMES.test(key) ? timeOf(member) : withTimes(member)]),
  );
}

/** Events have ISO 8601, or seconds; what is neither is no time that the API could give. */
function timeOf(given: unknown): Date | undefined {
  const time = new Date(typeof given === 'number' ? given * 1000 : String(given));
  return Number.isNaN(time.getTime()) ? undefined : time;
}

/** The finding as its own detector answers it, archived since or not; undefined of any other detector. */
function heldBy({ state, region, scope }: TwinCall, detector: unknown, id: string): object | undefined {
  const held = state.findings?.[id];
  if (!held || held['accountId'] !== scope.account || held['region'] !== scope.region) return undefined;
  const service = isJsonObject(held['service']) ? held['service'] : {};
  if (detector !== (service['detectorId'] ?? region.guardduty.detector)) return undefined;
  const archived = service['archived'] === true || state.archived.includes(id);
  // Of what the event has in it the API gives the text.
  const { additionalInfo } = service;
  const info = additionalInfo === undefined ? {} : { additionalInfo: asText(additionalInfo) };
  const { Resource, Service, ...rest } = Object(
    pascalKeys({ ...held, service: { ...service, archived, ...info } }),
  );
  const resource = Resource === undefined ? {} : { Resource: withTimes(Resource) };
  return { ...rest, ...resource, Service: withTimes(Service) };
}

/** Members that are asked about, and those of another administrator or none. */
function membersAsked({ region, input }: TwinCall) {
  const { members = {} } = region.guardduty;
  const ids = input['AccountIds'] as string[];
  const known = ids.flatMap((id) => (members[id] ? [{ id, member: members[id] }] : []));
  const UnprocessedAccounts = ids
    .filter((id) => members[id] === undefined)
    .map((AccountId) => ({
      AccountId,
      Result: 'The request is rejected because the account is not a member.',
    }));
  return { known, UnprocessedAccounts };
}

/** Changes the status of members that have one of these. */
function related(call: TwinCall, status: string, from: RegExp): object {
  const { known, UnprocessedAccounts } = membersAsked(call);
  const other = known.filter(({ member }) => !from.test(member.status));
  for (const { member } of known) if (from.test(member.status)) member.status = status;
  return {
    UnprocessedAccounts: [
      ...UnprocessedAccounts,
      ...other.map(({ id, member }) => ({ AccountId: id, Result: `The account is ${member.status}.` })),
    ],
  };
}

/** What GetMemberDetectors says in the members that `Features` took the place of. */
const dataSources = (of: Record<string, string>): object => {
  const Status = of['S3_DATA_EVENTS'] ?? 'DISABLED';
  const always = { Status: 'ENABLED' };
  return { CloudTrail: always, DNSLogs: always, FlowLogs: always, S3Logs: { Status } };
};

const asText = (additionalInfo: Json): Json => ({
  type: 'default',
  value: JSON.stringify(additionalInfo),
});

interface DetectorFeature {
  readonly Name: string;
  readonly Status: 'ENABLED' | 'DISABLED';
  readonly AdditionalConfiguration?: readonly DetectorFeature[];
}

/** A part of a feature is stored as `FEATURE/PART`. */
function featuresOf(features: Readonly<Record<string, string>>, managed: readonly string[]): Json {
  const all = Object.entries(features);
  const said = (key: string, Name: string, Status: string) => ({
    Name,
    Status,
    ...(managed.includes(key) ? { ManagedBy: 'GUARDDUTY_POLICY' } : {}),
  });
  return all
    .filter(([key]) => !key.includes('/'))
    .map(([key, Status]) => {
      const parts = all.filter(([other]) => other.startsWith(`${key}/`));
      const AdditionalConfiguration = parts.map(([other, is]) =>
        said(other, other.slice(key.length + 1), is),
      );
      return { ...said(key, key, Status), ...(parts.length > 0 ? { AdditionalConfiguration } : {}) };
    });
}

/** A detector names what cannot be switched off as well; a member's features do not. */
const detectorFeatures = ({ features = {}, managed = [] }: TwinGuardDuty): Json =>
  featuresOf({ CLOUD_TRAIL: 'ENABLED', ...features }, managed);

function exportTo({ input }: TwinCall): { arn: string; key: string | null } {
  const { DestinationArn, KmsKeyArn } = input['DestinationProperties'] as {
    DestinationArn: string;
    KmsKeyArn?: string;
  };
  return { arn: DestinationArn, key: KmsKeyArn ?? null };
}

export const guardduty: Readonly<Record<string, Answers>> = {
  GuardDuty: {
    ArchiveFindings: ({ state, input }) => {
      state.archived.push(...(input['FindingIds'] as string[]));
      return {};
    },
    GetFindings: (call) => ({
      Findings: (call.input['FindingIds'] as string[]).flatMap(
        (id) => heldBy(call, call.input['DetectorId'], id) ?? [],
      ),
    }),
    ListDetectors: ({ region }) => ({ DetectorIds: [region.guardduty.detector] }),
    GetDetector: ({ region, scope }) => ({
      ServiceRole: arn(
        scope,
        'iam',
        'role/aws-service-role/guardduty.amazonaws.com/AWSServiceRoleForAmazonGuardDuty',
        { global: true },
      ),
      Status: region.guardduty.enabled === false ? 'DISABLED' : 'ENABLED',
      Features: detectorFeatures(region.guardduty),
    }),
    UpdateDetector: ({ region, input }) => {
      const { Enable, Features = [] } = input as { Enable?: boolean; Features?: readonly DetectorFeature[] };
      if (Enable !== undefined) region.guardduty.enabled = Enable;
      const { features = {} } = region.guardduty;
      for (const { Name, Status, AdditionalConfiguration = [] } of Features) {
        features[Name] = Status;
        for (const part of AdditionalConfiguration) features[`${Name}/${part.Name}`] = part.Status;
      }
      if (Features.length > 0) region.guardduty.features = features;
      return {};
    },
    ...SET_CALLS,
    ListFilters: ({ region }) => ({ FilterNames: region.guardduty.filters.map(({ Name }) => Name) }),
    GetFilter: ({ region, input }) => {
      const found = region.guardduty.filters.find(({ Name }) => Name === input['FilterName']);
      if (found) return { Tags: {}, ...found, Rank: 1 };
      throw missing();
    },
    CreateFilter: (call) => {
      const { region, input } = call;
      const { Name, Action, Description, FindingCriteria } = input as unknown as TwinFilter;
      if (!/^[A-Za-z0-9_.-]{3,64}$/.test(Name))
        throw awsError('BadRequestException', 'The name is not valid.');
      if (region.guardduty.filters.some((filter) => filter.Name === Name))
        throw awsError('BadRequestException', 'The request is rejected since a filter with the name exists.');
      region.guardduty.filters.push({ Name, Action, Description, FindingCriteria, ...tagsOf(call) });
      return { Name };
    },
    UpdateFilter: ({ region, input }) => {
      const found = region.guardduty.filters.find(({ Name }) => Name === input['FilterName']);
      if (!found) throw missing();
      const { Action, FindingCriteria, Description } = input as Partial<TwinFilter>;
      if (Action !== undefined) found.Action = Action;
      if (FindingCriteria !== undefined) found.FindingCriteria = FindingCriteria;
      if (Description !== undefined) found.Description = Description;
      return { Name: found.Name };
    },
    ListPublishingDestinations: ({
      region: {
        guardduty: { destination },
      },
    }) => ({
      Destinations: destination
        ? [
            {
              DestinationId: destination.id,
              DestinationType: 'S3',
              Status: destination.status ?? 'PUBLISHING',
            },
          ]
        : [],
    }),
    DescribePublishingDestination: ({ region, input }) => {
      const { destination } = region.guardduty;
      if (!destination || destination.id !== input['DestinationId']) throw missing();
      return {
        DestinationId: destination.id,
        DestinationType: 'S3',
        Status: destination.status ?? 'PUBLISHING',
        PublishingFailureStartTimestamp: 0,
        DestinationProperties: {
          DestinationArn: destination.arn,
          ...(destination.key === null ? {} : { KmsKeyArn: destination.key }),
        },
      };
    },
    CreatePublishingDestination: (call) => {
      const { guardduty } = call.region;
      if (guardduty.destination)
        throw awsError('BadRequestException', 'The request failed because a destination already exists.');
      guardduty.destination = { id: call.nextId('destination'), ...exportTo(call) };
      return { DestinationId: guardduty.destination.id };
    },
    UpdatePublishingDestination: (call) => {
      const { destination } = call.region.guardduty;
      if (!destination || destination.id !== call.input['DestinationId']) throw missing();
      call.region.guardduty.destination = { id: destination.id, ...exportTo(call) };
      return {};
    },
    DeletePublishingDestination: ({ region, input }) => {
      if (region.guardduty.destination?.id !== input['DestinationId']) throw missing();
      delete region.guardduty.destination;
      return {};
    },
    GetMembers: (call) => {
      const { known, UnprocessedAccounts } = membersAsked(call);
      const Members = known.map(({ id, member }) => ({
        AccountId: id,
        MasterId: call.scope.account,
        Email: member.email,
        RelationshipStatus: member.status,
        UpdatedAt: '2026-01-01T00:00:00.000Z',
      }));
      return { Members, UnprocessedAccounts };
    },
    StartMonitoringMembers: (call) => related(call, 'Enabled', /^(Paused|Enabled)$/),
    StopMonitoringMembers: (call) => related(call, 'Paused', /^(Paused|Enabled)$/),
    DisassociateMembers: (call) => related(call, 'Removed', /./),
    // An account of the organisation is a member at once.
    CreateMembers: ({ region, input }) => {
      const { members = {} } = region.guardduty;
      for (const { AccountId, Email } of input['AccountDetails'] as { AccountId: string; Email: string }[])
        members[AccountId] = {
          email: Email,
          features: members[AccountId]?.features ?? {},
          status: 'Enabled',
        };
      region.guardduty.members = members;
      return { UnprocessedAccounts: [] };
    },
    ListMembers: ({ region, input, scope }) => {
      const all = Object.entries(region.guardduty.members ?? {});
      const from = Number(input['NextToken'] ?? 0);
      const most = Number(input['MaxResults'] ?? 50);
      return {
        Members: all.slice(from, from + most).map(([AccountId, { email: Email, status }]) => ({
          ...{ AccountId, Email, MasterId: scope.account, AdministratorId: scope.account },
          ...{ RelationshipStatus: status, UpdatedAt: '2026-01-01T00:00:00.000Z' },
        })),
        ...(from + most < all.length ? { NextToken: String(from + most) } : {}),
      };
    },
    GetMemberDetectors: (call) => {
      const { known, UnprocessedAccounts } = membersAsked(call);
      return {
        MemberDataSourceConfigurations: known.map(({ id, member }) => ({
          AccountId: id,
          DataSources: dataSources(member.features),
          Features: featuresOf(member.features, []),
        })),
        UnprocessedAccounts,
      };
    },
    UpdateMemberDetectors: (call) => {
      const { known, UnprocessedAccounts } = membersAsked(call);
      const given = (call.input['Features'] ?? []) as DetectorFeature[];
      for (const { member } of known)
        for (const { Name, Status, AdditionalConfiguration = [] } of given) {
          member.features[Name] = Status;
          for (const part of AdditionalConfiguration) member.features[`${Name}/${part.Name}`] = part.Status;
        }
      return { UnprocessedAccounts };
    },
    DeleteFilter: ({ region, input }) => {
      const index = region.guardduty.filters.findIndex(({ Name }) => Name === input['FilterName']);
      if (index < 0) throw missing();
      region.guardduty.filters.splice(index, 1);
      return {};
    },
  },
};
