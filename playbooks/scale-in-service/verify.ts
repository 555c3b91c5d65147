/** The proving read: no task runs, the count is still 0, and nothing will raise it. */
import type { Proof, StepContext } from '../../core/journal/playbook.ts';
import { readService, scalingOf } from '../common/ecs/service.ts';
import type { ServiceFacts } from './target.ts';

export async function proveScaledIn({ aws, target }: StepContext<ServiceFacts>): Promise<Proof> {
  const { cluster, service } = target.facts;
  const { client, api } = await aws.ecs();
  const [live, scaling, { taskArns = [] }] = await Promise.all([
    readService(aws, cluster, service),
    scalingOf(aws, cluster, service),
    client.send(new api.ListTasksCommand({ cluster, serviceName: service, desiredStatus: 'RUNNING' })),
  ]);
  const wanted = live?.desiredCount ?? 0;
  const suspended = scaling === null || (scaling.out && scaling.scheduled);
  const running = Math.max(taskArns.length, live?.running ?? 0);
  const checks = [
    { id: 'desired-count', ok: wanted === 0, saw: `the service wants ${wanted} tasks` },
    {
      id: 'scaling',
      ok: suspended,
      saw: scaling === null ? 'nothing scales it' : `scaling is ${suspended ? '' : 'not '}suspended`,
    },
    { id: 'tasks', ok: running === 0, saw: `${running} tasks of the service run` },
  ];
  const proven = checks.every(({ ok }) => ok);
  const changed = wanted > 0 || !suspended;
  return { proven, checks, residual: [], next: proven ? 'final' : changed ? 'recontain' : 'wait' };
}
