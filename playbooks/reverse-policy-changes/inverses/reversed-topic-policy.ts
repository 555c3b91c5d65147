import { textIn } from '../../common/changes/inverse.ts';
import { policyEffect } from '../../common/changes/policy.ts';
import { ownTopic, TOPICS, topic, topicNames, topicPolicy } from '../messaging.ts';
import { policyTextIn, resourcePolicy } from '../resource-policy.ts';

/** Who may publish to a topic and subscribe to it is again who might before. */
export const reversedTopicPolicy = resourcePolicy({
  id: 'reversed-topic-policy',
  calls: { source: 'sns.amazonaws.com', names: ['SetTopicAttributes'], alsoTold: ['CreateTopic'] },
  resource: topic,
  effects({ name, request, response }, scope) {
    const resource = { topic: ownTopic(textIn(request, 'topicArn') ?? textIn(response, 'topicArn'), scope) };
    if (name === 'CreateTopic') return [{ resource, left: policyTextIn(request, 'attributes', 'Policy') }];
    if (textIn(request, 'attributeName') !== 'Policy') return [];
    const effect = policyEffect(resource, textIn(request, 'attributeValue'), scope);
    // A topic always has a policy.
    return [{ ...effect, guess: effect.guess ?? undefined }];
  },
  listedAs: ({ topic: of }) => of,
  recorded: {
    of: ({ topic: id }) => ({ type: 'AWS::SNS::Topic', id }),
    value: ({ configuration }) => policyTextIn(configuration, 'Policy'),
  },
  names: topicNames,
  what: ({ topic: of }) => `topic ${of.split(':').at(-1)}`,
  read: (aws, { topic: of }) => topicPolicy(aws, of),
  async put(aws, { topic: TopicArn }, to) {
    if (to === null) throw new Error('a topic always has a policy');
    const { client, api } = await aws.sns();
    await client.send(
      new api.SetTopicAttributesCommand({ TopicArn, AttributeName: 'Policy', AttributeValue: to }),
    );
  },
  permissions: {
    read: [{ actions: ['sns:GetTopicAttributes'], resources: [TOPICS], why: 'the policy of a topic' }],
    write: [
      {
        actions: ['sns:SetTopicAttributes'],
        resources: [TOPICS],
        why: 'the policy of a topic goes back to what it was',
        worst: 'lets anyone publish to any topic and read it; changes any of its settings',
      },
    ],
  },
  ...{ setting: 'Topic policy', why: 'it says who may publish to the topic and subscribe to it' },
  example: {
    eventName: 'SetTopicAttributes',
    requestParameters: {
      topicArn: ['arn', 'aws', 'sns', 'us-east-1', '111122223333', 'orders'].join(':'),
      attributeName: 'Policy',
      attributeValue:
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"SNS:Subscribe","Resource":"*"}]}',
    },
  },
});
