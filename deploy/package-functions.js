/** Plugin of the Serverless Framework: makes the package of each function, of its own code and nothing else. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
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

/**
 * @param {Service} service
 * @param {string} root
 */
async function packageAll({ functions }, root) {
  const entryOf = (/** @type {Handled} */ { handler }) => handler.replace(/\.\w+$/, '.ts');
  const code = await bundles(Object.values(functions).map(entryOf));
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
