/**
 * A thousand findings at one moment, one in ten of them grave, against Lambda's limits: how many are lost, and how soon each is
 * contained or reported. `node bench/burst.ts [quota] [milliseconds of a second of AWS] [findings]`
 */
import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { z } from 'zod';
import { RESERVED, UNRESERVED } from '../cli/concurrency.ts';
import { burstOf, burstPolicy, runBurst, SECONDS } from '../sandbox/burst.ts';
import { startSandbox } from '../sandbox/sandbox.ts';

const [QUOTA, SECOND_MS, FINDINGS] = [10, 600, 1000].map((otherwise, index) =>
  Number(process.argv[2 + index] ?? otherwise),
) as [number, number, number];

const reserving = z.object({
  Properties: z.object({ ReservedConcurrentExecutions: z.tuple([z.string(), z.number(), z.string()]) }),
});

/** Reserved concurrency by function, as the stack has it: nothing where the quota is too small. */
async function reservedOf(quota: number): Promise<Readonly<Record<string, number>>> {
  if (quota < RESERVED + UNRESERVED) return {};
  const { extensions } = z
    .object({ extensions: z.record(z.string(), z.unknown()) })
    .parse(parse(await readFile('deploy/resources.yml', 'utf8'), { merge: true, logLevel: 'silent' }));
  const reserved: Record<string, number> = {};
  for (const [id, extension] of Object.entries(extensions)) {
    const read = reserving.safeParse(extension);
    const name = id.replace(/LambdaFunction$/, '').replace(/(?<!^)[A-Z]/g, (letter) => `-${letter}`);
    if (read.success) reserved[name.toLowerCase()] = read.data.Properties.ReservedConcurrentExecutions[1];
  }
  return reserved;
}

const reserved = await reservedOf(QUOTA);
const sandbox = await startSandbox({
  policy: burstPolicy(await readFile('policy.yml', 'utf8')),
  capacity: { account: QUOTA, reserved, secondMs: SECOND_MS, seconds: (name) => SECONDS[name] ?? 1 },
});
const grave = Math.round(FINDINGS / 10);
const events = burstOf(sandbox, { grave, slight: FINDINGS - grave });
const began = process.cpuUsage();
const outcome = await runBurst(sandbox, events, SECOND_MS);
const { user, system } = process.cpuUsage(began);
const at = (seconds: readonly number[], share: number) =>
  (seconds[Math.min(seconds.length - 1, Math.floor(seconds.length * share))] ?? 0).toFixed(0).padStart(6);
console.log(`quota ${QUOTA}, reserved ${JSON.stringify(reserved)}`);
console.log(`${FINDINGS} findings: ${outcome.lost.length} lost, ${outcome.throttled} invocations throttled`);
console.log(`${((user + system) / 1e6).toFixed(0)} s of processor time here`);
console.log('seconds until             median   95 %   last');
for (const [what, seconds] of [
  [`contained (${outcome.contained.length} grave)`, outcome.contained],
  [`reported (${outcome.reported.length} others)`, outcome.reported],
] as const)
  console.log(`${what.padEnd(24)} ${at(seconds, 0.5)} ${at(seconds, 0.95)} ${at(seconds, 1)}`);
for (const why of outcome.lost.slice(0, 20)) console.error(why);
await sandbox.close();
// Timers of the interpreter outlive the executions that were stopped.
process.exit(outcome.lost.length > 0 ? 1 : 0);
