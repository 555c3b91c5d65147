/** Whose calls are looked up: the identities that an incident contained, and what they went on as. */
import { z } from 'zod';
import { parseArn } from '../../aws/arn.ts';
import type { Finding } from '../../finding/finding.ts';
import type { Target } from '../../journal/playbook.ts';
import type { Incident, IncidentTarget } from '../incident.ts';
import { isContained } from '../status.ts';
import type { TrailRecord } from './record.ts';

/** One caller. Every text has passed the pattern of its kind. */
export interface Suspect {
  /** `access key ASIA...`, `user alice`. */
  readonly what: string;
  readonly keys: readonly string[];
  /** What CloudTrail calls `Username`: the user's name, or the session's. Others may have the same. */
  readonly name?: string;
  /** `AIDA...`, `AROA...:session`, `account:federated name`. */
  readonly principalId?: string;
  /** Where the principal's id is not known: its ARN, as records write it. */
  readonly arn?: string;
  /** The deny names this very identity, whatever credentials it comes with. */
  readonly denied?: 'identity';
}

export const KEY = /^A[A-Z0-9]{15,127}$/;
export const NAME = /^[\w+=,.@-]{1,64}$/;
const PRINCIPAL = /^(AIDA[A-Z0-9]{4,124}|AROA[A-Z0-9]{4,124}:[\w+=,.@-]{2,64}|\d{12}:[\w+=,.@-]{2,32})$/;

const text = (pattern: RegExp) => z.string().regex(pattern).nullish().catch(undefined);
const facts = z.object({
  accessKeyId: text(KEY),
  userName: text(NAME),
  userId: text(/^(AIDA[A-Z0-9]{4,124}|AROA[A-Z0-9]{4,124}:[\w+=,.@-]{2,64})$/),
  roleId: text(/^AROA[A-Z0-9]{4,124}$/),
  /** Of a principal on a bucket. */
  value: text(PRINCIPAL),
  /** Of an IAM principal in a cluster: `user/NAME`, `role/NAME`, and its ARN. */
  principal: text(/^(user|role)\/[\w+=,.@-]{1,64}$/),
  username: text(/^arn:[\w-]+:(iam|sts)::\d{12}:[\w+=,.@/-]{1,600}$/),
});

/** Returns the identities among the targets whose containment is in place, at least in part. */
export const suspectsOf = ({ targets, status }: Incident, finding: Finding): readonly Suspect[] =>
  isContained(status)
    ? targets.flatMap(({ target, plan, status: outcome = 'held' }) =>
        outcome !== 'held' && isContained(outcome) ? suspectOf(target, finding, plan) : [],
      )
    : [];

function suspectOf(target: Target, { accessKey }: Finding, plan: IncidentTarget['plan']): readonly Suspect[] {
  const given = facts.parse(target.facts);
  const named = identityOf(target, given);
  if (!named) return [];
  // The finding's key counts where the finding is about this very principal.
  const reported = KEY.test(accessKey?.accessKeyId ?? '') ? accessKey?.accessKeyId : undefined;
  const same =
    (named.principalId !== undefined && accessKey?.principalId === named.principalId) ||
    (target.kind === 'iam-user' && accessKey?.userName === named.name) ||
    target.kind === 'eks-identity';
  const keys = [given.accessKeyId, same ? reported : undefined].filter((key) => key != null);
  const unique = [...new Set(keys)];
  const [first] = unique;
  return [
    {
      ...named,
      keys: unique,
      what: first === undefined ? named.what : `access key ${first}`,
      ...(deniesIdentity(target, plan) ? { denied: 'identity' } : {}),
    },
  ];
}

/** Of a session: by its id. A cut-off and a pin go by something else in the request. */
const deniesIdentity = ({ kind }: Target, plan: IncidentTarget['plan']): boolean =>
  kind === 'iam-user' ||
  (plan?.kind === 'plan' && plan.steps.some(({ args }) => args['lever'] === 'session'));

type Named = Omit<Suspect, 'keys'>;

/** Kinds of targets that are an identity of IAM. Others stop what runs or close what is open: nothing to follow. */
function identityOf({ kind }: Target, given: z.output<typeof facts>): Named | undefined {
  const { userName, userId, roleId, value, principal, username } = given;
  switch (kind) {
    case 'iam-user':
      return userName == null
        ? undefined
        : { what: `user ${userName}`, name: userName, ...(userId == null ? {} : { principalId: userId }) };
    case 'role-session':
      return userId == null ? undefined : principalNamed(userId);
    case 'sso-session':
      return roleId == null || userName == null ? undefined : principalNamed(`${roleId}:${userName}`);
    case 's3-bucket-principal':
      return value == null ? undefined : principalNamed(value, userName ?? undefined);
    case 'eks-identity':
      return principal == null || username == null ? undefined : inCluster(principal, username);
    default:
      return undefined;
  }
}

function principalNamed(principalId: string, userName?: string): Named {
  const name = /:(.+)$/.exec(principalId)?.[1] ?? userName;
  return {
    what: name === undefined ? `principal ${principalId}` : `session ${name}`,
    principalId,
    ...(name === undefined ? {} : { name }),
  };
}

function inCluster(principal: string, username: string): Named | undefined {
  const name = parseArn(username)?.resource.split('/').at(-1) ?? '';
  // A role without its session does not name a caller.
  if (principal.startsWith('role/') && !username.includes(':assumed-role/')) return undefined;
  return NAME.test(name) ? { what: principal.replace('/', ' '), name, arn: username } : undefined;
}

/** Returns whether the suspect made the call, however the record was found. */
export const isBy = ({ userIdentity: caller }: TrailRecord, suspect: Suspect): boolean =>
  (caller.accessKeyId !== undefined && suspect.keys.includes(caller.accessKeyId)) ||
  (suspect.principalId !== undefined
    ? caller.principalId === suspect.principalId
    : suspect.arn !== undefined
      ? caller.arn === suspect.arn
      : caller.type === 'IAMUser' && caller.userName === suspect.name);
