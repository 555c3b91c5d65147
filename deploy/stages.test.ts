/** Two stages in one account and Region: what each writes for people and alarms to read must be distinguished. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { dashboard } from './dashboard.ts';

const STAGE = '${sls:stage}';
const read = (file: string): unknown =>
  parse(readFileSync(file, 'utf8'), { merge: true, logLevel: 'silent' });
const dimension = z.object({ Name: z.string(), Value: z.unknown() });
const metric = z.looseObject({
  Namespace: z.string().optional(),
  Dimensions: z.array(dimension).optional(),
  Metrics: z.array(z.looseObject({ Expression: z.string().optional() })).optional(),
});
const { Resources } = z
  .object({
    Resources: z.record(z.string(), z.looseObject({ Type: z.string(), Properties: z.looseObject({}) })),
  })
  .parse(read('deploy/alarms.yml'));

describe('the metrics of Firebreak', () => {
  const alarms = Object.entries(Resources).filter(([, { Type }]) => Type === 'AWS::CloudWatch::Alarm');
  const own = alarms.filter(([, { Properties }]) => metric.parse(Properties).Namespace === 'Firebreak');

  it.each(own)('alarm %s looks at those of its stage', (_name, { Properties }) => {
    expect(metric.parse(Properties).Dimensions).toContainEqual({ Name: 'stage', Value: STAGE });
  });

  it('are queried for one stage', () => {
    const queries = alarms.flatMap(([, { Properties }]) =>
      (metric.parse(Properties).Metrics ?? []).flatMap(({ Expression }) => Expression ?? []),
    );
    const ours = queries.filter((query) => query.includes('"Firebreak"'));
    expect(ours).toHaveLength(1);
    for (const query of ours) expect(query).toContain(`WHERE stage = '${STAGE}'`);
  });

  it('are counted from the log of the endpoint with the stage that the log carries', () => {
    const filter = Resources['SlackThrottledFilter']?.Properties['MetricTransformations'];
    expect(filter).toEqual([expect.objectContaining({ Dimensions: [{ Key: 'stage', Value: '$.stage' }] })]);
    const { provider } = z
      .looseObject({
        provider: z.looseObject({ logs: z.object({ httpApi: z.object({ format: z.string() }) }) }),
      })
      .parse(read('serverless.yml'));
    expect(JSON.parse(provider.logs.httpApi.format)).toMatchObject({ stage: STAGE });
  });

  it('are shown on the dashboard of their stage alone', () => {
    const text = JSON.stringify(dashboard());
    const shown = [...text.matchAll(/\\"Firebreak\\",\\"(\w+)\\",([^\]]*)/g)];
    expect(shown.length).toBeGreaterThan(15);
    for (const [, name, rest] of shown) expect(rest, name).toContain(`\\"stage\\",\\"${STAGE}\\"`);
  });
});

describe('the canary', () => {
  const detailOf = (pattern: unknown) => z.looseObject({ detail: z.looseObject({}) }).parse(pattern).detail;

  it('starts the workflow of its own stage', () => {
    const { Resources: rules } = z
      .object({ Resources: z.looseObject({ CanaryRule: z.looseObject({ Properties: z.looseObject({}) }) }) })
      .parse(read('deploy/resources.yml'));
    expect(detailOf(rules.CanaryRule.Properties['EventPattern'])).toEqual({
      service: { additionalInfo: { sample: [true], stage: [STAGE] } },
    });
  });

  it('counts as come out where its own stage reported it', () => {
    const { functions } = z
      .object({
        functions: z.object({
          canary: z.object({ events: z.array(z.looseObject({ eventBridge: z.unknown().optional() })) }),
        }),
      })
      .parse(read('serverless.yml'));
    const [rule] = functions.canary.events.filter(({ eventBridge }) => eventBridge !== undefined);
    const { pattern } = z.object({ pattern: z.unknown() }).parse(rule?.eventBridge);
    expect(detailOf(pattern)).toMatchObject({ stage: [STAGE] });
  });
});
