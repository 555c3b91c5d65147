import { z } from 'zod';
import type { Json } from '../../../core/json.ts';
import { defineInverse } from '../../common/changes/inverse.ts';
import { detectorNames, livePart, readRights, SOURCE, writePart } from '../detection.ts';

const value = z.enum(['monitored', 'paused', 'removed']).nullable();
const LEFT = {
  StartMonitoringMembers: 'monitored',
  StopMonitoringMembers: 'paused',
  DisassociateMembers: 'removed',
} as const;
const partOf = ({ account }: { readonly account: string }) => ({ of: 'member' as const, account });
const accountsIn = (given: Json | undefined): readonly Json[] => (Array.isArray(given) ? given : []);

/** A member account is monitored again. */
export const monitoredMember = defineInverse({
  id: 'monitored-member',
  danger: 'blinds',
  calls: {
    source: SOURCE,
    names: ['StopMonitoringMembers', 'DisassociateMembers'],
    alsoTold: ['StartMonitoringMembers'],
  },
  does: 'GuardDuty monitors the member account again',
  resource: z.strictObject({ account: z.string().regex(/^\d{12}$/) }),
  value,
  effects: ({ name, request }) =>
    accountsIn(request['accountIds']).map((account) => ({
      ...{ resource: { account }, left: Object.entries(LEFT).find(([one]) => one === name)?.[1] },
      guess: 'monitored',
    })),
  listedAs: ({ account }) => account,
  names: (aws, { account }) => detectorNames(aws, account),
  says: ({ account }) => `Let GuardDuty monitor member ${account} again`,
  read: async (aws, one) => value.parse(await livePart(aws, partOf(one))),
  put: (aws, one, to) => writePart(aws, partOf(one), to),
  never: ({ account }, to, { by }) =>
    by === 'reversal' && to !== 'monitored' ? `member ${account} was not monitored before` : undefined,
  remains: ({ account }) => [`what happened in account ${account} meanwhile was not seen by GuardDuty`],
  permissions: {
    read: [readRights(['guardduty:GetMembers'], 'which member accounts are monitored')],
    write: [
      {
        // These have no resource level.
        actions: ['guardduty:CreateMembers', 'guardduty:StartMonitoringMembers'],
        resources: ['*'],
        why: 'members are monitored again',
        worst: 'makes accounts of the organization members',
      },
    ],
    undo: [
      {
        // No resource level.
        actions: ['guardduty:DisassociateMembers', 'guardduty:StopMonitoringMembers'],
        resources: ['*'],
        why: 'members as they were, which two people must want',
        worst: 'stops GuardDuty from monitoring member accounts',
      },
    ],
  },
  words: { setting: 'Member of GuardDuty', why: 'what happens there raises no findings here' },
  example: {
    eventName: 'DisassociateMembers',
    requestParameters: { detectorId: '12abc34d567e8fa901bc2d34e56789f0', accountIds: ['222233334444'] },
  },
});
