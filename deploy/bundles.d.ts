import type { Metafile } from 'esbuild';

/** Files by path in the package. */
export type Files = ReadonlyMap<string, Uint8Array>;
export declare function bundles(
  entryPoints: readonly string[],
  lacks?: (entryPoint: string, file: string) => boolean,
): Promise<ReadonlyMap<string, Files>>;
export declare function checkInput(file: string): void;
export declare function checkImports(metafile: Pick<Metafile, 'inputs' | 'outputs'>): void;
