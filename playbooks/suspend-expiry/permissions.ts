import type { Playbook } from '../../core/journal/playbook.ts';

const BUCKETS = `arn:\${Partition}:s3:::*`;

export const LIFECYCLE_PERMISSIONS: Playbook['permissions'] = {
  read: [
    {
      actions: [
        's3:GetBucketLocation',
        's3:GetBucketTagging',
        's3:GetBucketVersioning',
        's3:GetLifecycleConfiguration',
      ],
      resources: [BUCKETS],
      why: 'the lifecycle rules of the bucket, and whether versioning keeps what they delete',
    },
    {
      // LookupEvents has no resource level.
      actions: ['cloudtrail:LookupEvents'],
      resources: ['*'],
      why: 'who wrote the lifecycle rules',
    },
  ],
  write: [
    {
      actions: ['s3:PutLifecycleConfiguration'],
      resources: [BUCKETS],
      why: 'suspends a rule, and restores it',
      worst: 'has S3 delete every object of any bucket but the evidence, within days',
    },
  ],
};
