/** Calls by which GuardDuty sees or reports less: what happens under their cover is the way back. */
import { ACCOUNT, type Call, type EventReader, ID, named } from './call.ts';
import { membersNamed } from './record.ts';

const FILTER = /^[\w.-]{3,64}$/;

const blinding = (names: readonly string[], read: Call['read']): Call => ({
  source: 'guardduty',
  gives: 'sharing',
  ...{ names, read },
});

const accounts = ({ record }: EventReader): readonly string[] =>
  membersNamed(record.requestParameters ?? undefined, 'accountIds')
    .flat()
    .filter((account) => typeof account === 'string')
    .filter((account) => ACCOUNT.test(account));

/** A call that sets a list, by the noun in its name. */
const list = (noun: string, idName: string, words: string, command: string): Call =>
  blinding([`Create${noun}`, `Update${noun}`], (event) => {
    const id = event.text(idName, ID);
    return {
      what: `${words} ${named(id)} of GuardDuty`,
      action: 'Switch the list off, or back to your object',
      command: event.regional(`guardduty update-${command}`, {
        'detector-id': event.asked('detectorId', ID),
        [`${command}-id`]: id,
        'no-activate': true,
      }),
    };
  });

export const DETECTION_CALLS: readonly Call[] = [
  blinding(['CreateFilter', 'UpdateFilter'], (event) => {
    const name = event.asked('filterName', FILTER) ?? event.asked('name', FILTER);
    // One that does not archive hides nothing; an update that does not name the action may.
    if (event.asked('action', /^NOOP$/) !== undefined) return undefined;
    return {
      what: `filter ${named(name)} of GuardDuty`,
      action: 'Stop the filter from archiving',
      command: event.regional('guardduty update-filter', {
        'detector-id': event.asked('detectorId', ID),
        'filter-name': name,
        action: 'NOOP',
      }),
    };
  }),
  list('IPSet', 'ipSetId', 'trusted IP list', 'ip-set'),
  list('TrustedEntitySet', 'trustedEntitySetId', 'trusted entity list', 'trusted-entity-set'),
  blinding(
    ['UpdateThreatIntelSet', 'UpdateThreatEntitySet', 'DeleteThreatIntelSet', 'DeleteThreatEntitySet'],
    (event) => ({
      what: `threat list ${named(event.asked('threatIntelSetId', ID) ?? event.asked('threatEntitySetId', ID))} of GuardDuty`,
      action: 'Set the list again from your template',
      command: undefined,
    }),
  ),
  blinding(['DeletePublishingDestination', 'UpdatePublishingDestination'], (event) => ({
    what: 'publishing destination of GuardDuty',
    action: 'Set the destination again from your template',
    command: event.regional('guardduty list-publishing-destinations', {
      'detector-id': event.asked('detectorId', ID),
    }),
  })),
  blinding(['StopMonitoringMembers'], (event) => ({
    what: `monitoring of members ${accounts(event).join(', ')} stopped`,
    action: 'Start monitoring them again',
    command: event.regional('guardduty start-monitoring-members', {
      'detector-id': event.asked('detectorId', ID),
      'account-ids': accounts(event),
    }),
  })),
  blinding(['DisassociateMembers', 'DeleteMembers'], (event) => ({
    what: `members ${accounts(event).join(', ')} of GuardDuty removed`,
    action: 'Add them again: create-members with the address of each',
    command: event.regional('guardduty get-members', {
      'detector-id': event.asked('detectorId', ID),
      'account-ids': accounts(event),
    }),
  })),
  blinding(['DisassociateFromAdministratorAccount', 'DisassociateFromMasterAccount'], () => ({
    what: 'this account left its GuardDuty administrator',
    action: 'Add it again in the administrator account: create-members',
    command: undefined,
  })),
  blinding(['UpdateMemberDetectors'], (event) => ({
    what: `GuardDuty's features in members ${accounts(event).join(', ')}`,
    action: 'Switch on what was switched off',
    command: event.regional('guardduty get-member-detectors', {
      'detector-id': event.asked('detectorId', ID),
      'account-ids': accounts(event),
    }),
  })),
  blinding(['UpdateDetector', 'DeleteDetector'], (event) => ({
    what: `detector ${named(event.asked('detectorId', ID))} of GuardDuty`,
    action: 'Compare it with your template: whether it is on, and with which features',
    command: event.regional('guardduty get-detector', { 'detector-id': event.asked('detectorId', ID) }),
  })),
  blinding(['UpdateOrganizationConfiguration'], (event) => ({
    what: "GuardDuty's settings for new accounts",
    action: 'Compare them with your template',
    command: event.regional('guardduty describe-organization-configuration', {
      'detector-id': event.asked('detectorId', ID),
    }),
  })),
];
