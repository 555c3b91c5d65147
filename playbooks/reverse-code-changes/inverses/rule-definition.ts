import { defineInverse } from '../../common/changes/inverse.ts';
import {
  definition,
  definitionIn,
  liveDefinition,
  liveRule,
  PASS_ROLE,
  passesNoRole,
  putRule,
  READ_RULE,
  rule,
  ruleIn,
  ruleNames,
  ruleText,
  SOURCE,
  sameDefinition,
  WRITE_RULE,
} from '../rules.ts';

/** What a rule reacts to is as it was; PutRule replaces all of it. */
export const ruleDefinition = defineInverse({
  id: 'rule-definition',
  danger: 'persists',
  calls: { source: SOURCE, names: ['PutRule'] },
  does: 'the pattern or schedule that CloudTrail shows from before is written again',
  resource: rule,
  value: definition.nullable(),
  effects({ request }) {
    const left = definitionIn(request);
    // A rule that was not there before keeps what it reacts to, and is disabled.
    return [{ resource: ruleIn(request, 'name'), left, guess: left }];
  },
  listedAs: (of) => of.rule,
  names: ruleNames,
  says: (of) => `Restore what rule ${ruleText(of)} reacts to`,
  async read(aws, of) {
    const live = await liveRule(aws, of);
    return live ? liveDefinition(live) : null;
  },
  async put(aws, of, to) {
    if (to === null) throw new Error('a rule is never deleted');
    // Left out, it would be enabled.
    await putRule(aws, of, to, (await liveRule(aws, of))?.State ?? 'DISABLED');
  },
  never(of, value, { region, by }) {
    if (value === null) return `rule ${ruleText(of)} was not there`;
    // To pass a role is a right of undo alone.
    if (value.role === null || by === 'undo') return undefined;
    return passesNoRole(of, value, region);
  },
  same: (a, b) => (a === null || b === null ? a === b : sameDefinition(a, b)),
  permissions: {
    read: [READ_RULE],
    write: [WRITE_RULE],
    undo: [PASS_ROLE],
  },
  words: { setting: 'EventBridge rule', why: 'it says what the rule reacts to' },
  example: {
    eventName: 'PutRule',
    requestParameters: { name: 'guard', eventPattern: '{"source":["none"]}' },
  },
});
