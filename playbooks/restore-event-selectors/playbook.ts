/** A trail logs again and still records too little, and no one knows what it recorded before: a person is asked. */
import type { Aws } from '../../core/aws/client.ts';
import type { Finding } from '../../core/finding/finding.ts';
import { definePlaybook, type Playbook, type TargetChoice } from '../../core/journal/playbook.ts';
import { loggingSettings } from '../common/logging/settings.ts';
import { type LoggingFacts, loggingFacts, loggingTarget } from '../common/logging/target.ts';
import {
  planWidening,
  proveTrails,
  readTrails,
  TRAIL_KINDS,
  trails,
  trailsState,
} from '../common/logging/trails.ts';
import { restoreLogging, switchedOffAgain } from '../restore-logging/playbook.ts';

/** The trail of the finding, where what it records is still open. */
async function locate(finding: Finding, aws: Aws): Promise<TargetChoice<LoggingFacts>> {
  const choice = loggingTarget(finding);
  if (!choice.ok) return choice;
  const { target } = choice;
  if (target.kind !== trails.kind) return { ok: false, reason: 'the finding is about no trail' };
  const state = await readTrails(target, aws.inRegion(target.region), {});
  const plan = planWidening(state, target, {
    caseId: 'none',
    now: new Date(0),
    settings: {},
    protectedArns: [],
    approved: false,
  });
  if (plan.kind !== 'plan') return { ok: false, reason: plan.reason };
  const open = plan.steps.some(({ kind }) => kind === 'event-selectors');
  return open ? choice : { ok: false, reason: `${target.display} records all management events` };
}

const PUT_SELECTORS = 'cloudtrail:PutEventSelectors';

export const restoreEventSelectors: Playbook = definePlaybook({
  id: 'restore-event-selectors',
  title: 'Let a trail record all management events again',
  about: `
\`restore-logging\` starts a silent trail at once, and puts its event selectors back where it is known what they were. Where that
is not known, or the earlier value is not sure, a person is asked here, once the trail logs: approving adds all management
events and what the earlier selectors recorded to what the trail records now, and takes nothing away. To have your own selectors instead, name them in
policy.yml (\`playbooks.restore-logging.eventSelectors\`).

**Undo** puts the narrow selectors back, so a second person must agree.
`.trim(),
  handles: [],
  settings: loggingSettings,
  reversible: { kind: 'fully' },
  permissions: {
    read: restoreLogging.permissions.read.filter(({ actions }) =>
      actions.some((action) => action.startsWith('cloudtrail:')),
    ),
    write: restoreLogging.permissions.write
      .filter(({ actions }) => actions.includes(PUT_SELECTORS))
      .map((right) => ({
        ...right,
        actions: [PUT_SELECTORS],
        why: 'what the trail records',
        worst: 'narrows what any trail of the account records, to next to nothing',
      })),
  },
  proofDelaySeconds: restoreLogging.proofDelaySeconds,
  facts: loggingFacts,
  state: trailsState,
  targetOf: () => ({ ok: false, reason: 'asked as a follow-up of restore-logging' }),
  locate,
  read: (target, aws, settings = {}) => readTrails(target, aws, settings),
  plan: planWidening,
  kinds: TRAIL_KINDS,
  verify: proveTrails,
  undoSafety: switchedOffAgain,
});
