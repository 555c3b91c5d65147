/** How a record names a secret. */
import type { Call } from '../common/changes/call.ts';
import { valueIn } from '../common/changes/inverse.ts';

/** The ARN of a secret, whose name ends with six characters of Secrets Manager's. */
export const SECRET =
  /^arn:[a-z-]+:secretsmanager:[a-z0-9-]+:\d{12}:secret:[\w/+=.@-]{1,512}-[A-Za-z0-9]{6}$/;

/** Returns whether the secret was deleted at once, without a recovery window. */
export const isForced = ({ request }: Pick<Call, 'request'>): boolean =>
  String(valueIn(request, 'forceDeleteWithoutRecovery')) === 'true';
