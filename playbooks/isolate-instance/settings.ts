/** `playbooks: isolate-instance:` in policy.yml. */
import { z } from 'zod';

export const isolateSettings = z.strictObject({
  transit: z
    .boolean()
    .default(true)
    .describe('Through an open group first, so that untracked flows are cut.'),
  natNetworkAcl: z
    .boolean()
    .default(false)
    .describe('Deny it at its NAT gateways as well, in network ACLs that carry the tag firebreak.'),
});
