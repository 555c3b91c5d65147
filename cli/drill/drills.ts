/** Every drill there is, in the order in which they are played. */
import { blockPublicBucket, denyBucketPrincipal, quarantineObject } from './playbooks/buckets.ts';
import { lists, suppress } from './playbooks/detector.ts';
import { isolateInstance } from './playbooks/isolate-instance.ts';
import { restoreLogging } from './playbooks/restore-logging.ts';
import { revokeInstanceSession, revokeRoleSessions } from './playbooks/role-sessions.ts';
import { throttleFunction } from './playbooks/throttle-function.ts';
import { disableUserKeys } from './playbooks/user-keys.ts';
import type { Drill } from './scene.ts';

export const DRILLS: readonly Drill[] = [
  revokeInstanceSession,
  revokeRoleSessions,
  disableUserKeys,
  blockPublicBucket,
  denyBucketPrincipal,
  quarantineObject,
  throttleFunction,
  isolateInstance,
  restoreLogging,
  suppress,
  lists,
];

/** What has no drill, and why: printed with every report. */
export const UNDRILLED: readonly { readonly what: string; readonly why: string }[] = [
  { what: 'EKS and RDS', why: 'a cluster or a database costs more than all else here together' },
  { what: 'ECS', why: 'a task cannot pull its image in a network without a way out, as that of a drill is' },
  { what: 'trusted lists', why: 'a detector has one, and what is on it raises no finding' },
  {
    what: 'detect-only playbooks (notify, mark-image)',
    why: 'they contain nothing that could be seen from outside',
  },
];
