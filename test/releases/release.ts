/**
 * What a release leaves for the next one: its definitions, and an incident as it lay in the table, the account and Slack
 * while a person was asked, and once it was contained. Recorded by running the release, never written by hand.
 */
import { readdir, readFile } from 'node:fs/promises';
import { type AttributeValue, PutItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { z } from 'zod';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import type { TwinState } from '../../sandbox/twin/state.ts';
import { approvalStage } from '../workflow/approvals.ts';

export const FOLDER = new URL('../fixtures/releases/', import.meta.url);
const MACHINES = ['respond', 'undo'] as const;

/** A file of JSON has bytes as an object of numbers, which DynamoDB would not take. */
function withBytes(item: Record<string, AttributeValue>): Record<string, AttributeValue> {
  const bytesOf = (value: AttributeValue): AttributeValue =>
    value.B === undefined || value.B instanceof Uint8Array
      ? value
      : { B: Uint8Array.from(Object.values(value.B)) };
  return Object.fromEntries(Object.entries(item).map(([name, value]) => [name, bytesOf(value)]));
}

const moment = z.object({
  /** ISO 8601: the clock of the code that goes on starts here. */
  at: z.string(),
  items: z.array(
    z.custom<Record<string, AttributeValue>>((item) => typeof item === 'object').transform(withBytes),
  ),
  account: z.custom<TwinState>((state) => typeof state === 'object'),
  messages: z.array(z.custom<Sandbox['slack']['messages'][number]>((each) => typeof each === 'object')),
});
const release = z.object({
  version: z.string(),
  incidentId: z.string(),
  definitions: z.object({ respond: z.looseObject({}), undo: z.looseObject({}) }),
  /** The account before the finding. */
  first: z.custom<TwinState>((state) => typeof state === 'object'),
  asked: moment.extend({
    /** The execution's name, the state it waits in, and what that state was given. */
    execution: z.string(),
    state: z.string(),
    input: z.unknown(),
    approvalId: z.string(),
    cardTs: z.string(),
  }),
  contained: moment,
});
export type Release = z.infer<typeof release>;
type Moment = z.infer<typeof moment>;

/** Every release that was recorded. */
export async function releases(): Promise<readonly Release[]> {
  const names = (await readdir(FOLDER)).filter((name) => name.endsWith('.json'));
  return Promise.all(
    names.map(async (name) => release.parse(JSON.parse(await readFile(new URL(name, FOLDER), 'utf8')))),
  );
}

/** Runs an isolation that a person approves, and keeps what there is at either moment. */
export async function recordRelease(version: string): Promise<Release> {
  const entered = new Map<string, unknown>();
  const stage = await approvalStage(undefined, { onEnter: (state, input) => entered.set(state, input) });
  const { sandbox } = stage;
  try {
    const asking = await stage.find();
    const [waiting] = sandbox.machines.running();
    if (!waiting) throw new Error('nothing waits');
    const asked = await momentOf(sandbox);
    await stage.approve(asking, 'U0BOB');
    await waiting.ended;
    const { id, status } = await stage.incident();
    if (status !== 'contained') throw new Error(`${id} is ${status}`);
    return release.parse({
      version,
      incidentId: id,
      definitions: Object.fromEntries(
        await Promise.all(
          MACHINES.map(async (name) => {
            const file = new URL(`../../statemachines/${name}.asl.json`, import.meta.url);
            return [name, JSON.parse(await readFile(file, 'utf8'))];
          }),
        ),
      ),
      first: stage.first(),
      asked: {
        ...asked,
        execution: waiting.name,
        state: 'RequestApproval',
        input: entered.get('RequestApproval'),
        approvalId: asking.approval.id,
        cardTs: asking.card.ts,
      },
      contained: await momentOf(sandbox),
    });
  } finally {
    await sandbox.close();
  }
}

async function momentOf(sandbox: Sandbox): Promise<Moment> {
  const { Items = [] } = await sandbox.database.client.send(
    new ScanCommand({ TableName: sandbox.database.table.name, ConsistentRead: true }),
  );
  const { state } = sandbox.twin;
  return structuredClone({
    at: sandbox.runtime.now().toISOString(),
    // A token is good for the execution that was given it, and for no file.
    items: Items.map((item) =>
      'taskToken' in item ? { ...item, taskToken: { S: 'of the release' } } : item,
    ),
    account: JSON.parse(JSON.stringify({ ...state, parameters: {} })) as TwinState,
    messages: [...sandbox.slack.messages],
  });
}

/** Today's code over what a release left; its clock goes on from there. */
export async function goOnFrom(from: Moment): Promise<Sandbox> {
  const behind = Date.now() - Date.parse(from.at);
  const stage = await approvalStage(undefined, {
    state: from.account,
    now: () => new Date(Date.now() - behind),
  });
  const { sandbox } = stage;
  await putItems(sandbox, from.items);
  sandbox.slack.messages.push(...structuredClone(from.messages));
  return sandbox;
}

/** Records as they were, over what is there. */
export async function putItems(sandbox: Sandbox, items: Moment['items']): Promise<void> {
  const { client, table } = sandbox.database;
  for (const Item of items) await client.send(new PutItemCommand({ TableName: table.name, Item }));
}

/** A definition that begins at one of its states, with no more than can be reached from there. */
export function startingAt(definition: Release['definitions']['respond'], state: string): string {
  const states = z.record(z.string(), z.unknown()).parse(definition['States']);
  const reached = new Set<string>();
  const visit = (name: string) => {
    if (reached.has(name)) return;
    reached.add(name);
    // Next of the state, of its choices and of what it catches; a Map's own states are within it.
    JSON.stringify(states[name], (key, value: unknown) => {
      if ((key === 'Next' || key === 'Default') && typeof value === 'string' && value in states) visit(value);
      return key === 'ItemProcessor' ? undefined : value;
    });
  };
  visit(state);
  const kept = Object.fromEntries(Object.entries(states).filter(([name]) => reached.has(name)));
  return JSON.stringify({ ...definition, StartAt: state, States: kept });
}
