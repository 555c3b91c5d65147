/** Which function: from the finding alone. */
import { arn } from '../../core/aws/arn.ts';
import type { Finding } from '../../core/finding/finding.ts';
import type { TargetChoice } from '../../core/journal/playbook.ts';
import { detailsOf } from './details.ts';
import { elsewhere } from './elsewhere.ts';

/** A function's name without version or alias (Lambda API: FunctionName). */
const NAME = /^[A-Za-z0-9_-]{1,64}$/;

export function functionOf(finding: Finding): TargetChoice {
  const details = detailsOf(finding, 'lambdaDetails');
  if (!details) return { ok: false, reason: 'the finding does not name a Lambda function' };
  const name = nameIn(details.optionalText('functionName')) ?? nameIn(details.optionalText('functionArn'));
  if (name === undefined) return { ok: false, reason: 'the finding does not name a Lambda function' };
  const other = elsewhere(
    finding,
    'function',
    details.optionalText('functionName'),
    details.optionalText('functionArn'),
  );
  if (other) return other;
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

/**
 * The name in any form that the Lambda API takes for it: a name, a partial or a whole ARN, each with a version or an alias
 * or without. Concurrency belongs to the whole function.
 */
function nameIn(text: string | undefined): string | undefined {
  const name = /^(?:.*:function:)?([^:]+)/.exec(text ?? '')?.[1];
  return name !== undefined && NAME.test(name) ? name : undefined;
}
