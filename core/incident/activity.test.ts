/** Whose calls are looked up in CloudTrail: the principal's, and of an attack sequence its actors'. */
import { expect, it } from 'vitest';
import { simulatedEvent } from '../../sandbox/simulated/event.ts';
import { SCOPE } from '../../test/playbooks/properties.ts';
import { callsAsOperator } from '../../test/unrecorded.ts';
import { awsFor, configureAws } from '../aws/client.ts';
import { parseFinding } from '../finding/finding.ts';
import { activityOf } from './activity.ts';

callsAsOperator();

const NOW = new Date('2026-11-25T08:00:00.000Z');

it('an attack sequence has the calls of every key that its actors used, oldest first', async () => {
  const finding = parseFinding(
    simulatedEvent('AttackSequence:EC2/CompromisedInstanceGroup', {
      ...{ scope: SCOPE, severity: 'critical', now: NOW, seed: 'actors', sample: false },
    }),
  );
  const asked: string[] = [];
  configureAws({
    answer: async ({ input }) => {
      const [{ AttributeValue: key }] = (input as { LookupAttributes: [{ AttributeValue: string }] })
        .LookupAttributes;
      asked.push(key);
      const event = {
        eventTime: key.startsWith('AKIA') ? '2026-11-25T07:59:00Z' : '2026-11-25T07:58:00Z',
        ...{ eventName: `By${key.slice(0, 4)}`, eventSource: 's3.amazonaws.com', awsRegion: SCOPE.region },
      };
      return { Events: [{ CloudTrailEvent: JSON.stringify(event) }] };
    },
  });
  const activity = await activityOf(finding, awsFor(SCOPE), NOW);
  if (activity.kind !== 'read') throw new Error(activity.why);
  const keys = [...new Set(asked)];
  expect(keys.map((key) => key.slice(0, 4)).sort()).toEqual(['AKIA', 'ASIA']);
  expect(activity.of).toBe(keys.map((key) => `access key ${key}`).join(' and '));
  const names = activity.events.map(({ name }) => name);
  expect(new Set(names)).toEqual(new Set(['ByASIA', 'ByAKIA']));
  expect(names).toEqual([...names].sort().reverse());
});
