/** The folder that the Serverless Framework deploys from: a clone itself; of the installed package what it lays in the workspace. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { FirebreakError } from '../../core/errors.ts';
import { OWN_POLICY, workspace } from '../../sandbox/workspace.ts';
import { terminal } from '../terminal.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Of serverless.yml. In the package they stand in dist/, with what they are built from. */
const PLUGINS = ['package-functions.js', 'packaged-policy.js'];
const TEMPLATES = ['serverless.yml', 'statemachines', 'deploy'];
const LOCK = 'package-lock.json';

export interface Deployment {
  readonly folder: string;
  /** Inside the folder: only what stands there is packaged. */
  readonly policyFile: string | undefined;
}

/** Returns the folder, with the framework installed. Throws StepFailed where npm cannot install it. */
export async function deployment(policyFile: string | undefined): Promise<Deployment> {
  if (PLUGINS.every((name) => existsSync(join(ROOT, 'deploy', name)))) return { folder: ROOT, policyFile };
  const folder = join(workspace(), '.firebreak', 'deployment');
  await mkdir(folder, { recursive: true });
  for (const name of TEMPLATES) {
    await rm(join(folder, name), { recursive: true, force: true });
    await cp(join(ROOT, name), join(folder, name), { recursive: true });
  }
  for (const name of PLUGINS) {
    const built = pathToFileURL(join(ROOT, 'dist', name)).href;
    await writeFile(join(folder, 'deploy', name), `export { default } from ${JSON.stringify(built)};\n`);
  }
  await installFramework(folder);
  if (policyFile === undefined) return { folder, policyFile };
  const copy = join(folder, OWN_POLICY);
  await mkdir(dirname(copy), { recursive: true });
  await cp(policyFile, copy);
  return { folder, policyFile: copy };
}

/** Once per version: the framework is larger than all the rest, and only deploying needs it. */
async function installFramework(folder: string): Promise<void> {
  const locked = await readFile(join(ROOT, 'dist/deployment', LOCK), 'utf8');
  await cp(join(ROOT, 'dist/deployment/package.json'), join(folder, 'package.json'));
  const stamp = join(folder, 'node_modules', '.installed');
  if (existsSync(stamp) && (await readFile(stamp, 'utf8')) === locked) return;
  await writeFile(join(folder, LOCK), locked);
  terminal().out(`Installing the Serverless Framework in ${folder}, once for this version`);
  const child = spawn('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: folder,
    stdio: ['ignore', 'inherit', 'inherit'],
    shell: process.platform === 'win32',
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  });
  if (code !== 0)
    throw new FirebreakError('StepFailed', 'npm could not install the Serverless Framework', {
      resource: folder,
      next: 'Its last lines above say why. Deploying needs npm, and the npm registry or a mirror of it.',
    });
  await writeFile(stamp, locked);
}
