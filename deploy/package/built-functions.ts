/** In place of ../bundles.js in the installed package: the same files, built when it was packed. Needs no esbuild and no sources. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { Files } from '../bundles.js';

/** Of the package, as build.ts lays it. */
const FUNCTIONS = new URL('../../dist/functions/', import.meta.url);
const parts = z.record(z.string(), z.array(z.string()));

export async function bundles(entryPoints: readonly string[]): Promise<ReadonlyMap<string, Files>> {
  const paths = parts.parse(JSON.parse(await readFile(new URL('files.json', FUNCTIONS), 'utf8')));
  const part = async (entry: string): Promise<[string, Files]> => {
    const needed = paths[entry];
    if (!needed) throw new Error(`${entry} is not in this package`);
    const file = async (path: string): Promise<[string, Uint8Array]> => [
      path,
      await readFile(new URL(`built/${path}`, FUNCTIONS)),
    ];
    return [entry, new Map(await Promise.all(needed.map(file)))];
  };
  return new Map(await Promise.all(entryPoints.map(part)));
}
