/** What a principal made reachable from the internet. */
import { changeGroup } from '../common/changes/group.ts';
import { INVERSES } from './inverses/index.ts';

export const exposureChanges = changeGroup({
  id: 'reverse-exposure-changes',
  title: 'Reverse what a principal opened to the internet',
  kind: 'exposure-changes',
  about: `
The part of \`reverse-changes\` that is about addresses on the internet: URLs of Lambda functions that anyone may call, and databases of RDS
with a public address. Both are closed, and no URL is deleted: another one would have another address.
`,
  answers: INVERSES,
});
export const reverseExposureChanges = exposureChanges.playbook;
