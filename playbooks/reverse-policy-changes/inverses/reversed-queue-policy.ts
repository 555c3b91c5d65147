import { textIn, valueIn } from '../../common/changes/inverse.ts';
import { policyEffect } from '../../common/changes/policy.ts';
import { ownQueue, QUEUES, queue, queueNames, queuePolicy, queueUrl } from '../messaging.ts';
import { policyTextIn, resourcePolicy } from '../resource-policy.ts';

/** Who may send to a queue and read it is again who might before. */
export const reversedQueuePolicy = resourcePolicy({
  id: 'reversed-queue-policy',
  calls: { source: 'sqs.amazonaws.com', names: ['SetQueueAttributes'], alsoTold: ['CreateQueue'] },
  resource: queue,
  effects({ name, request, response }, scope) {
    const url = textIn(request, 'queueUrl') ?? textIn(response, 'queueUrl');
    const resource = { queue: ownQueue(url, scope) };
    const policy = valueIn(request, 'attributes', 'Policy');
    // A queue that was made has no policy but the one that the call names; an empty one removes it.
    if (policy === undefined && name !== 'CreateQueue') return [];
    return [policyEffect(resource, policyTextIn(request, 'attributes', 'Policy') ?? null, scope)];
  },
  listedAs: ({ queue: of }) => of,
  recorded: {
    of: ({ queue: name }) => ({ type: 'AWS::SQS::Queue', name }),
    value: ({ configuration }) =>
      textIn(configuration, 'QueueArn') === undefined
        ? undefined
        : (policyTextIn(configuration, 'Policy') ?? null),
  },
  names: queueNames,
  what: ({ queue: of }) => `queue ${of}`,
  read: (aws, { queue: of }) => queuePolicy(aws, of),
  async put(aws, { queue: of }, to) {
    const { client, api } = await aws.sqs();
    const QueueUrl = await queueUrl(aws, of);
    // An empty text removes it [M-LAB].
    await client.send(new api.SetQueueAttributesCommand({ QueueUrl, Attributes: { Policy: to ?? '' } }));
  },
  permissions: {
    read: [
      {
        actions: ['sqs:GetQueueAttributes', 'sqs:GetQueueUrl'],
        resources: [QUEUES],
        why: 'the policy of a queue',
      },
    ],
    write: [
      {
        actions: ['sqs:SetQueueAttributes'],
        resources: [QUEUES],
        why: 'the policy of a queue goes back to what it was',
        worst: 'lets anyone send to any queue and read it; changes any of its settings',
      },
    ],
  },
  ...{ setting: 'Queue policy', why: 'it says who may send to the queue and read it' },
  example: {
    eventName: 'SetQueueAttributes',
    requestParameters: {
      queueUrl: 'https://sqs.us-east-1.amazonaws.com/111122223333/orders',
      attributes: {
        Policy:
          '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"SQS:ReceiveMessage","Resource":"*"}]}',
      },
    },
  },
});
