/** GuardDuty's detector, one a Region: lists of addresses and filters. A set reads its object when it is activated, not before. */
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
  /** What GuardDuty loaded at the last activation. */
  loaded: string[];
}
interface TwinFilter {
  Name: string;
  Action: string;
  Description: string;
  FindingCriteria: Record<string, unknown>;
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
}
export const emptyGuardDuty = (): TwinGuardDuty => ({
  detector: '12abc34d567e8fa901bc2d34e56789f0',
  ipSets: [],
  threatSets: [],
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
      const set: TwinSet = { id: call.nextId('set'), Name, Format, Location, Status: 'INACTIVE', loaded: [] };
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

/** The API's key case. */
function pascalKeys(value: Json): Json {
  if (Array.isArray(value)) return value.map(pascalKeys);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [
      /^[a-z][A-Za-z0-9]*$/.test(key) ? `${key.charAt(0).toUpperCase()}${key.slice(1)}` : key,
      pascalKeys(member),
    ]),
  );
}

/** The finding as its own detector answers it, archived since or not; undefined of any other detector. */
function heldBy({ state, region, scope }: TwinCall, detector: unknown, id: string): Json | undefined {
  const held = state.findings?.[id];
  if (!held || held['accountId'] !== scope.account || held['region'] !== scope.region) return undefined;
  const service = isJsonObject(held['service']) ? held['service'] : {};
  if (detector !== (service['detectorId'] ?? region.guardduty.detector)) return undefined;
  const archived = service['archived'] === true || state.archived.includes(id);
  return pascalKeys({ ...held, service: { ...service, archived } });
}

interface DetectorFeature {
  readonly Name: string;
  readonly Status: 'ENABLED' | 'DISABLED';
  readonly AdditionalConfiguration?: readonly DetectorFeature[];
}

/** A part of a feature is stored as `FEATURE/PART`. */
function detectorFeatures({ features = {}, managed = [] }: TwinGuardDuty): Json {
  const all = Object.entries({ CLOUD_TRAIL: 'ENABLED', ...features });
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
    GetDetector: ({ region }) => ({
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
      if (found) return { ...found, Rank: 1, Tags: {} };
      throw missing();
    },
    CreateFilter: ({ region, input }) => {
      const { Name, Action, Description, FindingCriteria } = input as unknown as TwinFilter;
      if (!/^[A-Za-z0-9_.-]{3,64}$/.test(Name))
        throw awsError('BadRequestException', 'The name is not valid.');
      if (region.guardduty.filters.some((filter) => filter.Name === Name))
        throw awsError('BadRequestException', 'The request is rejected since a filter with the name exists.');
      region.guardduty.filters.push({ Name, Action, Description, FindingCriteria });
      return { Name };
    },
    DeleteFilter: ({ region, input }) => {
      const index = region.guardduty.filters.findIndex(({ Name }) => Name === input['FilterName']);
      if (index < 0) throw missing();
      region.guardduty.filters.splice(index, 1);
      return {};
    },
  },
};
