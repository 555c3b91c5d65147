import { lookUp, said } from '../../common/changes/call.ts';
import { defineByHand, textIn } from '../../common/changes/inverse.ts';
import { idOf, SOURCE } from '../network.ts';

/** Who contains may open no group, so that anyone who hijacks it may not either: a person does. */
export const removedGroupRule = defineByHand({
  id: 'removed-group-rule',
  danger: 'destroys',
  calls: { source: SOURCE, names: ['RevokeSecurityGroupIngress', 'RevokeSecurityGroupEgress'] },
  does: 'the record shows the rule; Firebreak opens no group unless undo does',
  next({ id, name, at, region, request }) {
    const group = textIn(request, 'groupId') ?? '';
    const what = `rules of a security group were removed (${said({ name, at })})`;
    const next = lookUp({ id, region });
    return { what: idOf('sg').safeParse(group).success ? `${what}: ${group}` : what, next };
  },
  example: {
    eventName: 'RevokeSecurityGroupIngress',
    requestParameters: { groupId: 'sg-0123456789abcdef0' },
  },
});
