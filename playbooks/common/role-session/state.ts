/** Live state of the role, and of its instances only where the deny needs them. */
import { z } from 'zod';
import type { Aws } from '../../../core/aws/client.ts';
import { FirebreakError } from '../../../core/errors.ts';
import type { Target } from '../../../core/journal/playbook.ts';
import type { Json, JsonObject } from '../../../core/json.ts';
import { findInstance } from '../ec2/session-instance.ts';
import { awsReason, isNoSuchEntity } from '../iam/aws-reason.ts';
import { pagesOf } from '../iam/iam-pages.ts';
import { decodePolicy, policySize } from '../iam/policy-documents.ts';
import { egressOf, egressSchema, instancesOf, userSchema } from './instances.ts';
import { leverOf } from './settings.ts';
import type { SessionFacts } from './target.ts';
import { trustOf } from './trust.ts';

const strings = z.array(z.string());

const instancesSchema = z.object({
  /** Instances whose profile carries the role, in every enabled Region; terminated ones are gone. */
  users: z.array(userSchema),
  /** Regions that could not be read, with the reason: the count is a lower bound then. */
  unread: z.array(z.object({ region: z.string(), why: z.string() })),
  /** The stolen session's own instance, where it is among them. */
  own: z
    .object({ region: z.string(), tags: z.record(z.string(), z.string()), egress: egressSchema })
    .nullable(),
});
type InstancesState = z.infer<typeof instancesSchema>;

const namedSchema = z.discriminatedUnion('by', [
  /** The metadata service: the instance runs with the role, or only EC2 may assume it. */
  z.object({ by: z.literal('instance') }),
  /** The caller who assumed the role. `region`: where an instance bears the name that does not run with the role. */
  z.object({ by: z.literal('caller'), region: z.string().nullable() }),
  z.object({ by: z.literal('unknown'), why: z.string() }),
  /** The name is not that of an instance. */
  z.object({ by: z.literal('other') }),
]);
type Named = z.infer<typeof namedSchema>;

export const roleState = z.object({
  role: z.object({
    arn: z.string(),
    name: z.string(),
    path: z.string(),
    roleId: z.string(),
    maxSessionSeconds: z.number(),
    boundaryArn: z.string().nullable(),
    tags: z.record(z.string(), z.string()),
    /** Who but EC2 may assume it; and whether one of its own sessions may. */
    otherPrincipals: strings,
    selfAssumable: z.boolean(),
  }),
  /** Inline policies with their size as IAM counts it. */
  inline: z.array(z.object({ name: z.string(), size: z.number() })),
  attached: strings,
  profileArns: strings,
  /** Null: not read, because the deny does not need it. */
  instances: instancesSchema.nullable(),
  /** Who named the session, where its name is that of an instance. */
  named: namedSchema.default({ by: 'instance' }),
});
export type RoleState = z.infer<typeof roleState>;

/**
 * Reads the role. The default deny needs IAM only: the EC2 client (three times an IAM client's import) is loaded only
 * for `lever: pin` and `lever: role`, where the instance is isolated already, and where others than EC2 may assume the role. Throws
 * ResourceNotFound when the role is gone.
 */
export async function readState(
  target: Target<SessionFacts>,
  aws: Aws,
  settings: JsonObject = {},
): Promise<RoleState> {
  const { facts } = target;
  const { roleName } = facts;
  const [role, inline, attached, profileArns] = await Promise.all([
    readRole(target, aws, roleName),
    readInline(aws, roleName),
    readAttached(aws, roleName),
    profileArnsOf(aws, roleName),
  ]).catch((error: unknown) => {
    throw isNoSuchEntity(error) ? gone(target, roleName, error) : error;
  });
  const counted = leverOf(settings).lever !== 'session' || facts.isolated !== undefined;
  const [instances, named] = await Promise.all([
    counted ? readInstances(aws, profileArns, facts) : null,
    readNamed(aws, role, profileArns, facts),
  ]);
  return { role, inline, attached, profileArns, instances, named };
}

/** A name proves nothing where others than EC2 may assume the role. That it cannot be checked must not keep the deny waiting. */
async function readNamed(
  aws: Aws,
  { otherPrincipals }: RoleState['role'],
  profileArns: readonly string[],
  { instanceId, findingRegion, isolated }: SessionFacts,
): Promise<Named> {
  if (!/^i-[0-9a-f]{8,17}$/.test(instanceId)) return { by: 'other' };
  // The role of an isolated instance was found by the instance.
  if (otherPrincipals.length === 0 || isolated !== undefined) return { by: 'instance' };
  try {
    const found = await findInstance(instanceId, aws.inRegion(findingRegion));
    if ('why' in found)
      return found.unread.length > 0 ? { by: 'unknown', why: found.why } : { by: 'caller', region: null };
    const runs = found.profileArn !== null && profileArns.includes(found.profileArn);
    return runs ? { by: 'instance' } : { by: 'caller', region: found.region };
  } catch (error) {
    return { by: 'unknown', why: awsReason(error) };
  }
}

async function readInstances(
  aws: Aws,
  profileArns: readonly string[],
  { instanceId, findingRegion }: SessionFacts,
): Promise<InstancesState> {
  const { users, unread, found } = await instancesOf(aws, findingRegion, profileArns, instanceId);
  if (!found) return { users, unread, own: null };
  const tags = Object.fromEntries(
    (found.instance.Tags ?? []).map(({ Key, Value }) => [Key ?? '', Value ?? '']),
  );
  return { users, unread, own: { region: found.region, tags, egress: await egressOf(aws, found) } };
}

async function readRole(target: Target, aws: Aws, roleName: string): Promise<RoleState['role']> {
  const { client, api } = await aws.iam();
  const { Role: role } = await client.send(new api.GetRoleCommand({ RoleName: roleName }));
  if (!role?.Arn || !role.RoleId || !role.RoleName || !role.Path) throw gone(target, roleName);
  const trust = trustOf(decodePolicy(role.AssumeRolePolicyDocument).value, role.Arn);
  return {
    arn: role.Arn,
    name: role.RoleName,
    path: role.Path,
    roleId: role.RoleId,
    maxSessionSeconds: role.MaxSessionDuration ?? 3600,
    boundaryArn: role.PermissionsBoundary?.PermissionsBoundaryArn ?? null,
    tags: Object.fromEntries((role.Tags ?? []).map(({ Key, Value }) => [Key ?? '', Value ?? ''])),
    ...trust,
  };
}

/** The names of the role's inline policies. */
export async function inlineNames(aws: Aws, RoleName: string): Promise<string[]> {
  const { client, api } = await aws.iam();
  return pagesOf(
    (Marker) => client.send(new api.ListRolePoliciesCommand({ RoleName, ...Marker })),
    ({ PolicyNames }) => PolicyNames,
  );
}

async function readInline(aws: Aws, RoleName: string): Promise<RoleState['inline']> {
  const names = await inlineNames(aws, RoleName);
  const sizes = await Promise.all(
    names.map(async (name) => {
      const policy = await readPolicy(aws, RoleName, name);
      return policy ? [{ name, size: policySize(policy.text) }] : []; // deleted between the two calls
    }),
  );
  return sizes.flat();
}

async function readAttached(aws: Aws, RoleName: string): Promise<string[]> {
  const { client, api } = await aws.iam();
  const attached = await pagesOf(
    (Marker) => client.send(new api.ListAttachedRolePoliciesCommand({ RoleName, ...Marker })),
    ({ AttachedPolicies }) => AttachedPolicies,
  );
  return attached.map(({ PolicyArn }) => PolicyArn ?? '');
}

/** The instance profiles that carry the role: how instances come to it. */
export async function profileArnsOf(aws: Aws, RoleName: string): Promise<string[]> {
  const { client, api } = await aws.iam();
  const profiles = await pagesOf(
    (Marker) => client.send(new api.ListInstanceProfilesForRoleCommand({ RoleName, ...Marker })),
    ({ InstanceProfiles }) => InstanceProfiles,
  );
  return profiles.flatMap(({ Arn }) => (Arn ? [Arn] : []));
}

/** One inline policy, or undefined when there is none of that name (or no such role any more). */
export async function readPolicy(
  aws: Aws,
  roleName: string,
  policyName: string,
): Promise<{ readonly text: string; readonly value: Json } | undefined> {
  const { client, api } = await aws.iam();
  try {
    const answer = await client.send(
      new api.GetRolePolicyCommand({ RoleName: roleName, PolicyName: policyName }),
    );
    return decodePolicy(answer.PolicyDocument);
  } catch (error) {
    if (isNoSuchEntity(error)) return undefined;
    throw error;
  }
}

const gone = (target: Target, roleName: string, cause?: unknown) =>
  new FirebreakError('ResourceNotFound', `the role ${roleName} does not exist in account ${target.account}`, {
    resource: target.display,
    next: 'Find out who deleted it: without its policies its sessions can do nothing more, and a role re-created is another one.',
    ...(cause === undefined ? {} : { cause }),
  });
