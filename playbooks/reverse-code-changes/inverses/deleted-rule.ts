import { z } from 'zod';
import { defineInverse, textIn } from '../../common/changes/inverse.ts';
import { unlessGone } from '../../common/unless-gone.ts';
import {
  busOf,
  definition,
  definitionIn,
  liveDefinition,
  liveRule,
  passesNoRole,
  putRule,
  READ_RULE,
  RULES,
  rule,
  ruleIn,
  ruleNames,
  ruleText,
  SOURCE,
  sameDefinition,
  WRITE_RULE,
} from '../rules.ts';

const deleted = definition.extend({ state: z.enum(['ENABLED', 'DISABLED']) }).nullable();
type Rule = z.infer<typeof deleted>;

/** A rule that was deleted is made again as the call that made it shows it; its targets were removed before, each a change of its own. */
export const deletedRule = defineInverse({
  id: 'deleted-rule',
  danger: 'blinds',
  calls: { source: SOURCE, names: ['DeleteRule'], alsoTold: ['PutRule'] },
  does: 'a deleted rule is made again where CloudTrail shows the call that made it',
  resource: rule,
  value: deleted,
  effects({ name, request }) {
    const resource = ruleIn(request, 'name');
    if (name === 'DeleteRule') return [{ resource, left: null }];
    const left = { ...definitionIn(request), state: textIn(request, 'state') ?? 'ENABLED' };
    return [{ resource, left }];
  },
  listedAs: (of) => of.rule,
  names: ruleNames,
  says: (of) => `Make rule ${ruleText(of)} again`,
  async read(aws, of): Promise<Rule> {
    const live = await liveRule(aws, of);
    if (!live) return null;
    return { ...liveDefinition(live), state: live.State === 'DISABLED' ? 'DISABLED' : 'ENABLED' };
  },
  async put(aws, of, to) {
    if (to !== null) return putRule(aws, of, to, to.state);
    const { client, api } = await aws.events();
    await unlessGone(client.send(new api.DeleteRuleCommand({ Name: of.rule, ...busOf(of) })));
  },
  never: (of, value, { region }) =>
    value === null || value.role === null ? undefined : passesNoRole(of, value, region),
  same: (a, b) => (a === null || b === null ? a === b : a.state === b.state && sameDefinition(a, b)),
  remains: (of) => [
    `rule ${ruleText(of)} is as the call shows it that wrote it last: it may have been enabled or disabled since, and its tags are not back`,
  ],
  permissions: {
    read: [READ_RULE],
    write: [WRITE_RULE],
    undo: [
      {
        actions: ['events:DeleteRule'],
        resources: [RULES],
        why: 'a rule that was made again is deleted',
        worst: "deletes any rule without targets that is not Firebreak's",
      },
    ],
  },
  words: {
    setting: 'Deleted EventBridge rule',
    why: 'what reacted to the events of the rule no longer hears of them',
  },
  example: { eventName: 'DeleteRule', requestParameters: { name: 'guard' } },
});
