/** Someone who should not be is logging in to a database: keep that address out, and everybody else's references in. */
import { definePlaybook } from '../../core/journal/playbook.ts';
import { databaseFacts, databaseOf } from '../common/rds/database-target.ts';
import { planRestriction } from './plan.ts';
import { databaseState, readDatabase } from './state.ts';
import { KINDS } from './steps.ts';
import { proveRestriction } from './verify.ts';

const rds = (resource: string) => `arn:\${Partition}:rds:\${Region}:\${Account}:${resource}`;
const SNAPSHOTS = [rds('cluster-snapshot:firebreak-*'), rds('snapshot:firebreak-*')];
const OURS = { StringLike: { 'aws:ResourceTag/firebreak': '*' } };
const ec2 = (resource: string) => `arn:\${Partition}:ec2:\${Region}:\${Account}:${resource}`;

export const restrictDatabase = definePlaybook({
  id: 'restrict-database',
  title: 'Shut an address out of an RDS database',
  about: `
The database gets one security group in place of its own: a copy of their rules without the ranges that let the reported
address in. References to the groups of applications stay, so applications go on. The database's own groups are never
edited, since other resources share them. Of a member of a cluster (Aurora, Multi-AZ DB cluster) the groups of the **cluster** are
changed: they stand in front of every endpoint, of the writer, the readers and custom ones.

Before anything is changed, the latest time that a copy can be restored to is noted: on the card, and with the state of the database in the
evidence. A snapshot is started right after the change and stays. Not before it: RDS takes no change while a snapshot runs, which may be hours,
and data goes on leaving.

**Everybody in a dropped range** is locked out of new connections, not only the reported address: the card lists the
ranges. A client whose own group lets it out to one of the replaced groups by name loses the database; then a person is
asked, whatever the policy says.

**Next**, and where it is refused because no path can be closed: the user's password, TLS and sessions (\`evict-database-user\`), and logins by
tokens of IAM (\`deny-database-logins\`) are asked about.

**Refused**, with the action that works: a database that is not \`available\`, one on RDS Custom, one without a group in a VPC, a finding
without an address, an address that no range lets in (it came through another group, a prefix list or a proxy).

**Not contained**: connections that are open already, which security groups track. Anyone who knows the password still knows it. A proxy of RDS
in front of the database is entered through groups of its own; each one that leads to the database is named with them. A read replica is a
database of its own, with the same data behind groups that stay as they are; each is named.

**Undo** restores exactly the list of groups and deletes the copy. Groups that open more than the copy does, but for the address that
was shut out, are not restored: the record or the groups were changed since, and a person compares them with CloudTrail.
`.trim(),
  // Logins and what is done with the data. Not calls to the RDS API (a password reset, a snapshot shared), which Custom
  // Detection Rules report: there the caller is contained.
  handles: [
    'CredentialAccess:RDS/AnomalousBehavior*',
    'CredentialAccess:RDS/*BruteForce*',
    'CredentialAccess:RDS/*IPCaller*',
    'CredentialAccess:RDS/*Login*',
    'Discovery:RDS/*',
    'Exfiltration:RDS/AnomalousBehavior*',
    'Exfiltration:RDS/*IPCaller*',
    'Impact:RDS/*',
    'UnauthorizedAccess:RDS/*',
  ],
  reversible: { kind: 'fully' },
  permissions: {
    read: [
      {
        // A describe of one resource is authorised on it, but the lists of rules have no resource level.
        actions: [
          'ec2:DescribeSecurityGroupRules',
          'ec2:DescribeSecurityGroups',
          'rds:DescribeDBClusterSnapshots',
          'rds:DescribeDBClusters',
          'rds:DescribeDBInstances',
          'rds:DescribeDBProxies',
          'rds:DescribeDBProxyTargets',
          'rds:DescribeDBSnapshots',
        ],
        resources: ['*'],
        why: 'the database, its groups and their rules, its snapshots, and the proxies that lead to it',
      },
    ],
    write: [
      {
        actions: ['rds:ModifyDBCluster', 'rds:ModifyDBInstance'],
        resources: [rds('cluster:*'), rds('db:*')],
        why: 'puts the database behind another group, and back',
        worst:
          'takes over or breaks any database: a new master password, public access, no backups. IAM has no condition on these parameters; `rds:ManageMasterUserPassword` is about passwords in Secrets Manager alone',
      },
      {
        actions: ['rds:CreateDBClusterSnapshot', 'rds:CreateDBSnapshot'],
        resources: [rds('cluster:*'), rds('db:*'), ...SNAPSHOTS],
        why: 'a snapshot as evidence',
        worst: 'cost: snapshots named firebreak-… of every database; it can neither share nor restore them',
      },
      {
        actions: ['rds:AddTagsToResource'],
        resources: SNAPSHOTS,
        condition: { 'ForAllValues:StringEquals': { 'aws:TagKeys': ['firebreak:case'] } },
        why: 'names the case on that snapshot, under its own tag key only',
        worst: 'false labels on evidence snapshots',
      },
      {
        actions: ['ec2:CreateSecurityGroup'],
        resources: [ec2('security-group/*'), ec2('vpc/*')],
        why: 'the group in front of the database',
        worst: 'fills the quota of groups, and makes groups to open afterwards',
      },
      {
        actions: ['ec2:CreateTags'],
        resources: [ec2('security-group/*')],
        condition: { StringEquals: { 'ec2:CreateAction': 'CreateSecurityGroup' } },
        why: 'the tags of a group that it creates, never of one that exists',
        worst: "makes groups that count as Firebreak's",
      },
      {
        actions: [
          'ec2:AuthorizeSecurityGroupEgress',
          'ec2:AuthorizeSecurityGroupIngress',
          'ec2:RevokeSecurityGroupEgress',
          'ec2:RevokeSecurityGroupIngress',
        ],
        resources: [ec2('security-group/*')],
        condition: OURS,
        why: 'rules of its own groups only, known by their tag',
        worst:
          'opens a contained database to everything, or a group of its own making that it then gives to one',
      },
    ],
    undo: [
      {
        actions: ['ec2:DeleteSecurityGroup'],
        resources: [ec2('security-group/*')],
        condition: OURS,
        why: 'deletes its own group, known by its tag',
        worst: 'deletes groups that carry the tag and that nothing uses',
      },
    ],
  },
  proofDelaySeconds: 30,
  facts: databaseFacts,
  state: databaseState,
  targetOf: databaseOf,
  read: readDatabase,
  evidence: async (target, aws) => ({ database: await readDatabase(target, aws) }),
  plan: planRestriction,
  kinds: KINDS,
  verify: proveRestriction,
});
