/**
 * Who launched what mines: a miner that is only stopped is started again by the principal that started it. CloudTrail's event
 * history knows the call for 90 days, without a trail.
 */
import { z } from 'zod';
import type { Aws } from '../../core/aws/client.ts';
import { eventPages } from '../../core/aws/event-history.ts';
import { isAccessDenied } from '../../core/errors.ts';
import type { AccessKeyResource, Finding } from '../../core/finding/finding.ts';
import { functionOf } from '../common/lambda-target.ts';

/** 50 events each, two a second: the task that looks has a minute, and the other Regions come after this. */
const MOST_PAGES = 20;

/** Services start instances under this role for the principal that made the group. */
const AUTO_SCALING_ROLE = /^AWSServiceRoleForAutoScaling/;
const GROUP_TAG = 'aws:autoscaling:groupName';

/** The part of a CloudTrail record that names its caller. */
export const callerRecord = z.object({
  eventName: z.string(),
  eventTime: z.string().optional(),
  errorCode: z.string().optional(),
  userIdentity: z.object({
    type: z.string().optional(),
    principalId: z.string().optional(),
    userName: z.string().optional(),
    accessKeyId: z.string().optional(),
    sessionContext: z
      .object({ sessionIssuer: z.object({ userName: z.string().optional() }).optional() })
      .optional(),
  }),
  requestParameters: z.unknown().optional(),
  responseElements: z.unknown().optional(),
});
type CallerRecord = z.infer<typeof callerRecord>;

export interface Launch {
  /** What was launched, for people. */
  readonly what: string;
  /** The call, as CloudTrail names it. */
  readonly call: string;
  /** ISO 8601. */
  readonly at: string | undefined;
  readonly by: AccessKeyResource;
}
export type LaunchFound = Launch | { readonly why: string };

/** Who launched the instance or deployed the function of the finding; in the finding's Region. */
export async function launchOf(finding: Finding, aws: Aws): Promise<LaunchFound> {
  const instanceId = finding.instance?.instanceId;
  const code = functionOf(finding);
  if (code.ok) {
    // CloudTrail appends the API's version to names of Lambda's calls.
    return callOn(aws, code.target.id, /^(CreateFunction|UpdateFunctionCode)\d*(v\d+)?$/);
  }
  if (instanceId === undefined || !/^i-[0-9a-f]{8,17}$/.test(instanceId)) {
    return {
      why: 'who started a container is not looked up: see RunTask, CreateService and the audit log of the cluster',
    };
  }
  const launch = await callOn(aws, instanceId, /^RunInstances$/);
  const group = finding.instance?.tags[GROUP_TAG];
  if ('why' in launch || group === undefined || !AUTO_SCALING_ROLE.test(launch.by.userName ?? ''))
    return launch;
  return callOn(aws, group, /^CreateAutoScalingGroup$/);
}

async function callOn(aws: Aws, resource: string, call: RegExp): Promise<LaunchFound> {
  let pages = 0;
  try {
    // Newest first: the launch of an instance is the last there is, the deployment of a function the first.
    for await (const page of eventPages(aws, { attribute: 'ResourceName', value: resource })) {
      for (const raw of page) {
        const { success, data } = callerRecord.safeParse(raw);
        if (!success || data.errorCode !== undefined || !call.test(data.eventName)) continue;
        return { what: resource, call: data.eventName, at: data.eventTime, by: callerOf(data) };
      }
      pages += 1;
      if (pages === MOST_PAGES)
        return {
          why: `CloudTrail has more than ${MOST_PAGES} pages on ${resource}: look for who launched it by hand`,
        };
    }
    return { why: `CloudTrail's last 90 days do not show who launched ${resource}` };
  } catch (error) {
    if (!isAccessDenied(error)) throw error;
    return { why: `CloudTrail may not be read, so who launched ${resource} is not known` };
  }
}

/** The caller as a finding would name it. */
export function callerOf({ userIdentity: identity }: CallerRecord): AccessKeyResource {
  const { type, principalId, accessKeyId } = identity;
  // For an assumed role the name is that of the role, as in a finding.
  const userName = identity.userName ?? identity.sessionContext?.sessionIssuer?.userName;
  return {
    ...(type === undefined ? {} : { userType: type }),
    ...(principalId === undefined ? {} : { principalId }),
    ...(userName === undefined ? {} : { userName }),
    ...(accessKeyId === undefined ? {} : { accessKeyId }),
  };
}
