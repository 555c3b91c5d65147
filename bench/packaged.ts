/** The functions of a package as Lambda runs them: one process each, started when it is first called. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { unzip } from './zip.ts';

/** Loads the handler at once, then answers one event after another. */
const BOOTSTRAP = `
const { handler } = await import(process.env.BENCH_HANDLER);
const context = { functionName: process.env.AWS_LAMBDA_FUNCTION_NAME, awsRequestId: 'bench', getRemainingTimeInMillis: () => 300000 };
process.on('message', async ({ id, event }) => {
  try {
    const result = await handler(event, context);
    process.send({ id, result: result ?? null, cpu: process.cpuUsage() });
  } catch (error) {
    process.send({ id, error: { name: error.name, message: error.message }, cpu: process.cpuUsage() });
  }
});`;

const lambdaFunction = z.object({
  Type: z.literal('AWS::Lambda::Function'),
  Properties: z.object({
    FunctionName: z.string(),
    Handler: z.string(),
    Environment: z.object({ Variables: z.record(z.string(), z.unknown()) }),
  }),
});

interface Packaged {
  readonly name: string;
  readonly folder: string;
  readonly handler: string;
  readonly environment: Readonly<Record<string, string>>;
}

export interface Package {
  /** Folder of the state machines' definitions. */
  readonly statemachines: string;
  readonly functions: readonly Packaged[];
}

/** Unpacks what `npm run package` left in a checkout. */
export async function openPackage(root: string, into: string): Promise<Package> {
  const folder = join(root, '.serverless');
  const text = await readFile(join(folder, 'cloudformation-template-update-stack.json'), 'utf8');
  const { Resources } = z.object({ Resources: z.record(z.string(), z.unknown()) }).parse(JSON.parse(text));
  const functions: Packaged[] = [];
  for (const resource of Object.values(Resources)) {
    const parsed = lambdaFunction.safeParse(resource);
    if (!parsed.success) continue;
    const { FunctionName, Handler, Environment } = parsed.data.Properties;
    const name = FunctionName.replace(/^firebreak-[^-]+-/, '');
    const unpacked = join(into, name);
    await unzip(join(folder, `${name}.zip`), unpacked);
    functions.push({
      name,
      folder: unpacked,
      handler: join(unpacked, Handler.replace(/\.handler$/, '.mjs')),
      // What CloudFormation fills in is the bench's to say.
      environment: Object.fromEntries(
        Object.entries(Environment.Variables).flatMap(([key, value]) =>
          typeof value === 'string' ? [[key, value]] : [],
        ),
      ),
    });
  }
  return { statemachines: join(root, 'statemachines'), functions };
}

const answer = z.object({
  id: z.number(),
  result: z.unknown().optional(),
  error: z.object({ name: z.string(), message: z.string() }).optional(),
  cpu: z.object({ user: z.number(), system: z.number() }),
});

export interface Functions {
  readonly handlers: Readonly<Record<string, (event: unknown) => Promise<unknown>>>;
  /** Milliseconds of processor time of each process so far. */
  readonly cpuMs: ReadonlyMap<string, number>;
  stop(): void;
}

/** `environment`: what CloudFormation would fill in, and where AWS answers. */
export function startFunctions(
  { functions }: Package,
  environment: Readonly<Record<string, string>>,
): Functions {
  const processes = new Map<string, ChildProcess>();
  const cpuMs = new Map<string, number>();
  let calls = 0;
  let stopped = false;
  function processOf(given: Packaged): ChildProcess {
    const running = processes.get(given.name);
    if (running) return running;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', BOOTSTRAP], {
      cwd: given.folder,
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      env: {
        ...given.environment,
        ...environment,
        BENCH_HANDLER: given.handler,
        AWS_LAMBDA_FUNCTION_NAME: `firebreak-${given.environment['STAGE']}-${given.name}`,
      },
    });
    child.setMaxListeners(0);
    processes.set(given.name, child);
    return child;
  }
  const invoke = (given: Packaged) => (event: unknown) =>
    new Promise<unknown>((resolve, reject) => {
      // An execution that was stopped may still call one function.
      if (stopped) return reject(new Error('the functions are stopped'));
      const child = processOf(given);
      calls += 1;
      const id = calls;
      const ended = (code: number | null) => reject(new Error(`${given.name} ended with ${code}`));
      child.once('exit', ended);
      const heard = (message: unknown) => {
        const { id: of, result, error, cpu } = answer.parse(message);
        cpuMs.set(given.name, (cpu.user + cpu.system) / 1000);
        if (of !== id) return;
        child.off('message', heard);
        child.off('exit', ended);
        if (error) reject(Object.assign(new Error(error.message), { name: error.name }));
        else resolve(result);
      };
      child.on('message', heard);
      child.send({ id, event });
    });
  return {
    handlers: Object.fromEntries(functions.map((given) => [given.name, invoke(given)])),
    cpuMs,
    stop() {
      stopped = true;
      for (const child of processes.values()) {
        child.removeAllListeners('exit');
        child.kill('SIGKILL');
      }
    },
  };
}
