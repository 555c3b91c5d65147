/** A simulated finding brings the pod, user, bucket and instance that its follow-ups look for. */
import { expect, it } from 'vitest';
import { parseFinding } from '../../core/finding/finding.ts';
import { loadPolicy } from '../../core/policy/policy.ts';
import { publishedTypes } from '../../playbooks/coverage.ts';
import { choosePlaybook } from '../../playbooks/index.ts';
import { SANDBOX_SCOPE } from '../../sandbox/scope.ts';
import { simulatedEvent } from '../../sandbox/simulated/event.ts';
import { ran } from './run-findings.ts';

const policy = await loadPolicy(new URL('../../policy.yml', import.meta.url).pathname);
const published = (await publishedTypes()).filter(({ state }) => state !== 'custom');

const simulated = (type: string) =>
  simulatedEvent(type, {
    scope: SANDBOX_SCOPE,
    severity: 'critical',
    now: new Date(),
    seed: 'follow-ups',
    sample: false,
  });

/** One type for each playbook with each set of follow-ups; what a plan asks for is known only once it is planned. */
const TYPES = [
  ...new Map(
    published.flatMap(({ type }) => {
      const finding = parseFinding(simulated(type));
      const choice = choosePlaybook(finding);
      if ('none' in choice) return [];
      const playbooks = choice.parts.map(({ playbook }) => playbook.id);
      const { kind, followUps } = policy.want(finding, {});
      return kind === 'ask' || kind === 'auto' ? [[[...playbooks, ...followUps].join(), type]] : [];
    }),
  ).values(),
];

it.each(TYPES)('%s', async (type) => {
  const [line] = await ran([simulated(type)]);
  expect(line?.timeline.map(({ event }) => event).join('\n')).not.toMatch(
    /no follow-up by \S+: .*(there is no|does not exist|was not found|is gone|cannot be read)/,
  );
  for (const followUp of line?.followUps ?? [])
    expect(followUp).toMatchObject({ status: expect.stringMatching(/^(contained|residual)$/) });
});
