/**
 * Where people go on looking: pages of the AWS console for a finding. The console's domain differs by partition; the
 * fragments after `#` are how AWS documents links to a GuardDuty finding and a Detective profile [M].
 */
import type { Finding } from '../finding/finding.ts';
import { own } from '../json.ts';

export interface ConsoleLink {
  readonly label: string;
  readonly url: string;
}

const DOMAINS: Readonly<Record<string, string>> = {
  aws: 'console.aws.amazon.com',
  'aws-us-gov': 'console.amazonaws-us-gov.com',
  'aws-cn': 'console.amazonaws.cn',
};

/** Links to the finding in GuardDuty and Detective and to the principal in CloudTrail; none where the partition has no public console. */
export function consoleLinks(finding: Finding): readonly ConsoleLink[] {
  const domain = own(DOMAINS, finding.partition);
  // Neither GuardDuty nor Detective holds a finding of a scan's result.
  if (domain === undefined || finding.scan !== undefined) return [];
  const { region, id } = finding;
  const page = (service: string, fragment: string) =>
    `https://${region}.${domain}/${service}/home?region=${region}#${fragment}`;
  const key = finding.accessKey?.accessKeyId;
  return [
    { label: 'GuardDuty', url: page('guardduty', `/findings?search=id%3D${encodeURIComponent(id)}`) },
    // Detective is not offered in China.
    ...(finding.partition === 'aws-cn'
      ? []
      : [{ label: 'Detective', url: page('detective', `findings/GuardDuty/${encodeURIComponent(id)}`) }]),
    ...(key !== undefined && /^A[A-Z0-9]{15,127}$/.test(key)
      ? [{ label: 'CloudTrail', url: page('cloudtrailv2', `/events?AccessKeyId=${key}`) }]
      : []),
  ];
}

/** The page of an execution in Step Functions; none for what is no ARN of one, or where there is no public console. */
export function executionLink(executionArn: string): string | undefined {
  const [, partition = '', , region = ''] =
    /^arn:([^:]+):(states):([a-z0-9-]+):\d{12}:execution:/.exec(executionArn) ?? [];
  const domain = own(DOMAINS, partition);
  return domain === undefined
    ? undefined
    : `https://${region}.${domain}/states/home?region=${region}#/v2/executions/details/${encodeURIComponent(executionArn)}`;
}
