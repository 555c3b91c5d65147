import { z } from 'zod';
import { defineInverse } from '../../common/changes/inverse.ts';
import { detectorNames, SOURCE } from '../detection.ts';
import { calls, changeList, list, listIn, listRights, listText, liveList, READ_LISTS } from '../lists.ts';

/** A trusted list that was made or changed is switched off: what it names raises no findings. A threat list is switched on. */
export const detectionList = defineInverse({
  id: 'detection-list',
  danger: 'blinds',
  calls: {
    source: SOURCE,
    names: [...calls('Create', 'trusted'), ...calls('Update', 'trusted'), ...calls('Update', 'threat')],
    alsoTold: calls('Create', 'threat'),
  },
  does: 'a trusted list that was made or changed is switched off; a threat list that was switched off is on again',
  resource: list,
  /** Whether it is in use; null: it is gone. */
  value: z.boolean().nullable(),
  effects(call) {
    const resource = listIn(call);
    const active = call.request['activate'];
    const left = active !== false && active !== 'false';
    // Whatever a trusted list was, its object may have been changed.
    if (resource?.kind === 'trusted') return [{ resource, left, before: false }];
    return [{ resource, left, guess: true }];
  },
  listedAs: ({ id }) => id,
  names: (aws, { id }) => detectorNames(aws, id),
  says: (one, wanted) => `Switch ${listText(one)} ${wanted ? 'on again' : 'off'}`,
  read: async (aws, one) => (await liveList(aws, one))?.active ?? null,
  put: (aws, one, to) => changeList(aws, one, { Activate: to === true }),
  never: (one, value, { by }) =>
    by === 'reversal' && value !== (one.kind === 'threat') ? `${listText(one)} was off before` : undefined,
  remains: (one) =>
    one.kind === 'trusted'
      ? [
          'what a trusted list named meanwhile raised no findings',
          `${listText(one)} is used again once its object is checked and the list activated`,
        ]
      : ['what a threat list names raised no findings meanwhile'],
  permissions: {
    read: [READ_LISTS],
    write: [
      listRights(
        ['IPSet', 'ThreatEntitySet', 'ThreatIntelSet', 'TrustedEntitySet'],
        'trusted lists are switched off, and threat lists on',
        'trusts addresses by a list that is there, or switches threat lists off',
      ),
    ],
  },
  words: {
    setting: 'List of GuardDuty',
    why: 'what a trusted list names, and what no threat list names, raises no findings',
    values: { true: 'in use', false: 'off' },
  },
  example: {
    eventName: 'CreateIPSet',
    requestParameters: {
      ...{ detectorId: '12abc34d567e8fa901bc2d34e56789f0', name: 'office', format: 'TXT' },
      ...{ location: 's3://lists/office.txt', activate: true },
    },
    responseElements: { ipSetId: '0cb0141ab9fbde177613ab9436212e90' },
  },
});
