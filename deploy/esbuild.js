/**
 * serverless-esbuild bundles each handler on its own with code splitting, and zips everything in the build folder that
 * is not named like another function's bundle. Chunks named `enrich.chunks/...` therefore go with `enrich` alone.
 * Splitting keeps `await import('./services/ec2.ts')` lazy: the chunk is read only when a playbook asks for EC2.
 */
import { basename, relative, sep } from 'node:path';

const chunksBesideTheirFunction = {
  name: 'chunks-beside-their-function',
  setup({ initialOptions }) {
    const [entry] = initialOptions.entryPoints;
    initialOptions.chunkNames = `${basename(entry, '.ts')}.chunks/[name]-[hash]`;
  },
};

const ROOMS_OF_A_FUNCTION = ['functions', 'pipeline', 'playbooks', 'slack', 'core', 'statemachines'];

/** The simulated AWS answers as an attacker would like: a bundle that could load it, or a test, is not built. */
const nothingOfTests = {
  name: 'nothing-of-tests',
  setup({ onLoad }) {
    onLoad({ filter: /\.[jt]s$/ }, ({ path }) => {
      const file = relative(process.cwd(), path);
      const [room] = file.split(sep);
      if (file.startsWith('..') || room === 'node_modules') return undefined;
      if (ROOMS_OF_A_FUNCTION.includes(room) && !file.endsWith('.test.ts')) return undefined;
      return { errors: [{ text: `${file} has no place in a deployed function` }] };
    });
  },
};

export default [chunksBesideTheirFunction, nothingOfTests];
