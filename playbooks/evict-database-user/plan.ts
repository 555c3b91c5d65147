/** Up to three changes, each with a tick and its outage: the password, TLS, the sessions. Pure. */
import type { Plan, PlanOptions, StepOf, Target } from '../../core/journal/playbook.ts';
import { protectedBy } from '../common/protected.ts';
import type { DatabaseUserFacts } from '../common/rds/user-target.ts';
import type { EvictionState } from './state.ts';
import type { KINDS } from './steps.ts';

type Step = StepOf<typeof KINDS>;
/** A step with what it breaks. */
interface Change {
  readonly step: Step;
  readonly breaks: string;
}

export function planEviction(
  live: EvictionState,
  target: Target<DatabaseUserFacts>,
  options: PlanOptions,
): Plan<Step> {
  const { user } = target.facts;
  const pattern = protectedBy([target.id, live.arn, target.display], options.protectedArns);
  if (pattern !== undefined)
    return refused(`${target.id} is protected by policy.yml (protected: ${pattern})`);
  if (live.auroraCluster !== null)
    return refused(
      `${target.id} is a member of ${live.auroraCluster}, and the finding does not say so: users and parameters belong to the cluster`,
    );
  const changes = changesOf(live, target);
  const left = leftUndone(live);
  if (changes.length === 0) return refused(left.join('; '));
  return {
    kind: 'plan',
    steps: changes.map(({ step }) => step),
    blastRadius: {
      count: 1,
      unit: 'databases',
      detail: [`user ${user} of ${live.engine} ${target.id}`, ...changes.map(({ breaks }) => breaks)],
    },
    warnings: changes.map(({ breaks }) => breaks),
    residual: [...left, ...remains(live, user)],
    askBecause: [
      'the user is usually that of an application, which loses the database until it has the new password and connects again',
    ],
    tags: live.tags,
    arns: [live.arn],
  };
}

const refused = (reason: string): Plan<never> => ({
  kind: 'refused',
  reason,
  alternative: 'Change the password of the user and end its sessions in the database.',
});

function changesOf(live: EvictionState, { id, facts }: Target<DatabaseUserFacts>): readonly Change[] {
  const { cluster, user } = facts;
  const { rotation, tls, sessions } = live;
  return [
    ...('why' in rotation
      ? []
      : [
          {
            step: {
              id: 'password',
              kind: 'rotate-password',
              role: 'contain',
              describe: `Rotate the password of ${user} in ${nameOf(rotation.secret)} (cannot be undone)`,
              args: { id, cluster, ...rotation },
              before: 'same',
              after: 'rotated',
            } satisfies Step,
            breaks: `rotation: what keeps the old password of ${user} instead of reading the secret cannot log in any more, and undo does not bring it back`,
          },
        ]),
    ...('why' in tls
      ? []
      : [
          {
            step: {
              id: 'tls',
              kind: 'require-tls',
              role: 'contain',
              describe: `Require TLS of every connection (${tls.parameter} in ${tls.group})`,
              args: { group: tls.group, cluster, parameter: tls.parameter },
              before: tls.set,
              after: tls.on,
            } satisfies Step,
            breaks: 'TLS: clients of any user that connect without it are refused from then on',
          },
        ]),
    ...('why' in sessions
      ? []
      : [
          {
            step: {
              id: 'sessions',
              kind: 'end-sessions',
              role: 'contain',
              describe: `End every session of ${user} on the writer`,
              args: { cluster: id },
              before: 'open',
              after: 'ended',
            } satisfies Step,
            breaks: `sessions: open transactions of ${user} are rolled back, those of the application too`,
          },
        ]),
  ];
}

/** `arn:…:secret:NAME-AbCdEf` -> NAME */
const nameOf = (secret: string): string => secret.replace(/^.*:secret:/, '').replace(/-[A-Za-z0-9]{6}$/, '');

/** What is not among the steps, with the reason. */
const leftUndone = ({ rotation, tls, sessions }: EvictionState): readonly string[] => [
  ...('why' in rotation ? [`the password stays: ${rotation.why}`] : []),
  ...('why' in tls ? [`connections without TLS: ${tls.why}`] : []),
  ...('why' in sessions ? [`open sessions go on: ${sessions.why}`] : []),
];

const remains = ({ sessions, members }: EvictionState, user: string): readonly string[] => [
  ...('why' in sessions || members.length < 2
    ? []
    : [`sessions of ${user} on readers go on: the Data API answers for the writer alone`]),
  `users, grants and functions that ${user} made in the database stay: look for them`,
];
