/** The Serverless Framework that npm installed next to us, as a process. */
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FirebreakError } from '../../core/errors.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface ServerlessRun {
  readonly stage: string;
  readonly region: string;
  readonly params: Readonly<Record<string, string>>;
  /** Absolute; what is packaged. */
  readonly policyFile?: string;
  readonly allowPlaceholder?: boolean;
}

/**
 * Its output goes to the terminal as it comes. Throws StepFailed when it does not end well. Ctrl+C reaches the child from the
 * terminal; we wait for its end, so that the caller can say or fix what was left half done.
 */
export async function serverless(
  verb: 'deploy' | 'remove',
  { stage, region, params, policyFile, allowPlaceholder }: ServerlessRun,
): Promise<void> {
  const given = Object.entries(params).flatMap(([name, value]) => ['--param', `${name}=${value}`]);
  const args = [verb, '--stage', stage, '--region', region, ...given];
  if (allowPlaceholder) args.push('--allow-placeholder');
  const child = spawn(process.execPath, [binary(), ...args], {
    cwd: ROOT,
    stdio: ['ignore', 'inherit', 'inherit'],
    ...(policyFile ? { env: { ...process.env, FIREBREAK_POLICY: policyFile } } : {}),
  });
  const wait = () => {};
  process.on('SIGINT', wait);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  }).finally(() => process.off('SIGINT', wait));
  if (code === 0) return;
  throw new FirebreakError('StepFailed', `serverless ${verb} ended with ${code ?? 'a signal'}`, {
    resource: `firebreak-${stage}`,
    next: 'Its last lines above say why.',
  });
}

function binary(): string {
  const manifest = createRequire(import.meta.url).resolve('serverless/package.json');
  const { bin } = createRequire(import.meta.url)(manifest) as { bin: Readonly<Record<string, string>> };
  const [path = ''] = Object.values(bin);
  return join(dirname(manifest), path);
}
