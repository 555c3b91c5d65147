import { awsCommand } from '../../../core/aws/command-line.ts';
import { isJsonObject, type Json } from '../../../core/json.ts';
import { said } from '../../common/changes/call.ts';
import { defineByHand } from '../../common/changes/inverse.ts';
import { rule, ruleIn, ruleText } from '../rules.ts';

/** Firebreak passes no role, so undo could not make such a target again. */
export const roleTarget = defineByHand({
  id: 'role-target',
  danger: 'persists',
  calls: { source: 'events.amazonaws.com', names: ['PutTargets'] },
  does: 'a target with a role (a task, a state machine, a command on servers): disable its rule',
  next(call) {
    const { region, request } = call;
    const of = rule.safeParse(ruleIn(request, 'rule')).data;
    const withRole = (one: Json) => isJsonObject(one) && one['roleArn'] !== undefined;
    const targets = request['targets'];
    if (!of || !Array.isArray(targets) || !targets.some(withRole)) return undefined;
    const command = awsCommand('events disable-rule', { region, name: of.rule, 'event-bus-name': of.bus });
    return { what: `rule ${ruleText(of)} starts something with a role (${said(call)})`, next: `${command}` };
  },
  example: {
    eventName: 'PutTargets',
    requestParameters: {
      rule: 'refresh',
      targets: [{ id: '1', arn: 'cluster/batch', roleArn: 'role/events' }],
    },
  },
});
