/** The step kinds: a group of its own, the database behind it, a snapshot. */
import { z } from 'zod';
import { type Aws, pause } from '../../core/aws/client.ts';
import { awsErrorName, FirebreakError } from '../../core/errors.ts';
import type { StepContext } from '../../core/journal/playbook.ts';
import { canonicalJson } from '../../core/json.ts';
import { onceGroupVisible, onceVisible } from '../common/once-visible.ts';
import { available } from '../common/rds/available.ts';
import { describeDatabase } from '../common/rds/database.ts';
import { databaseFacts } from '../common/rds/database-target.ts';
import { cannotRestore, damaged, stepKind } from '../common/step-kind.ts';
import { letsIn, permissionOf, type Rule, ruleOf, ruleSchema, ruleText } from './rules.ts';
import { GROUP_PREFIX, liveRules, rulesOf } from './state.ts';

type Ec2 = Awaited<ReturnType<Aws['ec2']>>;

/** Tag of every group of Firebreak's; the right to change rules is limited to groups that carry it. */
const GROUP_TAG = 'firebreak';

async function findGroup({ client, api }: Ec2, name: string, vpcId: string): Promise<string | undefined> {
  const { SecurityGroups = [] } = await client.send(
    new api.DescribeSecurityGroupsCommand({
      Filters: [
        { Name: 'vpc-id', Values: [vpcId] },
        { Name: 'group-name', Values: [name] },
      ],
    }),
  );
  return SecurityGroups[0]?.GroupId;
}

const databaseArgs = z.object({ id: z.string(), cluster: z.boolean() });

const keyOf = (rule: Rule): string => canonicalJson({ ...rule });
const same = (live: readonly Rule[], wanted: readonly Rule[]): boolean =>
  live.length === wanted.length && live.every((rule) => wanted.some((other) => keyOf(other) === keyOf(rule)));

/** Snapshots are named after the case. A cluster's id takes 63 characters, an instance's is never longer than the 255 it takes. */
export function snapshotIdFor(caseId: string, { id, cluster }: z.infer<typeof databaseArgs>): string {
  const name = `firebreak-${caseId}-${id}`;
  return cluster ? name.slice(0, 63).replace(/-+$/, '') : name;
}

const nameFor = (caseId: string): string => `${GROUP_PREFIX}${caseId}`;

/** Why the step is not about the incident's database. */
function another({ id, cluster }: z.infer<typeof databaseArgs>, { target }: StepContext): string | undefined {
  const facts = databaseFacts.parse(target.facts);
  return id === target.id && cluster === facts.cluster
    ? undefined
    : `the database is ${target.id}, not ${id}`;
}

/**
 * The group holds rules that the database's own groups have now, and none of those that let the source in: a record could name
 * any rule. Once the database is behind the group, it is the only one of its own.
 */
async function mustBeKept(rules: readonly Rule[], { aws, target }: StepContext): Promise<void> {
  const { cluster, sources } = databaseFacts.parse(target.facts);
  const { groups } = await describeDatabase(aws, { id: target.id, cluster });
  const live = new Set(
    (
      await rulesOf(
        aws,
        groups.map(({ id }) => id),
      )
    ).map(keyOf),
  );
  const strange = rules.find((rule) => letsIn(rule, sources) || !live.has(keyOf(rule)));
  if (strange) throw damaged(`no group of the database has the rule ${ruleText(strange)}`, target.display);
}

/** `absent`, `wrong` (a crash half-way, a stray rule) or `right`. The group is ours by its name, so wrong is put right. */
const group = stepKind(z.object({ name: z.string(), vpcId: z.string(), rules: z.array(ruleSchema) }), {
  value: z.enum(['absent', 'wrong', 'right']),
  async foreign({ name, vpcId }, { aws, target, caseId }) {
    if (name !== nameFor(caseId)) return `the group of the case is ${nameFor(caseId)}, not ${name}`;
    const { cluster } = databaseFacts.parse(target.facts);
    const live = await describeDatabase(aws, { id: target.id, cluster });
    return live.vpcId === null || live.vpcId === vpcId
      ? undefined
      : `the database is in ${live.vpcId}, not in ${vpcId}`;
  },
  async read({ name, vpcId, rules }, { aws }) {
    const id = await findGroup(await aws.ec2(), name, vpcId);
    if (id === undefined) return { value: 'absent' };
    return { value: same(await rulesOf(aws, [id]), rules) ? 'right' : 'wrong', output: id };
  },
  after: () => 'right',
  between: () => ['absent', 'wrong'],
  async apply({ name, vpcId, rules }, context) {
    const { aws, caseId } = context;
    await mustBeKept(rules, context);
    const ec2 = await aws.ec2();
    const found = await findGroup(ec2, name, vpcId);
    const id = found ?? (await createGroup(ec2, name, vpcId, caseId));
    await settle(aws, id, rules, found === undefined);
    return id;
  },
  async revert({ name, vpcId }, { aws }) {
    const { client, api } = await aws.ec2();
    const id = await findGroup({ client, api }, name, vpcId);
    if (id === undefined) return 'absent';
    // The database's association with it goes away some moments after RDS has answered.
    for (let attempt = 0; ; attempt++) {
      try {
        await client.send(new api.DeleteSecurityGroupCommand({ GroupId: id }));
        return 'reverted';
      } catch (error) {
        if (awsErrorName(error) === 'InvalidGroup.NotFound') return 'reverted';
        if (awsErrorName(error) !== 'DependencyViolation') throw error;
        if (attempt >= 24) {
          throw cannotRestore(
            `${name} is still in use`,
            id,
            'See what uses the group, then press Undo again.',
            error,
          );
        }
        await pause(5000);
      }
    }
  },
});

async function createGroup(
  { client, api }: Ec2,
  name: string,
  VpcId: string,
  caseId: string,
): Promise<string> {
  const { GroupId } = await client.send(
    new api.CreateSecurityGroupCommand({
      GroupName: name,
      Description: 'Firebreak: rules of a database without those that let an attacker in',
      VpcId,
      TagSpecifications: [
        {
          ResourceType: 'security-group',
          Tags: [
            { Key: GROUP_TAG, Value: 'database' },
            { Key: 'firebreak:case', Value: caseId },
          ],
        },
      ],
    }),
  );
  if (GroupId) return GroupId;
  throw new FirebreakError('StepFailed', `${name} was created without an id`, { resource: VpcId });
}

/** Every new group lets everything out: what is not wanted goes first, then what is missing comes. Safe to repeat. */
async function settle(aws: Aws, GroupId: string, wanted: readonly Rule[], created: boolean): Promise<void> {
  const { client, api } = await aws.ec2();
  const live = await (created ? rulesOfNew(aws, GroupId) : liveRules(aws, [GroupId]));
  const keys = new Set(wanted.map(keyOf));
  const known = new Set<string>();
  for (const rule of live) {
    const parsed = ruleOf(rule);
    const key = parsed && keyOf(parsed);
    if (key !== undefined && keys.has(key)) {
      known.add(key);
      continue;
    }
    const input = { GroupId, SecurityGroupRuleIds: [rule.SecurityGroupRuleId ?? ''] };
    await onceGroupVisible(() =>
      rule.IsEgress
        ? client.send(new api.RevokeSecurityGroupEgressCommand(input))
        : client.send(new api.RevokeSecurityGroupIngressCommand(input)),
    );
  }
  for (const egress of [false, true]) {
    const missing = wanted.filter((rule) => rule.egress === egress && !known.has(keyOf(rule)));
    if (missing.length === 0) continue;
    const input = { GroupId, IpPermissions: missing.map(permissionOf) };
    await onceGroupVisible(() =>
      egress
        ? client.send(new api.AuthorizeSecurityGroupEgressCommand(input))
        : client.send(new api.AuthorizeSecurityGroupIngressCommand(input)),
    );
  }
}

/**
 * A new group has one rule, which lets everything out. Until it is shown there is nothing to revoke by id, and where it is
 * wanted AWS would refuse it as a duplicate. Not shown in time: the proving read looks at the rules again.
 */
async function rulesOfNew(aws: Aws, GroupId: string): Promise<Awaited<ReturnType<typeof liveRules>>> {
  const notShown = new FirebreakError('StepFailed', 'the rules of the new group are not shown yet', {
    resource: GroupId,
  });
  try {
    return await onceVisible(
      async () => {
        const listed = await liveRules(aws, [GroupId]);
        if (listed.length === 0) throw notShown;
        return listed;
      },
      (error) => error === notShown || awsErrorName(error) === 'InvalidGroup.NotFound',
    );
  } catch (error) {
    if (error === notShown) return [];
    throw error;
  }
}

/** Id of the case's group, looked up: a record could name any. */
async function ownGroup({ aws, target, caseId }: StepContext): Promise<string> {
  const { cluster } = databaseFacts.parse(target.facts);
  const { vpcId } = await describeDatabase(aws, { id: target.id, cluster });
  const id = vpcId === null ? undefined : await findGroup(await aws.ec2(), nameFor(caseId), vpcId);
  if (id !== undefined) return id;
  throw new FirebreakError('StepFailed', `${nameFor(caseId)} does not exist`, {
    resource: target.display,
    next: 'Contain again: the group is made first.',
  });
}

/**
 * The recorded groups open no more than the case's group does, but for what let the source in: those are the rules that were
 * left out of it. Groups whose rules were changed since are a person's to restore.
 */
async function mustBeFormer(ids: readonly string[], context: StepContext): Promise<void> {
  const { aws, target } = context;
  const { sources } = databaseFacts.parse(target.facts);
  const own = await ownGroup(context);
  const [live, kept] = await Promise.all([
    rulesOf(aws, ids),
    rulesOf(aws, [own]).then((rules) => new Set(rules.map(keyOf))),
    mustExist(ids, context),
  ]);
  const strange = live.find((rule) => !letsIn(rule, sources) && !kept.has(keyOf(rule)));
  if (!strange) return;
  throw cannotRestore(
    `the recorded groups ${ids.join(', ')} have a rule that the database's groups did not have (${ruleText(strange)})`,
    target.display,
    'Compare the groups with CloudTrail (ModifyDBInstance, ModifyDBCluster) and give them back by hand.',
  );
}

/** A filter by group passes over those that do not exist. */
async function mustExist(ids: readonly string[], { aws, target }: StepContext): Promise<void> {
  const { client, api } = await aws.ec2();
  const { SecurityGroups = [] } = await client
    .send(new api.DescribeSecurityGroupsCommand({ GroupIds: [...ids] }))
    .catch((error: unknown) => {
      if (/^InvalidGroup/.test(awsErrorName(error) ?? '')) return { SecurityGroups: [] };
      throw error;
    });
  if (SecurityGroups.length === ids.length) return;
  throw cannotRestore(
    `a security group that the database had (${ids.join(', ')}) does not exist any more`,
    target.display,
    'Give the database the groups that it should have, by hand.',
  );
}

/** Ids of the database's security groups. A change takes effect at once, not in the maintenance window. */
const groups = stepKind(databaseArgs, {
  value: z.array(z.string().startsWith('sg-')),
  foreign: another,
  read: async (args, { aws }) => ({
    value: (await describeDatabase(aws, args)).groups.map(({ id }) => id),
  }),
  after: async (_args, context) => [await ownGroup(context)],
  async apply(args, context) {
    await setGroups(context.aws, args, [await ownGroup(context)]);
    return undefined;
  },
  async revert(args, context, before) {
    await mustBeFormer(before, context);
    await setGroups(context.aws, args, before);
    return 'reverted';
  },
});

async function setGroups(
  aws: Aws,
  { id, cluster }: z.infer<typeof databaseArgs>,
  VpcSecurityGroupIds: string[],
): Promise<void> {
  await available(aws, { id, cluster });
  const { client, api } = await aws.rds();
  if (cluster) {
    await client.send(
      new api.ModifyDBClusterCommand({
        DBClusterIdentifier: id,
        VpcSecurityGroupIds,
        ApplyImmediately: true,
      }),
    );
  } else {
    await client.send(
      new api.ModifyDBInstanceCommand({
        DBInstanceIdentifier: id,
        VpcSecurityGroupIds,
        ApplyImmediately: true,
      }),
    );
  }
}

/** Started, not waited for: a snapshot of a large database takes hours. */
const snapshot = stepKind(databaseArgs.extend({ snapshotId: z.string() }), {
  value: z.literal('taken').nullable(),
  foreign: (args, context) =>
    another(args, context) ??
    // Earlier releases planned names of clusters at full length; what is taken is named here.
    ([snapshotIdFor(context.caseId, args), `firebreak-${context.caseId}-${args.id}`].includes(args.snapshotId)
      ? undefined
      : `${args.snapshotId} is not of the case`),
  read: async (args, context) => ({ value: (await hasSnapshot(args, context)) ? 'taken' : null }),
  after: () => 'taken',
  async apply({ id, cluster }, { aws, caseId }) {
    await available(aws, { id, cluster });
    const snapshotId = snapshotIdFor(caseId, { id, cluster });
    const { client, api } = await aws.rds();
    const Tags = [{ Key: 'firebreak:case', Value: caseId }];
    if (cluster) {
      await client.send(
        new api.CreateDBClusterSnapshotCommand({
          DBClusterIdentifier: id,
          DBClusterSnapshotIdentifier: snapshotId,
          Tags,
        }),
      );
    } else {
      await client.send(
        new api.CreateDBSnapshotCommand({ DBInstanceIdentifier: id, DBSnapshotIdentifier: snapshotId, Tags }),
      );
    }
    return snapshotId;
  },
  revert: 'keep',
});

/** A snapshot of that name may be of another database: who may take snapshots may choose their names. */
async function hasSnapshot(
  { id, cluster }: z.infer<typeof databaseArgs>,
  { aws, caseId }: StepContext,
): Promise<boolean> {
  const { client, api } = await aws.rds();
  const snapshotId = snapshotIdFor(caseId, { id, cluster });
  try {
    if (cluster) {
      const { DBClusterSnapshots = [] } = await client.send(
        new api.DescribeDBClusterSnapshotsCommand({ DBClusterSnapshotIdentifier: snapshotId }),
      );
      return DBClusterSnapshots.some(({ DBClusterIdentifier }) => DBClusterIdentifier === id);
    }
    const { DBSnapshots = [] } = await client.send(
      new api.DescribeDBSnapshotsCommand({ DBSnapshotIdentifier: snapshotId }),
    );
    return DBSnapshots.some(({ DBInstanceIdentifier }) => DBInstanceIdentifier === id);
  } catch (error) {
    if (/^DB(Cluster)?SnapshotNotFound(Fault)?$/.test(awsErrorName(error) ?? '')) return false;
    throw error;
  }
}

export const KINDS = { group, groups, snapshot };
