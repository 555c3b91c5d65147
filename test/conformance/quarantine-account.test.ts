/** Service control policies on moto: the quarantine is attached to a member account and detached again, a user's deny comes and goes. */
import * as organizations from '@aws-sdk/client-organizations';
import { expect, it } from 'vitest';
import { awsFor, configureAws } from '../../core/aws/client.ts';
import type { Playbook } from '../../core/journal/playbook.ts';
import { withoutStatement, withStatement } from '../../playbooks/common/iam/policy-statements.ts';
import {
  DENIED_USERS_POLICY,
  isDeniedUsers,
  NO_USER,
} from '../../playbooks/common/organization/denied-users.ts';
import {
  inManagement,
  policyNamed,
  targetsOf,
  updatePolicy,
} from '../../playbooks/common/organization/policies.ts';
import { denyRoot } from '../../playbooks/deny-root/playbook.ts';
import { quarantineAccount } from '../../playbooks/quarantine-account/playbook.ts';
import { createTwin } from '../../sandbox/twin/twin.ts';
import { findingOn } from '../../sandbox/worlds.ts';
import { DENIED_ROOT, DENIED_USERS, QUARANTINE } from '../playbooks/organization-world.ts';
import { unrecorded } from '../unrecorded.ts';
import { life } from './life.ts';
import { motoStage } from './moto-stage.ts';
import { onStage } from './on-stage.ts';

const at = onStage(async () => {
  const stage = await motoStage();
  return {
    ...stage,
    aws() {
      configureAws({ ownAccount: '999988887777', responderRole: 'firebreak-responder', retryBaseMs: 1 });
      return awsFor(stage.scope);
    },
  };
});

it('the policy of denied users is found by its name, rewritten and read back, with what it is attached to', async () => {
  const client = new organizations.OrganizationsClient({ region: 'us-east-1' });
  await client.send(new organizations.CreateOrganizationCommand({ FeatureSet: 'ALL' }));
  const { Roots } = await client.send(new organizations.ListRootsCommand({}));
  const { Policy } = await client.send(
    new organizations.CreatePolicyCommand({
      ...{ Name: DENIED_USERS_POLICY, Description: 'users', Content: DENIED_USERS },
      Type: 'SERVICE_CONTROL_POLICY',
    }),
  );
  const PolicyId = Policy?.PolicySummary?.Id ?? '';
  await client.send(new organizations.AttachPolicyCommand({ PolicyId, TargetId: Roots?.[0]?.Id ?? '' }));
  const there = inManagement(at.stage.aws(), at.stage.scope.account);
  const named = () => unrecorded(() => policyNamed(there, DENIED_USERS_POLICY));
  const update = (text: string) => unrecorded(() => updatePolicy(there, PolicyId, text));
  const found = await named();
  expect(found).toMatchObject({ id: PolicyId, content: DENIED_USERS });
  expect(isDeniedUsers(found?.content ?? '')).toBe(true);
  expect(await unrecorded(() => targetsOf(there, PolicyId))).toEqual(['Root']);
  const deny = { ...NO_USER, Sid: 'Firebreakfb1n1' };
  const text = withStatement(DENIED_USERS, deny.Sid, deny) ?? '';
  await update(text);
  const changed = await named();
  expect(changed?.content).toBe(text);
  expect(isDeniedUsers(text)).toBe(true);
  await update(withoutStatement(text, deny.Sid, DENIED_USERS) ?? '');
  expect((await named())?.content).toBe(DENIED_USERS);
});

it('quarantine-account: the quarantine comes and goes, other policies stay', () =>
  comesAndGoes(quarantineAccount, 'firebreak-quarantine', QUARANTINE, 'account'));

it('deny-root: the deny of root comes and goes, other policies stay', () =>
  comesAndGoes(denyRoot, 'firebreak-denied-root', DENIED_ROOT, 'root-user'));

async function comesAndGoes(playbook: Playbook, name: string, content: string, kind: string): Promise<void> {
  const config = { region: 'us-east-1' };
  const client = new organizations.OrganizationsClient(config);
  const Type = 'SERVICE_CONTROL_POLICY';
  await client.send(new organizations.CreateOrganizationCommand({ FeatureSet: 'ALL' }));
  const { CreateAccountStatus: made } = await client.send(
    new organizations.CreateAccountCommand({ AccountName: 'shop', Email: 'shop@example.com' }),
  );
  const account = made?.AccountId ?? '';
  const policy = (Name: string, Content: string) =>
    client.send(new organizations.CreatePolicyCommand({ Name, Content, Description: Name, Type }));
  await policy(name, content);
  const team = await policy('team', QUARANTINE.replace('"*"', '"s3:*"'));
  const PolicyId = team.Policy?.PolicySummary?.Id ?? '';
  await client.send(new organizations.AttachPolicyCommand({ PolicyId, TargetId: account }));
  const look = async () => {
    const { Policies = [] } = await client.send(
      new organizations.ListPoliciesForTargetCommand({ TargetId: account, Filter: Type }),
    );
    return Policies.map(({ Name }) => Name).sort();
  };
  expect(await look()).not.toContain(name);

  const scope = { ...at.stage.scope, account };
  const event = findingOn(createTwin(scope), {
    ...{ seed: 'account', type: 'Impact:IAMUser/AnomalousBehavior', resource: {} },
  });
  const target = {
    ...{ ...scope, kind, id: account, facts: {} },
    display: `arn:aws:iam::${account}:root`,
  };
  const settings = { managementAccount: at.stage.scope.account };
  await life(at, event, look, [], { playbook, target }, settings);
}
