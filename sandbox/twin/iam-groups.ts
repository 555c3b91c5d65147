/** Groups of IAM users, their policies and members. */
import { arn } from '../../core/aws/arn.ts';
import { own } from '../../core/json.ts';
import { awsError } from '../aws-error.ts';
import { madeIamId } from './made-id.ts';
import type { Answers, TwinCall } from './twin.ts';

interface TwinUserGroup {
  GroupName: string;
  Path: string;
  inline: Record<string, string>;
  /** Managed policies by ARN, with their documents. */
  attached: Record<string, string>;
}
/** Groups by name. Their members are kept with the users. */
export type TwinUserGroups = Record<string, TwinUserGroup>;

const missing = (what: string) => awsError('NoSuchEntityException', `${what} cannot be found.`, 404);

export function groupOf({ state, input }: Pick<TwinCall, 'state' | 'input'>): TwinUserGroup {
  const name = String(input['GroupName']);
  const group = own(state.userGroups ?? {}, name);
  if (group) return group;
  throw missing(`The group with name ${name}`);
}

const policyName = ({ input }: TwinCall): string => String(input['PolicyName']);

export const iamGroups: Answers = {
  GetGroup: (call) => {
    const { GroupName, Path } = groupOf(call);
    const Arn = arn(call.scope, 'iam', `group${Path}${GroupName}`, { global: true });
    return {
      Group: { GroupName, Path, Arn, GroupId: madeIamId('AGPA', GroupName), CreateDate: new Date(0) },
      Users: Object.values(call.state.users)
        .filter(({ groups }) => groups.includes(GroupName))
        .map(({ UserName, UserId, Path: path }) => ({
          ...{ UserName, UserId, Path: path, CreateDate: new Date(0) },
          Arn: arn(call.scope, 'iam', `user${path}${UserName}`, { global: true }),
        })),
      IsTruncated: false,
    };
  },
  GetGroupPolicy: (call) => {
    const { GroupName, inline } = groupOf(call);
    const text = own(inline, policyName(call));
    if (text === undefined) throw missing(`The group policy with name ${policyName(call)}`);
    return { GroupName, PolicyName: policyName(call), PolicyDocument: encodeURIComponent(text) };
  },
  PutGroupPolicy: (call) => {
    const text = String(call.input['PolicyDocument']);
    JSON.parse(text);
    groupOf(call).inline[policyName(call)] = text;
    return {};
  },
  DeleteGroupPolicy: (call) => {
    const { inline } = groupOf(call);
    if (!Object.hasOwn(inline, policyName(call)))
      throw missing(`The group policy with name ${policyName(call)}`);
    delete inline[policyName(call)];
    return {};
  },
};
