/** What a drill makes in GuardDuty. */
import type { Aws } from '../../../core/aws/client.ts';
import { isFirebreakError } from '../../../core/errors.ts';
import { DRILL_TAG, DRILL_PREFIX as PREFIX } from '../../../core/incident/drill.ts';
import { unsuppress } from '../../../core/incident/suppression.ts';
import { detectorOf } from '../../../core/lists/address-lists.ts';
import { deleteSet, setIds } from '../../../core/lists/sets.ts';
import { each, found, type Kind } from './kind.ts';

/** The detector, or undefined where GuardDuty is off: then there is nothing of it to find. */
async function detector(aws: Aws): Promise<string | undefined> {
  try {
    return await detectorOf(aws);
  } catch (error) {
    if (isFirebreakError(error) && error.code === 'NotFound') return undefined;
    throw error;
  }
}

/** Threat lists of domains alone: a drill makes no other. */
const placeOf = (DetectorId: string) =>
  ({ detector: DetectorId, kind: 'threat', holds: 'entities' }) as const;

export const filter: Kind = {
  async find(aws) {
    const DetectorId = await detector(aws);
    if (DetectorId === undefined) return [];
    const { client, api } = await aws.guardDuty();
    const { FilterNames } = await client.send(new api.ListFiltersCommand({ DetectorId }));
    return each(
      FilterNames?.filter((name) => name.startsWith(PREFIX)),
      async (FilterName) => {
        const { Tags } = await client.send(new api.GetFilterCommand({ DetectorId, FilterName }));
        return found(FilterName, Tags?.[DRILL_TAG]);
      },
    );
  },
  async remove(aws, id) {
    const DetectorId = await detector(aws);
    if (DetectorId === undefined) return;
    try {
      await unsuppress(aws, DetectorId, id);
    } catch (error) {
      if (!isFirebreakError(error) || error.code !== 'NotFound') throw error;
    }
  },
};

export const list: Kind = {
  async find(aws) {
    const DetectorId = await detector(aws);
    if (DetectorId === undefined) return [];
    const { client, api } = await aws.guardDuty();
    return each(await setIds(aws, placeOf(DetectorId)), async (ThreatEntitySetId) => {
      const { Tags, Status = '' } = await client.send(
        new api.GetThreatEntitySetCommand({ DetectorId, ThreatEntitySetId }),
      );
      return /^DELETE/.test(Status) ? [] : found(ThreatEntitySetId, Tags?.[DRILL_TAG]);
    });
  },
  async remove(aws, id) {
    const DetectorId = await detector(aws);
    if (DetectorId === undefined) return;
    const there = await setIds(aws, placeOf(DetectorId));
    if (there.includes(id)) await deleteSet(aws, placeOf(DetectorId), id);
  },
};
