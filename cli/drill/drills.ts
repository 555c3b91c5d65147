/** Every drill there is, in the order in which they are played. */
import { blockPublicBucket, denyBucketPrincipal, quarantineObject } from './playbooks/buckets.ts';
import { containKubernetesIdentity } from './playbooks/contain-kubernetes-identity.ts';
import { lists, suppress } from './playbooks/detector.ts';
import { isolateInstance } from './playbooks/isolate-instance.ts';
import { restoreLogging } from './playbooks/restore-logging.ts';
import { restrictDatabase } from './playbooks/restrict-database.ts';
import { revokeInstanceSession, revokeRoleSessions } from './playbooks/role-sessions.ts';
import { stopTask } from './playbooks/stop-task.ts';
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
  stopTask,
  restrictDatabase,
  containKubernetesIdentity,
  restoreLogging,
  suppress,
  lists,
];

/** What has no drill, and why: printed with every report. */
export const UNDRILLED: readonly { readonly what: string; readonly why: string }[] = [
  {
    what: 'what changes inside a Kubernetes cluster (quarantine-pod, bindings)',
    why: 'a cluster of a drill does not have the RBAC of docs/kubernetes.md, and no node',
  },
  { what: 'trusted lists', why: 'a detector has one, and what is on it raises no finding' },
  {
    what: 'detect-only playbooks (notify, mark-image)',
    why: 'they contain nothing that could be seen from outside',
  },
];
