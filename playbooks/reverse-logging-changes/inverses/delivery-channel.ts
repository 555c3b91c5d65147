import { z } from 'zod';
import { awsCommand } from '../../../core/aws/command-line.ts';
import { awsErrorName } from '../../../core/errors.ts';
import { toJson } from '../../../core/json.ts';
import { defineInverse, textIn, valueIn } from '../../common/changes/inverse.ts';
import { BUCKET } from '../../common/s3/bucket-target.ts';

const optional = z
  .string()
  .max(1024)
  .nullish()
  .transform((text) => text || null);
/** As records and the API spell it. */
const shown = z
  .object({
    s3BucketName: z.string().regex(BUCKET),
    s3KeyPrefix: optional,
    s3KmsKeyArn: optional,
    snsTopicARN: optional,
    configSnapshotDeliveryProperties: z.object({ deliveryFrequency: optional }).nullish(),
  })
  .transform(({ configSnapshotDeliveryProperties: snapshots, ...rest }) => ({
    bucket: rest.s3BucketName,
    prefix: rest.s3KeyPrefix,
    key: rest.s3KmsKeyArn,
    topic: rest.snsTopicARN,
    snapshots: snapshots?.deliveryFrequency ?? null,
  }));
const text = z.string().nullable();
const value = z
  .strictObject({ bucket: z.string().regex(BUCKET), prefix: text, key: text, topic: text, snapshots: text })
  .nullable();

/** AWS Config delivers where it did. A channel is set as a whole: what is left out is none. */
export const deliveryChannel = defineInverse({
  id: 'delivery-channel',
  danger: 'blinds',
  calls: { source: 'config.amazonaws.com', names: ['PutDeliveryChannel', 'DeleteDeliveryChannel'] },
  does: 'AWS Config delivers to the bucket, topic and key of before; a deleted channel is made again',
  resource: z.strictObject({ channel: z.string().regex(/^[\w.-]{1,256}$/) }),
  value,
  effects: ({ name, request }) =>
    name === 'DeleteDeliveryChannel'
      ? [{ resource: { channel: textIn(request, 'deliveryChannelName') }, left: null }]
      : [
          {
            resource: { channel: textIn(request, 'deliveryChannel', 'name') ?? 'default' },
            left: shown.safeParse(valueIn(request, 'deliveryChannel')).data,
          },
        ],
  listedAs: ({ channel }) => channel,
  // It has no ARN.
  names: (_aws, { channel }) => [channel],
  says: ({ channel }, wanted) =>
    `Let channel ${channel} of AWS Config deliver to ${wanted?.bucket} as before`,
  async read(aws, { channel }) {
    const { client, api } = await aws.config();
    try {
      const found = await client.send(
        new api.DescribeDeliveryChannelsCommand({ DeliveryChannelNames: [channel] }),
      );
      const [live] = found.DeliveryChannels ?? [];
      return live ? shown.parse(toJson(live)) : null;
    } catch (error) {
      if (awsErrorName(error) === 'NoSuchDeliveryChannelException') return null;
      throw error;
    }
  },
  async put(aws, { channel: name }, to) {
    const { client, api } = await aws.config();
    if (to === null) {
      await client.send(new api.DeleteDeliveryChannelCommand({ DeliveryChannelName: name }));
      return;
    }
    await client.send(
      new api.PutDeliveryChannelCommand({
        DeliveryChannel: {
          ...{ name, s3BucketName: to.bucket },
          ...(to.prefix === null ? {} : { s3KeyPrefix: to.prefix }),
          ...(to.key === null ? {} : { s3KmsKeyArn: to.key }),
          ...(to.topic === null ? {} : { snsTopicARN: to.topic }),
          ...(to.snapshots === null
            ? {}
            : { configSnapshotDeliveryProperties: { deliveryFrequency: frequency.parse(to.snapshots) } }),
        },
      }),
    );
  },
  needs: (_channel, made) => made.inverse === 'changed-recorder',
  never: ({ channel }, wanted, { by }) =>
    by === 'reversal' && wanted === null ? `channel ${channel} was not there before` : undefined,
  unknown: (_channel, region) =>
    `set it from your template: ${awsCommand('configservice describe-delivery-channels', { region })}`,
  remains: () => ['what AWS Config delivered meanwhile is where the channel pointed'],
  permissions: {
    read: [
      {
        // No resource level.
        actions: ['config:DescribeDeliveryChannels'],
        resources: ['*'],
        why: 'where AWS Config delivers',
      },
    ],
    write: [
      {
        // No resource level.
        actions: ['config:PutDeliveryChannel'],
        resources: ['*'],
        why: 'AWS Config delivers where it did',
        worst: 'sends the history of AWS Config to another bucket',
      },
    ],
    undo: [
      {
        actions: ['config:DeleteDeliveryChannel'],
        resources: ['*'],
        why: 'deletes again the channel that it made again, which two people must want',
        worst: 'ends the deliveries of AWS Config; what it delivered stays',
      },
    ],
  },
  words: { setting: 'Delivery channel of AWS Config', why: 'its history goes where it says' },
  example: { eventName: 'DeleteDeliveryChannel', requestParameters: { deliveryChannelName: 'default' } },
});

const frequency = z.enum(['One_Hour', 'Six_Hours', 'Three_Hours', 'Twelve_Hours', 'TwentyFour_Hours']);
