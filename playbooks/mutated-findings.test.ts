/**
 * Mutated findings: members dropped, nulled, retyped, duplicated, overlong or hostile. Each ends as a decision or a
 * named error, and none as an action on a target that the finding does not name.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { replayLine } from '../cli/replay.ts';
import { parseFinding } from '../core/finding/finding.ts';
import { loadPolicy } from '../core/policy/policy.ts';
import { createTwin } from '../sandbox/twin/twin.ts';
import { findingOn } from '../sandbox/worlds.ts';
import { SCOPE } from '../test/playbooks/properties.ts';
import { choosePlaybook } from './index.ts';

const FOLDER = new URL('../test/fixtures/findings/', import.meta.url);
const ROUNDS = 100_000;

const published: unknown[] = readdirSync(FOLDER)
  .filter((name) => name !== 'index.json')
  .map((name) => JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8')) as unknown);
/** One finding for each kind of resource that a playbook contains, since the published ones are mostly samples. */
const twin = createTwin(SCOPE);
const user = {
  accessKeyId: 'AKIAEXAMPLE000000001',
  principalId: 'AIDAEXAMPLE1',
  userType: 'IAMUser',
  userName: 'someone',
};
const role = {
  accessKeyId: 'ASIAEXAMPLE000000001',
  principalId: 'AROAEXAMPLE1:i-0123456789abcdef0',
  userType: 'AssumedRole',
  userName: 'app',
};
const made = [
  ['UnauthorizedAccess:IAMUser/TorIPCaller', { accessKeyDetails: user }],
  ['UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.OutsideAWS', { accessKeyDetails: role }],
  [
    'Exfiltration:S3/AnomalousBehavior',
    {
      s3BucketDetails: [{ name: 'data' }, { name: 'data-two' }],
      accessKeyDetails: { userType: 'AWSAccount', principalId: 'AROAEXAMPLE2:build' },
    },
  ],
  ['Policy:S3/BucketAnonymousAccessGranted', { s3BucketDetails: [{ name: 'data' }], accessKeyDetails: user }],
  [
    'Object:S3/MaliciousFile',
    { s3BucketDetails: [{ name: 'data', s3ObjectDetails: [{ key: 'a', eTag: 'b' }] }] },
  ],
  [
    'CryptoCurrency:EC2/BitcoinTool.B!DNS',
    {
      instanceDetails: {
        instanceId: 'i-0123456789abcdef0',
        networkInterfaces: [{ privateIpAddress: '10.0.0.1' }],
      },
    },
  ],
  [
    'Execution:EC2/MaliciousFile!AMI',
    { ec2ImageDetails: { imageArn: 'arn:aws:ec2:eu-west-1::image/ami-0123456789abcdef0' } },
  ],
  ['CryptoCurrency:Lambda/BitcoinTool.B', { lambdaDetails: { functionName: 'orders' } }],
  [
    'Backdoor:EC2/C&CActivity.B',
    { instanceDetails: { instanceId: 'i-0123456789abcdef0', networkInterfaces: [{ ipv6Addresses: [] }] } },
  ],
  ['Stealth:IAMUser/CloudTrailLoggingDisabled', { accessKeyDetails: user }],
] as const;
const CLUSTER = 'arn:aws:eks:eu-west-1:111122223333:cluster/shop';
const TASK = 'arn:aws:ecs:eu-west-1:111122223333:task/shop/0123456789abcdef0123456789abcdef';
const OBJECT = 'arn:aws:s3:::data/a.exe';
const sequence = {
  actors: [
    { id: 'a-1', user: { name: 'app', uid: 'AROAEXAMPLE1:build-42', type: 'AssumedRole' } },
    { id: 'a-2', user: { name: 'system:serviceaccount:web:cart', uid: 'u', type: 'Kubernetes' } },
  ],
  resources: [
    { uid: 'arn:aws:ec2:eu-west-1:111122223333:instance/i-0123456789abcdef0', resourceType: 'EC2_INSTANCE' },
    { uid: CLUSTER, name: 'shop', resourceType: 'EKS_CLUSTER', data: { eksCluster: { arn: CLUSTER } } },
    {
      uid: 'w',
      name: 'cart-1',
      resourceType: 'KUBERNETES_WORKLOAD',
      data: { kubernetesWorkload: { namespace: 'web', kubernetesResourcesTypes: 'PODS' } },
    },
    { uid: TASK, resourceType: 'ECS_TASK', data: { ecsTask: { containerUids: ['c'] } } },
    { uid: OBJECT, resourceType: 'S3_OBJECT', data: { s3Object: { key: 'a.exe', eTag: 'b' } } },
    {
      uid: 'p',
      resourceType: 'IAM_INSTANCE_PROFILE',
      data: { iamInstanceProfile: { ec2InstanceUids: ['i-0123456789abcdef1'] } },
    },
  ],
  signals: [{ name: 'Object:S3/MaliciousFile', actorIds: ['a-2'], resourceUids: [OBJECT, CLUSTER, 'w'] }],
};
const bases: readonly unknown[] = [
  ...published,
  ...made.map(([type, resource]) =>
    findingOn(twin, { seed: type, type, resource: structuredClone(resource) as never }),
  ),
  withSequence(
    findingOn(twin, { seed: 's', type: 'AttackSequence:EC2/CompromisedInstanceGroup', resource: {} }),
  ),
];

function withSequence(event: ReturnType<typeof findingOn>): unknown {
  const copy = structuredClone(event) as { detail: { service: object } };
  return {
    ...copy,
    detail: { ...copy.detail, service: { ...copy.detail.service, detection: { sequence } } },
  };
}

/** Deterministic: a failing round can be played again by its number. */
function random(seed: number): () => number {
  let state = seed * 2_654_435_761 + 1;
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 2_246_822_519) + 0x9e3779b9) >>> 0;
    return state / 2 ** 32;
  };
}

const HOSTILE: readonly unknown[] = [
  null,
  undefined,
  '',
  0,
  -1,
  Number.MAX_SAFE_INTEGER,
  true,
  [],
  {},
  [null],
  [[{}]],
  { toString: 'x' },
  '../../etc/passwd',
  '*',
  'arn:aws:iam::999999999999:user/admin',
  'i-0123456789abcdef0/../x',
  '<script>alert(1)</script>',
  '\u202e\u0000\u001b[31m',
  '${jndi:ldap://x}',
  '__proto__',
  'x'.repeat(10_000),
  '-1e999',
];

function mutate(value: unknown, next: () => number): unknown {
  if (typeof value !== 'object' || value === null) return HOSTILE[Math.floor(next() * HOSTILE.length)];
  const keys = Object.keys(value);
  if (keys.length === 0 || next() < 0.05) return HOSTILE[Math.floor(next() * HOSTILE.length)];
  const key = keys[Math.floor(next() * keys.length)] ?? '';
  const copy = (Array.isArray(value) ? [...value] : { ...value }) as Record<string, unknown>;
  const kind = next();
  if (kind < 0.1) delete copy[key];
  else if (kind < 0.15) copy[`${key}Copy`] = copy[key];
  else if (kind < 0.2 && Array.isArray(copy[key]))
    copy[key] = [...(copy[key] as unknown[]), ...(copy[key] as unknown[])];
  else copy[key] = mutate(copy[key], next);
  return copy;
}

it('100,000 of them: a decision or a named error, never an exception, never another target', async () => {
  const policy = await loadPolicy('policy.yml');
  const ends = { decided: 0, refused: 0, targets: 0 };
  for (let round = 0; round < ROUNDS; round++) {
    const next = random(round);
    let raw = bases[Math.floor(next() * bases.length)];
    for (let times = 1 + Math.floor(next() * 3); times > 0; times--) raw = mutate(raw, next);
    const line = replayLine(round, raw, policy, choosePlaybook);
    if ('error' in line) {
      if (line.error === '') throw new Error(`round ${round}: an error without words`);
      ends.refused += 1;
      continue;
    }
    ends.decided += 1;
    const choice = choosePlaybook(parseFinding(raw));
    if ('none' in choice) continue;
    const text = JSON.stringify(raw);
    for (const { target } of choice.parts) {
      ends.targets += 1;
      if (!/^\d{12,13}$/.test(target.account)) throw new Error(`round ${round}: account ${target.account}`);
      for (const part of target.id.split(/[/?]/)) {
        if (!text.includes(JSON.stringify(part).slice(1, -1)))
          throw new Error(`round ${round}: ${target.id} is not named`);
      }
    }
  }
  expect(ends.refused).toBeGreaterThan(1000);
  expect(ends.targets).toBeGreaterThan(1000);
  expect(ends.decided + ends.refused).toBe(ROUNDS);
}, 120_000);
