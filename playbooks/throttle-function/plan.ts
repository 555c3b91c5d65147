/** Provisioned concurrency first, then reserved concurrency 0. Pure. */

import type { Plan, PlanOptions, StepOf, Target } from '../../core/journal/playbook.ts';
import { protectedBy } from '../common/protected.ts';
import type { FunctionState } from './state.ts';
import type { KINDS } from './steps.ts';

type Step = StepOf<typeof KINDS>;

export function planThrottle(
  live: FunctionState,
  target: Target,
  { protectedArns }: PlanOptions,
): Plan<Step> {
  const functionName = target.id;
  const pattern = protectedBy([functionName, live.arn, target.display], protectedArns);
  if (pattern !== undefined) {
    return {
      kind: 'refused',
      reason: `${functionName} is protected (${pattern}): by policy.yml, or as Firebreak's own`,
      alternative: 'Set its reserved concurrency to 0 by hand if that is what you want.',
    };
  }
  if (live.capacityProvider !== null) {
    return {
      kind: 'refused',
      reason: `${functionName} runs on Lambda Managed Instances (${live.capacityProvider}), which reserved concurrency does not limit`,
      alternative:
        'Set its minimum and maximum of execution environments to 0 (PutFunctionScalingConfig), and revoke the sessions of its role.',
    };
  }
  const removed = live.provisioned.map(
    ({ qualifier, count }): Step => ({
      id: `provisioned:${qualifier}`,
      kind: 'provisioned',
      role: 'prepare',
      describe: `Remove the provisioned concurrency of ${functionName}:${qualifier}`,
      args: { functionName, qualifier },
      before: count,
      after: null,
      together: 'provisioned',
    }),
  );
  return {
    kind: 'plan',
    steps: [
      ...removed,
      {
        id: 'concurrency',
        kind: 'concurrency',
        role: 'contain',
        describe: `Let no one invoke ${functionName} (reserved concurrency 0)`,
        args: { functionName },
        before: live.reserved,
        after: 0,
      },
    ],
    blastRadius: {
      count: 1,
      unit: 'functions',
      detail: [
        `${functionName}, every version and alias`,
        ...live.eventSources.map((source) => `fed by ${source}`),
      ],
    },
    warnings: [
      'everything that uses the function stops; asynchronous events are dropped after 6 hours of retries',
      ...(live.eventSources.length > 0
        ? ['records of its event sources wait, and are lost once they are older than the source keeps them']
        : []),
      `code as found: SHA-256 ${live.codeSha256}`,
    ],
    residual: [
      `sessions of its role ${live.role} that were taken out of it stay valid: revoke them on the role`,
      `invocations that run already go on for up to ${live.timeoutSeconds} s`,
    ],
    askBecause: [],
    tags: live.tags,
    arns: [live.arn],
  };
}
