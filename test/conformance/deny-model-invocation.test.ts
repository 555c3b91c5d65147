/** The whole life of `deny-model-invocation` on moto: our policy alone comes and goes, on a role and on a user. */
import * as iam from '@aws-sdk/client-iam';
import { it } from 'vitest';
import type { JsonObject } from '../../core/json.ts';
import { createTwin } from '../../sandbox/twin/twin.ts';
import { findingOn } from '../../sandbox/worlds.ts';
import { life } from './life.ts';
import { motoStage } from './moto-stage.ts';
import { onStage } from './on-stage.ts';

const at = onStage(motoStage);

const finding = (accessKeyDetails: JsonObject) =>
  findingOn(createTwin(at.stage.scope), {
    seed: 'models',
    type: 'Impact:IAMUser/CostHarvesting',
    resource: {
      resourceType: 'AccessKey',
      accessKeyDetails,
      modelDetails: [{ modelId: 'amazon.nova-pro-v1:0' }],
    },
  });

/** moto cannot simulate: the effect of the deny is left to the twin. */
const NOT_SIMULATED = ['invocation', 'everything-else'];

it('deny-model-invocation: on the session of a role', async () => {
  const client = new iam.IAMClient({});
  const RoleName = 'chat';
  const AssumeRolePolicyDocument = JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal: { AWS: '*' }, Action: 'sts:AssumeRole' }],
  });
  const { Role } = await client.send(new iam.CreateRoleCommand({ RoleName, AssumeRolePolicyDocument }));
  await life(
    at,
    finding({ principalId: `${Role?.RoleId}:chat-service`, userType: 'AssumedRole', userName: RoleName }),
    async () => (await client.send(new iam.ListRolePoliciesCommand({ RoleName }))).PolicyNames,
    NOT_SIMULATED,
  );
});

it('deny-model-invocation: on a user', async () => {
  const client = new iam.IAMClient({});
  const UserName = 'chat-user';
  const { User } = await client.send(new iam.CreateUserCommand({ UserName }));
  await life(
    at,
    finding({ principalId: User?.UserId ?? '', userType: 'IAMUser', userName: UserName }),
    async () => (await client.send(new iam.ListUserPoliciesCommand({ UserName }))).PolicyNames,
    NOT_SIMULATED,
  );
});
