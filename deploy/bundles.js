/**
 * The code of the functions: one esbuild run over all handlers, and of what it writes each function gets the part that its
 * handler can reach. Splitting keeps `await import('./services/ec2.ts')` lazy: the chunk is read only when a playbook asks
 * for EC2.
 */
import { sep } from 'node:path';
import { build } from 'esbuild';

const OPTIONS = /** @type {const} */ ({
  format: 'esm',
  platform: 'node',
  target: 'node24',
  bundle: true,
  splitting: true,
  minify: true,
  keepNames: true,
  sourcemap: true,
  sourcesContent: false,
  outbase: '.',
  outExtension: { '.js': '.mjs' },
  chunkNames: 'functions/chunks/[name]-[hash]',
  // The SDK is bundled: the runtime's own copy is older, slower to load and changes without notice.
  mainFields: ['module', 'main'],
  // CommonJS packages inside an ES module bundle still call `require` for Node's own modules.
  banner: {
    js: "import{createRequire as firebreakRequire}from'node:module';const require=firebreakRequire(import.meta.url);",
  },
  write: false,
  metafile: true,
  logLevel: 'warning',
});

/**
 * Returns the files of each entry point, by path. Throws where one could load what has no place in a function.
 * @type {typeof import('./bundles.js').bundles}
 */
export async function bundles(entryPoints) {
  const { metafile, outputFiles } = await build({ ...OPTIONS, entryPoints: [...entryPoints], outdir: '.' });
  for (const input of Object.keys(metafile.inputs)) checkInput(input);
  checkImports(metafile);
  const contents = new Map(
    outputFiles.map((file) => [
      file.path.slice(process.cwd().length + 1).replaceAll(sep, '/'),
      file.contents,
    ]),
  );
  return new Map(
    Object.entries(metafile.outputs).flatMap(([path, { entryPoint }]) =>
      entryPoints.includes(entryPoint ?? '')
        ? [[entryPoint ?? '', filesFrom(path, metafile.outputs, contents)]]
        : [],
    ),
  );
}

/**
 * What a file imports, at once or later, with the source maps.
 * @param {string} start
 * @param {import('esbuild').Metafile['outputs']} outputs
 * @param {ReadonlyMap<string, Uint8Array>} contents
 */
function filesFrom(start, outputs, contents) {
  const reached = new Set([start]);
  for (const path of reached)
    for (const { path: imported, external } of outputs[path]?.imports ?? [])
      if (!external) reached.add(imported);
  const paths = [...reached].flatMap((path) => [path, `${path}.map`]).sort();
  return new Map(
    paths.map((path) => {
      const content = contents.get(path);
      if (!content) throw new Error(`esbuild did not write ${path}`);
      return [path, content];
    }),
  );
}

const ROOMS_OF_A_FUNCTION = ['functions', 'pipeline', 'playbooks', 'slack', 'core', 'statemachines'];

/**
 * The simulated AWS answers as an attacker would like: a bundle that could load it, or a test, is not made.
 * @type {typeof import('./bundles.js').checkInput}
 */
export function checkInput(file) {
  const [room = ''] = file.split('/');
  if (room === 'node_modules' || (ROOMS_OF_A_FUNCTION.includes(room) && !/\.test\.[jt]s$/.test(file))) return;
  throw new Error(`${file} has no place in a deployed function`);
}

/**
 * Of a CommonJS package that is imported later esbuild hands on the default alone, where Node finds its names as well: it would
 * work in every test, and in no deployed function.
 * @type {typeof import('./bundles.js').checkImports}
 */
export function checkImports({ inputs, outputs }) {
  for (const { entryPoint = '' } of Object.values(outputs))
    if (inputs[entryPoint]?.format === 'cjs')
      throw new Error(
        `${entryPoint} is CommonJS: import it later through a file of its own, as slack/web-api.ts does`,
      );
}
