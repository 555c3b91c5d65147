import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { regionOf } from './region.ts';
import { writeStage } from './settings.ts';

const began = process.cwd();
let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'firebreak-region-'));
  process.chdir(home);
  await writeFile('config', '[default]\nregion = eu-south-1\n[profile security]\nregion = eu-north-1\n');
  for (const name of ['AWS_REGION', 'AWS_DEFAULT_REGION', 'AWS_PROFILE']) vi.stubEnv(name, undefined);
  vi.stubEnv('AWS_CONFIG_FILE', join(home, 'none'));
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', join(home, 'none'));
});
afterEach(async () => {
  process.chdir(began);
  vi.unstubAllEnvs();
  await rm(home, { recursive: true, force: true });
});

it('comes from the flag, AWS_REGION, AWS_DEFAULT_REGION, the profile, firebreak.json, in this order', async () => {
  await expect(regionOf(undefined, 'prod')).rejects.toThrow('no Region is given');
  await writeStage('prod', { region: 'us-west-2', params: {} });
  expect(await regionOf(undefined, 'prod')).toBe('us-west-2');
  vi.stubEnv('AWS_CONFIG_FILE', join(home, 'config'));
  vi.stubEnv('AWS_PROFILE', 'security');
  expect(await regionOf(undefined, 'prod')).toBe('eu-north-1');
  vi.stubEnv('AWS_DEFAULT_REGION', 'eu-west-2');
  expect(await regionOf(undefined, 'prod')).toBe('eu-west-2');
  vi.stubEnv('AWS_REGION', 'eu-west-1');
  expect(await regionOf(undefined, 'prod')).toBe('eu-west-1');
  expect(await regionOf('eu-central-1', 'prod')).toBe('eu-central-1');
});
