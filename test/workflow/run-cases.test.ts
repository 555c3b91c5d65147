/** Cases from the field through the whole workflow: the sandbox has what the finding names, as AWS would. */
import { expect, it } from 'vitest';
import { caseOf, ran } from './run-findings.ts';

const events = ({ timeline }: { timeline: readonly { readonly event: string }[] }) =>
  timeline.map(({ event }) => event).join('\n');

it('an EKS node is asked about, and its stolen role is found', async () => {
  const [line] = await ran(caseOf('09a-eksnode-bitcoin-dns.json'));
  expect(line).toMatchObject({
    decision: 'ask',
    status: 'residual',
    reasons: expect.arrayContaining([expect.stringMatching(/EKS node of cluster /)]),
    followUps: expect.arrayContaining([
      expect.objectContaining({ playbook: 'revoke-instance-session', status: 'contained' }),
    ]),
  });
});

it('the same id in two accounts is two incidents, and both instances are isolated', async () => {
  const lines = await ran(caseOf('32g-same-id-two-accounts.ndjson'));
  expect(new Set(lines.map(({ incident }) => incident)).size).toBe(2);
  expect(lines).toMatchObject([
    { target: expect.stringMatching(/111122223333:instance\/i-0aaaaaaaaaaaa0008$/), status: 'residual' },
    { target: expect.stringMatching(/444455556666:instance\/i-0aaaaaaaaaaaa0009$/), status: 'residual' },
  ]);
  for (const { steps } of lines)
    expect(steps).toContainEqual(
      expect.objectContaining({ id: expect.stringMatching(/^eni:/), status: 'done' }),
    );
});

it('a deleted trail is not restored, and no other is started in its place', async () => {
  const [stopped] = caseOf('46b-deletetrail.json');
  const other = JSON.parse(
    JSON.stringify(stopped)
      .replace('trail/audit', 'trail/other')
      .replace('DeleteTrail', 'StopLogging')
      .replaceAll('88888888888888888888888888888462', '88888888888888888888888888888463'),
  );
  const lines = await ran([stopped, other]);
  expect(lines).toMatchObject([
    {
      status: 'escalated',
      steps: [],
      reasons: expect.arrayContaining([expect.stringMatching(/trail was deleted/)]),
    },
    { status: 'residual', steps: [{ id: expect.stringMatching(/trail\/other$/), status: 'done' }] },
  ]);
});

it('a public bucket is closed, and who opened it is asked about', async () => {
  const [line] = await ran(caseOf('47a-public-bucket.json'));
  expect(line).toMatchObject({
    status: 'contained',
    followUps: [
      {
        playbook: 'contain-bucket-principal',
        target: expect.stringMatching(/user\/security-admin$/),
        decision: 'ask',
        status: 'residual',
      },
    ],
  });
});

it('a brute-forced instance exists, and is reachable as it was for the attacker', async () => {
  const [line] = await ran(caseOf('50a-bruteforce-target.json'));
  expect(line).toMatchObject({ status: 'notified' });
  expect(line && events(line)).toMatch(
    /i-0aaaaaaaaaaaa0501 is running, public address 203\.0\.113\.10; port 3389 is open to 0\.0\.0\.0\/0 /,
  );
});

it('who granted access in a cluster and the pod of an identity are found by the second question', async () => {
  const [granted] = await ran(caseOf('14a-admin-to-default-sa.json'));
  expect(granted?.followUps).toMatchObject([{ playbook: 'contain-kubernetes-granter', status: 'residual' }]);
  const [made] = await ran(caseOf('45b-aws-auth-user-privileged.json'));
  expect(made).toMatchObject({ status: 'residual' });
  expect(made?.followUps).toMatchObject([{ playbook: 'quarantine-pod', status: 'contained' }]);
});

it('an ECS host is asked about, and its tasks are in the blast radius', async () => {
  const [line] = await ran(caseOf('09d-ecs-host.json'));
  expect(line).toMatchObject({
    decision: 'ask',
    reasons: expect.arrayContaining([expect.stringMatching(/ECS container instance/)]),
    blastRadius: expect.arrayContaining([expect.stringMatching(/^\d+ run there as on an ECS .*task /)]),
  });
});

it('the pod comes before Argo CD, which stays bound and named', async () => {
  const [line] = await ran(caseOf('15a-argocd-privileged-pod.json'));
  expect(line).toMatchObject({
    playbook: 'quarantine-pod',
    status: 'residual',
    remainingRisk: expect.arrayContaining([expect.stringMatching(/argocd-application-controller/)]),
  });
  expect(line?.followUps.map(({ playbook }) => playbook)).not.toContain('contain-kubernetes-identity');
});

it('who entered a pod is contained, not the pod', async () => {
  const [line] = await ran(caseOf('16a-kubernetes-admin-exec.json'));
  expect(line).toMatchObject({ playbook: 'contain-kubernetes-identity', status: 'residual', followUps: [] });
});

it('an actor of another account leaves the own account as it is', async () => {
  const [line] = await ran(caseOf('41a-seq-cross-account-actor.json'));
  expect(line).toMatchObject({ target: null, steps: [], status: 'notified' });
});

it('a session whose name every run has is denied up to now', async () => {
  const [line] = await ran(caseOf('44a-gha-session.json'));
  expect(line).toMatchObject({
    status: 'residual',
    blastRadius: expect.arrayContaining([expect.stringMatching(/every later run/)]),
    steps: [{ after: { Statement: [{ Condition: { DateLessThan: expect.anything() } }] } }],
  });
});
