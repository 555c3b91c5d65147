/** EventBridge's default bus as deploy/resources.yml sets it up: anyone who may put events can put any, except AWS's own. */
import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { z } from 'zod';
import type { Execution } from '../../sandbox/execution.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';

export interface BusEvent {
  readonly source: string;
  readonly 'detail-type': string;
  readonly detail: Readonly<Record<string, unknown>>;
}

const target = z.looseObject({
  InputPath: z.literal('$.detail').optional(),
  Input: z.string().optional(),
  InputTransformer: z
    .strictObject({ InputPathsMap: z.record(z.string(), z.string()), InputTemplate: z.string() })
    .optional(),
});
/** Stage of the sandbox. */
const STAGE = 'sandbox';
const rule = z.looseObject({
  EventPattern: z.record(z.string(), z.unknown()),
  EventBusName: z.string().optional(),
  Targets: z.tuple([target]),
});

/** Returns the rules of the stack by their logical id. */
async function rules(): Promise<ReadonlyMap<string, z.infer<typeof rule>>> {
  const text = (await readFile('deploy/resources.yml', 'utf8')).replaceAll('${sls:stage}', STAGE);
  const { Resources } = z
    .looseObject({
      Resources: z.record(z.string(), z.looseObject({ Type: z.string(), Properties: z.unknown() })),
    })
    .parse(parse(text, { logLevel: 'silent', merge: true }));
  return new Map(
    Object.entries(Resources).flatMap(([id, { Type, Properties }]) =>
      Type === 'AWS::Events::Rule' ? [[id, rule.parse(Properties)] as const] : [],
    ),
  );
}

/** What of EventBridge's patterns the stack uses: a list holds the values that fit, `$or` patterns of which one does. */
function fits(pattern: unknown, value: unknown): boolean {
  if (Array.isArray(pattern)) return pattern.some((one) => allows(one, value));
  if (typeof pattern !== 'object' || pattern === null || typeof value !== 'object' || value === null)
    return false;
  return Object.entries(pattern).every(([key, part]) =>
    key === '$or' && Array.isArray(part)
      ? part.some((one) => fits(one, value))
      : fits(part, Reflect.get(value, key)),
  );
}

/** A value, or `anything-but` of a list: of a member that is absent it says no. */
function allows(one: unknown, value: unknown): boolean {
  const but = z.strictObject({ 'anything-but': z.array(z.string()) }).safeParse(one);
  return but.success
    ? value !== undefined && !but.data['anything-but'].includes(String(value))
    : one === value;
}

/** Returns the input that the rule's target gets. */
function inputOf({ Targets: [to] }: z.infer<typeof rule>, event: BusEvent): unknown {
  if (to.Input !== undefined) return JSON.parse(to.Input);
  if (to.InputPath !== undefined) return event.detail;
  if (!to.InputTransformer) return event;
  const { InputPathsMap, InputTemplate } = to.InputTransformer;
  const filled = Object.entries(InputPathsMap).reduce((text, [name, path]) => {
    const found = path
      .split('.')
      .slice(1)
      .reduce<unknown>(
        (at, key) => (typeof at === 'object' && at !== null ? Reflect.get(at, key) : undefined),
        event,
      );
    return text.replaceAll(`<${name}>`, () => JSON.stringify(found));
  }, InputTemplate);
  return JSON.parse(filled);
}

/** Returns the input that a rule of the stack, by its logical id, starts the workflow with for this event. */
export async function handedOn(ruleId: string, event: BusEvent): Promise<unknown> {
  const found = (await rules()).get(ruleId);
  if (!found) throw new Error(`the stack has no rule ${ruleId}`);
  return inputOf(found, event);
}

/** Returns the rules of the default bus that take an event, by their logical ids. */
export const fitting = async (event: BusEvent): Promise<readonly string[]> =>
  [...(await rules())].flatMap(([id, { EventPattern, EventBusName }]) =>
    EventBusName === undefined && fits(EventPattern, event) ? [id] : [],
  );

/** Puts an event as GuardDuty itself does, or as anyone may; returns what the rules started. */
async function put(sandbox: Sandbox, event: BusEvent): Promise<readonly Execution[]> {
  return [...(await rules()).values()]
    .filter(({ EventPattern, EventBusName }) => EventBusName === undefined && fits(EventPattern, event))
    .map((found) => sandbox.machines.start('respond', inputOf(found, event)));
}

/** PutEvents of someone in the account: AWS refuses its own sources. */
export function putEvents(sandbox: Sandbox, event: BusEvent): Promise<readonly Execution[]> {
  if (event.source.startsWith('aws.')) throw new Error('NotAuthorizedForSourceException');
  return put(sandbox, event);
}

/** GuardDuty's own event, which no one else can put. */
export const guardDutyPuts = (sandbox: Sandbox, detail: BusEvent['detail']): Promise<readonly Execution[]> =>
  put(sandbox, { source: 'aws.guardduty', 'detail-type': 'GuardDuty Finding', detail });
