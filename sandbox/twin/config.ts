/** What AWS Config recorded, newest item first. Off in a Region until it has an item. */
import { awsError } from '../aws-error.ts';
import type { Answers, TwinCall } from './twin.ts';

interface TwinConfigItem {
  resourceType: string;
  resourceId: string;
  resourceName: string;
  /** ISO 8601. */
  capturedAt: string;
  status: string;
  configuration: string;
  supplementary: Record<string, string>;
}
/** This service's part of a Region. */
export type TwinConfig = TwinConfigItem[];

function itemsOf({ region, input }: TwinCall, is: (item: TwinConfigItem) => boolean): TwinConfigItem[] {
  if (!region.config)
    throw awsError(
      'NoAvailableConfigurationRecorderException',
      'There are no configuration recorders available to provide the role needed to describe your resources.',
    );
  return region.config.filter((item) => item.resourceType === input['resourceType'] && is(item));
}

export const config: Readonly<Record<string, Answers>> = {
  ConfigService: {
    ListDiscoveredResources: (call) => {
      const found = itemsOf(call, ({ resourceName }) => resourceName === call.input['resourceName']);
      const ids = new Map(found.map((item) => [item.resourceId, item]));
      return {
        resourceIdentifiers: [...ids.values()].map(({ resourceType, resourceId, resourceName }) => ({
          ...{ resourceType, resourceId, resourceName },
        })),
      };
    },
    GetResourceConfigHistory: (call) => {
      const { resourceId, laterTime, limit } = call.input;
      const found = itemsOf(call, (item) => item.resourceId === resourceId);
      if (found.length === 0)
        throw awsError('ResourceNotDiscoveredException', `Resource ${String(resourceId)} is not discovered.`);
      const upTo = laterTime instanceof Date ? laterTime.toISOString() : new Date().toISOString();
      return {
        configurationItems: found
          .filter(({ capturedAt }) => capturedAt <= upTo)
          .slice(0, Number(limit))
          .map(({ capturedAt, status, supplementary, ...item }) => ({
            ...item,
            configurationItemCaptureTime: new Date(capturedAt),
            configurationItemStatus: status,
            supplementaryConfiguration: supplementary,
          })),
      };
    },
  },
};
