/** What a principal changed between the first sign of it and its containment, from CloudTrail: reversed, where a person ticks it. */
import type { Aws } from '../../core/aws/client.ts';
import { describeError, isAccessDenied, isFirebreakError, mayRetry } from '../../core/errors.ts';
import type { Finding } from '../../core/finding/finding.ts';
import { defineComposite, type Expansion } from '../../core/journal/playbook.ts';
import { utcMinute } from '../../core/words.ts';
import { type Call, lookUp, suspectOf } from '../common/changes/call.ts';
import type { ChangeGroup } from '../common/changes/group.ts';
import { changesBy } from '../common/changes/history.ts';
import { iamCallerOf, READ_CALLER } from '../common/kubernetes/iam-caller.ts';
import { clusterOf } from '../common/kubernetes/kubernetes.ts';
import { alertingChanges } from '../reverse-alerting-changes/playbook.ts';
import { bucketChanges } from '../reverse-bucket-changes/playbook.ts';
import { codeChanges } from '../reverse-code-changes/playbook.ts';
import { deletionChanges } from '../reverse-deletion-changes/playbook.ts';
import { detectionChanges } from '../reverse-detection-changes/playbook.ts';
import { exposureChanges } from '../reverse-exposure-changes/playbook.ts';
import { functionChanges } from '../reverse-function-changes/playbook.ts';
import { iamChanges } from '../reverse-iam-changes/playbook.ts';
import { loggingChanges } from '../reverse-logging-changes/playbook.ts';
import { networkChanges } from '../reverse-network-changes/playbook.ts';
import { policyChanges } from '../reverse-policy-changes/playbook.ts';
import { sharingChanges } from '../reverse-sharing-changes/playbook.ts';
import { onwardSessions } from './onward.ts';

/** In the order in which they are shown and reversed. */
export const CHANGE_GROUPS: readonly ChangeGroup[] = [
  deletionChanges,
  iamChanges,
  sharingChanges,
  bucketChanges,
  policyChanges,
  exposureChanges,
  networkChanges,
  loggingChanges,
  alertingChanges,
  detectionChanges,
  codeChanges,
  functionChanges,
];

const MOST_NAMED = 10;

export const reverseChanges = defineComposite({
  id: 'reverse-changes',
  title: 'Reverse what a principal changed',
  about: `
Follows the containment of an identity, where CloudTrail shows that it changed something since the finding was
first seen, or went on as another role: one card with a tick for every session and change, the most dangerous first. Each group of resources is a target with a status and an undo
of its own; their pages list the calls that are answered and what is done about each:

${CHANGE_GROUPS.map(({ playbook }) => `- \`${playbook.id}\`: ${playbook.title.toLowerCase()}`).join('\n')}

Roles that it assumed come first, and those that were assumed with these sessions in turn: each session is a target of
\`revoke-role-sessions\` (\`revoke-instance-session\` where it has an instance's name), which refuses protected roles as ever. Ten on one card,
the newest; the others, and roles of other accounts, are named with the command that shows the call.

Looked through are the calls of the finding's access key or session, and of the keys that it was issued, in every enabled Region: up to
2,000 a Region; what was cut is said. Reads, refused calls and what AWS services do for themselves are passed over. A change that no
inverse answers is named with the command that shows it. The value before a change may also come from AWS Config, where it is on.
Where the deployment names a store of events (docs/call-history.md), it is searched as well, a year back: for calls older than 90 days, and
for those on data (objects that were written or deleted, functions that were invoked). The card says where it did not answer. Findings about an instance, container, function or database do not name a key or session, and do not ask: the
changes of its role are asked about with the finding about that role.

A call to an EKS cluster names its caller by a Kubernetes user. Where that is a principal of IAM for certain (by the id of the authenticator, its ARN, or
the one access entry or mapping of \`aws-auth\` that fits), and of a role the session that called, its changes are looked through by the id of
that user or session. A name that several mappings fit, and callers that only the cluster knows, are refused with the reason.
`.trim(),
  handles: [],
  reads: [
    {
      // Neither has a resource level.
      actions: ['cloudtrail:LookupEvents', 'ec2:DescribeRegions'],
      resources: ['*'],
      why: 'what the principal changed, in every Region',
    },
    ...READ_CALLER,
  ],
  expand: () => ({ ok: false, reason: 'what the principal changed is in CloudTrail, not in the finding' }),
  locate,
});

async function locate(given: Finding, aws: Aws): Promise<Expansion> {
  const caller = await calledBy(given, aws);
  if (!caller.ok) return caller;
  const found = await changesOf(caller.finding, aws);
  const { userName = '', principalId = '' } = caller.finding.accessKey ?? {};
  const who = [userName, ...principalId.split(':').slice(1)].join('/');
  // Its access to the cluster was contained, which is none to AWS.
  return found.ok && caller.finding !== given
    ? {
        ...found,
        residual: [
          ...(found.residual ?? []),
          `where ${who} is not contained in IAM as well, it can change again what is reversed`,
        ],
      }
    : found;
}

/** The finding as it is about a principal of IAM: a call to a cluster names one by its Kubernetes user alone. */
async function calledBy(
  finding: Finding,
  aws: Aws,
): Promise<
  { readonly ok: true; readonly finding: Finding } | { readonly ok: false; readonly reason: string }
> {
  if (suspectOf(finding)) return { ok: true, finding };
  if (clusterOf(finding) === undefined)
    return { ok: false, reason: 'the finding does not name the key or session of a principal' };
  try {
    const caller = await iamCallerOf(finding, aws);
    return caller.ok ? { ok: true, finding: { ...finding, accessKey: caller.accessKey } } : caller;
  } catch (error) {
    if (mayRetry(error) || !(isAccessDenied(error) || isFirebreakError(error))) throw error;
    return { ok: false, reason: `who called may not be read (${describeError(error)})` };
  }
}

async function changesOf(finding: Finding, aws: Aws): Promise<Expansion> {
  const given = suspectOf(finding);
  if (!given) return { ok: false, reason: 'the finding does not name the key or session of a principal' };
  const { calls, suspect, cut, stores } = await changesBy(given, aws);
  const onward = onwardSessions(finding, calls);
  const changes = CHANGE_GROUPS.flatMap((group) => {
    const target = group.targetOf(finding, suspect, calls);
    return target ? [{ playbook: group.playbook, target }] : [];
  });
  // A session that is still used could change again what is reversed.
  const parts = [...onward.parts, ...changes];
  const others = calls.filter(
    (call) =>
      !ENDS_WITH_ITS_SESSION.has(call.name) && !CHANGE_GROUPS.some((group) => group.answers(call, finding)),
  );
  const unhandled = [...cut, ...named(others.filter(({ data }) => !data)), ...counted(others)];
  const looked = changes.length > 0 ? stores.map((store) => `looked at as well: ${store}`) : [];
  const residual = [...shortened(onward.named), ...looked];
  return parts.length > 0
    ? { ok: true, parts, unhandled, residual }
    : {
        ok: false,
        reason: [
          'CloudTrail shows no change by the principal that can be reversed',
          ...residual,
          ...unhandled,
        ].join('; '),
      };
}

/** Calls that are recorded as changes and leave nothing to reverse. */
const ENDS_WITH_ITS_SESSION: ReadonlySet<string> = new Set([
  ...[
    'AssumeRole',
    'GetSessionToken',
    'GetFederationToken',
    'ConsoleLogin',
    'SwitchRole',
    'Decrypt',
    'GenerateDataKey',
  ],
]);

/** What no inverse answers, or is recorded in a form that none reads: the call, and the command that shows it. Both are made of what has passed a pattern. */
const named = (calls: readonly Call[]): readonly string[] =>
  shortened(
    calls.map((call) => `${call.name} (${call.source}) at ${call.at} has no inverse: ${lookUp(call)}`),
    'changes have no inverse',
  );

/** Calls about data are many: objects that were written, functions that were invoked. */
function counted(calls: readonly Call[]): readonly string[] {
  const byName = new Map<string, Call[]>();
  for (const call of calls.filter(({ data }) => data))
    byName.set(call.name, [...(byName.get(call.name) ?? []), call]);
  return [...byName].map(([name, of]) => {
    const [first, last] = [of[0]?.at, of.at(-1)?.at].map((at) => utcMinute(at ?? ''));
    return `${name} (${of[0]?.source}) of data has no inverse: ${of.length} calls, ${first} to ${last}, in ${of[0]?.store ?? 'CloudTrail'}`;
  });
}

const shortened = (lines: readonly string[], of = 'sessions live on'): readonly string[] => {
  const rest = lines.length - MOST_NAMED;
  return [...lines.slice(0, MOST_NAMED), ...(rest > 0 ? [`${rest} more ${of}`] : [])];
};
