import { z } from 'zod';
import { defineInverse, textIn } from '../../common/changes/inverse.ts';
import { DETECTORS, detectorNames, livePart, readRights, SOURCE, writePart } from '../detection.ts';

const value = z.enum(['ARCHIVE', 'NOOP']).nullable();
const partOf = ({ filter }: { readonly filter: string }) => ({ of: 'filter' as const, name: filter });

/** A filter that was made or changed archives nothing until a person has checked what it matches. */
export const detectionFilter = defineInverse({
  id: 'detection-filter',
  danger: 'blinds',
  calls: { source: SOURCE, names: ['CreateFilter', 'UpdateFilter'] },
  does: 'a filter that was made or changed archives nothing any longer; it stays, to be checked',
  resource: z.strictObject({ filter: z.string().regex(/^[\w.-]{3,64}$/) }),
  value,
  effects({ name, request }) {
    const created = name === 'CreateFilter';
    const resource = { filter: textIn(request, created ? 'name' : 'filterName') };
    // A change of its criteria alone leaves the action: only one that archives hides findings.
    return [{ resource, left: textIn(request, 'action') ?? (created ? 'NOOP' : 'ARCHIVE'), before: 'NOOP' }];
  },
  listedAs: ({ filter }) => filter,
  names: (aws, { filter }) => detectorNames(aws, filter),
  says: ({ filter }) => `Stop filter ${filter} of GuardDuty from archiving findings`,
  read: async (aws, one) => value.parse(await livePart(aws, partOf(one))),
  put: (aws, one, to) => writePart(aws, partOf(one), to),
  remains: ({ filter }) => [
    'findings that a filter archived stay archived: list them with service.archived true, and unarchive what matters',
    `filter ${filter} archives nothing until its criteria are checked and its action is set again`,
  ],
  permissions: {
    read: [
      readRights(['guardduty:GetFilter', 'guardduty:ListFilters'], 'what the filters of GuardDuty archive'),
    ],
    write: [
      {
        actions: ['guardduty:UpdateFilter'],
        resources: [DETECTORS],
        why: 'filters that the principal made or changed stop archiving',
        worst: 'archives findings by a filter that is there',
      },
    ],
  },
  words: {
    setting: 'Filter of GuardDuty',
    why: 'what it archives reaches no one',
    values: { ARCHIVE: 'archives findings', NOOP: 'archives nothing' },
  },
  example: {
    eventName: 'CreateFilter',
    requestParameters: { detectorId: '12abc34d567e8fa901bc2d34e56789f0', name: 'noise', action: 'ARCHIVE' },
  },
});
