/** An attack sequence: one card, a status for each target, what no one contains named, and everything restored. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseFinding } from '../../core/finding/finding.ts';
import type { JsonObject } from '../../core/json.ts';
import { loadPolicy } from '../../core/policy/policy.ts';
import { choosePlaybook } from '../../playbooks/index.ts';
import { materialise } from '../../sandbox/materialise.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { accountOf } from '../../sandbox/saved.ts';
import { simulatedEvent } from '../../sandbox/simulated/event.ts';
import { putObject } from '../../sandbox/twin/kubernetes.ts';
import { addressFinding, addressWorld, credentialWorld, groupsOfInstance } from '../../sandbox/worlds.ts';
import { bobApproves, idle } from './people.ts';
import { addBucket, bucketResource, instanceResource, roleActor, sequence } from './sequences.ts';

let sandbox: Sandbox;
let instanceId: string;
beforeEach(async () => {
  sandbox = await startSandbox({ policy: await loadPolicy('policy.yml') });
  const { twin } = sandbox;
  instanceId = addressWorld(twin).instanceId;
  credentialWorld(twin, 1);
  addBucket(twin, 'customer-data');
});
afterEach(() => sandbox.close());

async function approved(event: JsonObject) {
  const execution = await sandbox.deliver(event);
  await bobApproves(sandbox, ({ type }) => type.startsWith('AttackSequence'));
  await execution.ended;
  const incident = (await sandbox.incidents()).find(
    ({ type, followUpOf }) => type.startsWith('AttackSequence') && !followUpOf,
  );
  if (!incident) throw new Error('no incident');
  return incident;
}

it('contains each target by its own playbook, names the rest, and undo gives everything back', async () => {
  const before = accountOf(structuredClone(sandbox.twin.state));
  const incident = await approved(
    sequence(
      sandbox.twin,
      [
        instanceResource(instanceId),
        bucketResource('customer-data', 'PUBLIC'),
        bucketResource('private-data'),
        { uid: 'model', resourceType: 'BEDROCK_CUSTOM_MODEL' },
        instanceResource('i-0123456789abcdef0'),
      ],
      [roleActor(sandbox.twin), roleActor(sandbox.twin)],
    ),
  );
  const outcomes = incident.targets.map(({ playbook, status, notes }) => [
    playbook,
    status,
    notes?.join() ?? '',
  ]);
  expect(outcomes).toEqual([
    ['revoke-role-sessions', 'residual', ''],
    ['isolate-instance', 'contained', ''],
    ['isolate-instance', 'escalated', expect.stringContaining('does not exist any more')],
    ['block-public-bucket', 'contained', ''],
  ]);
  expect(incident.status).toBe('partial');
  expect(incident.unhandled?.join('; ')).toMatch(
    /private-data is not public.*BEDROCK_CUSTOM_MODEL model: it is not changed/,
  );
  expect(sandbox.slack.messages).toHaveLength(1);
  expect(JSON.stringify(sandbox.slack.messages)).toContain('BEDROCK');

  const undo = await sandbox.undo(incident.id, 'U0ALICE');
  await bobApproves(sandbox, ({ id }) => id === incident.id, 'undo');
  await undo.ended;
  expect(accountOf(sandbox.twin.state)).toEqual(before);
});

it('joins what another incident contained, and leaves it contained when only the sequence is undone', async () => {
  const first = addressFinding(sandbox.twin, instanceId, { seed: 'first', severity: 8 });
  const detail = first['detail'] as JsonObject;
  await (await sandbox.deliver({ ...first, detail: { ...detail, type: 'Backdoor:EC2/C&CActivity.B' } }))
    .ended;
  expect(groupsOfInstance(sandbox.twin, instanceId)).toEqual(['firebreak-quarantine']);
  const incident = await approved(sequence(sandbox.twin, [instanceResource(instanceId)]));
  expect(incident.status).toBe('contained');
  await (await sandbox.undo(incident.id, 'U0ALICE')).ended;
  expect(groupsOfInstance(sandbox.twin, instanceId)).toEqual(['firebreak-quarantine']);
});

describe.each([
  ['EKS/CompromisedCluster', ['disable-user-keys', 'contain-kubernetes-identity', 'quarantine-pod']],
  ['ECS/CompromisedCluster', ['disable-user-keys', 'stop-task']],
  ['EC2/CompromisedInstanceGroup', ['disable-user-keys', 'revoke-instance-session', 'isolate-instance']],
  ['S3/CompromisedData', ['disable-user-keys', 'block-public-bucket']],
  ['IAM/CompromisedCredentials', ['disable-user-keys']],
])('AttackSequence:%s as `firebreak simulate` plays it', (name, playbooks) => {
  it('contains each of its targets, and undo gives everything back', async () => {
    const { twin } = sandbox;
    const event = simulatedEvent(`AttackSequence:${name}`, {
      scope: twin.scope,
      severity: 'critical',
      now: new Date(),
      seed: 'workflow',
      sample: false,
    });
    const choice = choosePlaybook(parseFinding(event));
    if ('none' in choice) throw new Error(choice.none);
    for (const { target } of choice.parts) materialise(twin, target);
    const before = structuredClone(twin.state);
    const incident = await approved(event);
    expect(incident.targets.map(({ playbook }) => playbook)).toEqual(playbooks);
    for (const { status } of incident.targets) expect(['contained', 'residual']).toContain(status);
    const undo = await sandbox.undo(incident.id, 'U0ALICE');
    await bobApproves(sandbox, ({ id }) => id === incident.id, 'undo');
    await undo.ended;
    // A stopped task cannot be resumed, which `stop-task` says.
    for (const { ecs } of Object.values(before.regions)) ecs.tasks = [];
    const after = structuredClone(twin.state);
    for (const { ecs } of Object.values(after.regions)) ecs.tasks = [];
    expect(accountOf(after)).toEqual(accountOf(before));
  });
});

it('what the plan of a pod asks for is asked about, though the sequence itself is about no pod', async () => {
  const { twin } = sandbox;
  const event = sequence(twin, [
    { resourceType: 'EKS_CLUSTER', uid: 'cluster-1', name: 'shop' },
    {
      resourceType: 'KUBERNETES_WORKLOAD',
      uid: 'workload-1',
      name: 'cart-1',
      data: { kubernetesWorkload: { namespace: 'web', kubernetesResourcesTypes: 'PODS' } },
    },
  ]);
  const choice = choosePlaybook(parseFinding(event));
  for (const { target } of 'none' in choice ? [] : choice.parts) materialise(twin, target);
  const { kubernetes } = twin.region().eks.clusters[0] ?? {};
  for (const object of Object.values(kubernetes?.objects ?? {}))
    if (kubernetes && object['kind'] === 'Pod')
      putObject(kubernetes, { ...object, spec: { ...(object['spec'] as JsonObject), hostPID: true } });
  const incident = await approved(event);
  await bobApproves(sandbox, ({ followUpOf }) => followUpOf !== undefined);
  await idle(sandbox);
  const followUp = (await sandbox.incidents()).find(({ followUpOf }) => followUpOf);
  expect(followUp).toMatchObject({
    playbook: 'isolate-instance',
    followUpOf: { incidentId: incident.id },
    targets: [{ target: { id: 'i-0fb0000000000000e' } }],
  });
  expect(['contained', 'residual']).toContain(followUp?.status);
});

it('tells a sequence of a shape no one expects', async () => {
  const event = sequence(sandbox.twin, []);
  const detail = event['detail'] as JsonObject;
  const broken = { ...detail, service: { ...(detail['service'] as JsonObject), detection: 'none' } };
  await (await sandbox.deliver({ ...event, detail: broken })).ended;
  expect((await sandbox.incidents())[0]).toMatchObject({ status: 'notified', playbook: 'notify' });
});

describe('a signal of the sequence', () => {
  /** A finding on the instance that policy asks about, as GuardDuty marks it once the sequence is known. */
  const signal = (associatedAttackSequenceArn: string, type = 'Backdoor:EC2/DenialOfService.Tcp') => {
    const event = addressFinding(sandbox.twin, instanceId, { seed: 'signal', severity: 8 });
    return { ...event, detail: { ...(event['detail'] as JsonObject), type, associatedAttackSequenceArn } };
  };
  const arnOf = (event: JsonObject) => String((event['detail'] as JsonObject)['arn']);
  const outcome = async (event: JsonObject) => {
    const execution = await sandbox.deliver(event);
    const { id } = parseFinding(event);
    return { execution, incident: await idleOrAsked(id) };
  };
  const idleOrAsked = async (findingId: string) => {
    for (let look = 0; look < 1500; look++) {
      const found = (await sandbox.incidents()).find((one) => one.findingId === findingId);
      if (found?.approval !== undefined || (found && !['received', 'containing'].includes(found.status)))
        return found;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error('neither asked nor ended');
  };

  it('is asked once, on the card of the sequence, and stands under it', async () => {
    const event = sequence(sandbox.twin, [instanceResource(instanceId)]);
    const execution = await sandbox.deliver(event);
    const first = await idleOrAsked(parseFinding(event).id);
    expect(first.approval).toBeDefined();
    const signalled = await outcome(signal(arnOf(event)));
    await signalled.execution.ended;
    const { incidents } = sandbox.runtime;
    // Status and decision are records of their own: only an ended execution has written both.
    const incident = await incidents.get(signalled.incident.id);
    expect(incident).toMatchObject({ status: 'notified', partOf: first.id });
    expect(incident.approval).toBeUndefined();
    expect(incident.decision?.reasons.join()).toContain(`signal of the attack sequence ${first.id}`);
    expect(JSON.stringify(await incidents.timeline(first.id))).toContain(`signal ${incident.id}`);
    await bobApproves(sandbox, ({ id }) => id === first.id);
    await execution.ended;
    expect(groupsOfInstance(sandbox.twin, instanceId)).toEqual(['firebreak-quarantine']);
    await idle(sandbox);
    const stored = await incidents.get(incident.id);
    const card = (await incidents.get(first.id)).slack;
    expect(stored.slack?.thread).toBe(card?.ts);
  });

  it('is contained automatically all the same where policy says so', async () => {
    const event = sequence(sandbox.twin, [instanceResource(instanceId)]);
    await sandbox.deliver(event);
    await idleOrAsked(parseFinding(event).id);
    const { execution } = await outcome(signal(arnOf(event), 'Backdoor:EC2/C&CActivity.B'));
    await execution.ended;
    expect(groupsOfInstance(sandbox.twin, instanceId)).toEqual(['firebreak-quarantine']);
  });

  it.each([
    ['of another account', (arn: string) => arn.replace('111122223333', '999988887777')],
    ['that Firebreak has not heard of', (arn: string) => `${arn.slice(0, -4)}0000`],
    ['whose ARN is none', () => 'arn:aws:guardduty:x'],
  ])('is asked about on its own where the sequence is one %s', async (_what, change) => {
    const event = sequence(sandbox.twin, [instanceResource(instanceId)]);
    await sandbox.deliver(event);
    await idleOrAsked(parseFinding(event).id);
    const { incident } = await outcome(signal(change(arnOf(event))));
    expect(incident.approval).toBeDefined();
    expect(incident.partOf).toBeUndefined();
  });

  it('is asked about on its own where the sequence does not answer for its resource', async () => {
    const event = sequence(sandbox.twin, [bucketResource('customer-data', 'PUBLIC')]);
    await sandbox.deliver(event);
    await idleOrAsked(parseFinding(event).id);
    const { incident } = await outcome(signal(arnOf(event)));
    expect(incident.approval).toBeDefined();
  });
});
