/** The version of Firebreak, as package.json has it. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';

const manifest = z.object({ version: z.string() });

/** Returns the version, read when it is asked for. */
export const version = (): string =>
  manifest.parse(JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))).version;
