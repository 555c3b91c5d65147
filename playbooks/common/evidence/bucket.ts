/** Bucket and object as they stand. No object is read, only what S3 says about it. */
import type { Aws } from '../../../core/aws/client.ts';
import type { Permission } from '../../../core/journal/playbook.ts';
import { type Json, toJson } from '../../../core/json.ts';

export const READ_BUCKET: Permission = {
  actions: ['s3:GetBucketAcl', 's3:GetBucketPolicy', 's3:GetBucketPublicAccessBlock'],
  resources: ['arn:${Partition}:s3:::*'],
  why: 'evidence: who the bucket was open to',
};

/** Policy, ACL and public access block; null where S3 says that there is none. */
export async function bucketDocuments(aws: Aws, Bucket: string): Promise<Record<string, Json>> {
  const { client, api } = await aws.s3();
  const none = (error: unknown): null => {
    if (error instanceof Error && /^NoSuch(BucketPolicy|PublicAccessBlockConfiguration)$/.test(error.name))
      return null;
    throw error;
  };
  const [policy, acl, block] = await Promise.all([
    client.send(new api.GetBucketPolicyCommand({ Bucket })).then(({ Policy }) => Policy ?? null, none),
    client.send(new api.GetBucketAclCommand({ Bucket })),
    client
      .send(new api.GetPublicAccessBlockCommand({ Bucket }))
      .then((answer) => answer.PublicAccessBlockConfiguration ?? null, none),
  ]);
  return {
    bucket: {
      name: Bucket,
      policy: policy === null ? null : (JSON.parse(policy) as Json),
      acl: { owner: toJson(acl.Owner), grants: toJson(acl.Grants) },
      publicAccessBlock: toJson(block),
    },
  };
}
