/** How records and EventBridge name a rule. */

import type { RuleState } from '@aws-sdk/client-eventbridge';
import { z } from 'zod';
import { arn } from '../../core/aws/arn.ts';
import type { Aws } from '../../core/aws/client.ts';
import { awsCommand } from '../../core/aws/command-line.ts';
import type { JsonObject } from '../../core/json.ts';
import { documentText, sameDocument, textIn } from '../common/changes/inverse.ts';
import { unlessGone } from '../common/unless-gone.ts';

export const SOURCE = 'events.amazonaws.com';
export const RULES = 'arn:${Partition}:events:${Region}:${Account}:rule/*';

const DEFAULT = 'default';
export const rule = z.strictObject({
  /** An event bus of the account. */
  bus: z.string().regex(/^[\w./-]{1,256}$/),
  rule: z.string().regex(/^[\w.-]{1,64}$/),
});
export type Rule = z.infer<typeof rule>;

/** Returns the rule that a record names; a bus is named by its name or its ARN [M-LAB]. */
export const ruleIn = (request: JsonObject, member: 'name' | 'rule') => ({
  bus: (textIn(request, 'eventBusName') ?? DEFAULT).replace(/^arn:.*:event-bus\//, ''),
  rule: textIn(request, member),
});

const onDefault = ({ bus }: Rule): boolean => bus === DEFAULT;
export const busOf = (of: Rule) => (onDefault(of) ? {} : { EventBusName: of.bus });

export const ruleNames = ({ scope }: Aws, of: Rule): readonly string[] => [
  arn(scope, 'events', `rule/${onDefault(of) ? '' : `${of.bus}/`}${of.rule}`),
  of.rule,
];
export const ruleText = (of: Rule): string => (onDefault(of) ? of.rule : `${of.rule} of bus ${of.bus}`);

/** Returns the rule as EventBridge has it; undefined where it is gone. */
export async function liveRule(aws: Aws, of: Rule) {
  const { client, api } = await aws.events();
  return unlessGone(client.send(new api.DescribeRuleCommand({ Name: of.rule, ...busOf(of) })));
}

const text = z.string().max(4096).nullable();
/** What a rule reacts to, and the role that it uses: PutRule replaces all of it. */
export const definition = z.strictObject({
  ...{ pattern: documentText, schedule: text, description: text, role: text },
});
type Definition = z.infer<typeof definition>;

/** Returns what a record of PutRule says. */
export const definitionIn = (request: JsonObject): Definition => ({
  pattern: textIn(request, 'eventPattern') ?? null,
  schedule: textIn(request, 'scheduleExpression') ?? null,
  description: textIn(request, 'description') ?? null,
  role: textIn(request, 'roleArn') ?? null,
});

/** Returns what a rule reacts to now. */
export const liveDefinition = (live: NonNullable<Awaited<ReturnType<typeof liveRule>>>): Definition => {
  const { EventPattern = null, ScheduleExpression = null, Description = null, RoleArn = null } = live;
  return { pattern: EventPattern, schedule: ScheduleExpression, description: Description, role: RoleArn };
};

/** Writes all of a rule but its targets and tags. */
export async function putRule(aws: Aws, of: Rule, to: Definition, State: RuleState): Promise<void> {
  const { client, api } = await aws.events();
  await client.send(
    new api.PutRuleCommand({
      ...{ Name: of.rule, ...busOf(of), State },
      ...(to.pattern === null ? {} : { EventPattern: to.pattern }),
      ...(to.schedule === null ? {} : { ScheduleExpression: to.schedule }),
      ...(to.description === null ? {} : { Description: to.description }),
      ...(to.role === null ? {} : { RoleArn: to.role }),
    }),
  );
}

/** Why a rule with a role is left to a person, with the command. */
export function passesNoRole(of: Rule, value: Definition, region: string): string {
  const command = awsCommand('events put-rule', {
    ...{ region, name: of.rule, 'event-bus-name': of.bus, 'role-arn': value.role ?? '' },
    ...(value.pattern === null ? {} : { 'event-pattern': value.pattern }),
    ...(value.schedule === null ? {} : { 'schedule-expression': value.schedule }),
  });
  return `Firebreak passes no role to rule ${ruleText(of)}: ${command}`;
}

/** Whether two say the same; patterns are compared as documents. */
export const sameDefinition = (a: Definition, b: Definition): boolean =>
  a.schedule === b.schedule &&
  a.description === b.description &&
  a.role === b.role &&
  sameDocument(a.pattern, b.pattern);

export const READ_RULE = {
  actions: ['events:DescribeRule'],
  resources: [RULES],
  why: 'whether a rule is enabled, and what it reacts to',
};

export const WRITE_RULE = {
  actions: ['events:PutRule'],
  resources: [RULES],
  why: 'the pattern or schedule of a rule is as it was; a deleted one is there again',
  worst: "makes rules, and changes what any rule that is not Firebreak's reacts to",
};

export const PASS_ROLE = {
  actions: ['iam:PassRole'],
  resources: ['arn:${Partition}:iam::${Account}:role/*'],
  condition: { StringEquals: { 'iam:PassedToService': SOURCE } },
  why: 'a rule, or a target of one, that had a role has it again',
  worst: "lets any rule that is not Firebreak's start what a role that trusts EventBridge may start",
};
