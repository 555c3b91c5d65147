/** The whole life of `deny-database-logins` on moto: who may log in is found in IAM, and our policy alone comes and goes. */
import * as iam from '@aws-sdk/client-iam';
import * as rds from '@aws-sdk/client-rds';
import { it } from 'vitest';
import { parseFinding } from '../../core/finding/finding.ts';
import { denyDatabaseLogins } from '../../playbooks/deny-database-logins/playbook.ts';
import { createTwin } from '../../sandbox/twin/twin.ts';
import { findingOn } from '../../sandbox/worlds.ts';
import { life } from './life.ts';
import { motoStage } from './moto-stage.ts';
import { onStage } from './on-stage.ts';

const at = onStage(motoStage);

it('deny-database-logins: a role that a policy lets log in', async () => {
  const DBInstanceIdentifier = 'tokens';
  await new rds.RDSClient({}).send(
    new rds.CreateDBInstanceCommand({
      ...{ DBInstanceIdentifier, DBInstanceClass: 'db.t4g.micro', Engine: 'postgres', AllocatedStorage: 20 },
      ...{ MasterUsername: 'root', MasterUserPassword: 'not-a-secret-1' },
      EnableIAMDatabaseAuthentication: true,
    }),
  );
  const client = new iam.IAMClient({});
  const RoleName = 'database-application';
  const allow = (Action: string, more: object) =>
    JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action, ...more }] });
  await client.send(
    new iam.CreateRoleCommand({
      RoleName,
      AssumeRolePolicyDocument: allow('sts:AssumeRole', { Principal: { AWS: '*' } }),
    }),
  );
  await client.send(
    new iam.PutRolePolicyCommand({
      ...{ RoleName, PolicyName: 'login' },
      PolicyDocument: allow('rds-db:connect', { Resource: '*' }),
    }),
  );
  const finding = findingOn(createTwin(at.stage.scope), {
    ...{ seed: 'logins', type: 'Exfiltration:RDS/TorIPCaller' },
    resource: {
      resourceType: 'RDSDBInstance',
      rdsDbInstanceDetails: { dbInstanceIdentifier: DBInstanceIdentifier },
      rdsDbUserDetails: { user: 'app' },
    },
  });
  const found = await denyDatabaseLogins.locate?.(parseFinding(finding), at.stage.aws());
  if (!found?.ok) throw new Error(found?.reason);
  await life(
    at,
    finding,
    async () => (await client.send(new iam.ListRolePoliciesCommand({ RoleName }))).PolicyNames,
    // moto cannot simulate: the effect of the deny is left to the twin.
    ['login deny:role/database-application'],
    { playbook: denyDatabaseLogins, target: found.target },
  );
});
