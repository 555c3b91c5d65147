/** Buckets, and the trails that write into them. */

import { DeleteTrailCommand, ListTagsCommand as ListTrailTagsCommand } from '@aws-sdk/client-cloudtrail';
import { DeleteBucketCommand, DeleteObjectCommand, ListBucketsCommand } from '@aws-sdk/client-s3';
import { DRILL_PREFIX as PREFIX } from '../../../core/incident/drill.ts';
import { drillIn, each, found, type Kind, unlessGone } from './kind.ts';

export const bucket: Kind = {
  async find(aws) {
    const { client, api } = await aws.s3();
    const { Buckets } = await client.send(new ListBucketsCommand({}));
    return each(
      Buckets?.filter(({ Name }) => Name?.startsWith(PREFIX)),
      async ({ Name }) => {
        const tags = await unlessGone(() => client.send(new api.GetBucketTaggingCommand({ Bucket: Name })));
        return found(Name, drillIn(tags?.TagSet));
      },
    );
  },
  async remove(aws, id) {
    const { client, api } = await aws.s3();
    await unlessGone(async () => {
      // A policy can deny its own removal's way.
      await client.send(new api.DeleteBucketPolicyCommand({ Bucket: id }));
      let KeyMarker: string | undefined;
      do {
        const page = await client.send(
          new api.ListObjectVersionsCommand({ Bucket: id, ...(KeyMarker ? { KeyMarker } : {}) }),
        );
        for (const { Key, VersionId } of [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])])
          await client.send(new DeleteObjectCommand({ Bucket: id, Key, VersionId }));
        KeyMarker = page.IsTruncated && (page.Versions?.length ?? 0) === 0 ? page.NextKeyMarker : undefined;
        // What was listed is gone: the next page begins at the front again.
        if (page.IsTruncated && KeyMarker === undefined) KeyMarker = '';
      } while (KeyMarker !== undefined);
      await client.send(new DeleteBucketCommand({ Bucket: id }));
    });
  },
};

export const trail: Kind = {
  async find(aws) {
    const { client, api } = await aws.cloudTrail();
    const { trailList } = await client.send(new api.DescribeTrailsCommand({ includeShadowTrails: false }));
    return each(
      trailList?.filter(({ Name }) => Name?.startsWith(PREFIX)),
      async ({ Name, TrailARN = '' }) => {
        const { ResourceTagList } = await client.send(
          new ListTrailTagsCommand({ ResourceIdList: [TrailARN] }),
        );
        return found(Name, drillIn(ResourceTagList?.[0]?.TagsList));
      },
    );
  },
  async remove(aws, id) {
    const { client } = await aws.cloudTrail();
    await unlessGone(() => client.send(new DeleteTrailCommand({ Name: id })));
  },
};
