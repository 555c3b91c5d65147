/**
 * `npm run permissions:check`: every AWS call of the test suites, judged by the policies of the function that made it.
 * Exits 1 when one would be refused, when a granted write is used by no test, or when a suite was not recorded.
 */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { RIGHTS } from '../playbooks/known.ts';
import { type Grant, openCourt, unusedGrants } from './iam/check.ts';
import { grantProblems } from './iam/grants.ts';
import { type RecordedRequest, recordLine, recordOf } from './iam/record.ts';
import { section } from './section.ts';
import { SUITES } from './suites.ts';

/**
 * Tests in which a person acts with credentials of their own: `firebreak lists`, `firebreak suppress`, the console's look
 * at executions; or that try a module alone, or look at the account themselves. Calls that a function or a playbook makes in
 * them are judged all the same.
 */
const PEOPLE = new Set([
  'test/workflow/lists.test.ts',
  'test/workflow/console-secrets.test.ts',
  'test/workflow/review.test.ts',
  'test/workflow/approval.test.ts',
  'test/workflow/answers.test.ts',
  'test/adversary/one-person-two-doors.test.ts',
  'core/aws/call-log.test.ts',
  'test/conformance/playbooks.test.ts',
  'test/conformance/scenarios.test.ts',
]);

const files = SUITES.flatMap((suite) => globSync(suite)).sort();
const unrecorded = files.filter((file) => !existsSync(recordOf(file)));
const requests: RecordedRequest[] = [];
const problems = new Map<string, Set<string>>();
const tell = (problem: string, file: string) =>
  problems.set(problem, (problems.get(problem) ?? new Set()).add(file));

const judged = await openCourt(RIGHTS);
const counts = new Map<string, number>();
for (const file of files) {
  if (!existsSync(recordOf(file))) continue;
  for (const text of readFileSync(recordOf(file), 'utf8').split('\n')) {
    if (text === '') continue;
    const line = recordLine.parse(JSON.parse(text));
    if ('problem' in line) {
      tell(line.problem, file);
      continue;
    }
    if (PEOPLE.has(file) && !line.function && !line.playbook) continue;
    // A playbook alone has no role; that its function may assume one is shown where functions run.
    if (line.action === 'sts:AssumeRole' && !line.function) continue;
    requests.push(line);
    const { as, allowed, decision } = judged(line);
    counts.set(as, (counts.get(as) ?? 0) + 1);
    if (allowed) continue;
    const keys = Object.keys(line.keys).length > 0 ? ` with ${JSON.stringify(line.keys)}` : '';
    tell(`${decision}: ${as} may not ${line.action} on ${line.resource}${keys}`, file);
  }
}

const unused = await unusedGrants(RIGHTS, requests);
const shown = ({ where, action, resources }: Grant) => `${where}: ${action} on ${resources.join(', ')}`;
const writes = unused.filter(({ writes }) => writes);
const reads = unused.filter(({ writes }) => !writes);
const wrong = await grantProblems(RIGHTS);

section(
  'Calls that would be refused',
  [...problems].map(([text, where]) => `${text}\n      ${[...where].join(', ')}`),
);
section('Granted writes that no test uses: a test uses them, or they go', writes.map(shown));
section('Grants that IAM would not understand, or that are wider than IAM needs', wrong);
section('Test files without a record: run npm test and npm run test:conformance', unrecorded);
section('Not failing: granted reads that no test uses', reads.map(shown));

console.log(
  `${requests.length} distinct requests of ${files.length - unrecorded.length} test files, judged as:`,
);
for (const [as, count] of [...counts].sort()) console.log(`  ${String(count).padStart(5)}  ${as}`);
const failed = problems.size + writes.length + wrong.length + unrecorded.length;
console.log(
  failed === 0 ? 'permissions: all allowed, no write granted in vain' : `permissions: ${failed} problems`,
);
if (failed > 0) process.exitCode = 1;
