import { awsCommand } from '../../../core/aws/command-line.ts';
import { said } from '../../common/changes/call.ts';
import { defineByHand, textIn } from '../../common/changes/inverse.ts';
import { handwork } from '../../common/detection/changes.ts';
import { SOURCE } from '../detection.ts';

/** What is gone, or what only another account can restore. */
export const lostDetection = defineByHand({
  id: 'lost-detection',
  danger: 'blinds',
  calls: {
    source: SOURCE,
    names: [
      ...['DeleteDetector', 'DeleteThreatIntelSet', 'DeleteThreatEntitySet', 'DeleteMembers'],
      ...['DisassociateFromAdministratorAccount', 'DisassociateFromMasterAccount'],
      'UpdateOrganizationConfiguration',
    ],
  },
  does: 'create the detector, list or member again; the administrator account takes this account back',
  next(call, scope) {
    const detector = textIn(call.request, 'detectorId') ?? '';
    if (!/^[0-9a-f]{32}$/.test(detector)) return undefined;
    if (call.name !== 'DeleteDetector') return handwork(scope, detector, call);
    const command = awsCommand('guardduty create-detector', { region: scope.region, enable: true });
    return {
      what: `GuardDuty was switched off in ${scope.region} (${said(call)}), and its findings are gone`,
      next: `${command}`,
    };
  },
  example: {
    eventName: 'DeleteDetector',
    requestParameters: { detectorId: '12abc34d567e8fa901bc2d34e56789f0' },
  },
});
