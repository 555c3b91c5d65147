import { awsCommand } from '../../../core/aws/command-line.ts';
import { isJsonObject } from '../../../core/json.ts';
import { said } from '../../common/changes/call.ts';
import { defineByHand, textIn } from '../../common/changes/inverse.ts';
import { idOf, SOURCE } from '../network.ts';

/** The record names the rule by its id, and what it became; nothing shows what it was. */
export const modifiedGroupRule = defineByHand({
  id: 'modified-group-rule',
  danger: 'opens the network',
  calls: { source: SOURCE, names: ['ModifySecurityGroupRules'] },
  does: 'the record does not show what the rules were: look at those of the group',
  next({ name, at, region, request }) {
    const inner = request['ModifySecurityGroupRulesRequest'];
    const group =
      (isJsonObject(inner) ? textIn(inner, 'GroupId') : undefined) ?? textIn(request, 'groupId') ?? '';
    const what = `rules of a security group were changed (${said({ name, at })})`;
    if (!idOf('sg').safeParse(group).success) return { what, next: 'Look for its group in CloudTrail.' };
    const command = awsCommand('ec2 describe-security-group-rules', {
      region,
      filters: `Name=group-id,Values=${group}`,
    });
    return { what: `${what}: ${group}`, next: `${command}` };
  },
  example: {
    eventName: 'ModifySecurityGroupRules',
    requestParameters: {
      ModifySecurityGroupRulesRequest: {
        GroupId: 'sg-0123456789abcdef0',
        SecurityGroupRule: { SecurityGroupRuleId: 'sgr-0123456789abcdef0' },
      },
    },
  },
});
