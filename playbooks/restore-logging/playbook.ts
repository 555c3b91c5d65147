/** Someone switched logging or detection off: restore it to what is known to have been there, and see whether it works. */
import { z } from 'zod';
import { FirebreakError } from '../../core/errors.ts';
import {
  definePlaybook,
  type Playbook,
  type StepKinds,
  type StepView,
  type UndoSafety,
} from '../../core/journal/playbook.ts';
import { isJsonObject, type JsonObject } from '../../core/json.ts';
import { detectionSubject } from '../common/detection/subject.ts';
import { loggingSettings } from '../common/logging/settings.ts';
import type { Subject } from '../common/logging/subject.ts';
import { type LoggingTarget, loggingFacts, loggingTarget } from '../common/logging/target.ts';
import { trails } from '../common/logging/trails.ts';
import { accessLogs } from './access-logs.ts';
import { detector } from './detector.ts';
import { flowLogs } from './flow-logs.ts';
import { modelLogging } from './model-logging.ts';
import { passwordPolicy } from './password-policy.ts';
import { LOGGING_RIGHTS } from './rights.ts';

const SUBJECTS: readonly Subject[] = [
  ...[trails, flowLogs, accessLogs, passwordPolicy, modelLogging],
  ...[detector, detectionSubject],
];

/** Which state it is depends on the subject, which parses it (`defineSubject`). */
const json = z.custom<JsonObject>(isJsonObject);
const KINDS: StepKinds = Object.fromEntries(SUBJECTS.flatMap(({ kinds }) => Object.entries(kinds)));

function subjectOf(target: LoggingTarget): Subject {
  const found = SUBJECTS.find(({ kind }) => kind === target.kind);
  if (found) return found;
  throw new FirebreakError('Refused', `restore-logging knows no ${target.kind}`, {
    resource: target.display,
    next: 'Deploy the version of Firebreak that opened this incident.',
  });
}

/** Undo gives the attacker's state back, as the journal alone knows it: a second person sees the values. */
export function switchedOffAgain(steps: readonly StepView[]): UndoSafety {
  const open = steps.filter(({ status }) => !['planned', 'skipped', 'already', 'undone'].includes(status));
  if (open.length === 0) return { safe: true, why: 'nothing of this incident is in place' };
  const values = open.map(({ id, before }) => `${id} to ${JSON.stringify(before ?? null).slice(0, 200)}`);
  return {
    safe: false,
    why: `undo switches off again what the attacker switched off: ${values.join(', ')}`,
  };
}

export const restoreLogging: Playbook = definePlaybook({
  id: 'restore-logging',
  title: 'Put logging and detection back as they were',
  about: `
| switched off | what is done | where the value comes from |
|---|---|---|
| a CloudTrail trail | logging started in its home Region (CloudTrail refuses it anywhere else) | |
| what a trail records | event selectors added back | policy.yml (\`playbooks.restore-logging.eventSelectors\`), or the last PutEventSelectors of someone else |
| VPC flow logs | re-created like those that were deleted; asked | the CreateFlowLogs calls that made them |
| server access logging of a bucket | switched on again | the last PutBucketLogging, or a log bucket in policy.yml (\`accessLogBucket\`) |
| the password policy | set again; asked | policy.yml (\`passwordPolicy\`), or the last UpdateAccountPasswordPolicy of someone else |
| Bedrock's log of model invocations | set again | the last PutModelInvocationLoggingConfiguration of someone else |
| GuardDuty's detector | enabled, with the features the attacker disabled | its UpdateDetector calls |
| GuardDuty's filters, lists, publishing destination, members | see [restore-detection](restore-detection.md), which follows other findings about identities | the calls of other principals |

Earlier calls are read from CloudTrail's event history, which keeps 90 days without a trail. Calls by the finding's own user or
role are never a baseline, whatever their session and age. A person confirms a baseline that is younger than a day, that this
principal changed since, or that replaces what is set now. **Where nothing is known, nothing is made up**: the incident says
what to do, and a person is paged. What a trail records is only ever added to. A trail that records too little without a sure
baseline is started; then a person is asked (\`restore-event-selectors\`) whether to add all management events. What the
selectors still leave out is residual.

Where the finding does not name a trail, every trail of the account that is off is started, and with more than one a person is asked.

**Refused**: a trail of the organisation seen from a member account, and what \`protected\` in policy.yml names. A deleted trail
or detector is not re-created: what it recorded and where is known to your template only.

**Proof**: the trail logs, records as planned and reports no failed delivery; a trail that logs into a bucket that refuses it is
not restored, and the incident says where to look. Until a delivery after the start is seen (CloudTrail takes about 15 minutes)
that remains open. A flow log that cannot deliver is not restored either. Everything else is read back.

**Not contained**: the principal; policy.yml asks about it as a follow-up. Insight selectors are not compared.

**Undo** switches it off again, so a second person must agree.
`.trim(),
  handles: ['Stealth:*', 'DefenseEvasion:IAMUser/BedrockLoggingDisabled'],
  settings: loggingSettings,
  reversible: { kind: 'fully' },
  permissions: LOGGING_RIGHTS,
  proofDelaySeconds: 10,
  facts: loggingFacts,
  state: json,
  targetOf: loggingTarget,
  read: (target, aws, settings = {}) => subjectOf(target).read(target, aws, settings),
  plan: (state, target, options) => subjectOf(target).plan(state, target, options),
  kinds: KINDS,
  verify: (context, steps) => subjectOf(context.target).verify(context, steps),
  undoSafety: switchedOffAgain,
  evidence: async (target, aws) => (await subjectOf(target).evidence?.(target, aws)) ?? {},
});
