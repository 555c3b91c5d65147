/** What each kind says of a change that was left without the containment that it was made for. */
import { expect, it } from 'vitest';
import { awsFor } from '../core/aws/client.ts';
import type { Json, JsonObject } from '../core/json.ts';
import { PLAYBOOKS } from './index.ts';

const scope = { partition: 'aws', account: '111122223333', region: 'eu-west-1' };

it.each<[string, string, JsonObject, { live: Json; before: Json }, string]>([
  [
    'isolate-instance',
    'detach-from-group',
    { group: 'web', decrement: false },
    { live: null, before: 'web' },
    'instance i-1 was taken out of the Auto Scaling group web and is not isolated',
  ],
  [
    'isolate-instance',
    'deregister',
    { targetGroupArn: 'tg', id: 'i-1', port: 80, availabilityZone: null },
    { live: 'out', before: 'registered' },
    'instance i-1 was taken out of the target group tg and is not isolated',
  ],
  [
    'scale-in-service',
    'suspend-scaling',
    { cluster: 'c', service: 'web' },
    {
      live: { in: true, out: true, scheduled: true },
      before: { in: false, out: false, scheduled: false },
    },
    'scaling of service web is suspended and its tasks still run',
  ],
  [
    'throttle-function',
    'provisioned',
    { functionName: 'f', qualifier: 'live' },
    { live: null, before: 5 },
    'f:live lost its provisioned concurrency and is still invoked',
  ],
  [
    'quarantine-pod',
    'cordon',
    { cluster: 'c', node: 'n-1', caseId: 'fb-1' },
    { live: { marked: true, unschedulable: true }, before: { marked: false, unschedulable: false } },
    'node n-1 takes no new pods and the workload is not in quarantine',
  ],
])('%s, %s', (playbook, kind, args, { live, before }, text) => {
  const worse = PLAYBOOKS.find(({ id }) => id === playbook)?.kinds[kind]?.worse;
  const context = {
    ...{ target: { ...scope, kind: 'x', id: 'i-1', display: 'x', facts: {} }, aws: awsFor(scope, 'fb-1') },
    ...{ caseId: 'fb-1', outputs: {}, now: () => new Date() },
  };
  const seen = (changed: Json, contained: boolean) =>
    worse?.(args, context, { live: changed, before, contained });
  expect(worse).toBeDefined();
  expect(seen(live, false)).toBe(text);
  expect(seen(live, true)).toBeUndefined();
  expect(seen(before, false)).toBeUndefined();
});
