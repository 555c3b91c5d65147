/** Which thing was switched off: from the type of the finding, the API call it tells of, and what it says was affected. */
import { z } from 'zod';
import { arn, parseArn } from '../../../core/aws/arn.ts';
import { iamHome } from '../../../core/aws/regions.ts';
import type { Finding } from '../../../core/finding/finding.ts';
import type { Target, TargetChoice } from '../../../core/journal/playbook.ts';
import { isJsonObject, own } from '../../../core/json.ts';
import { BUCKET, bucketOf, s3Target } from '../s3/bucket-target.ts';

export const loggingFacts = z.object({
  /** The trail that the finding names, or null. */
  trail: z.string().nullable(),
  /** The call, as GuardDuty writes it. */
  api: z.string(),
  principalId: z.string().nullable(),
  accessKeyId: z.string().nullable(),
  since: z.string(),
  /** Others of the same attack: the actors of a sequence. */
  others: z
    .array(z.object({ principalId: z.string().nullable(), accessKeyId: z.string().nullable() }))
    .exactOptional(),
});
export type LoggingFacts = z.infer<typeof loggingFacts>;
export type LoggingTarget = Target<LoggingFacts>;

/** What of GuardDuty is changed while its detector stays on. */
export const DETECTION = 'guardduty-settings';

/** Calls that make GuardDuty report less: filters, trusted and threat lists, where findings go, members. */
const BLINDS =
  /^((Create|Update)(Filter|IPSet|ThreatIntelSet|TrustedEntitySet|ThreatEntitySet|PublishingDestination)|Delete(ThreatIntelSet|ThreatEntitySet|PublishingDestination|Members)|(StopMonitoring|Disassociate)Members|DisassociateFrom(Administrator|Master)Account|UpdateMemberDetectors|UpdateOrganizationConfiguration)$/;

/** Calls that switch something off, each with what it is done to. */
const BY_API: Readonly<Record<string, (finding: Finding) => TargetChoice<LoggingFacts>>> = {
  StopLogging: trailOf,
  DeleteTrail: trailOf,
  UpdateTrail: trailOf,
  PutEventSelectors: trailOf,
  DeleteFlowLogs: (finding) => inRegion(finding, 'vpc-flow-logs', 'ec2', 'vpc-flow-log/*'),
  PutBucketLogging: namedBucket,
  UpdateDetector: (finding) => inRegion(finding, 'guardduty-detector', 'guardduty', 'detector/*'),
  DeleteDetector: (finding) => inRegion(finding, 'guardduty-detector', 'guardduty', 'detector/*'),
  UpdateAccountPasswordPolicy: passwords,
  DeleteAccountPasswordPolicy: passwords,
  PutModelInvocationLoggingConfiguration: models,
  DeleteModelInvocationLoggingConfiguration: models,
};

export function loggingTarget(finding: Finding): TargetChoice<LoggingFacts> {
  switch (finding.type) {
    case 'Stealth:IAMUser/CloudTrailLoggingDisabled':
      return trailOf(finding);
    case 'Stealth:S3/ServerAccessLoggingDisabled':
      return accessLogsOf(finding);
    case 'Stealth:IAMUser/PasswordPolicyChange':
      return passwords(finding);
    case 'DefenseEvasion:IAMUser/BedrockLoggingDisabled':
      return models(finding);
    default: {
      const api = finding.action?.api ?? '';
      if (BLINDS.test(api)) return detectionTarget(finding);
      const of = own(BY_API, api);
      return (
        of?.(finding) ?? { ok: false, reason: `${shown(api)} is no call that is known to switch logging off` }
      );
    }
  }
}

const shown = (api: string): string => (/^[A-Za-z0-9]{1,80}$/.test(api) ? api : 'the call');

function factsFor(finding: Finding, trail: string | null): LoggingFacts {
  const { accessKey, action, firstSeen, updatedAt } = finding;
  return {
    trail,
    api: shown(action?.api ?? ''),
    principalId: accessKey?.principalId ?? null,
    accessKeyId: accessKey?.accessKeyId ?? null,
    since: firstSeen ?? updatedAt,
  };
}

/** The trail the finding names, in its home Region, or the account where it names none. */
function trailOf(finding: Finding): TargetChoice<LoggingFacts> {
  const { partition, account } = finding;
  const parsed = parseArn(affected(finding, 'AWS::CloudTrail::Trail') ?? '');
  const ours =
    parsed?.service === 'cloudtrail' &&
    parsed.account === account &&
    /^trail\/[\w.-]{3,128}$/.test(parsed.resource) &&
    /^[a-z]{2,4}(-[a-z]+)+-\d{1,2}$/.test(parsed.region);
  const scope = { partition, account, region: ours ? (parsed?.region ?? finding.region) : finding.region };
  const trail = ours && parsed ? arn(scope, 'cloudtrail', parsed.resource) : null;
  const display = trail ?? arn(scope, 'cloudtrail', 'trail/*');
  return {
    ok: true,
    target: { ...scope, kind: 'cloudtrail', id: trail ?? account, display, facts: factsFor(finding, trail) },
  };
}

function accessLogsOf(finding: Finding): TargetChoice<LoggingFacts> {
  const choice = bucketOf(finding);
  if (!choice.ok) return choice;
  return s3Target(finding, 'bucket-access-logs', choice.target.id, factsFor(finding, null));
}

/** A finding about credentials carries no bucket of its own. */
function namedBucket(finding: Finding): TargetChoice<LoggingFacts> {
  const named = affected(finding, 'AWS::S3::Bucket') ?? '';
  const bucket = parseArn(named)?.resource ?? named;
  if (!BUCKET.test(bucket)) return { ok: false, reason: 'the finding does not name an S3 bucket' };
  return s3Target(finding, 'bucket-access-logs', bucket, factsFor(finding, null));
}

function passwords(finding: Finding): TargetChoice<LoggingFacts> {
  const scope = iamHome(finding);
  const display = arn(scope, 'iam', 'account-password-policy', { global: true });
  return {
    ok: true,
    target: { ...scope, kind: 'password-policy', id: scope.account, display, facts: factsFor(finding, null) },
  };
}

function models(finding: Finding): TargetChoice<LoggingFacts> {
  return inRegion(finding, 'model-invocation-logging', 'bedrock', 'model-invocation-logging-configuration');
}

/** Returns GuardDuty's settings in the finding's account and Region, with who is suspected of changing them. */
export function detectionTarget(
  finding: Finding,
  others?: LoggingFacts['others'],
): TargetChoice<LoggingFacts> {
  const choice = inRegion(finding, DETECTION, 'guardduty', 'detector/*');
  if (!choice.ok || others === undefined) return choice;
  return { ok: true, target: { ...choice.target, facts: { ...choice.target.facts, others } } };
}

/** What there is once in an account and Region. */
function inRegion(
  finding: Finding,
  kind: string,
  service: string,
  resource: string,
): TargetChoice<LoggingFacts> {
  const { partition, account, region } = finding;
  const scope = { partition, account, region };
  const display = arn(scope, service, resource);
  return { ok: true, target: { ...scope, kind, id: account, display, facts: factsFor(finding, null) } };
}

/** `affectedResources` of the API call: `{"AWS::CloudTrail::Trail": "arn:..."}`. */
function affected({ detail }: Finding, type: string): string | undefined {
  let found: unknown = detail;
  for (const name of ['service', 'action', 'awsApiCallAction', 'affectedResources']) {
    if (!isJsonObject(found)) return undefined;
    found = found[name];
  }
  if (!isJsonObject(found)) return undefined;
  // The keys are types of resources; a reader of findings may have written the first letter small.
  const value = Object.entries(found).find(([key]) => key.toLowerCase() === type.toLowerCase())?.[1];
  return typeof value === 'string' ? value : undefined;
}
