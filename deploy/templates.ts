/**
 * Generates everything of deploy/generated/ from the playbooks and deploy/access.ts. `--check` exits 1 when it is stale.
 */

import { RIGHTS } from '../playbooks/known.ts';
import { executionAlarms, functionAlarms } from './alarms.ts';
import { customerKey } from './customer-key.ts';
import { dashboard } from './dashboard.ts';
import { schemaRegistry } from './event-schema.ts';
import { forwardRegion } from './forward-region.ts';
import { type Generated, generate, jsonText } from './generate.ts';
import { MANIFEST, rbacManifest } from './kubernetes.ts';
import { managementAccount } from './management-account.ts';
import { memberAccount, memberStackSet } from './member-account.ts';
import { organizationPolicies } from './organization-policies.ts';
import { stackRoles } from './roles.ts';
import type { Rights } from './statements.ts';

export async function generatedTemplates(playbooks: Rights = RIGHTS): Promise<Generated> {
  return {
    'deploy/generated/roles.json': jsonText(await stackRoles(playbooks)),
    'deploy/generated/forward-region.json': jsonText(forwardRegion()),
    'deploy/generated/member-account.json': jsonText(memberAccount(playbooks)),
    'deploy/generated/member-stack-set.json': jsonText(memberStackSet(playbooks)),
    'deploy/generated/management-account.json': jsonText(managementAccount(playbooks)),
    'deploy/generated/organization-policies.json': jsonText(await organizationPolicies(playbooks)),
    'deploy/generated/observability.json': jsonText({
      Resources: { Dashboard: dashboard(), ...schemaRegistry() },
    }),
    'deploy/generated/alarms.json': jsonText({
      Resources: { ...executionAlarms(), ...functionAlarms().Resources },
    }),
    'deploy/generated/customer-key.json': jsonText(customerKey()),
    [MANIFEST]: rbacManifest(),
  };
}

if (import.meta.main) {
  await generate(await generatedTemplates(), ['deploy/generated'], process.argv.includes('--check'));
}
