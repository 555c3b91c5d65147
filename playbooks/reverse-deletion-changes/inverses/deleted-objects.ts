import { awsCommand } from '../../../core/aws/command-line.ts';
import { said } from '../../common/changes/call.ts';
import { defineByHand, textIn } from '../../common/changes/inverse.ts';
import { BUCKET } from '../../common/s3/bucket-target.ts';

/**
 * A data event: only where a trail or a store of CloudTrail gives it. Firebreak deletes no version of an object, and a marker is one;
 * to copy what it hides onto its key could be undone by a deletion alone. What the answer holds is recorded as headers [M-LAB].
 */
export const deletedObjects = defineByHand({
  id: 'deleted-objects',
  danger: 'destroys',
  calls: { source: 's3.amazonaws.com', names: ['DeleteObject', 'DeleteObjects'] },
  does: 'list the delete markers of the bucket, and delete those of the time of the attack: the objects are there again. Without versions they are gone',
  next(call) {
    const { region, request } = call;
    const bucket = textIn(request, 'bucketName') ?? '';
    if (!BUCKET.test(bucket)) return undefined;
    const what = `objects of bucket ${bucket} were deleted (${said(call)})`;
    const key = textIn(request, 'key');
    const marker = textIn(call.response, 'x-amz-version-id');
    // A key may hold anything: it is one word of the command.
    const hidden = call.name === 'DeleteObject' && String(call.response['x-amz-delete-marker']) === 'true';
    const one = hidden
      ? awsCommand('s3api delete-object', { ...{ region, bucket, key }, 'version-id': marker })
      : undefined;
    if (one !== undefined)
      return { what: `${what}, and hidden by a delete marker`, next: `delete the marker: ${one}` };
    const command = awsCommand('s3api list-object-versions', {
      ...{ region, bucket, query: 'DeleteMarkers[?IsLatest].[Key,VersionId,LastModified]' },
    });
    return { what, next: `${command}` };
  },
  example: { eventName: 'DeleteObject', requestParameters: { bucketName: 'orders', key: '2026/11.csv' } },
});
