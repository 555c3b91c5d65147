/** Live state: the role in the finding's account, and the permission set where Identity Center is administered. */
import { z } from 'zod';
import type { Aws } from '../../core/aws/client.ts';
import { awsErrorName, FirebreakError } from '../../core/errors.ts';
import type { Target } from '../../core/journal/playbook.ts';
import type { JsonObject } from '../../core/json.ts';
import { everywhereSchema, readEverywhere } from './everywhere.ts';
import { centerRegion, centerSchema, readCenter } from './identity-center.ts';
import { settingsOf } from './settings.ts';
import type { SsoFacts } from './target.ts';

export const ssoState = z.object({
  role: z.object({ name: z.string(), arn: z.string(), path: z.string(), roleId: z.string() }),
  center: centerSchema,
  /** Absent in records of earlier releases. */
  everywhere: everywhereSchema.default({ kind: 'none' }),
});

/** Throws ResourceNotFound when the role is gone. */
export type SsoState = z.infer<typeof ssoState>;

export async function readSso(
  target: Target<SsoFacts>,
  aws: Aws,
  settings: JsonObject = {},
): Promise<SsoState> {
  const { roleName, permissionSet, userName } = target.facts;
  const role = await readRole(target, aws, roleName);
  const there = aws.inAccount(settingsOf(settings).account, centerRegion(role.path));
  const [center, everywhere] = await Promise.all([
    readCenter(there, { permissionSet, userName, account: target.account }),
    readEverywhere(aws, settings),
  ]);
  return { role, center, everywhere };
}

async function readRole(target: Target, aws: Aws, roleName: string) {
  const { client, api } = await aws.iam();
  try {
    const { Role } = await client.send(new api.GetRoleCommand({ RoleName: roleName }));
    return {
      name: roleName,
      arn: Role?.Arn ?? target.display,
      path: Role?.Path ?? '/',
      roleId: Role?.RoleId ?? '',
    };
  } catch (error) {
    if (!['NoSuchEntity', 'NoSuchEntityException'].includes(awsErrorName(error) ?? '')) throw error;
    throw new FirebreakError('ResourceNotFound', `the role ${roleName} does not exist any more`, {
      resource: target.display,
      next: 'The permission set was taken from the account: its sessions have no policies any more. End the sessions of the user in IAM Identity Center.',
      cause: error,
    });
  }
}
