/** What deploy/organization-policies.ts deploys, as it stands in an organisation. */
import { quarantineStatements } from '../../deploy/organization-policies.ts';
import { LONGEST, render } from '../../deploy/render.ts';
import { NO_ROOT } from '../../playbooks/common/organization/denied-root.ts';
import { NO_USER } from '../../playbooks/common/organization/denied-users.ts';

/** The text of the policy in which users are denied, as someone wrote it: not as JSON.stringify would. */
export const DENIED_USERS = JSON.stringify({ Version: '2012-10-17', Statement: [NO_USER] }, null, 2);

/** The text of the policy that denies root. */
export const DENIED_ROOT = JSON.stringify({ Version: '2012-10-17', Statement: [NO_ROOT] });

/** The text of the quarantine policy. */
export const QUARANTINE = JSON.stringify(
  render(
    { Version: '2012-10-17', Statement: quarantineStatements() },
    { ...LONGEST, parameters: { BreakGlass: 'break-glass' } },
  ),
);
