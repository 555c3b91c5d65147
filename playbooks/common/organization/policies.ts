/** Service control policies, as the management account sees them. */
import { z } from 'zod';
import type { Aws } from '../../../core/aws/client.ts';
import { allPages } from '../../../core/aws/pages.ts';
import { iamHome } from '../../../core/aws/regions.ts';
import { awsErrorName } from '../../../core/errors.ts';
import type { Permission } from '../../../core/journal/playbook.ts';

const SERVICE_CONTROL = 'SERVICE_CONTROL_POLICY';

/** The account that owns the organisation, as policy.yml names it; without it nothing is changed there. */
export const managementAccount = z
  .string()
  .regex(/^\d{12}$/, 'expected an account id of 12 digits, in quotes')
  .optional();

/** Organizations answers in one Region of the partition. */
export const inManagement = (aws: Aws, account: string): Aws =>
  aws.inManagement(account, iamHome(aws.scope).region);

export const READ_ORGANIZATION: Permission = {
  in: 'management',
  actions: [
    'organizations:DescribeAccount',
    'organizations:DescribePolicy',
    'organizations:ListPolicies',
    'organizations:ListPoliciesForTarget',
  ],
  resources: ['*'],
  why: 'the account, the policies that are attached to it, and what they say',
};

export interface NamedPolicy {
  readonly id: string;
  readonly arn: string;
  readonly content: string;
}

/** Returns the policy of that name; undefined where there is none. */
export async function policyNamed(aws: Aws, name: string): Promise<NamedPolicy | undefined> {
  const { client, api } = await aws.organizations();
  const all = await allPages(async (NextToken) => {
    const page = await client.send(new api.ListPoliciesCommand({ Filter: SERVICE_CONTROL, NextToken }));
    return { items: page.Policies, next: page.NextToken };
  });
  const found = all.find(({ Name }) => Name === name);
  if (found?.Id === undefined) return undefined;
  const { Policy } = await client.send(new api.DescribePolicyCommand({ PolicyId: found.Id }));
  return { id: found.Id, arn: found.Arn ?? '', content: Policy?.Content ?? '' };
}

/** Returns names and ids of the policies that are attached to the account itself. */
export async function attachedTo(aws: Aws, TargetId: string) {
  const { client, api } = await aws.organizations();
  const all = await allPages(async (NextToken) => {
    const page = await client.send(
      new api.ListPoliciesForTargetCommand({ TargetId, Filter: SERVICE_CONTROL, NextToken }),
    );
    return { items: page.Policies, next: page.NextToken };
  });
  return all.map(({ Id: id = '', Name: name = '' }) => ({ id, name }));
}

/** Attaches a policy to the account, or detaches it. Returns false where it was so already. */
export async function setAttached(
  aws: Aws,
  PolicyId: string,
  TargetId: string,
  attached: boolean,
): Promise<boolean> {
  const { client, api } = await aws.organizations();
  try {
    if (attached) await client.send(new api.AttachPolicyCommand({ PolicyId, TargetId }));
    else await client.send(new api.DetachPolicyCommand({ PolicyId, TargetId }));
    return true;
  } catch (error) {
    if (
      awsErrorName(error) === (attached ? 'DuplicatePolicyAttachmentException' : 'PolicyNotAttachedException')
    )
      return false;
    throw error;
  }
}

/** Returns the names of the root, units and accounts that a policy is attached to. */
export async function targetsOf(aws: Aws, PolicyId: string): Promise<readonly string[]> {
  const { client, api } = await aws.organizations();
  const all = await allPages(async (NextToken) => {
    const page = await client.send(new api.ListTargetsForPolicyCommand({ PolicyId, NextToken }));
    return { items: page.Targets, next: page.NextToken };
  });
  return all.map(({ Name, TargetId = '' }) => Name ?? TargetId);
}

/** Replaces the text of a policy. */
export async function updatePolicy(aws: Aws, PolicyId: string, Content: string): Promise<void> {
  const { client, api } = await aws.organizations();
  await client.send(new api.UpdatePolicyCommand({ PolicyId, Content }));
}
