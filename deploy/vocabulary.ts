/** `npm run lint`: no word that the glossary retired stands in prose, messages or names; each is printed with what to say. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** The retired word, and what Firebreak says. */
const RETIRED: readonly (readonly [RegExp, string])[] = [
  [/\b(?:whoever|somebody|nobody)\b/gi, 'the caller, the approver, an operator; anyone who, someone, no one'],
  [/\banew\b/gi, 'again; re-created'],
  [/\bmend(?:s|ed)?\b/gi, 'fix, resolve'],
  [/\b(?:take|takes|took|taken) back\b/gi, 'revert, undo'],
  [/\b(?:give|gives|gave|given) back\b/gi, 'restore, return'],
  [/\bby (?:itself|themselves)\b/gi, 'automatically; on its own'],
  [/\bnames? no (?!one\b)\w/gi, 'does not name'],
  [/\btold\b/gi, 'notified; delivered; shown'],
  // The setting `lever` of policy.yml, and what carries it, keeps its name.
  [
    /(?<![`'".{(] ?|const )\blevers?\b(?![`'":]| [=?}]|,? \w+ [}=]|[,)}\]])/gi,
    'containment action; the deny',
  ],
  [/\b(?:puts?|putting) (?:\w+ )?back\b/gi, 'restore'],
  [/\b(?:takes?|took) (?:them|its containment|the containment|the filter) back\b/gi, 'undo, revert'],
  [/\bthe clock decided\b/gi, 'the approval expired'],
  [/\bon the word of\b/gi, 'approved by; used break-glass'],
  [/\bbackground radiation\b/gi, 'internet background noise'],
];

/** What was written before, or by others, or is generated from what is checked. */
const LEFT =
  /^(?:CHANGELOG\.md|package-lock\.json|test\/(?:fixtures|releases)\/|deploy\/generated\/|deploy\/vocabulary\.ts)/;

const files = execFileSync('git', ['ls-files', '*.ts', '*.js', '*.md', '*.yml', '*.json'], {
  encoding: 'utf8',
});
let found = 0;
for (const file of files
  .trim()
  .split('\n')
  .filter((name) => !LEFT.test(name))) {
  for (const [at, line] of readFileSync(file, 'utf8').split('\n').entries()) {
    for (const [retired, say] of RETIRED) {
      for (const [word] of line.matchAll(retired)) {
        console.error(`${file}:${at + 1}: "${word}" is retired. Fix: say ${say}.`);
        found++;
      }
    }
  }
}
process.exitCode = found > 0 ? 1 : 0;
