/** Roles that the principal assumed, and those that it assumed with these in turn: they live on when the principal is denied. */
import { z } from 'zod';
import { parseArn } from '../../core/aws/arn.ts';
import type { Finding } from '../../core/finding/finding.ts';
import { type Part, resourceKey } from '../../core/journal/playbook.ts';
import { type Call, lookUp } from '../common/changes/call.ts';
import { PRINCIPAL_NAME } from '../common/iam/principal-name.ts';
import { principalPart } from '../common/principal/principal-part.ts';

/** On one card next to what was changed; the newest, of which most live yet. */
const MOST_SESSIONS = 10;

/** As AWS recorded it: the caller chose the session's name. */
const assumed = z.object({
  assumedRoleUser: z.object({ assumedRoleId: z.string().regex(/^AROA[A-Z0-9]{4,124}:[\w+=,.@-]{2,64}$/) }),
  credentials: z
    .object({ accessKeyId: z.string().regex(/^ASIA[A-Z0-9]{12,124}$/) })
    .optional()
    .catch(undefined),
});
const asked = z.object({
  roleArn: z.string().regex(/^arn:[\w-]+:iam::\d{12}:role\/([!-~]{1,510}\/)?[\w+=,.@-]{1,64}$/),
});

export interface Onward {
  readonly parts: readonly Part[];
  /** What no part revokes: the session, and the command that shows the call. */
  readonly named: readonly string[];
}

/** Returns the sessions that the calls opened, each with the playbook that revokes it. `calls`: oldest first. */
export function onwardSessions(finding: Finding, calls: readonly Call[]): Onward {
  const parts = new Map<string, { readonly part: Part; readonly otherwise: string }>();
  const named: string[] = [];
  for (const call of calls) {
    if (call.source !== 'sts.amazonaws.com' || call.name !== 'AssumeRole') continue;
    const opened = sessionOf(call);
    const shown = lookUp(call);
    if (!opened) named.push(`the session of AssumeRole at ${call.at} cannot be read: ${shown}`);
    else if (opened.account !== finding.account)
      named.push(`${opened.session}, which is of another account, whose owner can revoke it: ${shown}`);
    // A session that assumed its own role under its own name has the id that is denied already.
    else if (opened.principalId !== finding.accessKey?.principalId) {
      const choice = principalPart(about(finding, opened));
      if (!choice.ok) named.push(`${opened.session}: ${choice.reason}: ${shown}`);
      else {
        const { part } = choice;
        const otherwise = `${opened.session}, one of more than ${MOST_SESSIONS}: ${shown}`;
        // In the order of the last time that it was opened.
        parts.delete(resourceKey(part.target));
        parts.set(resourceKey(part.target), { part, otherwise });
      }
    }
  }
  const all = [...parts.values()];
  const over = all.slice(0, Math.max(0, all.length - MOST_SESSIONS));
  return {
    parts: all.slice(over.length).map(({ part }) => part),
    named: [...over.map(({ otherwise }) => otherwise), ...named],
  };
}

interface Opened {
  readonly account: string;
  readonly roleName: string;
  readonly principalId: string;
  readonly accessKeyId: string | undefined;
  /** As people read it. */
  readonly session: string;
}

/** Returns the session that a call opened; undefined where its record does not name both. */
function sessionOf({ request, response }: Call): Opened | undefined {
  const { data: role } = asked.safeParse(request);
  const { data: session } = assumed.safeParse(response);
  const { account = '', resource = '' } = parseArn(role?.roleArn ?? '') ?? {};
  const roleName = resource.split('/').at(-1) ?? '';
  if (!role || !session || !PRINCIPAL_NAME.test(roleName)) return undefined;
  const { assumedRoleId: principalId } = session.assumedRoleUser;
  return {
    ...{ account, roleName, principalId, accessKeyId: session.credentials?.accessKeyId },
    session: `session ${principalId.split(':')[1]} of role ${role.roleArn}`,
  };
}

/** The finding as it is about the session: what it says of the principal's own call is not said of this one. */
function about(finding: Finding, { roleName, principalId, accessKeyId }: Opened): Finding {
  const { action: _action, resourceRole: _role, ...rest } = finding;
  return {
    ...rest,
    accessKey: {
      ...{ userType: 'AssumedRole', userName: roleName, principalId },
      ...(accessKeyId === undefined ? {} : { accessKeyId }),
    },
  };
}
