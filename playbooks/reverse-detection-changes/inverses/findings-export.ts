import { z } from 'zod';
import { awsCommand } from '../../../core/aws/command-line.ts';
import { defineInverse, textIn } from '../../common/changes/inverse.ts';
import { destinationIn } from '../../common/detection/changes.ts';
import {
  DETECTORS,
  detectorNames,
  liveDetector,
  livePart,
  readRights,
  SOURCE,
  writePart,
} from '../detection.ts';

const PART = { of: 'destination' } as const;
const ARN = /^arn:[a-z-]+:(s3|kms):[a-z0-9-]*:\d*:[\w/.:-]{1,512}$/;
const destination = z
  .strictObject({ arn: z.string().regex(ARN), key: z.string().regex(ARN).nullable() })
  .nullable();

/** Findings are exported again to where they went. */
export const findingsExport = defineInverse({
  id: 'findings-export',
  danger: 'blinds',
  calls: {
    source: SOURCE,
    names: ['CreatePublishingDestination', 'UpdatePublishingDestination', 'DeletePublishingDestination'],
  },
  does: 'findings are exported again to the bucket that they went to',
  resource: z.strictObject({ detector: z.string().regex(/^[0-9a-f]{32}$/) }),
  value: destination,
  effects(call) {
    const resource = { detector: textIn(call.request, 'detectorId') };
    const left = destinationIn(call);
    // A destination where none is known stays: a reversal ends no export.
    const guess = call.name === 'CreatePublishingDestination' ? { guess: left } : {};
    return left === undefined ? [] : [{ resource, left, ...guess }];
  },
  listedAs: ({ detector }) => detector,
  names: (aws) => detectorNames(aws),
  says: (_detector, wanted) => `Export the findings of GuardDuty to ${wanted?.arn} again`,
  read: async (aws, { detector }) =>
    (await liveDetector(aws)) === detector ? destination.parse(await livePart(aws, PART)) : null,
  put: (aws, _detector, to) => writePart(aws, PART, to),
  never({ detector }, value, { region, by }) {
    if (value !== null || by === 'undo') return undefined;
    const command = awsCommand('guardduty list-publishing-destinations', { region, 'detector-id': detector });
    return `findings were not exported before, and a reversal ends no export: ${command}`;
  },
  remains: () => ['findings meanwhile were not exported'],
  permissions: {
    read: [
      readRights(
        ['guardduty:DescribePublishingDestination', 'guardduty:ListPublishingDestinations'],
        'where findings are exported to',
      ),
    ],
    write: [
      {
        actions: ['guardduty:UpdatePublishingDestination'],
        resources: [DETECTORS],
        why: 'findings go to where they went',
        worst: 'exports findings elsewhere',
      },
      {
        // No resource level.
        actions: ['guardduty:CreatePublishingDestination'],
        resources: ['*'],
        why: 'a destination that was deleted is there again',
        worst: 'exports findings to a bucket that lets GuardDuty write',
      },
    ],
    undo: [
      {
        actions: ['guardduty:DeletePublishingDestination'],
        resources: [DETECTORS],
        why: 'a destination that was not there, which two people must want',
        worst: 'ends the export of findings',
      },
    ],
  },
  words: { setting: 'Export of findings', why: 'what keeps and reads them there gets none' },
  example: {
    eventName: 'DeletePublishingDestination',
    requestParameters: { detectorId: '12abc34d567e8fa901bc2d34e56789f0', destinationId: 'a1' },
  },
});
