/** CloudTrail trails. Each lives in its home Region; trails of every Region are seen from all others. */
import { awsError } from '../aws-error.ts';
import { ec2Pages, type Paging, paged } from './pages.ts';
import type { Answers, TwinCall } from './twin.ts';

export interface TwinTrail {
  TrailARN: string;
  Name: string;
  HomeRegion: string;
  IsOrganizationTrail: boolean;
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
    DescribeTrails: (call) => ({
      trailList: all(call).map(
        ({
          logging: _logging,
          deliveryError: _error,
          quiet: _quiet,
          selectors: _selectors,
          tags: _tags,
          ...trail
        }) => trail,
      ),
    }),
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
