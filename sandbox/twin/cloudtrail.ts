/** CloudTrail trails. Each lives in its home Region; trails of every Region are seen from all others. */
import { arn } from '../../core/aws/arn.ts';
import { type JsonObject, toJson } from '../../core/json.ts';
import { awsError } from '../aws-error.ts';
import { ec2Pages, type Paging, paged } from './pages.ts';
import type { Answers, TwinCall } from './twin.ts';

export interface TwinTrail {
  TrailARN: string;
  Name: string;
  HomeRegion: string;
  IsOrganizationTrail: boolean;
  S3BucketName?: string;
  S3KeyPrefix?: string;
  SnsTopicARN?: string;
  /** Left out, of a trail that a world put up: every Region and global services. */
  IncludeGlobalServiceEvents?: boolean;
  IsMultiRegionTrail?: boolean;
  LogFileValidationEnabled?: boolean;
  CloudWatchLogsLogGroupArn?: string;
  CloudWatchLogsRoleArn?: string;
  KmsKeyId?: string;
  RecursiveLogging?: boolean;
  logging: boolean;
  deliveryError: string | null;
  tags?: Record<string, string>;
  /** Logs and has nothing to deliver, so that no delivery is seen. */
  quiet?: boolean;
  /** What GetEventSelectors gives; without it what a new trail records. */
  selectors?: { EventSelectors: unknown[] } | { AdvancedEventSelectors: unknown[] };
}
/** This service's part of a Region. */
export interface TwinCloudTrail {
  trails: TwinTrail[];
  /** The status of each event data store, by its ARN; left out: none. */
  stores?: Record<string, string>;
  /** Event history: newest first, each with what it is found by. Times are not looked at. */
  history: {
    resource?: string;
    /** Where a call names several. */
    resources?: string[];
    key?: string;
    name?: string;
    event: Record<string, unknown>;
  }[];
}
export const emptyCloudTrail = (): TwinCloudTrail => ({ trails: [], history: [] });

const all = ({ state }: TwinCall): TwinTrail[] =>
  Object.values(state.regions).flatMap(({ cloudtrail: { trails } }) => trails);

function trailOf(call: TwinCall): TwinTrail {
  const name = String(call.input['Name'] ?? call.input['TrailName']);
  const found = all(call).find(({ TrailARN, Name }) => TrailARN === name || Name === name);
  if (found) return found;
  throw awsError('TrailNotFoundException', `Unknown trail: ${name}`);
}

function atHome(call: TwinCall): TwinTrail {
  const trail = trailOf(call);
  if (trail.HomeRegion === call.scope.region) return trail;
  throw awsError('InvalidHomeRegionException', `The home region is ${trail.HomeRegion}`);
}

/** A trail as CloudTrail shows it. */
function shownTrail(trail: TwinTrail): object {
  const { logging: _logging, deliveryError: _error, quiet: _quiet, selectors, tags: _tags, ...shown } = trail;
  return {
    ...{ S3BucketName: 'trail-records', IncludeGlobalServiceEvents: true, IsMultiRegionTrail: true },
    ...{ LogFileValidationEnabled: false, HasCustomEventSelectors: selectors !== undefined },
    ...{ HasInsightSelectors: false, ...shown },
  };
}

/** What CreateTrail and UpdateTrail answer: the settings, without the home Region. */
function answered(trail: TwinTrail): object {
  const {
    HomeRegion: _home,
    HasCustomEventSelectors: _custom,
    HasInsightSelectors: _insights,
    ...rest
  } = toJson(shownTrail(trail)) as JsonObject;
  return rest;
}

/** Sets what the request names; an empty text takes it away. */
function setTrail(trail: TwinTrail, { input, scope }: TwinCall): void {
  const { SnsTopicName, EnableLogFileValidation, Name: _name, TagsList: _tags, ...rest } = input;
  const given = {
    ...rest,
    ...(SnsTopicName === undefined ? {} : { SnsTopicARN: topicArn(String(SnsTopicName), scope) }),
    ...(EnableLogFileValidation === undefined ? {} : { LogFileValidationEnabled: EnableLogFileValidation }),
  };
  const { CloudWatchLogsLogGroupArn: group, CloudWatchLogsRoleArn: role } = input;
  if ((group === undefined) !== (role === undefined))
    throw awsError(
      'InvalidCloudWatchLogsLogGroupArnException',
      'You must specify both a log group ARN and a role ARN.',
    );
  const wanted = { ...shownTrail(trail), ...given } as Partial<TwinTrail>;
  if (wanted.IsMultiRegionTrail && !wanted.IncludeGlobalServiceEvents)
    throw awsError(
      'InvalidParameterCombinationException',
      'Multi-Region trail must include global service events.',
    );
  for (const [name, value] of Object.entries(given)) {
    if (value === '') delete trail[name as keyof TwinTrail];
    else if (value !== undefined) Object.assign(trail, { [name]: value });
  }
}
interface Tag {
  readonly Key: string;
  readonly Value: string;
}
const tagsOf = (tags: readonly Tag[]): Record<string, string> =>
  Object.fromEntries(tags.map(({ Key, Value }) => [Key, Value]));
const topicArn = (topic: string, scope: TwinCall['scope']): string =>
  topic === '' || topic.startsWith('arn:') ? topic : arn(scope, 'sns', topic);

function storeOf({ region, input }: TwinCall): {
  readonly stores: Record<string, string>;
  readonly store: string;
} {
  const store = String(input['EventDataStore']);
  const { stores = {} } = region.cloudtrail;
  if (stores[store] === undefined)
    throw awsError('EventDataStoreNotFoundException', 'The specified event data store was not found.');
  return { stores, store };
}

/** Moves a store from one of these states. */
const moves =
  (from: readonly string[], to: string, refusal: string) =>
  (call: TwinCall): object => {
    const { stores, store } = storeOf(call);
    if (!from.includes(stores[store] ?? '')) throw awsError(refusal, `${store} is ${stores[store]}.`);
    stores[store] = to;
    return { EventDataStoreArn: store, Status: to };
  };
const INACTIVE = 'InvalidEventDataStoreStatusException';

const LOOKUPS: Readonly<Record<string, 'resource' | 'key' | 'name' | 'eventName'>> = {
  EventName: 'eventName',
  ResourceName: 'resource',
  AccessKeyId: 'key',
  Username: 'name',
};

const shown: Paging<TwinCloudTrail['history'][number]> = {
  ...ec2Pages,
  most: 50,
  list: 'Events',
  show: ({ event }) => ({ EventName: event['eventName'], CloudTrailEvent: JSON.stringify(event) }),
};

export const cloudtrail: Readonly<Record<string, Answers>> = {
  CloudTrail: {
    DescribeTrails: (call) => ({ trailList: all(call).map(shownTrail) }),
    GetTrail: (call) => ({ Trail: shownTrail(trailOf(call)) }),
    CreateTrail: (call) => {
      const { scope, region, input } = call;
      const Name = String(input['Name']);
      if (region.cloudtrail.trails.some((trail) => trail.Name === Name))
        throw awsError('TrailAlreadyExistsException', `Trail ${Name} already exists.`);
      const trail: TwinTrail = {
        ...{ TrailARN: arn(scope, 'cloudtrail', `trail/${Name}`), Name, HomeRegion: scope.region },
        ...{ IncludeGlobalServiceEvents: true, IsMultiRegionTrail: false, LogFileValidationEnabled: false },
        ...{ RecursiveLogging: true, IsOrganizationTrail: false, logging: false, deliveryError: null },
        ...(input['TagsList'] === undefined ? {} : { tags: tagsOf(input['TagsList'] as Tag[]) }),
      };
      setTrail(trail, call);
      region.cloudtrail.trails.push(trail);
      return answered(trail);
    },
    UpdateTrail: (call) => {
      const trail = atHome(call);
      setTrail(trail, call);
      return answered(trail);
    },
    DeleteTrail: (call) => {
      const { trails } = call.region.cloudtrail;
      trails.splice(trails.indexOf(atHome(call)), 1);
      return {};
    },
    GetEventDataStore: (call) => {
      const { stores, store } = storeOf(call);
      return { EventDataStoreArn: store, Name: 'lake', Status: stores[store] };
    },
    DeleteEventDataStore: (call) => {
      moves(['ENABLED', 'STOPPED_INGESTION'], 'PENDING_DELETION', 'InactiveEventDataStoreException')(call);
      return {};
    },
    RestoreEventDataStore: moves(['PENDING_DELETION'], 'ENABLED', INACTIVE),
    StopEventDataStoreIngestion: (call) => {
      moves(['ENABLED'], 'STOPPED_INGESTION', INACTIVE)(call);
      return {};
    },
    StartEventDataStoreIngestion: (call) => {
      moves(['STOPPED_INGESTION'], 'ENABLED', INACTIVE)(call);
      return {};
    },
    LookupEvents: (call) => {
      const { region, input } = call;
      const [asked] = input['LookupAttributes'] as { AttributeKey: string; AttributeValue: string }[];
      const by = LOOKUPS[asked?.AttributeKey ?? ''];
      if (!asked || !by) throw new Error(`the twin does not look up ${asked?.AttributeKey}`);
      const found = region.cloudtrail.history.filter(
        (entry) =>
          (by === 'eventName' ? entry.event['eventName'] : entry[by]) === asked.AttributeValue ||
          (by === 'resource' && entry.resources?.includes(asked.AttributeValue) === true),
      );
      return paged(call, found, shown);
    },
    GetEventSelectors: (call) => {
      const { TrailARN, selectors } = trailOf(call);
      return {
        TrailARN,
        ...(selectors ?? {
          EventSelectors: [{ ReadWriteType: 'All', IncludeManagementEvents: true, DataResources: [] }],
        }),
      };
    },
    // One sort takes the other's place.
    PutEventSelectors: (call) => {
      const { EventSelectors, AdvancedEventSelectors } = call.input as Record<string, unknown[] | undefined>;
      const trail = atHome(call);
      if (AdvancedEventSelectors) trail.selectors = { AdvancedEventSelectors };
      else if (EventSelectors) trail.selectors = { EventSelectors };
      else throw awsError('InvalidEventSelectorsException', 'Specify selectors of one sort');
      return {};
    },
    GetTrailStatus: (call) => {
      const { logging, deliveryError, quiet } = trailOf(call);
      return {
        IsLogging: logging,
        ...(deliveryError ? { LatestDeliveryError: deliveryError } : {}),
        // Delivery goes on unaided; on AWS it is seen within some 15 minutes.
        ...(logging && !deliveryError && !quiet ? { LatestDeliveryTime: new Date() } : {}),
      };
    },
    StartLogging: (call) => {
      atHome(call).logging = true;
      return {};
    },
    StopLogging: (call) => {
      atHome(call).logging = false;
      return {};
    },
  },
};
