import { z } from 'zod';
import { awsErrorName } from '../../../core/errors.ts';
import { defineInverse, textIn } from '../../common/changes/inverse.ts';
import {
  COPIED,
  effectOf,
  givenIn,
  isShared,
  publicNames,
  sharedWith,
  sharesWith,
  WORDS,
} from '../sharing.ts';

const IMAGES = 'arn:${Partition}:ec2:${Region}::image/*';

/** Instances are started from an image by whom it is shared with. */
export const reversedImageShare = defineInverse({
  id: 'reversed-image-share',
  danger: 'exposes data',
  calls: { source: 'ec2.amazonaws.com', names: ['ModifyImageAttribute'] },
  does: 'the account that was added may not launch the image any longer; one that was removed may again',
  resource: z.strictObject({ image: z.string().regex(/^ami-[0-9a-f]{8,17}$/), to: sharedWith }),
  value: isShared,
  effects: ({ request }) =>
    givenIn(request, 'launchPermission').map(({ to, left }) =>
      effectOf({ image: textIn(request, 'imageId'), to }, left),
    ),
  listedAs: ({ image }) => image,
  names: (aws, { image }) => publicNames(aws, 'image', image),
  says: ({ image, to }, wanted) => sharesWith(image, to, wanted),
  async read(aws, { image, to }) {
    const { client, api } = await aws.ec2();
    try {
      const { LaunchPermissions = [] } = await client.send(
        new api.DescribeImageAttributeCommand({ ImageId: image, Attribute: 'launchPermission' }),
      );
      return LaunchPermissions.some(({ UserId, Group }) => UserId === to || Group === to);
    } catch (error) {
      if (['InvalidAMIID.NotFound', 'InvalidAMIID.Unavailable'].includes(awsErrorName(error) ?? ''))
        return false;
      throw error;
    }
  },
  async put(aws, { image, to }, wanted) {
    const { client, api } = await aws.ec2();
    await client.send(
      new api.ModifyImageAttributeCommand({
        ...{ ImageId: image, Attribute: 'launchPermission' },
        OperationType: wanted ? 'add' : 'remove',
        ...(to === 'all' ? { UserGroups: ['all'] } : { UserIds: [to] }),
      }),
    );
  },
  remains: () => [COPIED],
  permissions: {
    read: [
      {
        actions: ['ec2:DescribeImageAttribute'],
        resources: [IMAGES],
        why: 'whom an image is shared with',
      },
    ],
    write: [
      {
        actions: ['ec2:ModifyImageAttribute'],
        resources: [IMAGES],
        why: 'whom the principal shared an image with loses access',
        worst: 'shares any image with anyone',
      },
    ],
  },
  words: {
    setting: 'Machine image',
    why: 'whom it is shared with may start it and read its disks',
    values: WORDS,
  },
  example: {
    eventName: 'ModifyImageAttribute',
    requestParameters: {
      imageId: 'ami-0123456789abcdef0',
      launchPermission: { add: { items: [{ group: 'all' }] } },
      attributeType: 'launchPermission',
    },
  },
});
