/** AWS Organizations, as the management account sees it: accounts, service control policies, and what they are attached to. */
import { arn } from '../../core/aws/arn.ts';
import { own } from '../../core/json.ts';
import { awsError } from '../aws-error.ts';
import { paged } from './pages.ts';
import type { TwinState } from './state.ts';
import type { Answers, TwinCall } from './twin.ts';

export interface TwinOrganization {
  management: string;
  /** Member accounts by id. */
  accounts: Record<string, { Name: string; attached: string[] }>;
  /** Service control policies by id. */
  policies: Record<string, { Name: string; Content: string; AwsManaged?: true }>;
  /** Ids of those that are attached to the root, and so hold in every member account. */
  root?: string[];
}

/** As deploy/iam/resources.ts judges calls, which do not name it. */
const ORGANIZATION = 'o-exampleorgid';
/** Attached to one target. */
const MOST_POLICIES = 5;
const MOST_CHARACTERS = 5120;
const FULL_ACCESS = 'p-FullAWSAccess';

function here({ state, scope }: TwinCall): TwinOrganization {
  const { organization } = state;
  if (organization && organization.management === scope.account) return organization;
  throw awsError('AccessDeniedException', "You don't have permissions to access this resource.");
}

function accountOf(call: TwinCall, id: unknown) {
  const account = own(here(call).accounts, String(id));
  if (account) return account;
  throw awsError('AccountNotFoundException', "You specified an account that doesn't exist.");
}

const summary = (call: TwinCall, id: string): Record<string, unknown> => {
  const { Name, AwsManaged = false } = here(call).policies[id] ?? { Name: '' };
  const at = AwsManaged ? { ...call.scope, account: 'aws' } : call.scope;
  const path = `policy/${AwsManaged ? '' : `${ORGANIZATION}/`}service_control_policy/${id}`;
  return {
    ...{ Id: id, Name, AwsManaged, Type: 'SERVICE_CONTROL_POLICY' },
    Arn: arn(at, 'organizations', path, { global: true }),
  };
};
function policyOf(call: TwinCall): string {
  const id = String(call.input['PolicyId']);
  if (Object.hasOwn(here(call).policies, id)) return id;
  throw awsError('PolicyNotFoundException', "You specified a policy that doesn't exist.");
}

const listed = { list: 'Policies', given: 'NextToken', next: 'NextToken', size: 'MaxResults' } as const;

export const organizations: Readonly<Record<string, Answers>> = {
  Organizations: {
    DescribeAccount: (call) => {
      const Id = String(call.input['AccountId']);
      const { Name } = accountOf(call, Id);
      const Arn = arn(call.scope, 'organizations', `account/${ORGANIZATION}/${Id}`, { global: true });
      return { Account: { Id, Arn, Name, Status: 'ACTIVE' } };
    },
    ListPolicies: (call) =>
      paged(call, Object.keys(here(call).policies), { ...listed, show: (id) => summary(call, id) }),
    DescribePolicy: (call) => {
      const id = policyOf(call);
      return {
        Policy: { PolicySummary: summary(call, id), Content: here(call).policies[id]?.Content ?? '' },
      };
    },
    ListPoliciesForTarget: (call) =>
      paged(call, accountOf(call, call.input['TargetId']).attached, {
        ...listed,
        show: (id) => summary(call, id),
      }),
    ListTargetsForPolicy: (call) => {
      const id = policyOf(call);
      const { root = [], accounts } = here(call);
      const at = (TargetId: string, Name: string, Type: string, path: string) => ({
        ...{ TargetId, Name, Type },
        Arn: arn(call.scope, 'organizations', `${path}/${ORGANIZATION}/${TargetId}`, { global: true }),
      });
      const found = [
        ...(root.includes(id) ? [at('r-exam', 'Root', 'ROOT', 'root')] : []),
        ...Object.entries(accounts).flatMap(([account, { Name, attached }]) =>
          attached.includes(id) ? [at(account, Name, 'ACCOUNT', 'account')] : [],
        ),
      ];
      return paged(call, found, { ...listed, list: 'Targets', show: (target) => target });
    },
    UpdatePolicy: (call) => {
      const id = policyOf(call);
      const policy = here(call).policies[id];
      const Content = String(call.input['Content']);
      JSON.parse(Content);
      if (Content.length > MOST_CHARACTERS)
        throw awsError('ConstraintViolationException', 'You have exceeded the maximum policy size.');
      if (policy) policy.Content = Content;
      return { Policy: { PolicySummary: summary(call, id), Content } };
    },
    AttachPolicy: (call) => {
      const id = policyOf(call);
      const { attached } = accountOf(call, call.input['TargetId']);
      if (attached.includes(id))
        throw awsError('DuplicatePolicyAttachmentException', 'The selected policy is already attached.');
      if (attached.length >= MOST_POLICIES)
        throw awsError(
          'ConstraintViolationException',
          'You have exceeded the number of policies that can be attached to the target.',
        );
      attached.push(id);
      return {};
    },
    DetachPolicy: (call) => {
      const id = policyOf(call);
      const { attached } = accountOf(call, call.input['TargetId']);
      const at = attached.indexOf(id);
      if (at < 0) throw awsError('PolicyNotAttachedException', 'The policy isn’t attached to the target.');
      attached.splice(at, 1);
      return {};
    },
  },
};

/** The service control policies that bind the principals of an account, by name. */
export const controlsOn = ({ organization }: TwinState, account: string): ReadonlyMap<string, string> =>
  new Map(
    [...(organization?.accounts[account]?.attached ?? []), ...(organization?.root ?? [])].flatMap((id) => {
      const policy = organization?.policies[id];
      return policy ? [[policy.Name, policy.Content] as const] : [];
    }),
  );

/** Puts an organisation up with one member account, and the policies that are deployed in it. */
export function addOrganization(
  { state }: Pick<TwinCall, 'state'>,
  { management, account }: { readonly management: string; readonly account: string },
  policies: Readonly<Record<string, string>>,
): TwinOrganization {
  const all = Object.entries(policies).map(([Name, Content]) => [
    `p-${Name.replace(/\W/g, '').toLowerCase().padEnd(10, '0')}`,
    { Name, Content },
  ]);
  const fullAccess = JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }],
  });
  const organization: TwinOrganization = {
    management,
    accounts: { [account]: { Name: 'shop', attached: [FULL_ACCESS] } },
    policies: {
      [FULL_ACCESS]: { Name: 'FullAWSAccess', Content: fullAccess, AwsManaged: true },
      ...Object.fromEntries(all),
    },
  };
  state.organization = organization;
  return organization;
}
