import { z } from 'zod';
import { arn } from '../../../core/aws/arn.ts';
import { defineInverse, textIn } from '../../common/changes/inverse.ts';
import { unlessGone } from '../../common/unless-gone.ts';
import { LAMBDA } from '../functions.ts';

const MAPPINGS = 'arn:${Partition}:lambda:${Region}:${Account}:event-source-mapping:*';
const ON = 'enabled';
const OFF = 'disabled';

/** A queue or stream that was made to start a function starts it no longer; one that was cut off starts it again. */
export const functionSource = defineInverse({
  id: 'function-source',
  danger: 'persists',
  calls: {
    source: LAMBDA,
    names: ['CreateEventSourceMapping20150331', 'UpdateEventSourceMapping20150331'],
  },
  does: 'a queue or stream that was made to start a function is disabled; one that was enabled or disabled is as it was',
  resource: z.strictObject({ mapping: z.string().regex(/^[0-9a-f-]{36}$/) }),
  value: z.enum([ON, OFF]).nullable(),
  effects({ name, request, response }) {
    const made = name.startsWith('Create');
    const id = ['uUID', 'uuid'].map((one) => textIn(response, one) ?? textIn(request, one));
    const resource = { mapping: id[0] ?? id[1] };
    const set = request['enabled'];
    // What a call does not name it leaves: a new one is enabled then.
    if (set === undefined && !made) return [];
    return [{ resource, left: set === false ? OFF : ON, ...(made ? { before: OFF } : {}) }];
  },
  listedAs: ({ mapping }) => mapping,
  names: ({ scope }, { mapping }) => [arn(scope, 'lambda', `event-source-mapping:${mapping}`), mapping],
  says: ({ mapping }, wanted) => `${wanted === ON ? 'Enable' : 'Disable'} event source mapping ${mapping}`,
  async read(aws, { mapping }) {
    const { client, api } = await aws.lambda();
    const live = await unlessGone(client.send(new api.GetEventSourceMappingCommand({ UUID: mapping })));
    if (!live || live.State === 'Deleting') return null;
    return live.State === 'Disabled' || live.State === 'Disabling' ? OFF : ON;
  },
  async put(aws, { mapping }, to) {
    const { client, api } = await aws.lambda();
    await client.send(new api.UpdateEventSourceMappingCommand({ UUID: mapping, Enabled: to === ON }));
  },
  never: ({ mapping }, value) =>
    value === null ? `event source mapping ${mapping} was not there` : undefined,
  permissions: {
    read: [
      {
        actions: ['lambda:GetEventSourceMapping'],
        resources: [MAPPINGS],
        why: 'whether a queue or stream starts a function',
      },
    ],
    write: [
      {
        actions: ['lambda:UpdateEventSourceMapping'],
        resources: [MAPPINGS],
        why: 'what the principal made start a function does not; what it cut off does again',
        worst: 'cuts any function off from its queue or stream, or has it read from where another one did',
      },
    ],
  },
  words: { setting: 'Event source of a function', why: 'it starts the function with what it holds' },
  example: {
    eventName: 'CreateEventSourceMapping20150331',
    requestParameters: { functionName: 'refresh' },
    responseElements: { uUID: '1234abcd-12ab-34cd-56ef-1234567890ab' },
  },
});
