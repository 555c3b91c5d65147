/**
 * `npm run requests:check`, after the suites: every AWS request that a test made, and every answer of the twin, held against AWS's
 * own models (required and unknown members, types, lengths, ranges, patterns, enumerations). Exits 1 where AWS would refuse one,
 * could not give one, or where an exception is not needed any more.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { z } from 'zod';
import { EXCEPTIONS, excepts } from './requests/exceptions.ts';
import { problemSchema } from './requests/problem.ts';
import { requestsOf, SIDES } from './requests/record.ts';
import { section } from './section.ts';
import { SUITES } from './suites.ts';

const MODELS = '.venv/models';
if (!existsSync(MODELS)) throw new Error(`${MODELS} is missing: run test/conformance/setup.sh`);

const files = SUITES.flatMap((suite) => globSync(suite)).sort();
const unrecorded = files.filter((file) => !existsSync(requestsOf(file)));
const records = files.filter((file) => existsSync(requestsOf(file))).map(requestsOf);
const { stdout, stderr, status } = spawnSync('.venv/bin/python', ['deploy/requests/models.py', ...records], {
  env: { ...process.env, PYTHONPATH: MODELS },
  encoding: 'utf8',
  maxBuffer: 2 ** 30,
});
if (status !== 0) throw new Error(`deploy/requests/models.py ended with ${status}: ${stderr}`);

const summary = z.object({
  sides: z.record(z.enum(SIDES), z.number()),
  operations: z.number(),
  unreadable: z.array(z.string()),
});
const lines: unknown[] = stdout
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line));
const { sides, operations, unreadable } = summary.parse(lines.pop());
const problems = lines.map((line) => problemSchema.parse(line));

const needed = new Set(EXCEPTIONS.filter((one) => problems.some((problem) => excepts(one, problem))));
const wrong = problems.filter((problem) => !EXCEPTIONS.some((one) => excepts(one, problem)));
const idle = EXCEPTIONS.filter((one) => !needed.has(one));

section(
  'Requests that AWS would refuse, and answers that it could not give',
  wrong.map(
    ({ service, operation, side, path, problem, example, records: where }) =>
      `${service} ${operation}, ${side}${path}: ${problem}: ${JSON.stringify(example).slice(0, 120)}\n      ${where
        .slice(0, 3)
        .map((file) => file.replace(/^.*\//, '').replace('.jsonl', '').replaceAll('~', '/'))
        .join(', ')}`,
  ),
);
section(
  'Exceptions that nothing needs any more',
  idle.map(({ service, path, why }) => `${service} ${path}: ${why}`),
);
section('Test files without a record: run npm test and npm run test:conformance', unrecorded);
section('Not failing: patterns of the models that cannot be read here', unreadable);
section(
  'Not failing: exceptions',
  [...needed].map(({ service, path, why }) => `${service} ${path}: ${why}`),
);
console.log(
  `${sides.request} distinct requests and ${sides.answer} answers of ${operations} operations, in ${records.length} test files`,
);
// A recorder that heard nothing would find nothing wrong.
const unheard = Object.entries(sides).filter(([, count]) => count === 0);
section(
  'Nothing was recorded',
  unheard.map(([side]) => `not one ${side}: test/record-requests.ts hears of no call`),
);
const failed = wrong.length + idle.length + unrecorded.length + unheard.length;
console.log(failed === 0 ? 'requests: all as the models of AWS have them' : `requests: ${failed} problems`);
if (failed > 0) process.exitCode = 1;
