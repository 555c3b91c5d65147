/** A database that one address may reach and is shut out of, seen from that address. */
import { randomBytes } from 'node:crypto';
import { CreateDBInstanceCommand, CreateDBSubnetGroupCommand } from '@aws-sdk/client-rds';
import { arn } from '../../../core/aws/arn.ts';
import { given, launch, makeGroup, makeVpc, prober, saidUp } from '../network.ts';
import { tagOf } from '../parts.ts';
import type { Drill, Kit } from '../scene.ts';

const PORT = 5432;
/** Of no one: what the copy of the rules keeps. */
const OTHERS = '10.255.0.240/28';
/** RDS makes an instance in about ten minutes. */
const MAKING_SECONDS = 1800;

export const restrictDatabase: Drill = {
  playbook: 'restrict-database',
  extra: 'rds',
  makes:
    'a VPC without a gateway, a db.t4g.micro of 20 GiB with PostgreSQL and a t4g.nano in it; the password is random and kept nowhere',
  attack: 'the instance opens a connection to the database each second',
  probe: 'reads on the console of the instance whether a new connection opens',
  cost: { usd: 0.1, why: 'a db.t4g.micro and a t4g.nano for an hour, 28 GiB of gp3 and a snapshot' },
  minutes: 45,
  settles: ['database-groups-active'],
  async play(kit) {
    const { client, api } = await kit.aws.rds();
    const { client: ec2, api: ec2Api } = await kit.aws.ec2();
    const { VpcId, subnets } = await makeVpc(kit, 2);
    const [group, peer] = [await makeGroup(kit, VpcId, 'database'), await makeGroup(kit, VpcId, 'client')];
    const id = kit.name('database');
    await makeDatabase(kit, id, group, subnets);
    const found = async () => {
      const { DBInstances: [database] = [] } = await client.send(
        new api.DescribeDBInstancesCommand({ DBInstanceIdentifier: id }),
      );
      return database;
    };
    await kit.until(
      'the database is available',
      async () => (await found())?.DBInstanceStatus === 'available',
      MAKING_SECONDS,
    );
    const host = given((await found())?.Endpoint?.Address, 'endpoint of the database');
    const thief = await launch(
      kit,
      given(subnets[0], 'subnet'),
      peer,
      prober({ host, ports: [PORT], held: false }),
    );
    await ec2.send(
      new ec2Api.AuthorizeSecurityGroupIngressCommand({
        GroupId: group,
        IpPermissions: [
          {
            ...{ IpProtocol: 'tcp', FromPort: PORT, ToPort: PORT },
            IpRanges: [{ CidrIp: `${thief.address}/32` }, { CidrIp: OTHERS }],
          },
        ],
      }),
    );
    const isUp = async () => (await saidUp(kit, thief.id, [PORT]))[PORT] === true;
    const groups = async () =>
      ((await found())?.VpcSecurityGroups ?? [])
        .map(({ VpcSecurityGroupId = '' }) => VpcSecurityGroupId)
        .sort();
    return {
      finding: {
        ...{
          type: 'CredentialAccess:RDS/AnomalousBehavior.SuccessfulLogin',
          severity: 8,
          resourceRole: 'TARGET',
        },
        resource: {
          resourceType: 'RDSDBInstance',
          rdsDbInstanceDetails: {
            ...{ dbInstanceIdentifier: id, engine: 'postgres', engineVersion: '' },
            dbInstanceArn: arn(kit.aws.scope, 'rds', `db:${id}`),
          },
          rdsDbUserDetails: { user: 'drill', application: '', database: '', ssl: '', authMethod: '' },
        },
        action: {
          actionType: 'RDS_LOGIN_ATTEMPT',
          rdsLoginAttemptAction: { remoteIpDetails: { ipAddressV4: thief.address } },
        },
      },
      attack: () => kit.until('a connection opens', isUp, 600),
      holds: async () => !(await isUp()),
      works: isUp,
      async state() {
        const ids = await groups();
        const { SecurityGroups = [] } = await ec2.send(
          new ec2Api.DescribeSecurityGroupsCommand({ GroupIds: ids }),
        );
        const ranges = SecurityGroups.flatMap(({ IpPermissions = [] }) =>
          IpPermissions.flatMap(({ IpRanges = [] }) => IpRanges.map(({ CidrIp = '' }) => CidrIp)),
        );
        return { groups: ids, ranges: ranges.sort() };
      },
      facts: [
        async () => {
          const states = ((await found())?.VpcSecurityGroups ?? []).map(({ Status = '' }) => Status);
          const active = states.every((status) => status === 'active');
          return [
            {
              id: 'database-groups-active',
              verdict: active ? 'confirmed' : 'refuted',
              saw: `once proven, its groups were ${states.join(', ')}`,
            },
          ];
        },
      ],
    };
  },
};

async function makeDatabase(kit: Kit, id: string, group: string, subnets: readonly string[]): Promise<void> {
  const { client } = await kit.aws.rds();
  const Tags = [...tagOf(kit)];
  const DBSubnetGroupName = kit.name('subnets');
  await kit.make('subnetGroup', DBSubnetGroupName, () =>
    client.send(
      new CreateDBSubnetGroupCommand({
        ...{ DBSubnetGroupName, SubnetIds: [...subnets], Tags },
        DBSubnetGroupDescription: 'Made by firebreak drill',
      }),
    ),
  );
  await kit.make('database', id, () =>
    client.send(
      new CreateDBInstanceCommand({
        ...{ DBInstanceIdentifier: id, Engine: 'postgres', DBInstanceClass: 'db.t4g.micro', Tags },
        ...{ AllocatedStorage: 20, StorageType: 'gp3', StorageEncrypted: true, DBSubnetGroupName },
        ...{ VpcSecurityGroupIds: [group], PubliclyAccessible: false, MultiAZ: false },
        ...{ BackupRetentionPeriod: 0, DeletionProtection: false },
        ...{ MasterUsername: 'drill', MasterUserPassword: randomBytes(24).toString('hex') },
      }),
    ),
  );
}
