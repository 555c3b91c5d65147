import { awsCommand } from '../../../core/aws/command-line.ts';
import { said } from '../../common/changes/call.ts';
import { defineByHand, textIn } from '../../common/changes/inverse.ts';
import { BUCKET } from '../../common/s3/bucket-target.ts';

/** A bucket is deleted only when it is empty; its name is free for others after that. */
export const deletedBucket = defineByHand({
  id: 'deleted-bucket',
  danger: 'destroys',
  calls: { source: 's3.amazonaws.com', names: ['DeleteBucket'] },
  does: 'a deleted bucket is gone, and so are its objects: take its name again before others do, and restore from a backup',
  next(call) {
    const bucket = textIn(call.request, 'bucketName') ?? '';
    if (!BUCKET.test(bucket)) return undefined;
    return {
      what: `bucket ${bucket} was deleted (${said(call)}) and is gone: others may take its name, and get what is still written there`,
      next: `${awsCommand('s3 mb', { region: call.region })} s3://${bucket}`,
    };
  },
  example: { eventName: 'DeleteBucket', requestParameters: { bucketName: 'orders' } },
});
