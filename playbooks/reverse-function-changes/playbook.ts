/** What Lambda functions run and what starts them, as it was before a principal changed it. */
import { changeGroup } from '../common/changes/group.ts';
import { INVERSES } from './inverses/index.ts';

export const functionChanges = changeGroup({
  id: 'reverse-function-changes',
  title: 'Reverse what a principal changed of functions',
  kind: 'function-changes',
  about: `
The part of \`reverse-changes\` that is about functions of Lambda that were there before: their code, environment, layers,
handler and runtime, their aliases, and what starts them. A function that was created is stopped by \`reverse-code-changes\`.

**Code** is known by its hash, which every answer of Lambda shows, and is written again from a published version that has it: the package is
downloaded, its hash compared, and written, through memory alone and up to 30 MB. The code that the attacker left is published as a version first, so that
undo can restore it and an investigation has it. Where no version has the code from before, the card says so, with the command that stops the
function until it is deployed again. Where no record shows which code there was, it is that of the newest version from before the
finding, and the card says that it is not sure.

**An environment** may hold secrets, and CloudTrail does not record its values. It is known by the first published version that has it: the
values go from a version to the function through memory alone, and are in no table, log or message. What it was is that of the newest
version from before the finding, which is never sure. An environment with a key of its own is for a person.

A role is not passed to a function: it is named, with the command that lists the versions from before.
`,
  answers: INVERSES,
  lost: 'the version of the function that was published with what the attacker left: it stays as evidence',
});
export const reverseFunctionChanges = functionChanges.playbook;
