/** AWS services that call for others (`callerType: Domain`). */
import type { Finding } from '../../core/finding/finding.ts';

/** What goes on behind a service's call, however well its session is contained. */
export const startedBy = (service: string): string =>
  `${service} called on behalf of others: find out in CloudTrail who started it (userIdentity.invokedBy, sourceIdentity, the stack or run), and contain them`;

/** Why a finding does not name a principal, or undefined where it does: a service that called for others is named. */
export const noPrincipal = ({ accessKey, action }: Finding): string | undefined => {
  const { principalId, userName, userType } = accessKey ?? {};
  if ([principalId, userName, userType].some((text) => text !== undefined)) return undefined;
  const service = action?.callingService;
  return `the finding does not name a principal${service === undefined ? '' : `: ${startedBy(service)}`}`;
};
