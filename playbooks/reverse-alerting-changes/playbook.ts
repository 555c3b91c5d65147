/** What a principal did so that no one is notified: filters that count and send logs, and the alarms on them. */
import { changeGroup } from '../common/changes/group.ts';
import { INVERSES } from './inverses/index.ts';

export const alertingChanges = changeGroup({
  id: 'reverse-alerting-changes',
  title: 'Reverse what a principal did so that no one is notified',
  kind: 'alerting-changes',
  about: `
The part of \`reverse-changes\` that is about alarms and what feeds them: metric filters count again what they counted, subscriptions send
logs where they went, and alarms whose actions were disabled notify again. A subscription that the principal added sent logs elsewhere: it
is deleted. What an alarm was that was deleted or changed is in its history, and is named with the command that shows it: who may write
alarms chooses whom they act on. Security Hub, Inspector, Macie, IAM Access Analyzer and DNS query logs that were switched off are named
with the command that switches them on: what they were set to is in your template.
`,
  answers: INVERSES,
});
export const reverseAlertingChanges = alertingChanges.playbook;
