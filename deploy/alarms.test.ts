import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { FUNCTIONS } from './access.ts';
import { functionAlarms } from './alarms.ts';
import { pascal } from './statements.ts';

const alarms = z
  .object({
    Resources: z.record(
      z.string(),
      z.object({
        Properties: z.looseObject({
          Period: z.number(),
          EvaluationPeriods: z.number(),
          DatapointsToAlarm: z.number(),
        }),
      }),
    ),
  })
  .parse(functionAlarms()).Resources;
const alarmOf = (name: string, metric: string) => alarms[`${pascal(name)}${metric}Alarm`]?.Properties;

const definition = ['respond', 'undo']
  .map((name) => readFileSync(`statemachines/${name}.asl.json`, 'utf8'))
  .join();
const called = FUNCTIONS.map(({ name }) => name).filter((name) =>
  new RegExp(`\\$\\{sls:stage\\}-${name}"`).test(definition),
);

describe('in normal operation no alarm rings:', () => {
  it.each(called.filter((name) => name !== 'investigate'))(
    'one error of %s, which the workflow tries again',
    (name) => {
      expect(alarmOf(name, 'Errors')?.DatapointsToAlarm).toBeGreaterThan(1);
    },
  );
  it.each(called)('a burst that throttles %s for minutes', (name) => {
    const { Period = 0, DatapointsToAlarm = 0 } = alarmOf(name, 'Throttles') ?? {};
    expect(Period * DatapointsToAlarm).toBeGreaterThanOrEqual(1800);
  });
  it('a sweep that overruns its minute', () => {
    expect(alarmOf('sweep', 'Throttles')).toBeUndefined();
    const { functions } = z
      .object({ functions: z.object({ sweep: z.looseObject({ maximumEventAge: z.number() }) }) })
      .parse(parse(readFileSync('serverless.yml', 'utf8'), { merge: true, logLevel: 'silent' }));
    expect(functions.sweep.maximumEventAge).toBe(60);
  });
  it('a throttled write that the SDK repeats', () => {
    const { Resources } = z
      .object({
        Resources: z.looseObject({
          TableThrottledAlarm: z.object({ Properties: z.looseObject({ DatapointsToAlarm: z.number() }) }),
        }),
      })
      .parse(parse(readFileSync('deploy/alarms.yml', 'utf8'), { merge: true, logLevel: 'silent' }));
    expect(Resources.TableThrottledAlarm.Properties.DatapointsToAlarm).toBeGreaterThan(1);
  });
});

describe('a person is paged at once', () => {
  it.each(['slack', 'pager', 'redrive', 'canary', 'investigate', 'slack-work'])(
    'by an error of %s',
    (name) => {
      expect(alarmOf(name, 'Errors')).toMatchObject({ EvaluationPeriods: 1, DatapointsToAlarm: 1 });
    },
  );
  it('by a click that is refused', () => {
    expect(alarmOf('slack', 'Throttles')).toMatchObject({ EvaluationPeriods: 1, DatapointsToAlarm: 1 });
  });
});
