/** Rules of EventBridge and their targets. */
import { arn } from '../../core/aws/arn.ts';
import { awsError } from '../aws-error.ts';
import type { Answers, TwinCall } from './twin.ts';

type Target = Readonly<Record<string, unknown>>;
interface TwinEventRule {
  State: string;
  EventPattern?: string;
  ScheduleExpression?: string;
  Description?: string;
  RoleArn?: string;
  targets: Record<string, Target>;
}
/** By `BUS/NAME`. */
export type TwinEventRules = Record<string, TwinEventRule>;

const keyOf = ({ input }: TwinCall): string =>
  `${String(input['EventBusName'] ?? 'default')}/${String(input['Name'] ?? input['Rule'])}`;

function ruleOf(call: TwinCall): TwinEventRule {
  const found = call.region.eventRules?.[keyOf(call)];
  if (found) return found;
  throw awsError('ResourceNotFoundException', `Rule ${keyOf(call)} does not exist.`);
}

const ruleArn = (call: TwinCall): string =>
  arn(call.scope, 'events', `rule/${keyOf(call).replace(/^default\//, '')}`);

const given = (input: TwinCall['input'], name: string): Record<string, string> =>
  input[name] === undefined ? {} : { [name]: String(input[name]) };

const nothingFailed = { FailedEntryCount: 0, FailedEntries: [] };

export const eventRules: Answers = {
  DescribeRule: (call) => {
    const { targets: _targets, ...rule } = ruleOf(call);
    return { Name: String(call.input['Name']), Arn: ruleArn(call), ...rule };
  },
  // What is left out is not kept, but for the targets.
  PutRule: (call) => {
    const { region, input } = call;
    region.eventRules ??= {};
    region.eventRules[keyOf(call)] = {
      State: String(input['State'] ?? 'ENABLED'),
      ...given(input, 'EventPattern'),
      ...given(input, 'ScheduleExpression'),
      ...given(input, 'Description'),
      ...given(input, 'RoleArn'),
      targets: region.eventRules[keyOf(call)]?.targets ?? {},
    };
    return { RuleArn: ruleArn(call) };
  },
  DeleteRule: (call) => {
    const found = call.region.eventRules?.[keyOf(call)];
    // What is not there is deleted.
    if (!found) return {};
    if (Object.keys(found.targets).length > 0)
      throw awsError('ValidationException', "Rule can't be deleted since it has targets.");
    delete call.region.eventRules?.[keyOf(call)];
    return {};
  },
  EnableRule: (call) => {
    ruleOf(call).State = 'ENABLED';
    return {};
  },
  DisableRule: (call) => {
    ruleOf(call).State = 'DISABLED';
    return {};
  },
  ListTargetsByRule: (call) => {
    const Targets = Object.values(ruleOf(call).targets);
    // The model has no empty list.
    return Targets.length > 0 ? { Targets } : {};
  },
  PutTargets: (call) => {
    for (const target of call.input['Targets'] as Target[])
      ruleOf(call).targets[String(target['Id'])] = target;
    return nothingFailed;
  },
  RemoveTargets: (call) => {
    for (const id of call.input['Ids'] as string[]) delete ruleOf(call).targets[id];
    return nothingFailed;
  },
};
