/** The GuardDuty calls Firebreak makes. */
export { ArchiveFindingsCommand, GuardDutyClient as Client } from '@aws-sdk/client-guardduty';
