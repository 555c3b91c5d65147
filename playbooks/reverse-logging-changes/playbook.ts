/** What a principal switched off so that its calls are not recorded: on again, as it was. */
import { changeGroup } from '../common/changes/group.ts';
import { INVERSES } from './inverses/index.ts';

export const loggingChanges = changeGroup({
  id: 'reverse-logging-changes',
  title: 'Reverse what a principal switched off in logging',
  kind: 'logging-changes',
  about: `
The part of \`reverse-changes\` that is about CloudTrail, AWS Config, flow logs and log groups. What was stopped is started again, and a
retention that was shortened is as long as before. A trail that was changed writes where it did, and one that was deleted is created
again under its name where CloudTrail or AWS Config shows what it was: each as a tick of its own, the trail first, then what it
records, then that it logs. A deleted log group is created again, empty; what was deleted
with its records is gone and is named. A finding about such
a call has playbooks of its own, \`restore-logging\` and \`restore-event-selectors\`, which need no approval for what is safe.

The recorder and the delivery channel of AWS Config are set as they were, and made again where they were deleted, the recorder first. A
recorder with the service-linked role of AWS Config is for a person, with the command: Firebreak passes no role of AWS's own.
`,
  answers: INVERSES,
  lost: 'the retention of a log group is never shortened, since that deletes logs; a trail or log group that was created again and an event data store that was restored stay; a flow log that is made again has another id',
});
export const reverseLoggingChanges = loggingChanges.playbook;
