import { defineInverse, textIn } from '../../common/changes/inverse.ts';
import {
  label,
  ownTopic,
  permission,
  permissionIn,
  requested,
  samePermission,
  TOPICS,
  topic,
  topicNames,
  topicPolicy,
  unlessDone,
} from '../messaging.ts';

/** A permission that was added to a topic is removed. To add one is a right of undo alone. */
export const reversedTopicPermission = defineInverse({
  id: 'reversed-topic-permission',
  danger: 'exposes data',
  calls: { source: 'sns.amazonaws.com', names: ['AddPermission'], alsoTold: ['RemovePermission'] },
  does: 'a permission that was added is removed',
  resource: topic.extend({ label }),
  value: permission,
  effects({ name, request }, scope) {
    const resource = { topic: ownTopic(textIn(request, 'topicArn'), scope), label: textIn(request, 'label') };
    if (name === 'RemovePermission') return [{ resource, left: null }];
    // SNS refuses a label that is taken [M-LAB].
    return [{ resource, left: requested(request, 'aWSAccountId', 'actionName'), before: null }];
  },
  listedAs: ({ topic: of }) => of,
  names: topicNames,
  says: ({ topic: of, label: one }) => `Remove permission ${one} from topic ${of.split(':').at(-1)}`,
  read: async (aws, { topic: of, label: one }) => permissionIn(await topicPolicy(aws, of), one),
  async put(aws, of, to) {
    const { client, api } = await aws.sns();
    const named = { TopicArn: of.topic, Label: of.label };
    await unlessDone(
      () =>
        to === null
          ? client.send(new api.RemovePermissionCommand(named))
          : client.send(
              new api.AddPermissionCommand({ ...named, AWSAccountId: to.accounts, ActionName: to.actions }),
            ),
      async () => samePermission(permissionIn(await topicPolicy(aws, of.topic), of.label), to),
    );
  },
  same: samePermission,
  permissions: {
    read: [{ actions: ['sns:GetTopicAttributes'], resources: [TOPICS], why: 'the policy of a topic' }],
    write: [
      {
        actions: ['sns:RemovePermission'],
        resources: [TOPICS],
        why: 'a permission that the principal added is removed',
        worst: 'takes any statement from the policy of any topic',
      },
    ],
    undo: [
      {
        actions: ['sns:AddPermission'],
        resources: [TOPICS],
        why: 'adds a permission again that was removed',
        worst: 'lets any account publish to any topic and read it',
      },
    ],
  },
  words: { setting: 'Topic permission', why: 'it lets another account publish to the topic or read it' },
  example: {
    eventName: 'AddPermission',
    requestParameters: {
      ...{ topicArn: ['arn', 'aws', 'sns', 'us-east-1', '111122223333', 'orders'].join(':'), label: 'x' },
      ...{ aWSAccountId: ['444455556666'], actionName: ['Subscribe'] },
    },
  },
});
