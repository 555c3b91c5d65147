/** Plugin of the Serverless Framework: makes the package of each function, of its own code and nothing else. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FUNCTIONS } from './access.ts';
import { bundles } from './bundles.js';
import { compiledPolicy } from './packaged-policy.js';
import { zip } from './zip.js';

export default class PackageFunctions {
  /** @param {{ readonly service: Service; readonly serviceDir: string }} serverless */
  constructor({ service, serviceDir }) {
    const packaged = () => packageAll(service, serviceDir);
    this.hooks = {
      'before:package:createDeploymentArtifacts': packaged,
      'before:deploy:function:packageFunction': packaged,
    };
  }
}

/**
 * @typedef {{ handler: string; package?: { artifact?: string } }} Handled
 * @typedef {{ readonly functions: Readonly<Record<string, Handled>> }} Service
 */

/** @param {Pick<Handled, 'handler'>} handled */
const entryOf = ({ handler }) => handler.replace(/\.\w+$/, '.ts');

/** @type {typeof import('./package-functions.js').codeOf} */
export async function codeOf(functions) {
  const files = new Map(Object.entries(functions).map(([name, handled]) => [entryOf(handled), name]));
  // Who reads no account reads no cluster: its client is a quarter of a package.
  return bundles([...files.keys()], (entry, file) => {
    const own = FUNCTIONS.find(({ name }) => name === files.get(entry));
    return file === 'core/aws/services/kubernetes.ts' && own?.playbooks === 'none';
  });
}

/**
 * @param {Service} service
 * @param {string} root
 */
async function packageAll({ functions }, root) {
  const code = await codeOf(functions);
  const policy = Buffer.from(await compiledPolicy(root));
  await mkdir(join(root, '.serverless'), { recursive: true });
  for (const [name, handled] of Object.entries(functions)) {
    const artifact = join('.serverless', `${name}.zip`);
    await writeFile(
      join(root, artifact),
      zip(new Map([...(code.get(entryOf(handled)) ?? []), ['policy.json', policy]])),
    );
    handled.package = { ...handled.package, artifact };
  }
}
