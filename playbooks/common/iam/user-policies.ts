/** Inline policies of an IAM user. */
import type { Aws } from '../../../core/aws/client.ts';
import type { Json } from '../../../core/json.ts';
import { isNoSuchEntity } from './aws-reason.ts';
import { pagesOf } from './iam-pages.ts';
import { decodePolicy, policySize } from './policy-documents.ts';

/** Inline policies of a user may hold this many characters together [M]. */
export const USER_INLINE_QUOTA = 2_048;

/** The name and size of each, as IAM counts it. */
export async function userInline(
  aws: Aws,
  UserName: string,
): Promise<{ readonly name: string; readonly size: number }[]> {
  const { client, api } = await aws.iam();
  const names = await pagesOf(
    (marker) => client.send(new api.ListUserPoliciesCommand({ UserName, ...marker })),
    (answer) => answer.PolicyNames,
  );
  const sizes = await Promise.all(
    names.map(async (name) => ({ name, text: (await userPolicy(aws, UserName, name))?.text })),
  );
  return sizes.flatMap(({ name, text }) => (text === undefined ? [] : [{ name, size: policySize(text) }]));
}

/** One inline policy of the user, or undefined when there is none of that name. */
export async function userPolicy(
  aws: Aws,
  UserName: string,
  PolicyName: string,
): Promise<{ readonly text: string; readonly value: Json } | undefined> {
  const { client, api } = await aws.iam();
  try {
    const { PolicyDocument } = await client.send(new api.GetUserPolicyCommand({ UserName, PolicyName }));
    return decodePolicy(PolicyDocument);
  } catch (error) {
    if (isNoSuchEntity(error)) return undefined;
    throw error;
  }
}
