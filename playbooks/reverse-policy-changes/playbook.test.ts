/** Whom an attacker let in by a policy is out again, and undo restores what they wrote. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../core/json.ts';
import type { Caller } from '../../sandbox/attacker.ts';
import { policiesIn } from '../../sandbox/twin/resource-policies.ts';
import { type AccountTwin, createTwin } from '../../sandbox/twin/twin.ts';
import {
  type Accounts,
  playbookProperties,
  SCOPE,
  scene,
  sceneDatabase,
} from '../../test/playbooks/properties.ts';
import {
  attempt,
  callOf,
  forgetTheOwner,
  LONG_AGO,
  OWNER,
  readsItsExamples,
  recorded,
  SEEN,
  THIEF,
  targetIn,
  thiefFound,
} from '../../test/playbooks/reversed.ts';
import { policyChanges, reversePolicyChanges } from './playbook.ts';

const inRegion = (service: string, resource: string) =>
  `arn:aws:${service}:eu-west-1:111122223333:${resource}`;
const TOPIC = inRegion('sns', 'orders');
const QUEUE = 'https://sqs.eu-west-1.amazonaws.com/111122223333/orders';
const KEY = '00000000-0000-4000-8000-00000000000a';
const SECRET = inRegion('secretsmanager', 'secret:shop/db-AbCdEf');
const ROOT = 'arn:aws:iam::111122223333:root';

/** Spaces and order as someone wrote it: undo must restore the text. */
const policy = (...Statement: JsonObject[]) => JSON.stringify({ Version: '2012-10-17', Statement }, null, 1);
const allow = (who: string, Action = 'x:*'): JsonObject => ({
  ...{ Effect: 'Allow', Principal: who === '*' ? '*' : { AWS: who } },
  ...{ Action, Resource: '*' },
});
const OWN = policy(allow(ROOT, 'kms:*'));
const PARTNER = policy(allow(ROOT, 'kms:*'), allow('222233334444'));
const OPEN = policy(allow(ROOT, 'kms:*'), allow('*'));

interface Asked {
  readonly service: string;
  readonly operation: string;
  readonly input: JsonObject;
  /** Where CloudTrail writes it otherwise than with small first letters. */
  readonly request?: JsonObject;
  readonly name?: string;
}
const topic = (text: string): Asked => ({
  ...{ service: 'SNS', operation: 'SetTopicAttributes' },
  input: { TopicArn: TOPIC, AttributeName: 'Policy', AttributeValue: text },
});
const queue = (text: string): Asked => ({
  ...{ service: 'SQS', operation: 'SetQueueAttributes' },
  input: { QueueUrl: QUEUE, Attributes: { Policy: text } },
  request: { queueUrl: QUEUE, attributes: { Policy: text } },
});
const repository = (policyText: string): Asked => ({
  ...{ service: 'ECR', operation: 'SetRepositoryPolicy' },
  input: { repositoryName: 'web', policyText },
});
const key = (text: string): Asked => ({
  ...{ service: 'KMS', operation: 'PutKeyPolicy' },
  input: { KeyId: KEY, PolicyName: 'default', Policy: text },
});
const secret = (text: string): Asked => ({
  ...{ service: 'SecretsManager', operation: 'PutResourcePolicy' },
  input: { SecretId: SECRET, ResourcePolicy: text },
});
const permission = (StatementId: string, more: JsonObject = {}): Asked => ({
  ...{ service: 'Lambda', operation: 'AddPermission', name: 'AddPermission20150331v2' },
  input: {
    ...{ FunctionName: 'export', StatementId, Action: 'lambda:InvokeFunction', Principal: '444455556666' },
    ...more,
  },
});
/** What the attacker does, by a name for it. */
const ATTACKS = {
  topic: topic(OPEN),
  'topic permission': {
    ...{ service: 'SNS', operation: 'AddPermission' },
    input: {
      ...{
        TopicArn: TOPIC,
        Label: 'x',
        AWSAccountId: ['444455556666'],
        ActionName: ['Subscribe', 'Publish'],
      },
    },
    request: {
      ...{ topicArn: TOPIC, label: 'x' },
      ...{ aWSAccountId: ['444455556666'], actionName: ['Subscribe', 'Publish'] },
    },
  },
  queue: queue(OPEN),
  'queue permission': {
    ...{ service: 'SQS', operation: 'AddPermission' },
    input: {
      ...{ QueueUrl: QUEUE, Label: 'y', AWSAccountIds: ['444455556666', '555566667777'] },
      Actions: ['ReceiveMessage'],
    },
    request: {
      ...{ queueUrl: QUEUE, label: 'y', actions: ['ReceiveMessage'] },
      aWSAccountIds: ['555566667777', '444455556666'],
    },
  },
  repository: repository(OPEN),
  'no repository policy': {
    ...{ service: 'ECR', operation: 'DeleteRepositoryPolicy', input: { repositoryName: 'web' } },
  },
  key: key(OPEN),
  grant: {
    ...{ service: 'KMS', operation: 'CreateGrant' },
    input: {
      ...{
        KeyId: KEY,
        GranteePrincipal: 'arn:aws:iam::444455556666:root',
        Operations: ['Decrypt', 'CreateGrant'],
      },
      Constraints: { EncryptionContextSubset: { team: 'shop' } },
      RetiringPrincipal: 'arn:aws:iam::444455556666:role/x',
    },
    request: {
      ...{ keyId: inRegion('kms', `key/${KEY}`), operations: ['Decrypt', 'CreateGrant'] },
      granteePrincipal: 'arn:aws:iam::444455556666:root',
      retiringPrincipal: 'arn:aws:iam::444455556666:role/x',
      constraints: { encryptionContextSubset: { team: 'shop' } },
    },
  },
  secret: secret(OPEN),
  'no secret policy': {
    ...{ service: 'SecretsManager', operation: 'DeleteResourcePolicy', input: { SecretId: SECRET } },
  },
  permission: permission('x'),
  'permission for a service': permission('y', {
    ...{ Principal: 's3.amazonaws.com', SourceArn: 'arn:aws:s3:::elsewhere', SourceAccount: '444455556666' },
    Qualifier: 'live',
  }),
  'permission for a URL': permission('z', {
    ...{ Principal: '*', Action: 'lambda:InvokeFunctionUrl', FunctionUrlAuthType: 'NONE' },
    PrincipalOrgID: 'o-0123456789',
  }),
} as const satisfies Readonly<Record<string, Asked>>;
type Attack = keyof typeof ATTACKS;
const ALL = Object.keys(ATTACKS) as Attack[];

function call(twin: AccountTwin, by: Caller, asked: Asked, at: Date): void {
  const { service, operation, input, request, name } = asked;
  const record = { ...(request ? { request } : {}), ...(name ? { name } : {}) };
  // A label that is taken, a policy that is not there.
  attempt(twin, by, { ...{ service, operation, input, at }, record });
}

/** What the owner set up, by calls that CloudTrail still shows. */
function owned(twin: AccountTwin): void {
  const region = twin.region(twin.scope.region);
  const policies = policiesIn(region);
  policies.topics['orders'] = OWN;
  policies.queues['orders'] = null;
  policies.repositories['web'] = null;
  policies.keys[KEY] = OWN;
  region.secrets = { 'shop/db-AbCdEf': false };
  region.lambda.functions.push({
    ...{ FunctionName: 'export', Role: 'arn:aws:iam::111122223333:role/app', Timeout: 3, CodeSha256: 'x' },
    ...{ reserved: null, provisioned: {}, eventSources: [], Tags: {} },
  });
  for (const one of [topic(OWN), queue(OWN), repository(OWN), key(OWN), secret(OWN)])
    call(twin, OWNER, one, LONG_AGO);
}

type World = readonly Asked[];
let opened: AccountTwin | undefined;
const text = (value: unknown): string => JSON.stringify(value);
/** A grant that undo creates again has another id and name; grants and statements of a function have no order. */
const withoutIds = (account: unknown): unknown =>
  JSON.parse(
    JSON.stringify(account, (name, value) =>
      Array.isArray(value) && value.every((one) => typeof one === 'object')
        ? value.toSorted((a, b) => (text(a) < text(b) ? -1 : 1))
        : name === 'GrantId' || (name === 'Name' && /^firebreak-/.test(String(value))) || name === 'serial'
          ? undefined
          : value,
    ),
  );
const accounts: Accounts<World> = {
  // A permission that goes leaves a policy that the next plan restores: one of the two in a world.
  worlds: fc
    .constantFrom<readonly string[]>(['topic', 'queue'], ['topic permission', 'queue permission'])
    .chain((without) =>
      fc.array(fc.constantFrom(...ALL.filter((one) => !without.includes(one))), { maxLength: 5 }),
    )
    // One that leaves something to reverse in every order.
    .map((world) => ['grant' as const, ...world].map((attack) => ATTACKS[attack])),
  runs: 8,
  without: withoutIds,
  open(twin, world) {
    opened = twin;
    owned(twin);
    world.forEach((one, index) => {
      call(twin, THIEF, one, new Date(SEEN + 60_000 * (index + 1)));
    });
    return thiefFound(twin);
  },
  target: (finding) => targetIn(policyChanges, opened, finding, finding.region),
};
playbookProperties(reversePolicyChanges, accounts);

const database = sceneDatabase('reverse-policy-changes-test');
const at = (...world: World) => scene(database(), reversePolicyChanges, accounts, world);
const resources = (twin: AccountTwin) => {
  const { policies, lambda } = twin.region(twin.scope.region);
  return { policies, functions: lambda.functions };
};
/** AddPermission and RemovePermission write a policy in a form of their service's own. */
const documents = (value: object): unknown =>
  JSON.parse(JSON.stringify(value, (_name, one) => (/^\{/.test(String(one)) ? JSON.parse(one) : one)));
const calm = () => {
  const twin = createTwin(SCOPE);
  owned(twin);
  return resources(twin);
};

describe('what was there before', () => {
  it.each(ALL)('%s: is restored, proven, and undone letter for letter', async (attack) => {
    const here = at(ATTACKS[attack]);
    const before = here.account();
    const { steps } = await here.contain();
    expect(steps.map(({ status }) => status)).toEqual(['done']);
    expect(documents(resources(here.twin))).toEqual(documents(calm()));
    expect(await here.prove()).toMatchObject({ proven: true });
    await here.undo();
    expect(here.account()).toEqual(before);
  });

  it('is what AWS Config recorded, where CloudTrail does not show it', async () => {
    const known: Accounts<World> = {
      ...accounts,
      open(twin, world) {
        const finding = accounts.open(twin, world);
        const { region } = twin.scope;
        forgetTheOwner(twin, region);
        const items = [
          { type: 'AWS::SNS::Topic', id: TOPIC, configuration: { Policy: OWN } },
          {
            type: 'AWS::SQS::Queue',
            id: QUEUE,
            name: 'orders',
            configuration: { QueueArn: 'x', Policy: OWN },
          },
          {
            ...{ type: 'AWS::ECR::Repository', id: 'web' },
            configuration: { Arn: 'x', RepositoryPolicyText: JSON.parse(OWN) },
          },
          { type: 'AWS::KMS::Key', id: KEY, supplementary: { Policy: OWN } },
        ];
        for (const item of items) recorded(twin, region, item);
        return finding;
      },
    };
    const here = scene(database(), reversePolicyChanges, known, [
      ...[ATTACKS.topic, ATTACKS.queue, ATTACKS.repository, ATTACKS.key],
    ]);
    const plan = await here.plan();
    const lines = plan.kind === 'plan' ? plan.steps.map(({ describe: line }) => line) : [];
    expect(lines).toHaveLength(4);
    for (const line of lines) expect(line).toContain('from AWS Config');
    await here.contain();
    expect(resources(here.twin).policies).toMatchObject({
      ...{ topics: { orders: OWN }, queues: { orders: OWN }, keys: { [KEY]: OWN } },
    });
  });

  it('is guessed by taking out what lets others in, and never to nothing for a key or a topic', async () => {
    const forgotten: Accounts<World> = {
      ...accounts,
      open(twin, world) {
        const finding = accounts.open(twin, world);
        forgetTheOwner(twin, twin.scope.region);
        return finding;
      },
    };
    const planned = (...world: World) => scene(database(), reversePolicyChanges, forgotten, world).plan();
    expect(await planned(ATTACKS.key)).toMatchObject({
      steps: [{ describe: expect.stringContaining('not sure') }],
    });
    expect(await planned(topic(policy(allow('*'))))).toMatchObject({
      kind: 'refused',
      reason: expect.stringContaining('what it was before is not known'),
    });
  });
});

describe('a reversal', () => {
  const after = (mine: World): Accounts<World> => ({
    ...accounts,
    open(twin, world) {
      opened = twin;
      owned(twin);
      for (const one of mine) call(twin, OWNER, one, LONG_AGO);
      for (const one of world) call(twin, THIEF, one, new Date(SEEN + 60_000));
      return thiefFound(twin);
    },
  });
  it.each<readonly [string, Asked, Asked]>([
    ['topic', topic(PARTNER), topic(OWN)],
    ['queue', queue(PARTNER), queue(OWN)],
    ['repository', repository(PARTNER), ATTACKS['no repository policy']],
    ['key', key(PARTNER), key(OWN)],
    ['secret', secret(PARTNER), ATTACKS['no secret policy']],
  ])('lets no one in again: the policy of a %s is for a person', async (_what, mine, theirs) => {
    expect(await scene(database(), reversePolicyChanges, after([mine]), [theirs]).plan()).toMatchObject({
      kind: 'refused',
      reason: expect.stringContaining('is for a person to restore: it would let others than the account in'),
    });
  });

  it('writes no key policy that takes the key from the account', async () => {
    const admin = policy(allow('arn:aws:iam::111122223333:role/admin', 'kms:*'));
    const [inverse] = policyChanges.inverses.filter(({ id }) => id === 'reversed-key-policy');
    expect(inverse?.byHand?.(admin, OPEN, SCOPE)).toContain('in charge of the key');
    expect(inverse?.byHand?.(OWN, OPEN, SCOPE)).toBeUndefined();
    // KMS says the same of a policy that undo writes: nothing is locked, and a person is asked.
    const here = at(ATTACKS.key);
    await here.contain();
    const { policies } = resources(here.twin);
    expect(policies?.keys[KEY]).toBe(OWN);
  });
});

it('takes a queue, topic, key, secret or function of another account or Region for none of its own', () => {
  const answers = (eventName: string, service: string, requestParameters: JsonObject) =>
    policyChanges.answers(
      { ...callOf({ eventName, requestParameters }, `${service}.amazonaws.com`), region: 'eu-west-1' },
      { partition: 'aws', account: '111122223333' },
    );
  const foreign = (text: string) => text.replace('111122223333', '444455556666');
  const elsewhere = (text: string) => text.replace('eu-west-1', 'us-east-1');
  const setTopic = (topicArn: string) =>
    answers('SetTopicAttributes', 'sns', { topicArn, attributeName: 'Policy', attributeValue: OWN });
  expect([TOPIC, foreign(TOPIC), elsewhere(TOPIC), '__proto__'].map(setTopic)).toEqual([
    true,
    false,
    false,
    false,
  ]);
  const setQueue = (queueUrl: string) =>
    answers('SetQueueAttributes', 'sqs', { queueUrl, attributes: { Policy: OWN } });
  expect([QUEUE, foreign(QUEUE), 'https://evil.example/x', `${QUEUE}/y`].map(setQueue)).toEqual([
    ...[true, false, false, false],
  ]);
  const setKey = (keyId: string) => answers('PutKeyPolicy', 'kms', { keyId, policy: OWN });
  const keyArn = inRegion('kms', `key/${KEY}`);
  expect([KEY, keyArn, foreign(keyArn), elsewhere(keyArn), 'alias/x'].map(setKey)).toEqual([
    ...[true, true, false, false, false],
  ]);
  const setSecret = (secretId: string) =>
    answers('PutResourcePolicy', 'secretsmanager', { secretId, resourcePolicy: OWN });
  expect([SECRET, foreign(SECRET), elsewhere(SECRET), 'shop/db'].map(setSecret)).toEqual([
    ...[true, false, false, false],
  ]);
  const addTo = (functionName: string) =>
    answers('AddPermission20150331v2', 'lambda', {
      ...{ functionName, statementId: 'x', action: 'lambda:InvokeFunction', principal: '*' },
    });
  const functionArn = inRegion('lambda', 'function:export');
  expect(['export', functionArn, `${functionArn}:live`, foreign(functionArn), '../x'].map(addTo)).toEqual([
    ...[true, true, true, false, false],
  ]);
});

it('reads the example of each answer, and each is about another kind', () => readsItsExamples(policyChanges));
