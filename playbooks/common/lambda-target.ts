/** Which function: from the finding alone. */
import { arn } from '../../core/aws/arn.ts';
import type { Finding } from '../../core/finding/finding.ts';
import type { TargetChoice } from '../../core/journal/playbook.ts';
import { detailsOf } from './details.ts';

/** A function's name without version or alias (Lambda API: FunctionName). */
const NAME = /^[A-Za-z0-9_-]{1,64}$/;

export function functionOf(finding: Finding): TargetChoice {
  const details = detailsOf(finding, 'lambdaDetails');
  if (!details) return { ok: false, reason: 'the finding names no Lambda function' };
  // The ARN may carry a version or an alias; concurrency belongs to the whole function.
  const fromArn = /:function:([^:]+)/.exec(details.optionalText('functionArn') ?? '')?.[1];
  const name = details.optionalText('functionName') ?? fromArn ?? '';
  if (!NAME.test(name)) return { ok: false, reason: 'the finding names no Lambda function' };
  const { partition, account, region } = finding;
  const scope = { partition, account, region };
  return {
    ok: true,
    target: {
      ...scope,
      kind: 'lambda-function',
      id: name,
      display: arn(scope, 'lambda', `function:${name}`),
      facts: {},
    },
  };
}
