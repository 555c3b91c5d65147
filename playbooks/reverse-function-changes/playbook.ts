/** What Lambda functions run and what starts them, as it was before a principal changed it. */
import { changeGroup } from '../common/changes/group.ts';
import { INVERSES } from './inverses/index.ts';

export const functionChanges = changeGroup({
  id: 'reverse-function-changes',
  title: 'Reverse what a principal changed of functions',
  kind: 'function-changes',
  about: `
The part of \`reverse-changes\` that is about functions of Lambda that were there before: their code, layers, handler and runtime,
their aliases, and what starts them. A function that was created is stopped by \`reverse-code-changes\`.

**Code** is known by its hash, which every answer of Lambda shows, and is written again from a published version that has it: the package is
downloaded, its hash compared, and written, through memory alone and up to 30 MB. The code that the attacker left is published as a version first, so that
undo can restore it and an investigation has it. Where no version has the code from before, the card says so, with the command that stops the
function until it is deployed again. Where no record shows which code there was, it is that of the newest version from before the
finding, and the card says that it is not sure.

The values of an environment may be secrets: Firebreak neither stores nor writes them. A role is not passed to a function. Both are named, with
the command that lists the versions from before.
`,
  answers: INVERSES,
  lost: 'the version of the function that was published with the code of the attacker: it stays as evidence',
});
export const reverseFunctionChanges = functionChanges.playbook;
