/** A trail that is stopped. */
import { CreateTrailCommand } from '@aws-sdk/client-cloudtrail';
import { arn } from '../../../core/aws/arn.ts';
import { callOf, makeBucket, policy, tagOf } from '../parts.ts';
import type { Drill } from '../scene.ts';

export const restoreLogging: Drill = {
  playbook: 'restore-logging',
  makes: 'a trail of one Region with a bucket of its own',
  attack: 'stops the trail',
  probe: 'asks CloudTrail whether the trail logs',
  cost: { usd: 0.05, why: 'a second copy of the management events of these minutes' },
  minutes: 20,
  settles: [],
  async play(kit) {
    const { client, api } = await kit.aws.cloudTrail();
    const { client: s3, api: s3Api } = await kit.aws.s3();
    const { scope } = kit.aws;
    const Name = kit.name('trail');
    const TrailARN = arn(scope, 'cloudtrail', `trail/${Name}`);
    const Bucket = await makeBucket(kit, 'trail-logs');
    const bucketArn = arn({ ...scope, account: '', region: '' }, 's3', Bucket);
    const ofTrail = {
      Principal: { Service: 'cloudtrail.amazonaws.com' },
      Condition: { StringEquals: { 'aws:SourceArn': TrailARN } },
    };
    await s3.send(
      new s3Api.PutBucketPolicyCommand({
        Bucket,
        Policy: policy(
          { ...ofTrail, Effect: 'Allow', Action: 's3:GetBucketAcl', Resource: bucketArn },
          {
            ...ofTrail,
            Effect: 'Allow',
            Action: 's3:PutObject',
            Resource: `${bucketArn}/AWSLogs/${scope.account}/*`,
          },
        ),
      }),
    );
    await kit.make('trail', Name, () =>
      client.send(new CreateTrailCommand({ Name, S3BucketName: Bucket, TagsList: [...tagOf(kit)] })),
    );
    await client.send(new api.StartLoggingCommand({ Name }));
    const logs = async (): Promise<boolean> =>
      (await client.send(new api.GetTrailStatusCommand({ Name }))).IsLogging === true;
    return {
      finding: {
        ...{ type: 'Stealth:IAMUser/CloudTrailLoggingDisabled', severity: 8, resourceRole: 'TARGET' },
        resource: {
          resourceType: 'AccessKey',
          accessKeyDetails: { userType: 'AssumedRole', userName: 'drill' },
        },
        action: {
          ...callOf('StopLogging', 'cloudtrail.amazonaws.com'),
          awsApiCallAction: {
            ...{ api: 'StopLogging', serviceName: 'cloudtrail.amazonaws.com' },
            affectedResources: { 'AWS::CloudTrail::Trail': TrailARN },
          },
        },
      },
      async attack() {
        await client.send(new api.StopLoggingCommand({ Name }));
        await kit.until('the trail is stopped', async () => !(await logs()));
      },
      holds: logs,
      works: async () => !(await logs()),
      state: async () => ({ logging: await logs() }),
    };
  },
};
