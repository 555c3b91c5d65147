import { ec2Share } from '../ec2-share.ts';

/** Instances are started from an image by whom it is shared with. */
export const reversedImageShare = ec2Share({
  ...{ id: 'reversed-image-share', type: 'image', prefix: 'ami', permission: 'launchPermission' },
  gone: ['InvalidAMIID.NotFound', 'InvalidAMIID.Unavailable'],
  does: 'the account that was added may not launch the image any longer; one that was removed is named',
  worst: 'shares any image with anyone',
  ...{ setting: 'Machine image', why: 'whom it is shared with may start it and read its disks' },
  async shares(aws, ImageId) {
    const { client, api } = await aws.ec2();
    const input = { ImageId, Attribute: 'launchPermission' } as const;
    return (await client.send(new api.DescribeImageAttributeCommand(input))).LaunchPermissions;
  },
  async share(aws, ImageId, { OperationType, users = { UserGroups: ['all'] } }) {
    const { client, api } = await aws.ec2();
    const input = { ImageId, Attribute: 'launchPermission', OperationType, ...users };
    await client.send(new api.ModifyImageAttributeCommand(input));
  },
  example: {
    imageId: 'ami-0123456789abcdef0',
    launchPermission: { add: { items: [{ group: 'all' }] } },
    attributeType: 'launchPermission',
  },
});
