/** The attacker names an uploaded object so that no policy, or the wrong one, lets Firebreak tag it in a member account. */
import '../../sandbox/quiet.ts';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { type AwsCall, watchAws } from '../../core/aws/client.ts';
import { sessionPolicy } from '../../core/journal/session-policy.ts';
import { loadPolicy } from '../../core/policy/policy.ts';
import { authorizationRequests } from '../../deploy/iam/requests.ts';
import { QUARANTINE_TAG } from '../../playbooks/common/quarantine-tag.ts';
import { quarantineObject } from '../../playbooks/quarantine-object/playbook.ts';
import { awsError } from '../../sandbox/aws-error.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { evaluate } from '../../sandbox/twin/policy-evaluation.ts';
import { newBucket } from '../../sandbox/twin/s3.ts';
import { type AccountTwin, createTwin } from '../../sandbox/twin/twin.ts';
import { findingOn } from '../../sandbox/worlds.ts';
import { anyCharacter } from '../any-character.ts';

const HUB = { partition: 'aws', account: '111122223333', region: 'eu-west-1' };
const MEMBER = '444455556666';
const BUCKET = 'customer-data';

/** Key -> neighbours that the policy must not reach. */
const TRAPS: Readonly<Record<string, readonly string[]>> = {
  '*': ['a', 'a/b'],
  'in/*.exe': ['in/a.exe'],
  'in/?': ['in/a'],
  [`\${aws:userid}`]: ['AROA1:x'],
  [`a\${*}`]: ['a*', 'ab'],
  $$: ['$'],
  '"],"Action":"*': ['a'],
  '\\u002a': ['*', 'a'],
  'a\tb\u0001c\nd': ['abcd', 'axxbxcxd'],
  'f\u00fcr.exe': ['fur.exe'],
  '\u8acb\u6c42\u66f8.exe': ['abcd.exe', 'a/b/c.exe'],
  '\ud83d\ude00': ['abc'],
};

let sandbox: Sandbox;

/** The upload in the member account, scanned and reported. */
async function upload(
  key: string,
  others: readonly string[],
  arrange: (twin: AccountTwin) => void = () => {},
): Promise<readonly AwsCall[]> {
  sandbox = await startSandbox({ policy: await loadPolicy('policy.yml'), members: [MEMBER] });
  arrange(sandbox.twin);
  sandbox.twin.state.s3.buckets[BUCKET] = newBucket(BUCKET, {
    versions: [key, ...others].map((Key) => ({
      Key,
      VersionId: 'null',
      ETag: '"scanned"',
      IsLatest: true,
      Tags: {},
    })),
  });
  const event = findingOn(sandbox.twin, {
    seed: 'object',
    type: 'Object:S3/MaliciousFile',
    severity: 8,
    resource: {
      resourceType: 'S3Object',
      s3BucketDetails: [{ name: BUCKET, s3ObjectDetails: [{ key, eTag: 'scanned' }] }],
    },
  });
  const calls: AwsCall[] = [];
  const stop = watchAws((call) => calls.push(call));
  const ofMember = JSON.parse(JSON.stringify(event).replaceAll(HUB.account, MEMBER)) as object;
  await (await sandbox.deliver(ofMember)).ended;
  stop();
  return calls;
}
const tagged = () =>
  sandbox.twin.state.s3.buckets[BUCKET]?.versions
    .filter(({ Tags }) => Object.hasOwn(Tags, QUARANTINE_TAG))
    .map(({ Key }) => Key);
const permits = (policy: string, resource: string): boolean =>
  evaluate(new Map([['session', policy]]), {
    action: 's3:PutObjectTagging',
    resource,
    keys: { 'aws:userid': 'AROA1:x' },
  }).decision === 'allowed';
const object = (key: string, bucket = BUCKET) => `arn:aws:s3:::${bucket}/${key}`;
const policyOf = (key: string) =>
  sessionPolicy(quarantineObject, { ...HUB, account: MEMBER }, [object(key)], 'write');

describe('a malicious object in a member account', () => {
  afterEach(() => sandbox.close());

  it.each(Object.keys(TRAPS))('is tagged under the name %j, and no other object is in reach', async (key) => {
    const others = TRAPS[key] ?? [];
    const calls = await upload(key, others);
    expect(tagged()).toEqual([key]);
    const writing = calls.filter(({ operation }) => operation === 'PutObjectTagging');
    expect(writing).toHaveLength(1);
    for (const call of writing) {
      const policy = call.sessionPolicy ?? '';
      for (const request of await authorizationRequests(call)) {
        expect(evaluate(new Map([['session', policy]]), request).decision, policy).toBe('allowed');
      }
      for (const other of others) expect(permits(policy, object(other)), other).toBe(false);
    }
  });

  it('is tagged under a name that fills the policy, and the card says what is in reach', async () => {
    const key = `in/${'*'.repeat(600)}${'"'.repeat(400)}.exe`;
    await upload(key, ['in/harmless.txt']);
    expect(tagged()).toEqual([key]);
    const [incident] = await sandbox.incidents();
    const plan = incident?.targets[0]?.plan;
    expect(plan?.kind === 'plan' && plan.warnings.join()).toMatch(
      /session policy.*arn:aws:s3:::customer-data\/in\/\?/,
    );
  });

  it('is tagged where STS packs a policy of these names beyond its limit', async () => {
    const key = `${'ab'.repeat(400)}.exe`;
    const lengths: number[] = [];
    await upload(key, [], (twin) => {
      const { answer } = twin;
      twin.answer = async (call) => {
        const { Policy = '' } = call.input as { Policy?: string };
        if (call.operation === 'AssumeRole' && Policy !== '') lengths.push(Policy.length);
        if (call.operation !== 'AssumeRole' || Policy.length < 800) return answer(call);
        throw awsError('PackedPolicyTooLargeException', 'Packed policy consumes 143% of allotted space');
      };
    });
    expect(tagged()).toEqual([key]);
    expect(lengths[0]).toBeGreaterThan(1000);
    expect(lengths.at(-1)).toBeLessThan(800);
  });
});

describe('the session policy of any key', () => {
  const part = fc.constantFrom(
    ...['*', '?', '$', '${', '}', '${*}', '${aws:userid}', '"', '\\', "'", ',', ':', '/', ' '],
    ...[
      '\t',
      '\n',
      '\r',
      '\u0001',
      '\u007f',
      '\u0085',
      'a',
      'Z',
      '\u00fc',
      '\u00ff',
      '\u0100',
      '\u8acb',
      '\ud83d\ude00',
    ],
  );
  const keys = fc
    .oneof(
      fc.array(part, { minLength: 1, maxLength: 12 }),
      fc.array(part, { minLength: 100, maxLength: 1024 }),
      fc.array(fc.string({ unit: anyCharacter, minLength: 1 }), { minLength: 1, maxLength: 8 }),
    )
    .map((parts) => {
      let key = parts.join('');
      while (Buffer.byteLength(key) > 1024) key = [...key].slice(0, -1).join('');
      return key;
    });
  const twin = createTwin(HUB, { members: [MEMBER] });
  const assume = (Policy: string) =>
    twin.answer({
      ...HUB,
      service: 'STS',
      operation: 'AssumeRole',
      input: { RoleArn: `arn:aws:iam::${MEMBER}:role/firebreak-responder`, RoleSessionName: 'fb', Policy },
    });

  it('is accepted by AssumeRole and permits that key, in that bucket alone', async () => {
    await fc.assert(
      fc.asyncProperty(keys, async (key) => {
        const policy = policyOf(key);
        await assume(policy);
        expect(permits(policy, object(key)), policy).toBe(true);
        expect(permits(policy, object(key, 'customer-data-2'))).toBe(false);
      }),
      { numRuns: 500 },
    );
  });

  it('permits that key alone where it can be written', async () => {
    const writable = keys.filter((key) => /^[\x20-\xff]+$/.test(key) && key.length <= 200);
    fc.assert(
      fc.property(writable, fc.nat(), part, (key, at, other) => {
        const place = at % (key.length + 1);
        for (const gone of [0, 1]) {
          const changed = key.slice(0, place) + other + key.slice(place + gone);
          if (changed !== key) expect(permits(policyOf(key), object(changed)), changed).toBe(false);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('puts one character for each that a policy cannot hold', () => {
    const policy = policyOf('a\u0001\u8acb.exe');
    expect(permits(policy, object('axy.exe'))).toBe(true);
    for (const key of ['ax.exe', 'axyz.exe', 'axy.ex', 'bxy.exe']) {
      expect(permits(policy, object(key)), key).toBe(false);
    }
  });

  it.each(['\u0001', '\u0100', '\ud83d\ude00', '\u0000'])(
    'is never sent with %j in it',
    async (character) => {
      await expect(
        assume(JSON.stringify({ Statement: [] }).replace('[]', `["${character}"]`)),
      ).rejects.toMatchObject({ name: 'ValidationError' });
    },
  );

  it('is never longer than AssumeRole takes', async () => {
    await expect(assume(`{"Statement":[]${' '.repeat(2040)}}`)).rejects.toMatchObject({
      name: 'ValidationError',
    });
    await expect(assume('{"Statement":')).rejects.toMatchObject({ name: 'MalformedPolicyDocumentException' });
  });
});
