/**
 * Setup of the tests of workflows: their cards get a picture of one point. Drawing took an eighth of their time; what a picture shows
 * is tested next to what draws it, and of the deployed code in deploy/bundles.test.ts.
 */
import { PNG } from 'pngjs';
import { vi } from 'vitest';

const BLANK: Uint8Array = PNG.sync.write(new PNG({ width: 1, height: 1 }));

vi.mock('../slack/attack-picture.ts', () => ({ attackPicture: () => BLANK }));
