import { z } from 'zod';
import { awsErrorName } from '../../../core/errors.ts';
import { defineInverse, textIn } from '../../common/changes/inverse.ts';
import { RECORDERS, recorder as recorderForm, recorderNames } from '../recorder.ts';

/** AWS Config records again; starting it twice is no error [M-LAB]. */
export const configRecorder = defineInverse({
  id: 'config-recorder',
  danger: 'blinds',
  calls: {
    source: 'config.amazonaws.com',
    names: ['StopConfigurationRecorder', 'DeleteConfigurationRecorder'],
    alsoTold: ['StartConfigurationRecorder'],
  },
  does: 'the recorder of AWS Config records again',
  resource: recorderForm,
  value: z.boolean().nullable(),
  effects: ({ name, request }) => [
    {
      resource: { recorder: textIn(request, 'configurationRecorderName') },
      left: name === 'DeleteConfigurationRecorder' ? null : name === 'StartConfigurationRecorder',
      guess: true,
    },
  ],
  listedAs: ({ recorder }) => recorder,
  names: recorderNames,
  says: ({ recorder }) => `Start the recorder ${recorder} of AWS Config`,
  async read(aws, { recorder }) {
    const { client, api } = await aws.config();
    const asked = { ConfigurationRecorderNames: [recorder] };
    try {
      const found = await client.send(new api.DescribeConfigurationRecorderStatusCommand(asked));
      return found.ConfigurationRecordersStatus?.[0]?.recording ?? null;
    } catch (error) {
      if (awsErrorName(error) === 'NoSuchConfigurationRecorderException') return null;
      throw error;
    }
  },
  async put(aws, { recorder }, to) {
    const { client, api } = await aws.config();
    const named = { ConfigurationRecorderName: recorder };
    await (to === true
      ? client.send(new api.StartConfigurationRecorderCommand(named))
      : client.send(new api.StopConfigurationRecorderCommand(named)));
  },
  // It records to the channel of its Region.
  needs: ({ recorder }, { inverse, resource }) =>
    inverse === 'delivery-channel' || (inverse === 'changed-recorder' && resource['recorder'] === recorder),
  // One that was just made does not record, or is not shown yet.
  between: (_recorder, left) => (left === null ? [false, null] : []),
  never: ({ recorder }, wanted) =>
    wanted === null ? `recorder ${recorder} is deleted by the step that made it again` : undefined,
  remains: () => ['AWS Config recorded no changes while it was off'],
  permissions: {
    read: [
      {
        actions: ['config:DescribeConfigurationRecorderStatus'],
        resources: [RECORDERS],
        why: 'whether AWS Config records',
      },
    ],
    write: [
      {
        actions: ['config:StartConfigurationRecorder'],
        resources: [RECORDERS],
        why: 'AWS Config records again',
        worst: 'starts a recorder that its owner stopped, which costs its items',
      },
    ],
    undo: [
      {
        actions: ['config:StopConfigurationRecorder'],
        resources: [RECORDERS],
        why: 'stops recording again, which two people must want',
        worst: 'stops AWS Config in the account',
      },
    ],
  },
  words: {
    setting: 'Recorder of AWS Config',
    why: 'what is changed while it is off is not recorded',
    values: { true: 'records', false: 'does not record' },
  },
  example: {
    eventName: 'StopConfigurationRecorder',
    requestParameters: { configurationRecorderName: 'default' },
  },
});
