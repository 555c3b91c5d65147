/** CloudTrail trails. Each lives in its home Region; trails of every Region are seen from all others. */
import { awsError } from '../aws-error.ts';
import { ec2Pages, paged } from './pages.ts';
import type { Answers, TwinCall } from './twin.ts';

export interface TwinTrail {
  TrailARN: string;
  Name: string;
  HomeRegion: string;
  IsOrganizationTrail: boolean;
  logging: boolean;
  deliveryError: string | null;
}
/** This service's part of a Region. */
export interface TwinCloudTrail {
  trails: TwinTrail[];
  /** Event history: newest first, each with what it is found by. Times are not looked at. */
  history: { resource?: string; key?: string; name?: string; event: Record<string, unknown> }[];
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

const LOOKUPS: Readonly<Record<string, 'resource' | 'key' | 'name'>> = {
  ResourceName: 'resource',
  AccessKeyId: 'key',
  Username: 'name',
};

export const cloudtrail: Readonly<Record<string, Answers>> = {
  CloudTrail: {
    DescribeTrails: (call) => ({
      trailList: all(call).map(({ logging: _logging, deliveryError: _error, ...trail }) => trail),
    }),
    LookupEvents: (call) => {
      const { region, input } = call;
      const [asked] = input['LookupAttributes'] as { AttributeKey: string; AttributeValue: string }[];
      const by = LOOKUPS[asked?.AttributeKey ?? ''];
      if (!asked || !by) throw new Error(`the twin does not look up ${asked?.AttributeKey}`);
      return paged(
        call,
        region.cloudtrail.history.filter((entry) => entry[by] === asked.AttributeValue),
        {
          ...ec2Pages,
          list: 'Events',
          show: ({ event }) => ({ EventName: event['eventName'], CloudTrailEvent: JSON.stringify(event) }),
        },
      );
    },
    GetEventSelectors: (call) => ({
      TrailARN: trailOf(call).TrailARN,
      EventSelectors: [{ ReadWriteType: 'All', IncludeManagementEvents: true, DataResources: [] }],
    }),
    GetTrailStatus: (call) => {
      const { logging, deliveryError } = trailOf(call);
      return { IsLogging: logging, ...(deliveryError ? { LatestDeliveryError: deliveryError } : {}) };
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
