import type { ConfigurationRecorder, ResourceType } from '@aws-sdk/client-config-service';
import { z } from 'zod';
import { awsCommand } from '../../../core/aws/command-line.ts';
import { toJson } from '../../../core/json.ts';
import { defineInverse, textIn, valueIn } from '../../common/changes/inverse.ts';
import { liveRecorder, RECORDERS, recorder, recorderNames } from '../recorder.ts';

const [ALL, EXCLUSION, INCLUSION] = [
  'ALL_SUPPORTED_RESOURCE_TYPES',
  'EXCLUSION_BY_RESOURCE_TYPES',
  'INCLUSION_BY_RESOURCE_TYPES',
] as const;
/** AWS Config judges whether it knows the type. */
const type = z.custom<ResourceType>((text) => typeof text === 'string' && /^[\w:]{3,128}$/.test(text));
const types = z
  .array(type)
  .default([])
  .transform((all) => [...all].sort());
const group = z
  .object({
    allSupported: z.boolean().default(false),
    includeGlobalResourceTypes: z.boolean().default(false),
    resourceTypes: types,
    exclusionByResourceTypes: z.object({ resourceTypes: types }).default({ resourceTypes: [] }),
    recordingStrategy: z.object({ useOnly: z.enum([ALL, EXCLUSION, INCLUSION]) }).optional(),
  })
  .transform(({ allSupported, exclusionByResourceTypes, recordingStrategy, ...rest }) => ({
    strategy: recordingStrategy?.useOnly ?? (allSupported ? ALL : INCLUSION),
    global: rest.includeGlobalResourceTypes,
    types: rest.resourceTypes,
    without: exclusionByResourceTypes.resourceTypes,
  }));
const mode = z
  .object({
    recordingFrequency: z.enum(['CONTINUOUS', 'DAILY']).default('CONTINUOUS'),
    recordingModeOverrides: z
      .array(
        z.object({
          description: z
            .string()
            .max(128)
            .nullish()
            .transform((text) => text ?? null),
          resourceTypes: types,
          recordingFrequency: z.enum(['CONTINUOUS', 'DAILY']),
        }),
      )
      .default([]),
  })
  .transform(({ recordingFrequency, recordingModeOverrides }) => ({
    frequency: recordingFrequency,
    overrides: recordingModeOverrides,
  }));
/** As records and the API spell it. What is left out is what AWS Config takes then. */
const shown = z
  .object({
    roleARN: z.string().regex(/^arn:[\w-]+:iam::\d{12}:role\/[\w+=,.@/-]{1,576}$/),
    recordingGroup: group.prefault({ allSupported: true }),
    recordingMode: mode.prefault({}),
  })
  .transform(({ roleARN, recordingGroup, recordingMode }) => ({
    role: roleARN,
    ...recordingGroup,
    ...recordingMode,
  }));
const settings = z.strictObject({
  role: z.string(),
  strategy: z.enum([ALL, EXCLUSION, INCLUSION]),
  global: z.boolean(),
  types: z.array(type),
  without: z.array(type),
  frequency: z.enum(['CONTINUOUS', 'DAILY']),
  overrides: z.array(
    z.strictObject({
      description: z.string().nullable(),
      resourceTypes: z.array(type),
      recordingFrequency: z.enum(['CONTINUOUS', 'DAILY']),
    }),
  ),
});
type Settings = z.infer<typeof settings>;

/** AWS Config records what it recorded, under the role that it had; a deleted recorder is made again. Its items outlive it. */
export const changedRecorder = defineInverse({
  id: 'changed-recorder',
  danger: 'blinds',
  calls: {
    source: 'config.amazonaws.com',
    names: ['PutConfigurationRecorder', 'DeleteConfigurationRecorder'],
  },
  does: 'the recorder of AWS Config records the same types under the same role as before; under a service-linked role it is for a person, with the command',
  resource: recorder,
  value: settings.nullable(),
  effects: ({ name, request }) =>
    name === 'DeleteConfigurationRecorder'
      ? [{ resource: { recorder: textIn(request, 'configurationRecorderName') }, left: null }]
      : [
          {
            resource: { recorder: textIn(request, 'configurationRecorder', 'name') ?? 'default' },
            left: shown.safeParse(valueIn(request, 'configurationRecorder')).data,
          },
        ],
  listedAs: (one) => one.recorder,
  names: recorderNames,
  says: (one) => `Let the recorder ${one.recorder} of AWS Config record what it recorded`,
  async read(aws, one) {
    const live = await liveRecorder(aws, one);
    return live ? shown.parse(toJson(live)) : null;
  },
  async put(aws, { recorder: name }, to) {
    const { client, api } = await aws.config();
    if (to === null)
      await client.send(new api.DeleteConfigurationRecorderCommand({ ConfigurationRecorderName: name }));
    else
      await client.send(new api.PutConfigurationRecorderCommand({ ConfigurationRecorder: asked(name, to) }));
  },
  never(one, wanted, { region, by }) {
    if (wanted === null)
      return by === 'reversal' ? `recorder ${one.recorder} was not there before` : undefined;
    // No function of Firebreak passes a role of AWS's own.
    return wanted.role.includes(':role/aws-service-role/')
      ? `it has the role of AWS Config itself, which Firebreak does not pass: ${commandFor(one.recorder, wanted, region)}`
      : undefined;
  },
  unknown: (_one, region) =>
    `set it from your template: ${awsCommand('configservice describe-configuration-recorders', { region })}`,
  remains: () => ['AWS Config did not record meanwhile what the recorder left out'],
  permissions: {
    read: [
      {
        actions: ['config:DescribeConfigurationRecorders'],
        resources: [RECORDERS],
        why: 'what AWS Config records',
      },
    ],
    write: [
      {
        actions: ['config:PutConfigurationRecorder'],
        resources: [RECORDERS],
        why: 'AWS Config records what it recorded',
        worst: 'narrows what AWS Config records, to next to nothing',
      },
      {
        actions: ['iam:PassRole'],
        resources: ['arn:${Partition}:iam::${Account}:role/*'],
        condition: { StringEquals: { 'iam:PassedToService': 'config.amazonaws.com' } },
        why: 'the role under which a recorder reads',
        worst: 'lets AWS Config read as any role that trusts it',
      },
    ],
    undo: [
      {
        actions: ['config:DeleteConfigurationRecorder'],
        resources: [RECORDERS],
        why: 'deletes again the recorder that it made again, which two people must want',
        worst: 'stops AWS Config in the account; what it recorded stays',
      },
    ],
  },
  words: { setting: 'What AWS Config records', why: 'what it leaves out has no history' },
  example: {
    eventName: 'PutConfigurationRecorder',
    requestParameters: {
      configurationRecorder: {
        ...{ name: 'default', roleARN: ['arn', 'aws', 'iam', '', '111122223333', 'role/config'].join(':') },
        recordingGroup: { allSupported: false, resourceTypes: ['AWS::SNS::Topic'] },
      },
    },
  },
});

function asked(name: string, to: Settings): ConfigurationRecorder {
  const { role, strategy, global, types: only, without, frequency, overrides } = to;
  const covers = {
    [ALL]: { allSupported: true, includeGlobalResourceTypes: global },
    [EXCLUSION]: { exclusionByResourceTypes: { resourceTypes: without } },
    [INCLUSION]: { resourceTypes: only },
  }[strategy];
  const recordingModeOverrides = overrides.map(({ description, ...rest }) => ({
    ...(description === null ? {} : { description }),
    ...rest,
  }));
  return {
    ...{ name, roleARN: role, recordingGroup: { ...covers, recordingStrategy: { useOnly: strategy } } },
    recordingMode: {
      recordingFrequency: frequency,
      ...(recordingModeOverrides.length === 0 ? {} : { recordingModeOverrides }),
    },
  };
}

function commandFor(name: string, to: Settings, region: string): string {
  const { roleARN, recordingGroup, recordingMode } = asked(name, to);
  return `${awsCommand('configservice put-configuration-recorder', {
    region,
    'configuration-recorder': JSON.stringify({ name, roleARN, recordingMode }),
    'recording-group': JSON.stringify(recordingGroup),
  })}`;
}
