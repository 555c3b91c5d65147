/** Findings as people have them: which target, which playbook, and whether the reasons are true. */
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { type Finding, parseFinding } from '../core/finding/finding.ts';
import { decideAlone } from '../core/policy/backtest.ts';
import { loadPolicy, type Policy, parsePolicy } from '../core/policy/policy.ts';
import { choosePlaybook } from './index.ts';

const folder = new URL('../test/fixtures/cases/', import.meta.url);
const findings = (name: string): readonly Finding[] =>
  readFileSync(new URL(name, folder), 'utf8')
    .trim()
    .split('\n')
    .map((line) => parseFinding(JSON.parse(line)));

/** `playbook display` of each finding of the file, or why nothing answers it. */
const answers = (name: string): readonly string[] =>
  findings(name).map((finding) => {
    const choice = choosePlaybook(finding);
    return 'none' in choice
      ? choice.none
      : `${choice.parts.map(({ playbook }) => playbook.id)} ${choice.display}`;
  });

it("an actor of another account is not one's own role of the same name", () => {
  expect(answers('41a-seq-cross-account-actor.json')).toEqual([
    expect.stringMatching(
      /^respond-to-sequence: admin-role of account 999988887777: it is another account's/,
    ),
  ]);
});

it('the task of an old ARN is found by the name of its cluster', () => {
  expect(answers('36b-ecs-old-arn.json')).toEqual([
    'stop-task arn:aws:ecs:eu-west-1:111122223333:task/01234567-89ab-cdef-0123-456789abcdef',
  ]);
});

it('the function is found in any form of its name', () => {
  for (const answer of answers('39a-lambda.json'))
    expect(answer).toBe('throttle-function arn:aws:lambda:eu-west-1:111122223333:function:billing');
});

it('the binding that makes the default service account an administrator is the target, not its granter', () => {
  expect(answers('14a-admin-to-default-sa.json')).toEqual([
    'contain-kubernetes-identity arn:aws:eks:eu-west-1:111122223333:cluster/prod system:serviceaccount:team-a:default',
  ]);
});

it('the pod that Argo CD deployed comes first', () => {
  expect(answers('15a-argocd-privileged-pod.json')).toEqual([
    'quarantine-pod arn:aws:eks:eu-west-1:111122223333:cluster/prod pod argocd/privileged-pod',
  ]);
});

it('a mapped user is found by its uid, and no pod is quarantined in its place', () => {
  const who = 'contain-kubernetes-identity arn:aws:eks:eu-west-1:111122223333:cluster/prod';
  expect(answers('16a-kubernetes-admin-exec.json')).toEqual([
    `${who} kubernetes-admin (AIDAEXAMPLE00000000031)`,
  ]);
  expect(answers('16c-aws-auth-templated.json')).toEqual([`${who} admin:alice (AROAEXAMPLE00000000033)`]);
  expect(answers('45b-aws-auth-user-privileged.json')).toEqual([
    `${who} platform:john.doe-111122223333 (AROAEXAMPLE0000000091)`,
  ]);
});

it('the service that called is named, for a finding without a principal and for a session that it opened', () => {
  const [service, session] = findings('17a-callertype-domain-cfn.json').map(choosePlaybook);
  expect(service).toMatchObject({
    none: expect.stringMatching(/cloudformation\.amazonaws\.com called .*who started it/),
  });
  expect(session).toMatchObject({
    id: 'revoke-role-sessions',
    residual: [expect.stringMatching(/cloudformation\.amazonaws\.com called/)],
  });
});

it('brute force from a private address is of a host inside, whose instance is looked for', () => {
  const [actor, internet, unknown, inside] = answers('35a-bruteforce-roles.ndjson');
  expect([actor, unknown]).toEqual([
    expect.stringMatching(/^isolate-instance .*i-0aaaaaaaaaaaa0022$/),
    expect.stringMatching(/^isolate-instance .*i-0aaaaaaaaaaaa0024$/),
  ]);
  expect(internet).toBe('block-indicator 198.51.100.7');
  expect(inside).toMatch(/the instance with 10\.0\.5\.5 near i-0aaaaaaaaaaaa0025$/);
});

it('an address counts however it is written, so that trust in it is not passed over', async () => {
  const policy = await loadPolicy('policy.yml');
  const trusting = parsePolicy(
    (await readFile('policy.yml', 'utf8')).replace(
      /^trusted: .*$/m,
      'trusted: [198.51.100.0/24, "2001:db8:1::/48"]',
    ),
  );
  const decisions = (name: string, by: Policy) =>
    findings(name).map((finding) => decideAlone(by, finding, choosePlaybook(finding)).kind);
  for (const name of ['43-trusted.ndjson', '33b-ipv4-empty-string-v6.json'])
    expect(new Set(decisions(name, policy))).toEqual(new Set(['auto']));
  expect(decisions('33b-ipv4-empty-string-v6.json', trusting)).toEqual(['ask', 'ask']);
  // The last is of another network.
  expect(decisions('43-trusted.ndjson', trusting)).toEqual([...Array<string>(6).fill('ask'), 'auto']);
});
