import { z } from 'zod';
import { awsCommand } from '../../../core/aws/command-line.ts';
import { defineInverse, documentText, sameDocument, textIn } from '../../common/changes/inverse.ts';
import {
  busOf,
  liveRule,
  PASS_ROLE,
  READ_RULE,
  rule,
  ruleIn,
  ruleNames,
  ruleText,
  SOURCE,
  WRITE_RULE,
} from '../rules.ts';

const text = z.string().max(4096).nullable();
const definition = z
  .strictObject({ pattern: documentText, schedule: text, description: text, role: text })
  .nullable();
type Definition = z.infer<typeof definition>;

/** What a rule reacts to is as it was; PutRule replaces all of it. */
export const ruleDefinition = defineInverse({
  id: 'rule-definition',
  danger: 'persists',
  calls: { source: SOURCE, names: ['PutRule'] },
  does: 'the pattern or schedule that CloudTrail shows from before is written again',
  resource: rule,
  value: definition,
  effects({ request }) {
    const left: Definition = {
      pattern: textIn(request, 'eventPattern') ?? null,
      schedule: textIn(request, 'scheduleExpression') ?? null,
      description: textIn(request, 'description') ?? null,
      role: textIn(request, 'roleArn') ?? null,
    };
    // A rule that was not there before keeps what it reacts to, and is disabled.
    return [{ resource: ruleIn(request, 'name'), left, guess: left }];
  },
  listedAs: (of) => of.rule,
  names: ruleNames,
  says: (of) => `Restore what rule ${ruleText(of)} reacts to`,
  async read(aws, of) {
    const live = await liveRule(aws, of);
    if (!live) return null;
    const { EventPattern = null, ScheduleExpression = null, Description = null, RoleArn = null } = live;
    return { pattern: EventPattern, schedule: ScheduleExpression, description: Description, role: RoleArn };
  },
  async put(aws, of, to) {
    if (to === null) throw new Error('a rule is never deleted');
    const { client, api } = await aws.events();
    // Left out, it would be enabled.
    const State = (await liveRule(aws, of))?.State ?? 'DISABLED';
    await client.send(
      new api.PutRuleCommand({
        ...{ Name: of.rule, ...busOf(of), State },
        ...(to.pattern === null ? {} : { EventPattern: to.pattern }),
        ...(to.schedule === null ? {} : { ScheduleExpression: to.schedule }),
        ...(to.description === null ? {} : { Description: to.description }),
        ...(to.role === null ? {} : { RoleArn: to.role }),
      }),
    );
  },
  never(of, value, { region, by }) {
    if (value === null) return `rule ${ruleText(of)} was not there`;
    // To pass a role is a right of undo alone.
    if (value.role === null || by === 'undo') return undefined;
    const command = awsCommand('events put-rule', {
      ...{ region, name: of.rule, 'event-bus-name': of.bus, 'role-arn': value.role },
      ...(value.pattern === null ? {} : { 'event-pattern': value.pattern }),
      ...(value.schedule === null ? {} : { 'schedule-expression': value.schedule }),
    });
    return `Firebreak passes no role to rule ${ruleText(of)}: ${command}`;
  },
  same(a, b) {
    if (a === null || b === null) return a === b;
    const alike = a.schedule === b.schedule && a.description === b.description && a.role === b.role;
    return alike && sameDocument(a.pattern, b.pattern);
  },
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
