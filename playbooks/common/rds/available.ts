/** RDS changes a database only while it is available, so a change waits for that. */
import { type Aws, pause } from '../../../core/aws/client.ts';
import { FirebreakError } from '../../../core/errors.ts';
import { type Database, describeDatabase } from './database.ts';

/** What RDS documents as on its way to `available` again; not of a database that is stopped, deleted or broken. */
const PASSING_STATUS =
  /^(backing-up|backtracking|configuring-.+|converting-to-vpc|creating|failing-over|maintenance|migrating|modifying|moving-to-vpc|promoting|rebooting|renaming|resetting-master-credentials|starting|update-iam-db-auth|upgrading)$/;

/** RDS refuses changes and snapshots of a database that is being changed or backed up. */
export async function available(aws: Aws, database: Database): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    const { status } = await describeDatabase(aws, database);
    // RDS optimizes storage for hours, and the database is available meanwhile.
    if (status === 'available' || /^storage-.*optimization$/.test(status)) return;
    if (attempt >= 40 || !PASSING_STATUS.test(status)) {
      throw new FirebreakError('StepFailed', `the database is ${status}`, {
        resource: database.id,
        next: 'Wait until it is available, then try again.',
      });
    }
    await pause(5000);
  }
}
