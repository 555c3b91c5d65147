import { z } from 'zod';
import type { Aws } from '../../../core/aws/client.ts';
import { awsCommand } from '../../../core/aws/command-line.ts';
import { FirebreakError } from '../../../core/errors.ts';
import { isJsonObject, type Json, type JsonObject, sameJson, toJson } from '../../../core/json.ts';
import { defineInverse, textIn } from '../../common/changes/inverse.ts';
import { anyJson } from '../../common/step-kind.ts';
import { unlessGone } from '../../common/unless-gone.ts';
import { busOf, PASS_ROLE, RULES, type Rule, rule, ruleIn, ruleNames, ruleText, SOURCE } from '../rules.ts';

const ID = /^[\w.-]{1,64}$/;
const target = z
  .strictObject({
    arn: z.string().regex(/^arn:[a-z-]+:[\w-]+:[\w-]*:\d*:.{1,1500}$/),
    role: z.string().max(1600).nullable(),
    /** All of it, as the API spells it; null where a record does not show all. */
    whole: z.record(z.string(), anyJson).nullable(),
  })
  .nullable();

const listOf = (value: Json | undefined): readonly JsonObject[] =>
  Array.isArray(value) ? value.filter(isJsonObject) : [];

/** A target that was added is removed, and one that was replaced or removed is there again. */
export const ruleTarget = defineInverse({
  id: 'rule-target',
  danger: 'persists',
  calls: { source: SOURCE, names: ['PutTargets', 'RemoveTargets'] },
  does: 'a target that was added is removed, such as a task or a command on servers; one that was replaced or removed is there again where it has no role',
  resource: rule.extend({ target: z.string().regex(ID) }),
  value: target,
  effects({ name, request }) {
    const of = ruleIn(request, 'rule');
    if (name === 'RemoveTargets')
      return listOfTexts(request['ids']).map((id) => ({ resource: { ...of, target: id }, left: null }));
    return listOf(request['targets']).flatMap((one) => {
      const role = textIn(one, 'roleArn') ?? null;
      const resource = { ...of, target: textIn(one, 'id') };
      const left = { arn: textIn(one, 'arn'), role, whole: wholeOf(one) };
      return [{ resource, left, guess: null }];
    });
  },
  listedAs: (of) => of.rule,
  names: (aws, of) => [...ruleNames(aws, of), of.target],
  says: (of, wanted) =>
    wanted === null
      ? `Remove target ${of.target} of rule ${ruleText(of)}`
      : `Let rule ${ruleText(of)} start ${wanted.arn} again`,
  async read(aws, of) {
    const found = await liveTarget(aws, of);
    if (!found) return null;
    return { arn: textIn(found, 'Arn') ?? '', role: textIn(found, 'RoleArn') ?? null, whole: found };
  },
  async put(aws, of, to) {
    const { client, api } = await aws.events();
    const named = { Rule: of.rule, ...busOf(of) };
    const answer =
      to === null
        ? await unlessGone(client.send(new api.RemoveTargetsCommand({ ...named, Ids: [of.target] })))
        : await client.send(
            new api.PutTargetsCommand({ ...named, Targets: [{ ...to.whole, Id: of.target, Arn: to.arn }] }),
          );
    const [failed] = answer?.FailedEntries ?? [];
    if (failed)
      throw new FirebreakError('StepFailed', `EventBridge did not change the target: ${failed.ErrorCode}`, {
        resource: `target ${of.target} of rule ${ruleText(of)}`,
        next: 'Look at the targets of the rule in EventBridge.',
      });
  },
  never(of, value, { region, by }) {
    // To pass a role is a right of undo alone.
    const passed = value === null || value.role === null || by === 'undo';
    if (value === null || (passed && value.whole !== null)) return undefined;
    const which = `target ${of.target} of rule ${ruleText(of)}`;
    const command = awsCommand('events list-targets-by-rule', {
      ...{ region, rule: of.rule, 'event-bus-name': of.bus },
    });
    return passed
      ? `the record does not show all of ${which}, which was ${value.arn}: ${command}`
      : `Firebreak passes no role to ${which}, which was ${value.arn} with ${value.role}: ${command}`;
  },
  // A record may leave out what a target is given.
  same: (a, b) =>
    a === null || b === null
      ? a === b
      : a.arn === b.arn &&
        a.role === b.role &&
        (a.whole === null || b.whole === null || sameJson(a.whole, b.whole)),
  permissions: {
    read: [{ actions: ['events:ListTargetsByRule'], resources: [RULES], why: 'what a rule starts' }],
    write: [
      {
        actions: ['events:PutTargets', 'events:RemoveTargets'],
        resources: [RULES],
        why: 'what the principal let a rule start is not started any longer; what it took out is started again',
        worst:
          "lets any rule that is not Firebreak's start what lets EventBridge in, or nothing; no target with a role",
      },
    ],
    undo: [PASS_ROLE],
  },
  words: { setting: 'Target of an EventBridge rule', why: 'the rule starts it' },
  example: {
    eventName: 'PutTargets',
    requestParameters: {
      rule: 'refresh',
      targets: [
        {
          id: '1',
          arn: ['arn', 'aws', 'lambda', 'us-east-1', '111122223333', 'function', 'refresh'].join(':'),
        },
      ],
    },
  },
});

const listOfTexts = (value: Json | undefined): readonly Json[] => (Array.isArray(value) ? value : []);

/** Members that a record shows as they were given, if it shows them at all [M-LAB]. */
const SIMPLE = { id: 'Id', arn: 'Arn', input: 'Input', inputPath: 'InputPath' } as const;
const HIDDEN = /HIDDEN_DUE_TO_SECURITY_REASONS|^\*+$/;

/** Returns the target in the spelling of the API; null where the record hides a part or has one that is not read here. */
function wholeOf(recorded: JsonObject): JsonObject | null {
  const members = Object.entries(recorded).map(([name, value]) => {
    const spelled = Object.entries(SIMPLE).find(([one]) => one === name)?.[1];
    const shown = spelled !== undefined && typeof value === 'string' && !HIDDEN.test(value);
    return shown ? ([spelled, value] as const) : undefined;
  });
  const known = members.filter((one) => one !== undefined);
  return known.length === members.length ? Object.fromEntries(known) : null;
}

async function liveTarget(aws: Aws, of: Rule & { readonly target: string }): Promise<JsonObject | undefined> {
  const { client, api } = await aws.events();
  let NextToken: string | undefined;
  do {
    const page = await unlessGone(
      client.send(
        new api.ListTargetsByRuleCommand({
          ...{ Rule: of.rule, ...busOf(of) },
          ...(NextToken === undefined ? {} : { NextToken }),
        }),
      ),
    );
    const found = page?.Targets?.find(({ Id }) => Id === of.target);
    if (found) return z.record(z.string(), anyJson).parse(toJson(found));
    NextToken = page?.NextToken;
  } while (NextToken !== undefined);
  return undefined;
}
