/** Documents for the evidence store: what is there, and that no secret goes along. */
import { expect, it } from 'vitest';
import { withoutValues } from './workload.ts';

it('keeps the names of environment variables and leaves their values out, for Lambda and for ECS', () => {
  const lambda = { FunctionName: 'f', Environment: { Variables: { DB_PASSWORD: 'hunter2', MODE: 'x' } } };
  const ecs = {
    containerDefinitions: [
      {
        image: 'web@sha256:00',
        environment: [{ name: 'TOKEN', value: 'hunter2' }],
        secrets: [{ name: 'KEY', valueFrom: 'parameter/key' }],
      },
    ],
    overrides: { containerOverrides: [{ environment: [{ name: 'TOKEN', value: 'hunter2' }] }] },
  };
  const shown = JSON.stringify(withoutValues([lambda, ecs]));
  expect(shown).not.toContain('hunter2');
  for (const kept of ['DB_PASSWORD', 'MODE', 'TOKEN', 'sha256:00', 'parameter/key']) {
    expect(shown).toContain(kept);
  }
});

it('keeps nothing of an environment in a shape that no one expects', () => {
  expect(withoutValues({ environment: 'TOKEN=hunter2', Environment: ['hunter2'] })).toEqual({
    environment: '(value left out)',
    Environment: ['(value left out)'],
  });
});
