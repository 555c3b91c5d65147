import type { Files } from './bundles.js';

export declare function zip(files: Files): Buffer;
