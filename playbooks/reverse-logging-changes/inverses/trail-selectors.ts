import { z } from 'zod';
import { awsCommand } from '../../../core/aws/command-line.ts';
import type { Json } from '../../../core/json.ts';
import { defineInverse } from '../../common/changes/inverse.ts';
import {
  blindSpot,
  MANAGEMENT,
  putSelectors,
  selectorsIn,
  selectorsOf,
  widened,
} from '../../common/logging/selectors.ts';
import {
  argsOf,
  keptTrail,
  nameOf,
  needsTrail,
  SOURCE,
  TRAILS,
  trail,
  trailIn,
  unlessGone,
} from '../trail.ts';

/** A trail records again what it recorded before. */
export const trailSelectors = defineInverse({
  id: 'trail-selectors',
  danger: 'blinds',
  calls: { source: SOURCE, names: ['PutEventSelectors', 'DeleteTrail'] },
  does: 'the selectors that CloudTrail shows from before are put again; else all management events in addition to what is recorded',
  resource: trail,
  /** In the spelling of the API; null: the trail is gone. */
  value: z.custom<Json>((given) => given === null || blindSpot(given as Json) !== 'nothing that is known'),
  effects({ name, request }, scope) {
    if (name === 'DeleteTrail') return [{ resource: trailIn(request, 'name', scope), left: null }];
    const left = selectorsIn(request);
    // More than it records is never less.
    return left === undefined
      ? []
      : [{ resource: trailIn(request, 'trailName', scope), left, guess: widened(left) }];
  },
  listedAs: (one) => one.trail,
  alsoListedAs: (one) => [nameOf(one)],
  recorded: {
    of: (one) => ({ type: 'AWS::CloudTrail::Trail', name: nameOf(one) }),
    // An item holds no selectors, but says whether someone put any [M-LAB].
    value: ({ configuration }) =>
      configuration['hasCustomEventSelectors'] === false ? MANAGEMENT : undefined,
  },
  names: (_aws, one) => [one.trail, nameOf(one)],
  says: (one, wanted) =>
    `Let trail ${nameOf(one)} record ${blindSpot(wanted) ?? 'all management events'} again`,
  read: (aws, one) => unlessGone(selectorsOf(aws, argsOf(one, aws.scope.region))),
  put: (aws, one, to) => putSelectors(aws, argsOf(one, aws.scope.region), to),
  needs: needsTrail,
  // What a trail records that was just created, or is not shown yet.
  between: (_one, left) => (left === null ? [MANAGEMENT, null] : []),
  never(one, value, { region, by, from }) {
    if (value === null) return keptTrail(one, region);
    return by === 'reversal' && blindSpot(from) === undefined && blindSpot(value) !== undefined
      ? `trail ${nameOf(one)} recorded ${blindSpot(value)} before, which is less`
      : undefined;
  },
  unknown: (one, region) =>
    `put them from your template: ${awsCommand('cloudtrail get-event-selectors', { region, 'trail-name': one.trail })}`,
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
