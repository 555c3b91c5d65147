import { defineInverse, textIn } from '../../common/changes/inverse.ts';
import {
  label,
  ownQueue,
  permission,
  permissionIn,
  QUEUES,
  queue,
  queueNames,
  queuePolicy,
  queueUrl,
  requested,
  samePermission,
  unlessDone,
} from '../messaging.ts';

/** A permission that was added to a queue is removed. To add one is a right of undo alone. */
export const reversedQueuePermission = defineInverse({
  id: 'reversed-queue-permission',
  danger: 'exposes data',
  calls: { source: 'sqs.amazonaws.com', names: ['AddPermission'], alsoTold: ['RemovePermission'] },
  does: 'a permission that was added is removed',
  resource: queue.extend({ label }),
  value: permission,
  effects({ name, request }, scope) {
    const resource = { queue: ownQueue(textIn(request, 'queueUrl'), scope), label: textIn(request, 'label') };
    if (name === 'RemovePermission') return [{ resource, left: null }];
    // SQS refuses a label that is taken [M-LAB].
    return [{ resource, left: requested(request, 'aWSAccountIds', 'actions'), before: null }];
  },
  listedAs: ({ queue: of }) => of,
  names: queueNames,
  says: ({ queue: of, label: one }) => `Remove permission ${one} from queue ${of}`,
  read: async (aws, { queue: of, label: one }) => permissionIn(await queuePolicy(aws, of), one),
  async put(aws, of, to) {
    const { client, api } = await aws.sqs();
    const named = { QueueUrl: await queueUrl(aws, of.queue), Label: of.label };
    await unlessDone(
      () =>
        to === null
          ? client.send(new api.RemovePermissionCommand(named))
          : client.send(
              new api.AddPermissionCommand({ ...named, AWSAccountIds: to.accounts, Actions: to.actions }),
            ),
      async () => samePermission(permissionIn(await queuePolicy(aws, of.queue), of.label), to),
    );
  },
  same: samePermission,
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
        actions: ['sqs:RemovePermission'],
        resources: [QUEUES],
        why: 'a permission that the principal added is removed',
        worst: 'takes any statement from the policy of any queue',
      },
    ],
    undo: [
      {
        actions: ['sqs:AddPermission'],
        resources: [QUEUES],
        why: 'adds a permission again that was removed',
        worst: 'lets any account send to any queue and read it',
      },
    ],
  },
  words: { setting: 'Queue permission', why: 'it lets another account send to the queue or read it' },
  example: {
    eventName: 'AddPermission',
    requestParameters: {
      ...{ queueUrl: 'https://sqs.us-east-1.amazonaws.com/111122223333/orders', label: 'x' },
      ...{ aWSAccountIds: ['444455556666'], actions: ['ReceiveMessage'] },
    },
  },
});
