import { awsCommand } from '../../../core/aws/command-line.ts';
import { said } from '../../common/changes/call.ts';
import { defineByHand } from '../../common/changes/inverse.ts';
import { rule, ruleIn, ruleText } from '../rules.ts';

/** What a rule was before it was deleted is in the calls that made it. */
export const deletedRule = defineByHand({
  id: 'deleted-rule',
  danger: 'blinds',
  calls: { source: 'events.amazonaws.com', names: ['DeleteRule'] },
  does: 'a deleted rule is made again from your template; CloudTrail shows the call that made it',
  next(call) {
    const of = rule.safeParse(ruleIn(call.request, 'name')).data;
    if (!of) return undefined;
    const attribute = `AttributeKey=ResourceName,AttributeValue=${of.rule}`;
    return {
      what: `rule ${ruleText(of)} was deleted (${said(call)})`,
      next: `${awsCommand('cloudtrail lookup-events', { region: call.region, 'lookup-attributes': attribute })}`,
    };
  },
  example: { eventName: 'DeleteRule', requestParameters: { name: 'guard' } },
});
