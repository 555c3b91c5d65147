/** How a kind of resource is found again by the drill's tag, and removed. */
import type { Aws } from '../../../core/aws/client.ts';
import { awsErrorName } from '../../../core/errors.ts';
import { DRILL_TAG, DRILL_PREFIX as PREFIX } from '../../../core/incident/drill.ts';

export interface Kind {
  /** Ids of what carries the tag, by the drill that made it. */
  find(aws: Aws): Promise<readonly { readonly id: string; readonly drill: string }[]>;
  /** Removes it; what is gone already is no error. */
  remove(aws: Aws, id: string): Promise<void>;
}
export type Found = Awaited<ReturnType<Kind['find']>>;

/** IAM's roles and users are under it. */
export const PATH = '/firebreak-drill/';

type Tags = readonly { readonly Key?: string | undefined; readonly Value?: string | undefined }[];
export const drillIn = (tags: Tags | undefined): string | undefined =>
  tags?.find(({ Key }) => Key === DRILL_TAG)?.Value;
export const found = (id: string | undefined, drill: string | undefined): Found =>
  id === undefined || drill === undefined ? [] : [{ id, drill }];
export const each = async <T>(
  items: readonly T[] | undefined,
  look: (item: T) => Promise<Found>,
): Promise<Found> => {
  const all: { readonly id: string; readonly drill: string }[] = [];
  for (const item of items ?? []) all.push(...(await look(item)));
  return all;
};

const GONE =
  /^(NoSuch(Entity|Bucket|Key|TagSet)(Exception)?|ResourceNotFound(Exception)?|(Trail|Cluster)NotFoundException|Invalid\w+\.NotFound|NotFoundException|Gateway\.NotAttached|DB(Instance|Snapshot|SubnetGroup)NotFound(Fault)?)$/;
export async function unlessGone<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (GONE.test(awsErrorName(error) ?? '')) return undefined;
    throw error;
  }
}

export const byTag = { Filters: [{ Name: 'tag-key', Values: [DRILL_TAG] }] };

/** Their names carry the id of the drill. */
export const ofName = (name: string): Found =>
  found(name, new RegExp(`^${PREFIX}([0-9a-f]{12})-`).exec(name)?.[1]);
