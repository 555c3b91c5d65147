/** The Serverless Framework as a process. */
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { FirebreakError } from '../../core/errors.ts';
import { deployment } from './deployment.ts';

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
  const { folder, policyFile: packaged } = await deployment(policyFile);
  const child = spawn(process.execPath, [binaryIn(folder), ...args], {
    cwd: folder,
    stdio: ['ignore', 'inherit', 'inherit'],
    ...(packaged ? { env: { ...process.env, FIREBREAK_POLICY: packaged } } : {}),
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

function binaryIn(folder: string): string {
  const from = createRequire(join(folder, 'package.json'));
  const manifest = from.resolve('serverless/package.json');
  const { bin } = from(manifest) as { bin: Readonly<Record<string, string>> };
  const [path = ''] = Object.values(bin);
  return join(dirname(manifest), path);
}
