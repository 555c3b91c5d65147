import { z } from 'zod';
import type { Json } from '../../../core/json.ts';
import { defineInverse } from '../../common/changes/inverse.ts';
import {
  blindSpot,
  putSelectors,
  selectorsIn,
  selectorsOf,
  widened,
} from '../../common/logging/selectors.ts';
import { argsOf, nameOf, SOURCE, TRAILS, trail, trailIn, unlessGone } from '../trail.ts';

/** A trail records again what it recorded before. */
export const trailSelectors = defineInverse({
  id: 'trail-selectors',
  danger: 'blinds',
  calls: { source: SOURCE, names: ['PutEventSelectors'] },
  does: 'the selectors that CloudTrail shows from before are put again; else all management events in addition to what is recorded',
  resource: trail,
  /** In the spelling of the API; null: the trail is gone. */
  value: z.custom<Json>((given) => given === null || blindSpot(given as Json) !== 'nothing that is known'),
  effects({ request }, scope) {
    const left = selectorsIn(request);
    // More than it records is never less.
    return left === undefined
      ? []
      : [{ resource: trailIn(request, 'trailName', scope), left, guess: widened(left) }];
  },
  listedAs: (one) => one.trail,
  names: (_aws, one) => [one.trail, nameOf(one)],
  says: (one, wanted) =>
    `Let trail ${nameOf(one)} record ${blindSpot(wanted) ?? 'all management events'} again`,
  read: (aws, one) => unlessGone(selectorsOf(aws, argsOf(one, aws.scope.region))),
  put: (aws, one, to) => putSelectors(aws, argsOf(one, aws.scope.region), to),
  never: (one, value, { by, from }) =>
    by === 'reversal' && blindSpot(from) === undefined && blindSpot(value) !== undefined
      ? `trail ${nameOf(one)} recorded ${blindSpot(value)} before, which is less`
      : undefined,
  remains: (one) => [`what trail ${nameOf(one)} did not record meanwhile is missing there`],
  permissions: {
    read: [{ actions: ['cloudtrail:GetEventSelectors'], resources: [TRAILS], why: 'what a trail records' }],
    write: [
      {
        actions: ['cloudtrail:PutEventSelectors'],
        resources: [TRAILS],
        why: 'a trail records again what it recorded',
        worst: 'narrows what any trail of the account records, to next to nothing',
      },
    ],
  },
  words: { setting: 'Event selectors of a trail', why: 'what they leave out is not recorded' },
  example: {
    eventName: 'PutEventSelectors',
    requestParameters: {
      trailName: 'audit',
      eventSelectors: [{ readWriteType: 'ReadOnly', includeManagementEvents: false, dataResources: [] }],
    },
  },
});
