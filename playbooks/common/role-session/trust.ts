/** Who may assume a role, read from its trust policy. Conditions are not weighed: a name here means "perhaps". */
import { z } from 'zod';
import { parseArn } from '../../../core/aws/arn.ts';
import type { Json } from '../../../core/json.ts';

const oneOrMany = z
  .union([z.string(), z.array(z.string())])
  .transform((value) => (Array.isArray(value) ? value : [value]));
const statement = z.object({
  Effect: z.string(),
  Principal: z.union([z.literal('*'), z.record(z.string(), oneOrMany)]).optional(),
});
const trustPolicy = z.object({ Statement: z.union([statement, z.array(statement)]) });

export interface Trust {
  /** Everyone but EC2, as the policy writes them (`Service: lambda.amazonaws.com`). */
  otherPrincipals: string[];
  /**
   * Could a session of the role assume the role again, under a session name of its own choice? Only where the trust
   * policy names the role itself, its account, or everyone.
   */
  selfAssumable: boolean;
}

export function trustOf(document: Json, roleArn: string): Trust {
  const parsed = trustPolicy.safeParse(document);
  // A form we cannot read counts as the widest: what we do not know must not look safe.
  if (!parsed.success) return { otherPrincipals: ['unreadable trust policy'], selfAssumable: true };
  const allowed = [parsed.data.Statement].flat().filter(({ Effect }) => Effect === 'Allow');
  const principals = allowed.flatMap(({ Principal }) => {
    if (Principal === undefined) return [{ kind: 'AWS', name: '*' }]; // NotPrincipal: everyone but a few
    if (Principal === '*') return [{ kind: 'AWS', name: '*' }];
    return Object.entries(Principal).flatMap(([kind, names]) => names.map((name) => ({ kind, name })));
  });
  const others = principals.filter(
    ({ kind, name }) => kind !== 'Service' || !/^ec2\.amazonaws\.com(\.cn)?$/.test(name),
  );
  return {
    otherPrincipals: [...new Set(others.map(({ kind, name }) => `${kind}: ${name}`))].sort(),
    selfAssumable: others.some(({ kind, name }) => kind === 'AWS' && coversRole(name, roleArn)),
  };
}

/** The role itself, one of its sessions, its whole account, or everyone. */
function coversRole(principal: string, roleArn: string): boolean {
  const role = parseArn(roleArn);
  if (principal === '*' || principal === roleArn || principal === role?.account) return true;
  const named = parseArn(principal);
  if (!named || named.account !== role?.account) return false;
  const name = role.resource.split('/').at(-1) ?? '';
  return named.resource === 'root' || named.resource.startsWith(`assumed-role/${name}/`);
}
