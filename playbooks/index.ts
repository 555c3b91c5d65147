/** Every playbook there is. The registry is these lists; nothing registers itself at import. */
import { isFirebreakError } from '../core/errors.ts';
import type { Finding } from '../core/finding/finding.ts';
import { compileGlobs, remembered } from '../core/glob.ts';
import type { Composite, Expansion, Part, PartChoice, Playbook } from '../core/journal/playbook.ts';
import { blockIndicator } from './block-indicator/playbook.ts';
import { blockPromptAttacks } from './block-prompt-attacks/playbook.ts';
import { blockPublicAccount } from './block-public-account/playbook.ts';
import { blockPublicBucket } from './block-public-bucket/playbook.ts';
import { containBucketPrincipal } from './contain-bucket-principal/playbook.ts';
import { containKubernetesGranter } from './contain-kubernetes-granter/playbook.ts';
import { containKubernetesIdentity } from './contain-kubernetes-identity/playbook.ts';
import { containKubernetesPrincipal } from './contain-kubernetes-principal/playbook.ts';
import { denyBucketPrincipal } from './deny-bucket-principal/playbook.ts';
import { denyDatabaseLogins } from './deny-database-logins/playbook.ts';
import { denyModelInvocation } from './deny-model-invocation/playbook.ts';
import { denyRoot } from './deny-root/playbook.ts';
import { detachInstanceProfile } from './detach-instance-profile/playbook.ts';
import { disableBedrockKeys } from './disable-bedrock-keys/playbook.ts';
import { disableUserKeys } from './disable-user-keys/playbook.ts';
import { endSignInSessions } from './end-sign-in-sessions/playbook.ts';
import { evictDatabaseUser } from './evict-database-user/playbook.ts';
import { isolateInstance } from './isolate-instance/playbook.ts';
import { markImage } from './mark-image/playbook.ts';
import { notify } from './notify/playbook.ts';
import { quarantineAccount } from './quarantine-account/playbook.ts';
import { quarantineObject } from './quarantine-object/playbook.ts';
import { quarantinePod } from './quarantine-pod/playbook.ts';
import { respondToEvasion } from './respond-to-evasion/playbook.ts';
import { respondToSequence } from './respond-to-sequence/playbook.ts';
import { restoreDetection } from './restore-detection/playbook.ts';
import { restoreEventSelectors } from './restore-event-selectors/playbook.ts';
import { restoreLogging } from './restore-logging/playbook.ts';
import { restrictDatabase } from './restrict-database/playbook.ts';
import { reverseAlertingChanges } from './reverse-alerting-changes/playbook.ts';
import { reverseBucketChanges } from './reverse-bucket-changes/playbook.ts';
import { reverseChanges } from './reverse-changes/playbook.ts';
import { reverseCodeChanges } from './reverse-code-changes/playbook.ts';
import { reverseDeletionChanges } from './reverse-deletion-changes/playbook.ts';
import { reverseDetectionChanges } from './reverse-detection-changes/playbook.ts';
import { reverseExposureChanges } from './reverse-exposure-changes/playbook.ts';
import { reverseFunctionChanges } from './reverse-function-changes/playbook.ts';
import { reverseIamChanges } from './reverse-iam-changes/playbook.ts';
import { reverseLoggingChanges } from './reverse-logging-changes/playbook.ts';
import { reverseNetworkChanges } from './reverse-network-changes/playbook.ts';
import { reversePolicyChanges } from './reverse-policy-changes/playbook.ts';
import { reverseSharingChanges } from './reverse-sharing-changes/playbook.ts';
import { revokeInstanceSession } from './revoke-instance-session/playbook.ts';
import { revokePodRole } from './revoke-pod-role/playbook.ts';
import { revokeRoleSessions } from './revoke-role-sessions/playbook.ts';
import { revokeSsoSessions } from './revoke-sso-sessions/playbook.ts';
import { scaleInService } from './scale-in-service/playbook.ts';
import { stopLauncher } from './stop-launcher/playbook.ts';
import { stopMiner } from './stop-miner/playbook.ts';
import { stopTask } from './stop-task/playbook.ts';
import { suspendExpiry } from './suspend-expiry/playbook.ts';
import { throttleFunction } from './throttle-function/playbook.ts';

/** The first that handles a type and finds its target in the finding is taken: the narrower action comes first. */
export const PLAYBOOKS: readonly Playbook[] = [
  revokeInstanceSession,
  // A task on EC2 comes with its host: the task is the narrower of the two.
  stopTask,
  scaleInService,
  // Findings of the audit log name who called; who called comes before the pod, and the pod before its host.
  containKubernetesIdentity,
  quarantinePod,
  markImage,
  isolateInstance,
  // Asked after a stolen session; the instance is not in the finding.
  detachInstanceProfile,
  blockPublicBucket,
  blockPublicAccount,
  quarantineObject,
  throttleFunction,
  restrictDatabase,
  // Asked after a database.
  evictDatabaseUser,
  denyDatabaseLogins,
  // Of an identity that uses AI models, the models alone.
  denyModelInvocation,
  blockPromptAttacks,
  // Asked after a user of models that has API keys of Bedrock.
  disableBedrockKeys,
  disableUserKeys,
  // Asked after a user that AWS lists sign-in sessions of.
  endSignInSessions,
  // A role of Identity Center cannot be changed as any other role can.
  revokeSsoSessions,
  revokeRoleSessions,
  revokePodRole,
  restoreLogging,
  restoreEventSelectors,
  restoreDetection,
  blockIndicator,
  denyBucketPrincipal,
  suspendExpiry,
  denyRoot,
  // Asked where policy.yml wants it, and the management account's role is deployed.
  quarantineAccount,
  // Asked after an identity: what it changed, one for each group of `reverse-changes`.
  reverseDeletionChanges,
  reverseIamChanges,
  reverseAlertingChanges,
  reverseSharingChanges,
  reverseBucketChanges,
  reversePolicyChanges,
  reverseExposureChanges,
  reverseNetworkChanges,
  reverseLoggingChanges,
  reverseDetectionChanges,
  reverseCodeChanges,
  reverseFunctionChanges,
];

/** Answers made of playbooks. They are asked before any single one. */
export const COMPOSITES: readonly Composite[] = [
  respondToSequence,
  respondToEvasion,
  containBucketPrincipal,
  containKubernetesGranter,
  containKubernetesPrincipal,
  stopMiner,
  stopLauncher,
  reverseChanges,
];

/** The answer where no playbook finds a target: it changes nothing. */
export const NOTICE = notify;

export type Choice =
  | {
      /** Id of the playbook or composite that answers. */
      readonly id: string;
      /** Kind of resource, for the circuit breaker; a composite counts as a kind of its own. */
      readonly kind: string;
      /** What people see: the one target, or how many there are. */
      readonly display: string;
      readonly parts: readonly Part[];
      readonly unhandled: readonly string[];
      /** What stays at risk however well the parts go. */
      readonly residual: readonly string[];
      /** There are no parts yet: `locate` of the playbook finds the target. */
      readonly sought?: true;
    }
  | { readonly none: string };

interface Answer {
  readonly id: string;
  readonly handles: (type: string) => boolean;
  readonly expand: (finding: Finding) => Expansion;
  /** A composite is counted by its id, a playbook by the kind of its target. */
  readonly composite: boolean;
}

const SINGLES: readonly Answer[] = PLAYBOOKS.map((playbook) => ({
  id: playbook.id,
  handles: compileGlobs(playbook.handles),
  expand: (finding: Finding): Expansion => {
    const choice = playbook.targetOf(finding);
    if (!choice.ok) return choice;
    const { target, residual } = choice;
    return {
      ok: true,
      parts: [{ playbook, target }],
      unhandled: [],
      ...(residual === undefined ? {} : { residual }),
    };
  },
  composite: false,
}));

const ANSWERS: readonly Answer[] = [
  ...COMPOSITES.map((composite) => ({
    id: composite.id,
    handles: compileGlobs(composite.handles),
    expand: (finding: Finding) => composite.expand(finding, single),
    composite: true,
  })),
  ...SINGLES,
];

const handlersIn = (answers: readonly Answer[]) =>
  remembered((type) => answers.filter(({ handles }) => handles(type)));
const answersTo = handlersIn(ANSWERS);
const singlesFor = handlersIn(SINGLES);

/** The first answer that handles the type and finds a target in the finding; otherwise why none does. */
export const choosePlaybook = (finding: Finding): Choice => choose(answersTo(answeredAs(finding)), finding);

/** The one playbook that answers automatically, for composites that add to it. */
function single(finding: Finding): PartChoice {
  const choice = choose(singlesFor(answeredAs(finding)), finding);
  if ('none' in choice) return { ok: false, reason: choice.none };
  const { parts, unhandled, residual, display } = choice;
  const [part] = parts;
  if (part) return { ok: true, part, unhandled, residual };
  return { ok: false, reason: `${display} has to be looked for` };
}

/**
 * The type by which a finding is answered. A Custom Detection Rule reports a call, whatever resource its type names: a rule that
 * is newer than this list must not be taken for what happens to that resource. Rules about buckets find who called in the bucket.
 */
const answeredAs = ({ customDetectionRule, family, type }: Finding): string =>
  customDetectionRule === undefined || family === 'S3' ? type : 'Persistence:IAM/AccountManipulation';

/** What answers say that come before the one that is taken. */
interface PassedOver {
  readonly reasons: Map<string, string[]>;
  readonly unhandled: string[];
  readonly residual: string[];
}

/** Of answers that handle the type, the first that finds a target. */
function choose(answers: readonly Answer[], finding: Finding): Choice {
  let passed: PassedOver | undefined;
  for (const answer of answers) {
    const expansion = expanded(answer, finding);
    const choice = choiceOf(answer.id, expansion, answer.composite);
    if (!('none' in choice)) {
      const { unhandled, residual } = choice;
      return {
        ...choice,
        unhandled: together(passed?.unhandled, unhandled),
        residual: together(passed?.residual, residual),
      };
    }
    passed ??= { reasons: new Map(), unhandled: [], residual: [] };
    const { reasons, unhandled, residual } = passed;
    const { sought, named } = expansion.ok ? {} : expansion;
    if (sought !== undefined)
      return {
        ...{ id: answer.id, kind: answer.id, display: sought, parts: [], sought: true },
        unhandled,
        residual,
      };
    if (named !== undefined) unhandled.push(choice.none);
    if (named === 'actor') residual.push(choice.none);
    // A composite that found nothing names the reasons of the playbooks it asked.
    const reason = choice.none.slice(`${answer.id}: `.length);
    const alike = reasons.get(reason);
    if (alike) alike.push(answer.id);
    else if (!reasonsText(reasons).includes(choice.none)) reasons.set(reason, [answer.id]);
  }
  const none = passed === undefined ? '' : reasonsText(passed.reasons);
  return { none: none || `no playbook answers ${finding.type}: it is only reported` };
}

/** What both say, each once. */
const together = (passed: readonly string[] = [], said: readonly string[]): readonly string[] =>
  passed.length === 0 && said.length < 2 ? said : [...new Set([...passed, ...said])];

/** `stop-task: why; isolate-instance: why`; what several say, once. */
const reasonsText = (reasons: ReadonlyMap<string, readonly string[]>): string =>
  [...reasons].map(([reason, ids]) => `${ids.join(', ')}: ${reason}`).join('; ');

/** What an answer found, as a choice. */
export function choiceOf(id: string, expansion: Expansion, composite: boolean): Choice {
  if (!expansion.ok) return { none: `${id}: ${expansion.reason}` };
  const { parts, unhandled, residual = [] } = expansion;
  const [first] = parts;
  if (first === undefined) return { none: `${id}: ${unhandled.join('; ') || 'it names nothing to act on'}` };
  const more = parts.length > 1 ? ` and ${parts.length - 1} more` : '';
  return {
    id,
    kind: composite ? id : first.target.kind,
    display: `${first.target.display}${more}`,
    parts,
    unhandled,
    residual,
  };
}

/** A part of the finding of a shape no one expects names nothing to act on; it must not keep the finding from reaching people. */
function expanded(answer: Answer, finding: Finding): Expansion {
  try {
    return answer.expand(finding);
  } catch (error) {
    if (isFirebreakError(error, 'FindingInvalid')) return { ok: false, reason: error.message };
    throw error;
  }
}

export const playbookById = (id: string): Playbook | undefined =>
  PLAYBOOKS.find((playbook) => playbook.id === id);

/** Whether everything that is acted on is only marked, which takes nothing down. */
export const marksOnly = (targets: readonly { readonly playbook: string }[]): boolean =>
  targets.length > 0 && targets.every(({ playbook }) => playbookById(playbook)?.tagsOnly === true);

export const compositeById = (id: string): Composite | undefined =>
  COMPOSITES.find((composite) => composite.id === id);

/**
 * Every playbook and composite that may contain what a type is about; which one does depends on what the finding carries.
 * With none, and for every finding in which none of them finds a target, the answer is `NOTICE`.
 */
export const answersFor = (type: string): readonly string[] => answersTo(type).map(({ id }) => id);
