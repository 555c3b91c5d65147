/** What a principal changed in GuardDuty so that it reports less: as it was, or off. */
import { changeGroup } from '../common/changes/group.ts';
import { INVERSES } from './inverses/index.ts';

export const detectionChanges = changeGroup({
  id: 'reverse-detection-changes',
  title: 'Reverse what a principal changed in GuardDuty',
  kind: 'detection-changes',
  about: `
The part of \`reverse-changes\` that is about GuardDuty: filters that archive, trusted and threat lists, where findings are exported,
members and features. Filters and trusted lists that the principal made or changed are switched off and stay; a person checks them.
A reversal only ever makes GuardDuty report more. A finding about such a call has a playbook of its own, \`restore-detection\`, which
needs no approval for what is safe.
`,
  answers: INVERSES,
});
export const reverseDetectionChanges = detectionChanges.playbook;
