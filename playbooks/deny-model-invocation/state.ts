/** The identity and its inline policies, in one round of concurrent calls. */
import { z } from 'zod';
import type { Aws } from '../../core/aws/client.ts';
import { FirebreakError } from '../../core/errors.ts';
import type { Target } from '../../core/journal/playbook.ts';
import { awsReason, isNoSuchEntity } from '../common/iam/aws-reason.ts';
import { bedrockKeysOf } from '../common/iam/bedrock-keys.ts';
import { policySize } from '../common/iam/policy-documents.ts';
import { userInline } from '../common/iam/user-policies.ts';
import { inlineNames, readPolicy } from '../common/role-session/state.ts';
import type { Facts } from './target.ts';

/** It is stored with the incident: a new key must be optional. */
export const state = z.object({
  arn: z.string(),
  name: z.string(),
  path: z.string(),
  uniqueId: z.string(),
  inline: z.array(z.object({ name: z.string(), size: z.number() })),
  tags: z.record(z.string(), z.string()),
  /** API keys of Bedrock that work; a role has none. Where AWS does not list them it is said, and the deny is written all the same. */
  bedrockKeys: z.union([z.array(z.string()), z.object({ unread: z.string() })]).default([]),
  /** Agents of AgentCore run as the role. */
  runsAgents: z.boolean().default(false),
});
export type State = z.infer<typeof state>;

/** Throws ResourceNotFound when the role or user is gone. */
export async function read(target: Target<Facts>, aws: Aws): Promise<State> {
  const { principal, name } = target.facts;
  try {
    return principal === 'role' ? await readRole(aws, name) : await readUser(aws, name);
  } catch (error) {
    if (!isNoSuchEntity(error)) throw error;
    throw new FirebreakError('ResourceNotFound', `the ${principal} ${name} does not exist any more`, {
      resource: target.display,
      next: 'See CloudTrail for who deleted it: without its policies its sessions can do nothing more.',
      cause: error,
    });
  }
}

/** The service that assumes a role for the sessions of an agent. */
const AGENTS = 'bedrock-agentcore.amazonaws.com';

const tagsOf = (tags: readonly { Key?: string | undefined; Value?: string | undefined }[] = []) =>
  Object.fromEntries(tags.map(({ Key = '', Value = '' }) => [Key, Value]));

async function readRole(aws: Aws, name: string): Promise<State> {
  const { client, api } = await aws.iam();
  const [{ Role }, names] = await Promise.all([
    client.send(new api.GetRoleCommand({ RoleName: name })),
    inlineNames(aws, name),
  ]);
  const inline = await Promise.all(
    names.map(async (policy) => ({
      name: policy,
      // One that was deleted between the two calls takes no room.
      size: policySize((await readPolicy(aws, name, policy))?.text ?? ''),
    })),
  );
  const { Arn = '', Path = '/', RoleId = '', Tags, AssumeRolePolicyDocument = '' } = Role ?? {};
  const runsAgents = decodeURIComponent(AssumeRolePolicyDocument).includes(AGENTS);
  return {
    arn: Arn,
    name,
    path: Path,
    uniqueId: RoleId,
    inline,
    tags: tagsOf(Tags),
    bedrockKeys: [],
    runsAgents,
  };
}

/** Member roles that were deployed for an earlier release may not list them. */
async function activeKeys(aws: Aws, name: string): Promise<State['bedrockKeys']> {
  try {
    const keys = await bedrockKeysOf(aws, name);
    return keys.filter(({ status }) => status === 'Active').map(({ id }) => id);
  } catch (error) {
    return { unread: awsReason(error) };
  }
}

async function readUser(aws: Aws, name: string): Promise<State> {
  const { client, api } = await aws.iam();
  const [{ User }, inline, bedrockKeys] = await Promise.all([
    client.send(new api.GetUserCommand({ UserName: name })),
    userInline(aws, name),
    activeKeys(aws, name),
  ]);
  const { Arn = '', Path = '/', UserId = '', Tags } = User ?? {};
  return {
    arn: Arn,
    name,
    path: Path,
    uniqueId: UserId,
    inline,
    tags: tagsOf(Tags),
    bedrockKeys,
    runsAgents: false,
  };
}
