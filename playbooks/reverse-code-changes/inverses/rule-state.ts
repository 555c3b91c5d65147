import { z } from 'zod';
import { defineInverse, textIn } from '../../common/changes/inverse.ts';
import { busOf, liveRule, READ_RULE, RULES, rule, ruleIn, ruleNames, ruleText, SOURCE } from '../rules.ts';

const ENABLED = 'ENABLED';
const DISABLED = 'DISABLED';

/** A rule that was made or enabled is disabled; one that was disabled is enabled where CloudTrail shows that it was. */
export const ruleState = defineInverse({
  id: 'rule-state',
  danger: 'persists',
  calls: { source: SOURCE, names: ['PutRule', 'EnableRule', 'DisableRule'] },
  does: 'a rule that was made or enabled is disabled; one that was disabled is enabled again',
  resource: rule,
  value: z.enum([ENABLED, DISABLED, 'ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS']).nullable(),
  effects({ name, request }) {
    const resource = ruleIn(request, 'name');
    if (name === 'DisableRule') return [{ resource, left: DISABLED }];
    const left = (name === 'PutRule' ? textIn(request, 'state') : undefined) ?? ENABLED;
    return [{ resource, left, guess: DISABLED }];
  },
  listedAs: (of) => of.rule,
  names: ruleNames,
  says: (of, wanted) => `${wanted === DISABLED ? 'Disable' : 'Enable'} rule ${ruleText(of)}`,
  async read(aws, of) {
    const live = await liveRule(aws, of);
    return live ? (live.State ?? ENABLED) : null;
  },
  async put(aws, of, to) {
    const { client, api } = await aws.events();
    const named = { Name: of.rule, ...busOf(of) };
    await (to === DISABLED
      ? client.send(new api.DisableRuleCommand(named))
      : client.send(new api.EnableRuleCommand(named)));
  },
  never: (of, value) =>
    value === ENABLED || value === DISABLED
      ? undefined
      : `rule ${ruleText(of)} was ${value ?? 'not there'}, which no call makes of it alone`,
  permissions: {
    read: [READ_RULE],
    write: [
      {
        actions: ['events:DisableRule', 'events:EnableRule'],
        resources: [RULES],
        why: 'a rule that the principal made or enabled is disabled; one that it disabled is enabled again',
        worst:
          "disables any rule that is not Firebreak's, so that what it starts does not run; enables one that its owner disabled",
      },
    ],
  },
  words: { setting: 'State of an EventBridge rule', why: 'it starts what runs on events or on a schedule' },
  example: {
    eventName: 'PutRule',
    requestParameters: { name: 'refresh', scheduleExpression: 'rate(5 minutes)', state: 'ENABLED' },
  },
});
