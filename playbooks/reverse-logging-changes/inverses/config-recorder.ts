import { z } from 'zod';
import { arn } from '../../../core/aws/arn.ts';
import { awsErrorName } from '../../../core/errors.ts';
import { defineInverse, textIn } from '../../common/changes/inverse.ts';

const RECORDERS = 'arn:${Partition}:config:${Region}:${Account}:configuration-recorder/*';

/** AWS Config records again; starting it twice is no error [M-LAB]. */
export const configRecorder = defineInverse({
  id: 'config-recorder',
  danger: 'blinds',
  calls: {
    source: 'config.amazonaws.com',
    names: ['StopConfigurationRecorder'],
    alsoTold: ['StartConfigurationRecorder'],
  },
  does: 'the recorder of AWS Config records again',
  resource: z.strictObject({ recorder: z.string().regex(/^[\w.-]{1,256}$/) }),
  value: z.boolean().nullable(),
  effects: ({ name, request }) => [
    {
      resource: { recorder: textIn(request, 'configurationRecorderName') },
      left: name === 'StartConfigurationRecorder',
      guess: true,
    },
  ],
  listedAs: ({ recorder }) => recorder,
  // The ARN ends with an id that no call names.
  names: ({ scope }, { recorder }) => [arn(scope, 'config', 'configuration-recorder/*'), recorder],
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
