/**
 * The functions of a package as Lambda runs them: a process answers one event at a time, and another one is started, cold, where
 * none of the function is free.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { unzip } from './zip.ts';

/** Loads the handler at once, then answers one event after another. */
const BOOTSTRAP = `
const { handler } = await import(process.env.BENCH_HANDLER);
const functionName = process.env.AWS_LAMBDA_FUNCTION_NAME;
process.on('message', async ({ id, event, alias }) => {
  const invokedFunctionArn = functionName + (alias ? ':' + alias : '');
  const context = { functionName, invokedFunctionArn, awsRequestId: 'bench', getRemainingTimeInMillis: () => 300000 };
  try {
    const result = await handler(event, context);
    process.send({ id, result: result ?? null });
  } catch (error) {
    process.send({ id, error: { name: error.name, message: error.message } });
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

/** Unpacks what `npm run package` left in a checkout, or in another folder. */
export async function openPackage(
  root: string,
  into: string,
  folder = join(root, '.serverless'),
): Promise<Package> {
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
});

export interface Used {
  readonly processes: number;
  readonly cpuMs: number;
}

export interface Functions {
  readonly handlers: Readonly<Record<string, (event: unknown) => Promise<unknown>>>;
  /** An asynchronous invocation: by the function's name, with its alias where it has one. */
  invokeLater(name: string, event: unknown): void;
  /** Of each function that was called: its processes, and the milliseconds of processor time that they have taken so far. */
  used(): ReadonlyMap<string, Used>;
  stop(): void;
}

interface Container {
  readonly child: ChildProcess;
  busy: boolean;
}

/** Milliseconds of a tick of the processor's time in /proc. */
const TICK_MS = 10;

/** Processor time of a process that may still be at work, as Linux has it. */
function cpuMsOf({ pid }: ChildProcess): number {
  const [, fields = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ');
  const [user, system] = fields.split(' ').slice(11, 13);
  return (Number(user) + Number(system)) * TICK_MS;
}

/** `environment`: what CloudFormation would fill in, and where AWS answers. */
export function startFunctions(
  { functions }: Package,
  environment: Readonly<Record<string, string>>,
): Functions {
  const containers = new Map<string, Container[]>(functions.map(({ name }) => [name, []]));
  let calls = 0;
  let stopped = false;
  function start(given: Packaged): Container {
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
    const container: Container = { child, busy: false };
    containers.get(given.name)?.push(container);
    return container;
  }
  const invoke = (given: Packaged, event: unknown, alias?: string) =>
    new Promise<unknown>((resolve, reject) => {
      // An execution that was stopped may still call one function.
      if (stopped) return reject(new Error('the functions are stopped'));
      const container = containers.get(given.name)?.find(({ busy }) => !busy) ?? start(given);
      const { child } = container;
      container.busy = true;
      calls += 1;
      const ended = (code: number | null) => reject(new Error(`${given.name} ended with ${code}`));
      child.once('exit', ended);
      child.once('message', (message: unknown) => {
        const { result, error } = answer.parse(message);
        container.busy = false;
        child.off('exit', ended);
        if (error) reject(Object.assign(new Error(error.message), { name: error.name }));
        else resolve(result);
      });
      child.send({ id: calls, event, alias });
    });
  return {
    handlers: Object.fromEntries(
      functions.map((given) => [given.name, (event: unknown) => invoke(given, event)]),
    ),
    invokeLater(invoked, event) {
      const [name, alias] = invoked.split(':');
      const given = functions.find((one) => one.name === name);
      // Lambda would try again; the handler has logged what it could not do.
      if (given) invoke(given, event, alias).catch(() => undefined);
    },
    used: () =>
      new Map(
        [...containers]
          .filter(([, all]) => all.length > 0)
          .map(([name, all]) => [
            name,
            {
              processes: all.length,
              cpuMs: all.reduce((sum, { child }) => sum + cpuMsOf(child), 0),
            },
          ]),
      ),
    stop() {
      stopped = true;
      for (const { child } of [...containers.values()].flat()) {
        child.removeAllListeners('exit');
        child.kill('SIGKILL');
      }
    },
  };
}
