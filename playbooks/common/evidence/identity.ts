/** Role and user as they stand: every policy with its text, so that an investigation knows what the sessions could do. */
import type { Aws } from '../../../core/aws/client.ts';
import type { Permission } from '../../../core/journal/playbook.ts';
import { type Json, type JsonObject, toJson } from '../../../core/json.ts';
import { pagesOf } from '../iam/iam-pages.ts';
import { decodePolicy } from '../iam/policy-documents.ts';

export const READ_POLICIES: Permission = {
  actions: ['iam:GetPolicy', 'iam:GetPolicyVersion'],
  resources: ['arn:${Partition}:iam::*:policy/*'],
  why: 'evidence: the text of attached policies',
};

/** The role with its trust policy, its inline and its attached policies. */
export async function roleDocuments(aws: Aws, RoleName: string): Promise<JsonObject> {
  const { client, api } = await aws.iam();
  const { Role: role } = await client.send(new api.GetRoleCommand({ RoleName }));
  const names = await pagesOf(
    (marker) => client.send(new api.ListRolePoliciesCommand({ RoleName, ...marker })),
    (answer) => answer.PolicyNames,
  );
  const inline = await Promise.all(
    names.map(async (PolicyName): Promise<[string, Json]> => {
      const { PolicyDocument } = await client.send(new api.GetRolePolicyCommand({ RoleName, PolicyName }));
      return [PolicyName, decodePolicy(PolicyDocument).value];
    }),
  );
  const attached = await pagesOf(
    (marker) => client.send(new api.ListAttachedRolePoliciesCommand({ RoleName, ...marker })),
    (answer) => answer.AttachedPolicies,
  );
  return {
    role: { ...asObject(role), AssumeRolePolicyDocument: decodePolicy(role?.AssumeRolePolicyDocument).value },
    inline: Object.fromEntries(inline),
    attached: await documentsOf(aws, attached),
  };
}

/** The user with its keys (never their secrets), its inline and its attached policies. */
export async function userDocuments(aws: Aws, UserName: string): Promise<JsonObject> {
  const { client, api } = await aws.iam();
  const { User: user } = await client.send(new api.GetUserCommand({ UserName }));
  const keys = await pagesOf(
    (marker) => client.send(new api.ListAccessKeysCommand({ UserName, ...marker })),
    (answer) => answer.AccessKeyMetadata,
  );
  const names = await pagesOf(
    (marker) => client.send(new api.ListUserPoliciesCommand({ UserName, ...marker })),
    (answer) => answer.PolicyNames,
  );
  const inline = await Promise.all(
    names.map(async (PolicyName): Promise<[string, Json]> => {
      const { PolicyDocument } = await client.send(new api.GetUserPolicyCommand({ UserName, PolicyName }));
      return [PolicyName, decodePolicy(PolicyDocument).value];
    }),
  );
  const attached = await pagesOf(
    (marker) => client.send(new api.ListAttachedUserPoliciesCommand({ UserName, ...marker })),
    (answer) => answer.AttachedPolicies,
  );
  return {
    user: toJson(user),
    keys: toJson(keys),
    inline: Object.fromEntries(inline),
    attached: await documentsOf(aws, attached),
  };
}

async function documentsOf(
  aws: Aws,
  attached: readonly { readonly PolicyArn?: string | undefined }[],
): Promise<JsonObject> {
  const { client, api } = await aws.iam();
  const documents = await Promise.all(
    attached.map(async ({ PolicyArn = '' }): Promise<[string, Json]> => {
      const { Policy: policy } = await client.send(new api.GetPolicyCommand({ PolicyArn }));
      const VersionId = policy?.DefaultVersionId ?? 'v1';
      const { PolicyVersion: version } = await client.send(
        new api.GetPolicyVersionCommand({ PolicyArn, VersionId }),
      );
      return [PolicyArn, { version: VersionId, document: decodePolicy(version?.Document).value }];
    }),
  );
  return Object.fromEntries(documents);
}

const asObject = (value: unknown): JsonObject => {
  const json = toJson(value);
  return typeof json === 'object' && json !== null && !Array.isArray(json) ? (json as JsonObject) : {};
};
