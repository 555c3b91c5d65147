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

/**
 * What a follow-up says of a finding that it is not meant for: another kind of principal or resource, or a principal that changed
 * nothing, which CloudTrail was asked about.
 */
const NOT_FOR_IT = [
  /^reverse-changes: CloudTrail shows no change by the principal that can be reversed$/,
  // The caller of a Kubernetes API need not be one of AWS.
  /^reverse-changes: the caller \S+ is not a principal of IAM$/,
  // It names none until someone deployed the role there.
  /^quarantine-account: policy\.yml does not name the management account /,
  /^restore-detection: CloudTrail's event history shows no change of GuardDuty by it$/,
  /^restore-event-selectors: \S+ records all management events$/,
  /^suspend-expiry: the principal did not write the lifecycle rules of \S+$/,
  /^revoke-role-sessions: the principal is not an assumed role \(IAMUser\)$/,
  /^revoke-sso-sessions: the principal does not hold a role of IAM Identity Center /,
  /^scale-in-service: the finding carries no ECS task$/,
  /^stop-launcher: who started a container is not looked up: /,
];

it.each(TYPES)('%s', async (type) => {
  const [line] = await ran([simulated(type)]);
  const without = (line?.timeline ?? []).flatMap(
    ({ event }) => /^no follow-up by (.*)/s.exec(event)?.[1] ?? [],
  );
  expect(without.filter((reason) => !NOT_FOR_IT.some((expected) => expected.test(reason)))).toEqual([]);
  for (const followUp of line?.followUps ?? [])
    expect(followUp).toMatchObject({ status: expect.stringMatching(/^(contained|residual)$/) });
});
