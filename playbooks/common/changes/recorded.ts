/**
 * What AWS Config recorded of a resource, where it is on: the value before a call that neither the call nor the event history
 * shows. Items outlive the 90 days of the event history, and no one but AWS writes those of AWS's own types.
 */
import type { ResourceType } from '@aws-sdk/client-config-service';
import type { Scope } from '../../../core/aws/arn.ts';
import type { Aws } from '../../../core/aws/client.ts';
import { awsErrorName, isAwsError, mayRetry } from '../../../core/errors.ts';
import type { Permission } from '../../../core/journal/playbook.ts';
import { isJsonObject, type Json, type JsonObject } from '../../../core/json.ts';
import { utcMinute } from '../../../core/words.ts';
import { anyJson } from '../step-kind.ts';

/** A resource as Config names it: by the id of its items, or by a name where the id says less. */
export type ConfigResource =
  | { readonly type: ResourceType; readonly id: string }
  | { readonly type: ResourceType; readonly name: string };

/** The texts of an item, parsed. Config spells members with a small first letter, but for types that CloudFormation models. */
export interface ConfigItem {
  readonly configuration: JsonObject;
  readonly supplementary: JsonObject;
}

/** How an inverse finds its value in what Config recorded. */
export interface Recorded<R, V = unknown> {
  of(resource: R, scope: Scope): ConfigResource;
  /** The value; undefined where the item does not say. What does not fit the schema of the inverse is passed over. */
  value(item: ConfigItem, resource: R): V | undefined;
}

export const CONFIG_READS: Permission = {
  // Neither has a resource level.
  actions: ['config:GetResourceConfigHistory', 'config:ListDiscoveredResources'],
  resources: ['*'],
  why: 'what was there before the changes, where AWS Config recorded it',
};

/** `at` and the item, or why there is none, as the rest of a sentence about AWS Config. */
export type Recording = { readonly item: ConfigItem; readonly at: string } | { readonly why: string };

/** An item that says that the resource was there, recorded as it was. */
const THERE: ReadonlySet<string> = new Set(['OK', 'ResourceDiscovered']);
/** Items of one second with the call do not say which came first. */
const MOST_ITEMS = 10;

/** Returns the newest item that was captured before the time. */
export async function recordedBefore(aws: Aws, of: ConfigResource, at: string): Promise<Recording> {
  try {
    const { client, api } = await aws.config();
    const resourceId = 'id' in of ? of.id : await idOf(aws, of);
    if (resourceId === undefined) return { why: 'it does not know the resource' };
    const { configurationItems = [] } = await client.send(
      new api.GetResourceConfigHistoryCommand({
        ...{ resourceType: of.type, resourceId },
        laterTime: new Date(at),
        chronologicalOrder: 'Reverse',
        limit: MOST_ITEMS,
      }),
    );
    const captured = configurationItems.map((item) => ({
      ...item,
      at: item.configurationItemCaptureTime?.toISOString() ?? at,
    }));
    const newest = captured.filter((item) => item.at < at).sort((a, b) => (a.at < b.at ? 1 : -1))[0];
    if (!newest) return { why: 'it recorded nothing of it before' };
    if (!THERE.has(newest.configurationItemStatus ?? ''))
      return { why: `its item of ${utcMinute(newest.at)} does not hold the configuration` };
    const configuration = parsed(newest.configuration);
    const supplementary = Object.entries(newest.supplementaryConfiguration ?? {}).map(([name, text]) => [
      name,
      parsed(text),
    ]);
    return {
      at: newest.at,
      item: {
        configuration: isJsonObject(configuration) ? configuration : {},
        supplementary: Object.fromEntries(supplementary),
      },
    };
  } catch (error) {
    const why = whyUnread(error);
    if (why === undefined) throw error;
    return { why };
  }
}

async function idOf(
  aws: Aws,
  { type, name }: Extract<ConfigResource, { readonly name: string }>,
): Promise<string | undefined> {
  const { client, api } = await aws.config();
  const { resourceIdentifiers = [] } = await client.send(
    new api.ListDiscoveredResourcesCommand({ resourceType: type, resourceName: name }),
  );
  const ids = resourceIdentifiers.filter(({ resourceName }) => resourceName === name);
  // Two of one name: which is meant is not known.
  return ids.length === 1 ? ids[0]?.resourceId : undefined;
}

/** Undefined for what a retry may fix. */
function whyUnread(error: unknown): string | undefined {
  const name = awsErrorName(error);
  if (name === 'NoAvailableConfigurationRecorderException') return 'it is not on in this Region';
  if (name === 'ResourceNotDiscoveredException') return 'it does not know the resource';
  if (!isAwsError(error) || mayRetry(error)) return undefined;
  return `it was not read (${name ?? 'denied'})`;
}

/** Returns the value of a text that Config keeps as JSON; what is not JSON as it is. */
function parsed(text: string | undefined): Json {
  try {
    return anyJson.parse(JSON.parse(text ?? 'null'));
  } catch {
    return text ?? null;
  }
}
