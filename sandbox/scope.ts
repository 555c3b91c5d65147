/** Where the sandbox is. */
import type { Scope } from '../core/aws/arn.ts';

export const SANDBOX_SCOPE: Scope = { partition: 'aws', account: '111122223333', region: 'eu-west-1' };
export const SANDBOX_TABLE = 'firebreak-sandbox';
