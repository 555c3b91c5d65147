/** The font of the attack's picture, out of its package: a function has no node_modules to read it from. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/** Roboto (Apache-2.0); its licence comes along with the package that is published (deploy/package/build.ts). */
export const FONT = fileURLToPath(import.meta.resolve('roboto-fontface/fonts/roboto/Roboto-Medium.woff'));

/** Returns what slack/font.ts reads. */
export const pictureFont = async (): Promise<{ readonly woff: string }> => ({
  woff: await readFile(FONT, 'base64'),
});
