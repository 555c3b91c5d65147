/**
 * The code of the functions: one esbuild run over all handlers, and of what it writes each function gets the part that its
 * handler can reach. Splitting keeps `await import('./services/ec2.ts')` lazy: the chunk is read only when a playbook asks
 * for EC2.
 */
import { readFile } from 'node:fs/promises';
import http from 'node:http';
import { posix, sep } from 'node:path';
import { build } from 'esbuild';
import { COMPOSITES, NOTICE, PLAYBOOKS } from '../playbooks/index.ts';

/** @typedef {import('esbuild').Plugin} Plugin */

/** Where modules of the plug-ins' own stand. */
const PLAIN = 'plain';

/** `{ [_xN]: 1 }` of the SDK's schemas: esbuild takes a computed key for work, and keeps every schema of a service for the few used. */
const COMPUTED_KEY = /\[(_\w+)\]:/g;
const NAMED_TEXT = /^const (_\w+) = ("[^"\\]*");$/gm;

/** @param {string} text */
function withPlainKeys(text) {
  const texts = new Map([...text.matchAll(NAMED_TEXT)].map(([, name, value]) => [name, value]));
  return text.replace(COMPUTED_KEY, (key, name) => (texts.has(name) ? `${texts.get(name)}:` : key));
}

/** Names of `node:http` that load undici when they are first read: an import of the module reads every name, and no function uses these. */
const UNDICI = ['WebSocket', 'CloseEvent', 'MessageEvent'];
/**
 * `node:http` without them, 40 ms of a cold start: what a bundle imports of it comes from the module as `require` gives it.
 * @type {Plugin}
 */
const plainHttp = {
  name: 'plain-http',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(node:)?http$/ }, ({ kind }) =>
      kind === 'require-call' ? undefined : { path: 'http', namespace: PLAIN, sideEffects: false },
    );
    onLoad({ filter: /^http$/, namespace: PLAIN }, () => ({
      contents: `const http = process.getBuiltinModule('node:http');
export default http;
${Object.keys(http)
  .filter((name) => !UNDICI.includes(name))
  .map((name) => `export const ${name} = http.${name};`)
  .join('\n')}`,
    }));
  },
};

/** zod compiles a schema when it first parses: a function parses too little for that to be worth it. @type {Plugin} */
const interpreted = {
  name: 'interpreted',
  setup({ onLoad }) {
    onLoad({ filter: /\/node_modules\/zod\/v4\/core\/core\.js$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8');
      const contents = text.replace('.__zod_globalConfig = {}', '.__zod_globalConfig = { jitless: true }');
      if (contents === text) throw new Error(`${path} keeps its configuration elsewhere`);
      return { contents };
    });
  },
};

/** A stack trace leads into Firebreak's own files; maps of libraries were more than half of a package. @type {Plugin} */
const libraries = {
  name: 'libraries',
  setup({ onLoad }) {
    const map = Buffer.from('{"version":3,"sources":[""],"mappings":"AAAA"}').toString('base64');
    onLoad({ filter: /\/node_modules\/.*\.[cm]?js$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8');
      const used = /\/dist-es\/schemas\/schemas_\d+\.js$/.test(path) ? withPlainKeys(text) : text;
      return {
        contents: `${used}\n//# sourceMappingURL=data:application/json;base64,${map}`,
        loader: 'default',
      };
    });
  },
};

/** Of zod's languages the one that is spoken: `z` holds them all, so that esbuild would keep each. @type {Plugin} */
const oneLocale = {
  name: 'one-locale',
  setup({ onLoad }) {
    onLoad({ filter: /\/node_modules\/zod\/v4\/locales\/index\.js$/ }, () => ({
      contents: `export { default as en } from './en.js';`,
    }));
  },
};

/** `import { isolateInstance } from './isolate-instance/playbook.ts';` */
const PLAYBOOK = /^import \{ (\w+) \} from '(\.\/([\w-]+)\/playbook\.ts)';$/gm;
/** Gives a playbook of which `known` is there; what more is asked for is loaded then. */
const LAZILY = `
function lazily(known: any, load: () => any): any {
  let whole: any;
  return new Proxy(known, { get: (_, key) => (Object.hasOwn(known, key) ? known[key] : (whole ??= load())[key]) });
}`;

/**
 * The registry names every playbook, and an incident runs one or two: each is a chunk of its own, read when it is first used. What
 * choosing among them takes is read from them here and stands in the bundle. @type {Plugin}
 */
const lazyPlaybooks = {
  name: 'lazy-playbooks',
  setup({ onLoad }) {
    onLoad({ filter: /\/playbooks\/index\.ts$/ }, async ({ path }) => {
      const all = new Map([...PLAYBOOKS, ...COMPOSITES, NOTICE].map((one) => [one.id, one]));
      const text = await readFile(path, 'utf8');
      const contents = text.replace(PLAYBOOK, (_, name, file, id) => {
        const { handles, proofDelaySeconds, tagsOnly } = /** @type {any} */ (all.get(id));
        all.delete(id);
        const known = JSON.stringify({ id, handles, proofDelaySeconds, tagsOnly });
        return `const ${name} = lazily(${known}, () => import('${file}').${name});`;
      });
      if (all.size > 0)
        throw new Error(
          `${path}: ${[...all.keys()].join(', ')} is not imported from a folder of its name, by one name`,
        );
      return { contents: contents + LAZILY, loader: 'ts' };
    });
  },
};

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
    js: "import{createRequire as firebreakRequire}from'node:module';const require=firebreakRequire(import.meta.url),fbload=require;",
  },
  plugins: [oneLocale, plainHttp, interpreted, libraries, lazyPlaybooks],
  write: false,
  metafile: true,
  logLevel: 'warning',
});

/**
 * Returns the files of each entry point, by path. `lacks`: what an entry point never asks for of what it could import later. Throws
 * where one could load what has no place in a function.
 * @type {typeof import('./bundles.js').bundles}
 */
export async function bundles(entryPoints, lacks = () => false) {
  const { metafile, outputFiles } = await build({ ...OPTIONS, entryPoints: [...entryPoints], outdir: '.' });
  for (const input of Object.keys(metafile.inputs)) checkInput(input);
  checkImports(metafile);
  const contents = new Map(
    outputFiles.map((file) => [
      file.path.slice(process.cwd().length + 1).replaceAll(sep, '/'),
      file.contents,
    ]),
  );
  loadAtOnce(metafile, contents);
  return new Map(
    Object.entries(metafile.outputs).flatMap(([path, { entryPoint }]) =>
      entryPoints.includes(entryPoint ?? '')
        ? [
            [
              entryPoint ?? '',
              filesFrom(path, metafile.outputs, contents, (file) => lacks(entryPoint ?? '', file)),
            ],
          ]
        : [],
    ),
  );
}

/**
 * Has the registry load a playbook where it stands, and not later: `import` of an ES module as Node's `require` gives it. The word
 * in its place is as long, so that source maps stay right.
 * @param {import('esbuild').Metafile} metafile
 * @param {Map<string, Uint8Array>} contents
 */
function loadAtOnce({ outputs }, contents) {
  const registry = Object.keys(outputs).find((path) => outputs[path]?.inputs['playbooks/index.ts']);
  if (registry === undefined) return;
  let text = Buffer.from(contents.get(registry) ?? []).toString();
  for (const { path, kind } of outputs[registry]?.imports ?? []) {
    if (
      kind !== 'dynamic-import' ||
      !/^playbooks\/[\w-]+\/playbook\.ts$/.test(outputs[path]?.entryPoint ?? '')
    )
      continue;
    const name = `("${posix.relative(posix.dirname(registry), path).replace(/^(?!\.)/, './')}")`;
    if (!text.includes(`import${name}`)) throw new Error(`${registry} does not load ${path}`);
    text = text.replace(`import${name}`, `fbload${name}`);
  }
  contents.set(registry, Buffer.from(text));
}

/**
 * What a file imports, at once or later, with the source maps.
 * @param {string} start
 * @param {import('esbuild').Metafile['outputs']} outputs
 * @param {ReadonlyMap<string, Uint8Array>} contents
 * @param {(file: string) => boolean} lacks
 */
function filesFrom(start, outputs, contents, lacks) {
  const reached = new Set([start]);
  for (const path of reached)
    for (const { path: imported, external, kind } of outputs[path]?.imports ?? [])
      if (!external && !(kind === 'dynamic-import' && lacks(outputs[imported]?.entryPoint ?? '')))
        reached.add(imported);
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
  // The policy is compiled at packaging: no function parses one.
  if (file === 'core/policy/schema.ts') throw new Error(`${file} has no place in a deployed function`);
  if (room === 'node_modules' || file === `${PLAIN}:http`) return;
  if (ROOMS_OF_A_FUNCTION.includes(room) && !/\.test\.[jt]s$/.test(file)) return;
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
