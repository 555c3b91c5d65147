/** What deploy/organization-policies.ts deploys, as it stands in an organisation. */
import { quarantineStatements } from '../../deploy/organization-policies.ts';
import { LONGEST, render } from '../../deploy/render.ts';

/** The text of the quarantine policy. */
export const QUARANTINE = JSON.stringify(
  render(
    { Version: '2012-10-17', Statement: quarantineStatements() },
    { ...LONGEST, parameters: { BreakGlass: 'break-glass' } },
  ),
);
