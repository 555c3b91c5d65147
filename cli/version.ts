/** The version of Firebreak, as package.json has it. */
import manifest from '../package.json' with { type: 'json' };

/** Returns the version. */
export const version = (): string => manifest.version;
