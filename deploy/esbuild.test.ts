import { build, type PluginBuild } from 'esbuild';
import { expect, it } from 'vitest';
import plugins from './esbuild.js';

const bundled = (entry: string, imports: string) =>
  build({
    stdin: { contents: `export * from '${imports}';`, resolveDir: process.cwd(), sourcefile: 'entry.js' },
    ...{ bundle: true, write: false, platform: 'node', format: 'esm', splitting: false, logLevel: 'silent' },
    plugins: plugins.map(({ name, setup }) => ({
      name,
      setup: (api: PluginBuild) =>
        setup({ ...api, initialOptions: { ...api.initialOptions, entryPoints: [entry] } }),
    })),
  });

it.each(['./sandbox/twin/twin.ts', './test/hostile.ts', './core/incident/status.test.ts', './cli/main.ts'])(
  'builds no function that could load %s',
  async (path) => {
    await expect(bundled('functions/enrich.ts', path)).rejects.toThrow('has no place in a deployed function');
  },
);

it('builds a function of the rooms that are deployed', async () => {
  const { outputFiles } = await bundled('functions/enrich.ts', './pipeline/channel.ts');
  expect(outputFiles?.[0]?.text).toContain('forwarded');
});
