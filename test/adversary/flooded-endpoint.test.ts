/** A stranger sends requests to the Slack endpoint as fast as they can, so that the team's clicks are throttled. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';

const read = (file: string): unknown =>
  parse(readFileSync(file, 'utf8'), { merge: true, logLevel: 'silent' });

const route = z.object({
  extensions: z.object({
    HttpApiStage: z.object({
      Properties: z.object({
        DefaultRouteSettings: z.object({ ThrottlingRateLimit: z.number(), ThrottlingBurstLimit: z.number() }),
      }),
    }),
  }),
});
const filters = z.object({
  Resources: z.record(z.string(), z.object({ Type: z.string(), Properties: z.looseObject({}) })),
});

it('the endpoint takes more than a team sends, and not so much that the bill matters', () => {
  const { DefaultRouteSettings } = route.parse(read('deploy/resources.yml')).extensions.HttpApiStage
    .Properties;
  // Fifty people who press a button and submit its dialog in the same second.
  expect(DefaultRouteSettings.ThrottlingRateLimit).toBeGreaterThanOrEqual(100);
  expect(DefaultRouteSettings.ThrottlingBurstLimit).toBeGreaterThanOrEqual(200);
  expect(DefaultRouteSettings.ThrottlingRateLimit).toBeLessThanOrEqual(500);
});

it('the first request that is throttled pages', () => {
  const { Resources } = filters.parse(read('deploy/alarms.yml'));
  const { SlackThrottledFilter: filter, SlackThrottledAlarm: alarm } = Resources;
  expect(filter?.Properties).toMatchObject({
    LogGroupName: 'HttpApiLogGroup',
    FilterPattern: '{ $.status = "429" }',
    MetricTransformations: [{ MetricNamespace: 'Firebreak', MetricName: 'SlackThrottled', MetricValue: '1' }],
  });
  expect(alarm?.Properties).toMatchObject({
    Namespace: 'Firebreak',
    MetricName: 'SlackThrottled',
    Dimensions: [{ Name: 'stage', Value: '${sls:stage}' }],
    Threshold: 1,
    AlarmActions: ['PageTopic'],
  });
  // The access log writes the status as a string, which a filter compares with a string alone.
  expect(readFileSync('serverless.yml', 'utf8')).toContain('"status":"$context.status"');
});
