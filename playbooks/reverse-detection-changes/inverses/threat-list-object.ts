import { z } from 'zod';
import { defineInverse, textIn } from '../../common/changes/inverse.ts';
import { detectorNames, SOURCE } from '../detection.ts';
import { calls, changeList, list, listIn, listRights, listText, liveList, READ_LISTS } from '../lists.ts';

/** A threat list reads the object again that it read before. */
export const threatListObject = defineInverse({
  id: 'threat-list-object',
  danger: 'blinds',
  calls: { source: SOURCE, names: calls('Update', 'threat'), alsoTold: calls('Create', 'threat') },
  does: 'the list reads the object again that CloudTrail shows from before',
  resource: list.extend({ kind: z.literal('threat') }),
  value: z
    .string()
    .regex(/^(s3|https):\/\/[\w:/.@+=,()!*'-]{3,300}$/)
    .nullable(),
  effects(call) {
    const left = textIn(call.request, 'location');
    return left === undefined ? [] : [{ resource: listIn(call), left }];
  },
  listedAs: ({ id }) => id,
  names: (aws, { id }) => detectorNames(aws, id),
  says: (one, wanted) => `Let ${listText(one)} read ${wanted} again`,
  read: async (aws, one) => (await liveList(aws, one))?.location ?? null,
  async put(aws, one, to) {
    if (to === null) throw new Error('a threat list is never deleted');
    // It reads its object when it is activated, not before.
    const active = (await liveList(aws, one))?.active ?? false;
    await changeList(aws, one, { Location: to, Activate: active });
  },
  remains: () => [
    'what a threat list names raised no findings meanwhile; its object may have been changed as well',
  ],
  permissions: {
    read: [READ_LISTS],
    write: [
      listRights(
        ['ThreatEntitySet', 'ThreatIntelSet'],
        'threat lists read the object again that they read before',
        'lets threat lists read an empty object',
      ),
    ],
  },
  words: { setting: 'Object of a threat list', why: 'what it no longer names raises no findings' },
  example: {
    eventName: 'UpdateThreatIntelSet',
    requestParameters: {
      ...{ detectorId: '12abc34d567e8fa901bc2d34e56789f0', activate: true },
      ...{ threatIntelSetId: '0cb0141ab9fbde177613ab9436212e90', location: 's3://lists/empty.txt' },
    },
  },
});
