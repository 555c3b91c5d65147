import { z } from 'zod';
import { defineInverse } from '../../common/changes/inverse.ts';
import { setLogging, statusOf } from '../../common/logging/trails.ts';
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

/** A trail that was stopped, or created again, logs. */
export const trailLogging = defineInverse({
  id: 'trail-logging',
  danger: 'blinds',
  calls: { source: SOURCE, names: ['StopLogging', 'DeleteTrail'], alsoTold: ['StartLogging'] },
  does: 'the trail logs again',
  resource: trail,
  value: z.boolean().nullable(),
  effects: ({ name, request }, scope) => [
    {
      resource: trailIn(request, 'name', scope),
      left: name === 'DeleteTrail' ? null : name === 'StartLogging',
      guess: true,
    },
  ],
  listedAs: (one) => one.trail,
  alsoListedAs: (one) => [nameOf(one)],
  names: (_aws, one) => [one.trail, nameOf(one)],
  says: (one) => `Start logging of trail ${nameOf(one)}`,
  async read(aws, one) {
    const status = await unlessGone(statusOf(aws, argsOf(one, aws.scope.region)));
    return status?.logging ?? null;
  },
  put: (aws, one, to) => setLogging(aws, argsOf(one, aws.scope.region), to === true),
  needs: needsTrail,
  // A trail that was just created does not log, or is not shown yet.
  between: (_one, left) => (left === null ? [false, null] : []),
  never: (one, wanted, { region }) => (wanted === null ? keptTrail(one, region) : undefined),
  remains: (one) => [
    `what happened while trail ${nameOf(one)} was off was not recorded by it; delivery is seen within 15 minutes`,
  ],
  permissions: {
    read: [{ actions: ['cloudtrail:GetTrailStatus'], resources: [TRAILS], why: 'whether a trail logs' }],
    write: [
      {
        actions: ['cloudtrail:StartLogging'],
        resources: [TRAILS],
        why: 'a trail that was stopped logs again',
        worst: 'starts a trail that its owner stopped, which costs its deliveries',
      },
    ],
    undo: [
      {
        actions: ['cloudtrail:StopLogging'],
        resources: [TRAILS],
        why: 'stops logging again, which two people must want',
        worst: 'stops every trail of the account',
      },
    ],
  },
  words: {
    setting: 'Logging of a trail',
    why: 'what happens while it is off is not recorded',
    values: { true: 'logs', false: 'does not log' },
  },
  example: { eventName: 'StopLogging', requestParameters: { name: 'audit' } },
});
