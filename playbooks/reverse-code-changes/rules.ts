/** How records and EventBridge name a rule. */
import { z } from 'zod';
import { arn } from '../../core/aws/arn.ts';
import type { Aws } from '../../core/aws/client.ts';
import { awsErrorName } from '../../core/errors.ts';
import type { JsonObject } from '../../core/json.ts';
import { textIn } from '../common/changes/inverse.ts';

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

/** Returns what the work found; undefined where the rule is gone. */
export async function unlessGone<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (awsErrorName(error) === 'ResourceNotFoundException') return undefined;
    throw error;
  }
}

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
