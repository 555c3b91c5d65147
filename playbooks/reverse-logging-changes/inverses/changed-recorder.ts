import { awsCommand } from '../../../core/aws/command-line.ts';
import { said } from '../../common/changes/call.ts';
import { defineByHand } from '../../common/changes/inverse.ts';

/** Who may write a recorder or a delivery channel could send the records elsewhere, and passes a role. */
export const changedRecorder = defineByHand({
  id: 'changed-recorder',
  danger: 'blinds',
  calls: {
    source: 'config.amazonaws.com',
    names: [
      'PutConfigurationRecorder',
      'DeleteConfigurationRecorder',
      'PutDeliveryChannel',
      'DeleteDeliveryChannel',
    ],
  },
  does: 'set the recorder and the delivery channel again from your template, and start the recorder',
  next: (call) => ({
    what: `the recorder or the delivery channel of AWS Config in ${call.region} was changed (${said(call)}): set it again from your template`,
    next: `${awsCommand('configservice describe-configuration-recorders', { region: call.region })}`,
  }),
  example: { eventName: 'DeleteDeliveryChannel', requestParameters: { deliveryChannelName: 'default' } },
});
