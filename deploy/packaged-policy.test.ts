import { expect, it } from 'vitest';
import PackagedPolicy from './packaged-policy.js';

it("leaves no variable of the framework in the roles of a team's own policy", async () => {
  const resources = { Resources: {} };
  const service = { service: 'firebreak', provider: { stage: 'dev' }, resources };
  const plugin = new PackagedPolicy({ service }, {});
  plugin.file = 'firebreak/policy.yml';
  await plugin.hooks['before:package:finalize']?.();
  const text = JSON.stringify(resources);
  expect(text).toContain('firebreak-dev-');
  expect(text).not.toMatch(/\$\{(self|sls|param):/);
});
