/** A workload from the finding alone; the words of a finding are not trusted to be those that GuardDuty writes today. */
import { expect, it } from 'vitest';
import { parseFinding } from '../../../core/finding/finding.ts';
import { createTwin } from '../../../sandbox/twin/twin.ts';
import { inCluster } from '../../../test/playbooks/kubernetes-world.ts';
import { SCOPE } from '../../../test/playbooks/properties.ts';
import { podOf } from './pod-target.ts';

const ofType = (type: string) =>
  podOf(
    parseFinding(
      inCluster(createTwin(SCOPE), 'Execution:Runtime/ReverseShell', {
        kubernetesWorkloadDetails: { name: 'cart-1', namespace: 'web', type },
      }),
    ),
  );

it.each([
  ['pods', 'pods', 'eks-pod', 'shop/web/cart-1'],
  ['Pod', 'pods', 'eks-pod', 'shop/web/cart-1'],
  ['PODS', 'pods', 'eks-pod', 'shop/web/cart-1'],
  ['CronJob', 'cronjobs', 'eks-workload', 'shop/web/cronjobs/cart-1'],
  [
    'replicationcontrollers',
    'replicationcontrollers',
    'eks-workload',
    'shop/web/replicationcontrollers/cart-1',
  ],
])('finds a workload of type %s', (type, kind, resource, id) => {
  expect(ofType(type)).toMatchObject({ ok: true, target: { kind: resource, id, facts: { kind } } });
});

it.each(['nodes', 's', '', 'constructor', 'hasOwnProperty', '__proto__'])(
  'looks for no pods of type "%s"',
  (type) => {
    expect(ofType(type)).toMatchObject({ ok: false, reason: expect.stringContaining('are not looked for') });
  },
);
