/** Context and evidence of incidents: gathered next to the containment, kept once, reported when it cannot be. */
import { createHash } from 'node:crypto';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { loadPolicy } from '../../core/policy/policy.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import {
  addressFinding,
  addressWorld,
  type CredentialWorld,
  credentialFinding,
  credentialWorld,
  thiefAtWork,
} from '../../sandbox/worlds.ts';
import { bobApproves, idle } from './people.ts';

let sandbox: Sandbox;
let world: CredentialWorld;
beforeEach(async () => {
  sandbox = await startSandbox({ policy: await loadPolicy('policy.yml') });
  world = credentialWorld(sandbox.twin, 3);
  thiefAtWork(sandbox.twin);
});
afterEach(() => sandbox.close());

const finding = (severity: number) =>
  credentialFinding(sandbox.twin, world.stolen, { seed: 'investigate', severity });
const evidence = () => sandbox.twin.state.evidence;
const parsed = (name: string): unknown => {
  const key = Object.keys(evidence()).find((each) => each.includes(`/${name}.`));
  return JSON.parse(evidence()[key ?? ''] ?? 'null');
};
const first = async () => {
  const incident = (await sandbox.incidents()).find(({ followUpOf }) => !followUpOf);
  if (!incident) throw new Error('no incident');
  return incident;
};
const timeline = async () => {
  const entries = await sandbox.runtime.incidents.timeline((await first()).id);
  return entries.map(({ event }) => event).join('\n');
};

it('contains first, then shows what the thief did, which technique it is and whose role it was', async () => {
  await (await sandbox.deliver(finding(8))).ended;
  const incident = await first();
  expect(sandbox.invocations.slice(0, 5)).toEqual(['enrich', 'enrich', 'contain', 'verify', 'investigate']);
  const context = await sandbox.runtime.incidents.context(incident.id);
  expect(context).toMatchObject({
    owner: 'web',
    attack: [{ kind: 'technique', id: 'T1552.005', url: 'https://attack.mitre.org/techniques/T1552/005/' }],
    activity: { kind: 'read', of: 'access key ASIAFIREBREAKDEMO001', more: false },
  });
  const events = context?.activity.kind === 'read' ? context.activity.events : [];
  expect(events.map(({ name, error }) => [name, error])).toEqual([
    ['GetCallerIdentity', undefined],
    ['ListBuckets', undefined],
    ['ListUsers', 'AccessDenied'],
  ]);
  const card = JSON.stringify(sandbox.slack.messages[0]?.blocks);
  expect(card).toContain('*Team (tag)* web');
  expect(card).toContain('3 calls by access key ASIAFIREBREAKDEMO001, 1 of them refused');
  expect(card).toContain('eu-west-1.console.aws.amazon.com/guardduty/');
});

it('keeps the finding, the state before, the steps and a manifest whose sums hold', async () => {
  await (await sandbox.deliver(finding(8))).ended;
  const { id } = await first();
  const manifest = parsed('manifest') as {
    incidentId: string;
    files: { key: string; sha256: string; bytes: number }[];
  };
  expect(manifest.incidentId).toBe(id);
  expect(manifest.files.map(({ key }) => key.replace(/\.[0-9a-f]{16}\.json$/, ''))).toEqual(
    expect.arrayContaining(
      ['finding', 'target-0/state-before', 'incident', 'steps', 'timeline', 'context'].map(
        (name) => `incidents/${id}/${name}`,
      ),
    ),
  );
  for (const { key, sha256, bytes } of manifest.files) {
    const body = evidence()[key] ?? '';
    expect(Buffer.byteLength(body), key).toBe(bytes);
    expect(createHash('sha256').update(body).digest('hex'), key).toBe(sha256);
  }
  // The role with the text of its policies.
  expect(parsed('target-0/inline')).toMatchObject({ 'app-data': { Statement: [{ Effect: 'Allow' }] } });
  expect(parsed('target-0/role')).toMatchObject({ RoleName: 'web-app' });
  // The role as it stood: the state was read before the deny was written.
  expect(JSON.stringify(parsed('target-0/state-before'))).not.toContain('firebreak-');
  expect(await timeline()).toMatch(/evidence kept: \d+ files, manifest SHA-256 [0-9a-f]{64}/);
});

it('has the context before a person is asked, and the documents before anything changes', async () => {
  const { instanceId } = addressWorld(sandbox.twin);
  const asked = await sandbox.deliver(addressFinding(sandbox.twin, instanceId, { seed: 'ask', severity: 8 }));
  const incident = await bobApproves(sandbox, ({ approval }) => approval !== undefined);
  const card = JSON.stringify(sandbox.slack.messages[0]?.blocks);
  expect(card).toContain('*CloudTrail*');
  expect(Object.keys(evidence()).some((key) => key.includes('/finding.'))).toBe(true);
  // The instance as it stood, before anybody agreed to anything.
  expect(parsed('target-0/instance')).toMatchObject({ InstanceId: instanceId });
  expect(parsed('target-0/console')).toMatchObject({ text: `${instanceId} login:` });
  await asked.ended;
  await idle(sandbox);
  const once = Object.keys(evidence()).filter((key) => key.includes('/finding.'));
  expect(once).toEqual([expect.stringContaining(incident.id)]);
});

it('says why there is no timeline when CloudTrail may not be read, and contains all the same', async () => {
  sandbox.twin.failNext('LookupEvents', 'AccessDeniedException');
  await (await sandbox.deliver(finding(8))).ended;
  expect(await first()).toMatchObject({ status: 'contained' });
  expect(await timeline()).toContain(
    'no CloudTrail timeline: CloudTrail did not answer: AccessDeniedException',
  );
});

it('pages when the evidence cannot be kept, and tells the incident all the same', async () => {
  sandbox.twin.failNext('PutObject', 'AccessDenied');
  await (await sandbox.deliver(finding(8))).ended;
  expect(await first()).toMatchObject({ status: 'contained' });
  expect(await timeline()).toContain('evidence could not be kept');
  expect(sandbox.twin.state.pages.map(({ subject }) => subject).join()).toContain(
    'evidence could not be kept',
  );
  const { slack } = (await first()) ?? {};
  expect(sandbox.slack.messages.map(({ ts }) => ts)).toContain(slack?.ts);
});

it('looks into nothing for a sample', async () => {
  const sample = credentialFinding(sandbox.twin, world.stolen, { seed: 's', severity: 8, sample: true });
  await (await sandbox.deliver(sample)).ended;
  expect(sandbox.invocations).not.toContain('investigate');
  expect(evidence()).toEqual({});
});
