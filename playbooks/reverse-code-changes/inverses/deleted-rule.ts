import { z } from 'zod';
import { awsCommand } from '../../../core/aws/command-line.ts';
import { defineInverse, documentText, sameDocument, textIn } from '../../common/changes/inverse.ts';
import {
  busOf,
  liveRule,
  READ_RULE,
  RULES,
  rule,
  ruleIn,
  ruleNames,
  ruleText,
  SOURCE,
  unlessGone,
  WRITE_RULE,
} from '../rules.ts';

const text = z.string().max(4096).nullable();
const deleted = z
  .strictObject({
    ...{ pattern: documentText, schedule: text, description: text, role: text },
    state: z.enum(['ENABLED', 'DISABLED']),
  })
  .nullable();
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
    const left = {
      pattern: textIn(request, 'eventPattern') ?? null,
      schedule: textIn(request, 'scheduleExpression') ?? null,
      description: textIn(request, 'description') ?? null,
      role: textIn(request, 'roleArn') ?? null,
      state: textIn(request, 'state') ?? 'ENABLED',
    };
    return [{ resource, left }];
  },
  listedAs: (of) => of.rule,
  names: ruleNames,
  says: (of) => `Make rule ${ruleText(of)} again`,
  async read(aws, of): Promise<Rule> {
    const live = await liveRule(aws, of);
    if (!live) return null;
    const { EventPattern = null, ScheduleExpression = null, Description = null, RoleArn = null } = live;
    const state = live.State === 'DISABLED' ? 'DISABLED' : 'ENABLED';
    return {
      ...{ pattern: EventPattern, schedule: ScheduleExpression, description: Description },
      ...{ role: RoleArn, state },
    };
  },
  async put(aws, of, to) {
    const { client, api } = await aws.events();
    if (to === null) {
      await unlessGone(client.send(new api.DeleteRuleCommand({ Name: of.rule, ...busOf(of) })));
      return;
    }
    await client.send(
      new api.PutRuleCommand({
        ...{ Name: of.rule, ...busOf(of), State: to.state },
        ...(to.pattern === null ? {} : { EventPattern: to.pattern }),
        ...(to.schedule === null ? {} : { ScheduleExpression: to.schedule }),
        ...(to.description === null ? {} : { Description: to.description }),
      }),
    );
  },
  never(of, value, { region }) {
    if (value === null || value.role === null) return undefined;
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
    return alike && a.state === b.state && sameDocument(a.pattern, b.pattern);
  },
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
