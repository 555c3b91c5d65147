import type { Files } from './bundles.js';

/** Returns the files of each handler, by its source. */
export declare function codeOf(
  functions: Readonly<Record<string, { readonly handler: string }>>,
): Promise<ReadonlyMap<string, Files>>;
export default class PackageFunctions {
  constructor(serverless: { readonly service: object; readonly serviceDir: string });
}
