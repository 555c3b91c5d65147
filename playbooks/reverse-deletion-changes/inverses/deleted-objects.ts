import { awsCommand } from '../../../core/aws/command-line.ts';
import { said } from '../../common/changes/call.ts';
import { defineByHand, textIn } from '../../common/changes/inverse.ts';
import { BUCKET } from '../../common/s3/bucket-target.ts';

/** A data event: only where a trail or a store of CloudTrail gives it. */
export const deletedObjects = defineByHand({
  id: 'deleted-objects',
  danger: 'destroys',
  calls: { source: 's3.amazonaws.com', names: ['DeleteObject', 'DeleteObjects'] },
  does: 'list the delete markers of the bucket, and delete those of the time of the attack: the objects are there again. Without versions they are gone',
  next(call) {
    const { region, request } = call;
    const bucket = textIn(request, 'bucketName') ?? '';
    if (!BUCKET.test(bucket)) return undefined;
    const command = awsCommand('s3api list-object-versions', {
      ...{ region, bucket, query: 'DeleteMarkers[?IsLatest].[Key,VersionId,LastModified]' },
    });
    return { what: `objects of bucket ${bucket} were deleted (${said(call)})`, next: `${command}` };
  },
  example: { eventName: 'DeleteObject', requestParameters: { bucketName: 'orders', key: '2026/11.csv' } },
});
