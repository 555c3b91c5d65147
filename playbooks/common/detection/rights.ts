/** What putting GuardDuty's settings back needs; activating an IP list may need more [M-LAB]. */
import type { Playbook } from '../../../core/journal/playbook.ts';

const DETECTOR = 'arn:${Partition}:guardduty:${Region}:${Account}:detector/*';

export const DETECTION_RIGHTS: Playbook['permissions'] & {
  readonly undo: NonNullable<Playbook['permissions']['undo']>;
} = {
  read: [
    {
      actions: [
        'cloudtrail:LookupEvents',
        'guardduty:DescribePublishingDestination',
        'guardduty:GetFilter',
        'guardduty:GetIPSet',
        'guardduty:GetMemberDetectors',
        'guardduty:GetMembers',
        'guardduty:GetThreatEntitySet',
        'guardduty:GetThreatIntelSet',
        'guardduty:GetTrustedEntitySet',
        'guardduty:ListDetectors',
        'guardduty:ListFilters',
        'guardduty:ListIPSets',
        'guardduty:ListPublishingDestinations',
        'guardduty:ListThreatEntitySets',
        'guardduty:ListThreatIntelSets',
        'guardduty:ListTrustedEntitySets',
      ],
      resources: ['*'],
      why: "GuardDuty's filters, lists, publishing destination and members, and who changed them",
    },
  ],
  write: [
    {
      actions: [
        'guardduty:UpdateFilter',
        'guardduty:UpdateIPSet',
        'guardduty:UpdatePublishingDestination',
        'guardduty:UpdateThreatEntitySet',
        'guardduty:UpdateThreatIntelSet',
        'guardduty:UpdateTrustedEntitySet',
      ],
      resources: [DETECTOR],
      why: 'filters stop archiving, lists go back, findings go where they went',
      worst:
        'archives findings by a filter that is there, trusts addresses by a list that is there, exports findings elsewhere',
    },
    {
      // These have no resource level.
      actions: [
        'guardduty:CreateMembers',
        'guardduty:CreatePublishingDestination',
        'guardduty:StartMonitoringMembers',
        'guardduty:UpdateMemberDetectors',
      ],
      resources: ['*'],
      why: 'members are monitored again, with their features; a deleted destination is there again',
      worst:
        'switches features of member accounts off; exports findings to a bucket that lets GuardDuty write',
    },
  ],
  undo: [
    {
      actions: ['guardduty:DeletePublishingDestination'],
      resources: [DETECTOR],
      why: 'a destination that was not there, which two people must want',
      worst: 'ends the export of findings',
    },
    {
      // No resource level.
      actions: ['guardduty:DisassociateMembers', 'guardduty:StopMonitoringMembers'],
      resources: ['*'],
      why: 'members as they were, which two people must want',
      worst: 'stops GuardDuty from monitoring member accounts',
    },
  ],
};
