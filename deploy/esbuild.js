/**
 * serverless-esbuild bundles each handler by itself with code splitting, and zips everything in the build folder that
 * is not named like another function's bundle. Chunks named `enrich.chunks/...` therefore go with `enrich` alone.
 * Splitting keeps `await import('./services/ec2.ts')` lazy: the chunk is read only when a playbook asks for EC2.
 */
import { basename } from 'node:path';

const chunksBesideTheirFunction = {
  name: 'chunks-beside-their-function',
  setup({ initialOptions }) {
    const [entry] = initialOptions.entryPoints;
    initialOptions.chunkNames = `${basename(entry, '.ts')}.chunks/[name]-[hash]`;
  },
};

export default [chunksBesideTheirFunction];
