/** An identity that is under incident made GuardDuty report less: what it changed is restored as a follow-up. */
import type { Aws } from '../../core/aws/client.ts';
import { isFirebreakError } from '../../core/errors.ts';
import type { Finding } from '../../core/finding/finding.ts';
import { reader } from '../../core/finding/reader.ts';
import { definePlaybook, type Playbook, type TargetChoice } from '../../core/journal/playbook.ts';
import { isJsonObject } from '../../core/json.ts';
import { DETECTION_RIGHTS } from '../common/detection/rights.ts';
import {
  DETECTION_KINDS,
  detectionState,
  detectionSubject,
  planDetection,
  readDetection,
} from '../common/detection/subject.ts';
import { detectionTarget, type LoggingFacts, loggingFacts } from '../common/logging/target.ts';
import { switchedOffAgain } from '../restore-logging/playbook.ts';

/** GuardDuty's settings, where CloudTrail shows that the finding's identity, or an actor of the sequence, changed them. */
async function locate(finding: Finding, aws: Aws): Promise<TargetChoice<LoggingFacts>> {
  const actors = actorsOf(finding);
  if (finding.accessKey === undefined && actors.length === 0)
    return { ok: false, reason: 'the finding does not name an identity of IAM' };
  const choice = detectionTarget(finding, actors.length > 0 ? actors : undefined);
  if (!choice.ok) return choice;
  try {
    const { changes, byHand, unread } = await readDetection(choice.target, aws);
    if (changes.length > 0 || byHand.length > 0) return choice;
    return { ok: false, reason: unread ?? "CloudTrail's event history shows no change of GuardDuty by it" };
  } catch (error) {
    // Without a detector there is nothing to restore.
    if (!isFirebreakError(error, 'NotFound')) throw error;
    return { ok: false, reason: error.message };
  }
}

/** Who acted in an attack sequence, as far as IAM knows them. */
function actorsOf({ detail }: Finding): NonNullable<LoggingFacts['others']> {
  const service = detail['service'];
  if (!isJsonObject(service)) return [];
  const sequence = reader(service, 'detail.service').child('detection')?.child('sequence');
  return (sequence?.children('actors') ?? []).flatMap((actor) => {
    const user = actor.child('user');
    const principalId = user?.optionalText('uid') ?? null;
    const accessKeyId = user?.optionalText('credentialUid') ?? null;
    return principalId === null && accessKeyId === null ? [] : [{ principalId, accessKeyId }];
  });
}

export const restoreDetection: Playbook = definePlaybook({
  id: 'restore-detection',
  title: 'Let GuardDuty report again what an identity kept it from',
  about: `
Follows the containment of an identity, or of what it switched off, where CloudTrail's event history shows that it changed
GuardDuty itself in the hour before the finding or since. \`restore-logging\` does the same where the finding is about such a call.

| changed | what is done |
|---|---|
| a filter that archives findings, made or changed | its action becomes NOOP: it archives nothing, and its criteria stay as evidence |
| a trusted list or entity set, made or changed | switched off; one that was moved to another object goes back to the object that another principal named, asked |
| a threat list or entity set, changed | back to the object that another principal named, asked |
| the publishing destination, deleted or changed | set again as another principal set it, asked |
| monitoring of members stopped, members disassociated | started again, or associated again with the address that GuardDuty keeps |
| features of members switched off | switched on again: those that its calls name |
| members or threat lists deleted, new accounts left out, the administrator left | named with what to type: only the administrator or your template can |

**Proof**: each part is read back; a destination that GuardDuty cannot write to is not restored.

**Not contained**: the identity. Findings that were archived stay archived, which is a remaining risk, as is what was not seen.

**Undo** makes GuardDuty as blind as it was, so a second person must agree.
`.trim(),
  handles: [],
  reversible: { kind: 'fully' },
  permissions: DETECTION_RIGHTS,
  proofDelaySeconds: 10,
  facts: loggingFacts,
  state: detectionState,
  targetOf: () => ({
    ok: false,
    reason: 'asked as a follow-up, where CloudTrail shows that GuardDuty was changed',
  }),
  locate,
  read: (target, aws) => readDetection(target, aws),
  plan: planDetection,
  kinds: DETECTION_KINDS,
  verify: (context, steps) => detectionSubject.verify(context, steps),
  undoSafety: switchedOffAgain,
});
