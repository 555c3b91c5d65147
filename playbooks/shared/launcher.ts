/**
 * Who launched an instance: a miner that is only isolated is launched again by whoever launched it. CloudTrail's event
 * history knows RunInstances for 90 days, without a trail. LookupEvents allows two calls a second for an account and
 * Region; this makes one.
 */
import { z } from 'zod';
import type { Aws } from '../../core/aws.ts';
import { isAccessDenied } from '../../core/errors.ts';
import { eventPages } from '../../core/event-history.ts';
import type { AccessKeyResource, Finding } from '../../core/finding.ts';
import type { TargetChoice } from '../../core/playbook.ts';

/** 50 events each, two a second: more would keep the follow-up waiting. */
const MOST_PAGES = 40;

/** The part of a CloudTrail record that names its caller. */
const record = z.object({
  eventName: z.string(),
  userIdentity: z.object({
    type: z.string().optional(),
    principalId: z.string().optional(),
    userName: z.string().optional(),
    accessKeyId: z.string().optional(),
    sessionContext: z
      .object({ sessionIssuer: z.object({ userName: z.string().optional() }).optional() })
      .optional(),
  }),
});

/**
 * The finding's own principal, or for a finding about an instance whoever launched it. `targetOf` is that of the
 * playbook that asks: a launcher of another kind gets its reason.
 */
export async function locatePrincipal(
  finding: Finding,
  aws: Aws,
  targetOf: (finding: Finding) => TargetChoice,
): Promise<TargetChoice> {
  if (finding.accessKey || !finding.instance) return targetOf(finding);
  const { instanceId } = finding.instance;
  const launcher = await launcherOf(aws, instanceId);
  if ('why' in launcher) return { ok: false, reason: launcher.why };
  const choice = targetOf({ ...finding, accessKey: launcher });
  return choice.ok
    ? choice
    : { ok: false, reason: `${instanceId} was launched by another kind of principal: ${choice.reason}` };
}

async function launcherOf(
  aws: Aws,
  instanceId: string,
): Promise<AccessKeyResource | { readonly why: string }> {
  let pages = 0;
  try {
    // Newest first: the launch is the last there is.
    for await (const page of eventPages(aws, { attribute: 'ResourceName', value: instanceId })) {
      for (const raw of page) {
        const parsed = record.safeParse(raw);
        if (parsed.success && parsed.data.eventName === 'RunInstances')
          return principalOf(parsed.data.userIdentity);
      }
      pages += 1;
      if (pages === MOST_PAGES)
        return {
          why: `CloudTrail has more than ${MOST_PAGES} pages on ${instanceId}: look for RunInstances by hand`,
        };
    }
    return { why: `CloudTrail's last 90 days do not show who launched ${instanceId}` };
  } catch (error) {
    if (!isAccessDenied(error)) throw error;
    return { why: `CloudTrail may not be read, so who launched ${instanceId} is not known` };
  }
}

function principalOf(identity: z.infer<typeof record>['userIdentity']): AccessKeyResource {
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
