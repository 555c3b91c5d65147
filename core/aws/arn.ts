/** Where something lives. `partition` comes from the finding (`aws`, `aws-cn`, `aws-us-gov`). */
export interface Scope {
  readonly partition: string;
  readonly account: string;
  readonly region: string;
}

/** An ARN in the scope's own partition; `global` leaves the Region out, as IAM ARNs do. */
export function arn(
  scope: Scope,
  service: string,
  resource: string,
  options: { global?: boolean } = {},
): string {
  const region = options.global ? '' : scope.region;
  return `arn:${scope.partition}:${service}:${region}:${scope.account}:${resource}`;
}

export interface ParsedArn {
  readonly partition: string;
  readonly service: string;
  readonly region: string;
  readonly account: string;
  /** Everything after the fifth colon, e.g. `role/path/NAME`. */
  readonly resource: string;
}

export function parseArn(text: string): ParsedArn | undefined {
  const match = /^arn:([^:]+):([^:]+):([^:]*):([^:]*):(.+)$/s.exec(text);
  if (!match) return undefined;
  const [, partition = '', service = '', region = '', account = '', resource = ''] = match;
  return { partition, service, region, account, resource };
}
