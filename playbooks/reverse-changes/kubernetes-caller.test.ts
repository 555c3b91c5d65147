/** A finding about a call to a cluster: what its caller changed in AWS, where it is certain which principal of IAM that was. */
import { afterEach, describe, expect, it } from 'vitest';
import { awsFor, configureAws } from '../../core/aws/client.ts';
import { type Finding, parseFinding } from '../../core/finding/finding.ts';
import type { Expansion } from '../../core/journal/playbook.ts';
import type { JsonObject } from '../../core/json.ts';
import { remember } from '../../sandbox/attacker.ts';
import { newKubernetes, putObject } from '../../sandbox/twin/kubernetes.ts';
import { type AccountTwin, createTwin } from '../../sandbox/twin/twin.ts';
import { findingOn } from '../../sandbox/worlds.ts';
import { SCOPE } from '../../test/playbooks/properties.ts';
import { SEEN } from '../../test/playbooks/reversed.ts';
import { unrecorded } from '../../test/unrecorded.ts';
import { reverseChanges } from './playbook.ts';

afterEach(() => configureAws({}));

const ID = 'AROAEXAMPLE0000DEPLOYER';
const ROLE = 'arn:aws:iam::111122223333:role/teams/web/deployer';
const SESSION = 'arn:aws:sts::111122223333:assumed-role/deployer/alice';

function open(user: JsonObject, awsAuth?: readonly (readonly [arn: string, username: string])[]) {
  const twin = createTwin(SCOPE);
  configureAws({ answer: (call) => twin.answer(call), retryBaseMs: 1 });
  for (const [name, RoleId] of [
    ['deployer', ID],
    ['other', 'AROAEXAMPLE000000OTHER'],
  ] as const)
    twin.state.roles[name] = {
      ...{ RoleName: name, Path: '/teams/web/', RoleId, MaxSessionDuration: 3600, Tags: [] },
      Arn: `arn:aws:iam::111122223333:role/teams/web/${name}`,
      ...{ AssumeRolePolicyDocument: '{}', inline: {}, attached: {}, profiles: [] },
    };
  const kubernetes = newKubernetes();
  if (awsAuth)
    putObject(kubernetes, {
      ...{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'aws-auth', namespace: 'kube-system' } },
      data: {
        mapRoles: awsAuth
          .map(([arn, name]) => `- rolearn: ${arn}\n  username: "${name}"\n  groups: [admins]\n`)
          .join(''),
      },
    });
  const entry = { principalArn: ROLE, type: 'STANDARD', groups: ['admins'], policies: {} };
  twin.region().eks.clusters.push({
    ...{ name: 'shop', mode: awsAuth ? 'CONFIG_MAP' : 'API', kubernetes },
    entries: awsAuth ? [] : [entry],
  });
  const finding = findingOn(twin, {
    ...{ seed: 'eks', type: 'CredentialAccess:Kubernetes/MaliciousIPCaller', updatedAt: new Date(SEEN) },
    resource: {
      resourceType: 'EKSCluster',
      eksClusterDetails: { name: 'shop' },
      kubernetesDetails: { kubernetesUserDetails: user },
    },
  });
  changedBy(twin, `${ID}:alice`, 'mallory');
  changedBy(twin, `${ID}:bob`, 'of-another-session');
  return { twin, finding: parseFinding(finding) };
}

function changedBy(twin: AccountTwin, principalId: string, userName: string): void {
  remember(
    twin,
    { type: 'AssumedRole', principalId, accessKeyId: `ASIA${userName.length}00000000000000000`.slice(0, 20) },
    {
      ...{ service: 'IAM', name: 'CreateUser', region: 'us-east-1', at: new Date(SEEN + 60_000) },
      request: { userName },
      response: { user: { userName, userId: 'AIDAMALLORY00000001' } },
    },
  );
}

const located = async (finding: Finding): Promise<Expansion> =>
  (await unrecorded(async () => reverseChanges.locate?.(finding, awsFor(SCOPE)))) ?? {
    ok: false,
    reason: 'none',
  };
const reasonOf = (found: Expansion): string => (found.ok ? 'ok' : found.reason);

describe('what the caller changed in AWS', () => {
  it.each<[string, JsonObject, (readonly (readonly [string, string])[])?]>([
    ['by the session in its user name', { username: SESSION }],
    [
      'by the mapping of aws-auth that put the session into its name',
      { username: 'admin:alice' },
      [[ROLE.replace('teams/web/', ''), 'admin:{{SessionNameRaw}}']],
    ],
    [
      'by the id of the authenticator and the session that GuardDuty says',
      { username: 'platform', uid: `aws-iam-authenticator:111122223333:${ID}`, sessionName: ['alice'] },
    ],
  ])('is found %s, and nothing of another session', async (_how, user, awsAuth) => {
    const found = await located(open(user, awsAuth).finding);
    if (!found.ok) throw new Error(found.reason);
    const [part] = found.parts;
    expect(found.parts.map(({ playbook }) => playbook.id)).toEqual(['reverse-iam-changes']);
    expect(part?.target.display).toBe(SESSION);
    const facts = JSON.stringify(part?.target.facts);
    expect(facts).toContain('mallory');
    expect(facts).not.toContain('of-another-session');
    expect(found.residual?.join()).toContain('where deployer/alice is not contained in IAM as well');
  });
});

describe('a caller of whom it is not certain who it is', () => {
  it.each<[string, JsonObject, RegExp, (readonly (readonly [string, string])[])?]>([
    ['a service account', { username: 'system:serviceaccount:web:app' }, /not a principal of IAM/],
    ['a node', { username: 'system:node:ip-10-0-0-1' }, /not a principal of IAM/],
    ['a name that nothing maps', { username: 'stranger' }, /stranger is, is not known for certain/],
    [
      'a name that two mappings fit',
      { username: 'admin:alice' },
      /not known for certain/,
      [
        [ROLE, 'admin:{{SessionName}}'],
        ['arn:aws:iam::111122223333:role/other', '{{SessionName}}:alice'],
      ],
    ],
    [
      'a session whose name may have been another',
      { username: 'admin:alice-b' },
      /which session of role\/deployer called is not certain/,
      [[ROLE, 'admin:{{SessionName}}']],
    ],
    [
      'a principal of another account',
      { username: 'arn:aws:sts::444455556666:assumed-role/deployer/alice' },
      /no IAM principal of account 111122223333/,
    ],
  ])('%s is not looked for, and the reason says why', async (_who, user, why, awsAuth) => {
    const { twin, finding } = open(user, awsAuth);
    const reason = reasonOf(await located(finding));
    expect(reason).toMatch(why);
    expect(twin.calls.map(({ operation }) => operation)).not.toContain('LookupEvents');
  });

  it('a cluster that is gone, or may not be read, is said', async () => {
    const { twin, finding } = open({ username: SESSION });
    twin.failNext('DescribeCluster', 'AccessDeniedException', 1);
    expect(reasonOf(await located(finding))).toMatch(/may not be read \(AccessDeniedException/);
    twin.failNext('DescribeCluster', 'ResourceNotFoundException', 1);
    twin.region().eks.clusters = [];
    expect(reasonOf(await located(finding))).toMatch(/the cluster does not exist any more/);
  });
});
