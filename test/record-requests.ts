/**
 * Setup of every test file: keeps what its AWS calls would ask of IAM, for `npm run permissions:check`, and what they and the
 * twin's answers look like, for `npm run requests:check`.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, relative } from 'node:path';
import { afterAll, afterEach, expect } from 'vitest';
import { type Actor, acting } from '../core/aws/acting.ts';
import { type AwsCall, awsConfiguration, watchAws } from '../core/aws/client.ts';
import { type RecordLine, recordOf } from '../deploy/iam/record.ts';
import { authorizationRequests, tagList } from '../deploy/iam/requests.ts';
import { recorder, requestsOf } from '../deploy/requests/record.ts';
import { isUnrecorded } from './unrecorded.ts';

interface Seen {
  readonly call: AwsCall;
  readonly actor: Actor;
  readonly output: object | undefined;
}
let seen: Seen[] = [];
const lines = new Map<string, RecordLine>();
/** What was asked already, as it was asked: a line takes longer to make than to miss. */
const asked = new Set<string>();
const tags = new Map<string, Readonly<Record<string, string>>>();
const identities = new Map<string, string>();

const requests = recorder();

const unwatch = watchAws((call, output) => {
  const actor = acting();
  if (isUnrecorded(actor)) return;
  const { service, operation } = call;
  requests.see(service, operation, 'request', call.input);
  if (output && isTwins(service)) {
    const { $metadata: _metadata, ...answer } = Object(output);
    requests.see(service, operation, 'answer', answer);
  }
  seen.push({ call, actor, output });
});

/** In a test with a twin all but the table is answered by it; moto's answers are moto's to prove. */
const isTwins = (service: string): boolean =>
  service !== 'DynamoDB' && awsConfiguration().answer !== undefined;

/** Ids that a twin or moto makes differ from run to run and say nothing to IAM. */
const plain = (text: string): string =>
  text
    .replace(/\b([a-z]+)-[0-9a-f]{17}\b/g, '$1-0')
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, 'uuid');

async function keep({ call, actor, output }: Seen): Promise<void> {
  const own = actor.function;
  // The table of a test that calls no function is the test's own.
  if (call.service === 'DynamoDB' && !own) return;
  const at = call.account === '' && own ? own : call;
  const { partition, account, region } = at;
  try {
    for (const request of await authorizationRequests(
      { ...call, partition, account, region },
      tags,
      identities,
    )) {
      const { action, resource, keys } = request;
      const raw = JSON.stringify([
        own,
        actor.playbook,
        at.partition,
        at.account,
        at.region,
        call.sessionPolicy,
        call.management,
        action,
        resource,
        keys,
      ]);
      if (asked.has(raw)) continue;
      asked.add(raw);
      const line: RecordLine = {
        ...(own ? { function: own } : {}),
        ...(actor.playbook ? { playbook: actor.playbook } : {}),
        at: { partition, account, region },
        ...(call.management ? { management: true } : {}),
        ...(call.sessionPolicy === undefined ? {} : { session: plain(call.sessionPolicy) }),
        action,
        resource: plain(resource),
        keys: JSON.parse(plain(JSON.stringify(keys))) as Record<string, string | string[]>,
      };
      lines.set(JSON.stringify(line), line);
    }
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    lines.set(problem, { problem });
  }
  learn(output);
  if (output) learnMade(call.input, output);
}

/** Tags and paths of everything an answer shows. */
function learn(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  if ('Arn' in value && typeof value.Arn === 'string') {
    const [, head, kind, name] = /^(arn:.*:)(role|user)\/(?:.*\/)?([^/]+)$/.exec(value.Arn) ?? [];
    if (name !== undefined) identities.set(`${head}${kind}/${name}`, value.Arn);
  }
  if ('Tags' in value) {
    const given = Object.fromEntries(tagList(value.Tags).map(({ Key, Value }) => [Key, Value]));
    for (const id of idsOf(value)) tags.set(id, given);
  }
  for (const member of Object.values(value)) learn(member);
}
/** What was made with tags, or was tagged, has them from then on. */
function learnMade(input: unknown, output: object): void {
  if (typeof input !== 'object' || input === null) return;
  if ('Resources' in input && 'Tags' in input) {
    const given = Object.fromEntries(tagList(input.Tags).map(({ Key, Value }) => [Key, Value]));
    for (const id of [input.Resources].flat()) tags.set(String(id), { ...tags.get(String(id)), ...given });
  }
  if ('ResourceArn' in input && 'Tags' in output) {
    const given = Object.fromEntries(tagList(output.Tags).map(({ Key, Value }) => [Key, Value]));
    tags.set(String(input.ResourceArn).replace(/^.*[:/]/, ''), given);
  }
  if (!('TagSpecifications' in input)) return;
  const [first] = input.TagSpecifications as { Tags?: unknown }[];
  learn({ ...output, Tags: first?.Tags ?? [] });
  if ('FlowLogIds' in output)
    for (const FlowLogId of [output.FlowLogIds].flat()) learn({ FlowLogId, Tags: first?.Tags });
}
/** What an answer's object is about: the first of these it has; the others it has say what it belongs to. */
const OWN_ID = [
  'SecurityGroupRuleId',
  'FlowLogId',
  'NetworkAclId',
  'NetworkInterfaceId',
  'SnapshotId',
  'VolumeId',
  'InstanceId',
  'GroupId',
  'SubnetId',
  'VpcId',
];
const idsOf = (value: object): readonly string[] => {
  const fields = new Map(Object.entries(value));
  const id = OWN_ID.map((name) => fields.get(name)).find((found) => typeof found === 'string');
  return id === undefined ? [] : [id];
};

async function flush(): Promise<void> {
  const batch = seen;
  seen = [];
  for (const one of batch) await keep(one);
}

afterEach(flush);
afterAll(async () => {
  await flush();
  unwatch();
  const { testPath } = expect.getState();
  if (testPath === undefined) throw new Error('vitest does not say which file runs');
  const test = relative(process.cwd(), testPath);
  write(
    recordOf(test),
    [...lines.values()].map((line) => JSON.stringify(line)),
  );
  write(requestsOf(test), requests.lines());
});

function write(file: string, texts: readonly string[]): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, texts.map((text) => `${text}\n`).join(''));
}
