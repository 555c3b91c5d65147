/** The proving read: reserved concurrency is 0 and nothing is provisioned. */
import type { Proof, StepContext } from '../../core/journal/playbook.ts';
import { provisionedOf, reservedOf } from './state.ts';

export async function proveThrottle({ aws, target }: StepContext): Promise<Proof> {
  const [reserved, provisioned] = await Promise.all([
    reservedOf(aws, target.id),
    provisionedOf(aws, target.id),
  ]);
  const checks = [
    {
      id: 'concurrency',
      ok: reserved === 0,
      saw: reserved === null ? 'no reserved concurrency is set' : `reserved concurrency is ${reserved}`,
    },
    {
      id: 'provisioned',
      ok: provisioned.length === 0,
      saw:
        provisioned.length === 0
          ? 'no provisioned concurrency'
          : `provisioned: ${provisioned.map(({ qualifier, count }) => `${qualifier} ${count}`).join(', ')}`,
    },
  ];
  const proven = checks.every(({ ok }) => ok);
  // Someone set it again after us: that is drift, which containing again finds and leaves to a person.
  return { proven, checks, residual: [], next: proven ? 'final' : 'recontain' };
}
