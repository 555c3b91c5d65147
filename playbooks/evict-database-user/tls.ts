/** The parameter by which an engine refuses connections without TLS, in a parameter group of the database's own. */
import { z } from 'zod';
import type { Aws } from '../../core/aws/client.ts';
import { allPages } from '../../core/aws/pages.ts';
import type { DescribedDatabase } from '../common/rds/database.ts';
import type { DatabaseFacts } from '../common/rds/database-target.ts';

export const requirement = z.object({
  group: z.string(),
  parameter: z.string(),
  /** What it was set to; null where the group leaves it at the engine's default. */
  set: z.string().nullable(),
  /** The value that requires TLS. */
  on: z.string(),
});
export type Requirement = z.infer<typeof requirement>;
export const noRequirement = z.object({ why: z.string() });

/** Values by which engines say that it is required. */
const ON = ['1', 'ON'];

const parameterOf = (engine: string): string | undefined =>
  /postgres/.test(engine)
    ? 'rds.force_ssl'
    : /mysql|mariadb/.test(engine)
      ? 'require_secure_transport'
      : undefined;

interface Group {
  readonly group: string;
  readonly cluster: boolean;
  readonly parameter: string;
}

/** The parameter as the group has it; undefined where its engine does not know it. */
export async function readParameter(aws: Aws, { group, cluster, parameter }: Group) {
  const { client, api } = await aws.rds();
  const Filters = [{ Name: 'parameter-name', Values: [parameter] }];
  const all = await allPages(async (Marker) => {
    const more = { Filters, ...(Marker ? { Marker } : {}) };
    const page = cluster
      ? await client.send(
          new api.DescribeDBClusterParametersCommand({ DBClusterParameterGroupName: group, ...more }),
        )
      : await client.send(new api.DescribeDBParametersCommand({ DBParameterGroupName: group, ...more }));
    return { items: page.Parameters, next: page.Marker };
  });
  const found = all.find(({ ParameterName }) => ParameterName === parameter);
  if (!found) return undefined;
  const { ParameterValue, Source, IsModifiable, ApplyType, AllowedValues = '' } = found;
  const allowed = AllowedValues.split(',').map((value) => value.trim());
  return {
    set: Source === 'user' ? (ParameterValue ?? null) : null,
    isOn: ON.includes(ParameterValue?.toUpperCase() ?? ''),
    on: ON.find((value) => allowed.includes(value)),
    dynamic: IsModifiable === true && ApplyType === 'dynamic',
    allowed,
  };
}

type Described = Pick<DescribedDatabase, 'engine' | 'parameterGroup' | 'members'>;

/** The parameter and the group that it is in, or why there is none that can be changed. */
export function placeOf({
  engine,
  parameterGroup: group,
}: Described): { readonly group: string; readonly parameter: string } | z.infer<typeof noRequirement> {
  const parameter = parameterOf(engine);
  if (parameter === undefined)
    return { why: `${engine} has no parameter that requires TLS without a restart` };
  if (group === null || group.startsWith('default.'))
    return {
      why: `its parameter group ${group ?? ''} is a default one, which no one can change: give it one of its own`,
    };
  return { group, parameter };
}

/** What would require TLS of the database, or why nothing does. */
export async function requirementOf(
  aws: Aws,
  target: { readonly id: string; readonly facts: Pick<DatabaseFacts, 'cluster'> },
  live: Described,
): Promise<Requirement | z.infer<typeof noRequirement>> {
  const { cluster } = target.facts;
  const place = placeOf(live);
  if ('why' in place) return place;
  const { group, parameter } = place;
  const found = await readParameter(aws, { group, cluster, parameter });
  if (found?.isOn === true && found.set === null) return { why: 'TLS is required already, by default' };
  if (found?.on === undefined || !found.dynamic)
    return { why: `${parameter} cannot be set without a restart in ${group}` };
  const others = (await usersOf(aws, group, cluster)).filter(
    (id) => id !== target.id && !live.members.includes(id),
  );
  if (others.length > 0)
    return {
      why: `its parameter group ${group} is that of ${others.slice(0, 5).join(', ')} as well: require TLS by hand`,
    };
  return { group, parameter, set: found.set, on: found.on };
}

/** Every database of the Region that has the group. */
async function usersOf(aws: Aws, group: string, cluster: boolean): Promise<readonly string[]> {
  const { client, api } = await aws.rds();
  if (cluster) {
    const all = await allPages(async (Marker) => {
      const page = await client.send(new api.DescribeDBClustersCommand(Marker ? { Marker } : {}));
      return { items: page.DBClusters, next: page.Marker };
    });
    return all.flatMap((one) =>
      one.DBClusterParameterGroup === group ? (one.DBClusterIdentifier ?? []) : [],
    );
  }
  const all = await allPages(async (Marker) => {
    const page = await client.send(new api.DescribeDBInstancesCommand(Marker ? { Marker } : {}));
    return { items: page.DBInstances, next: page.Marker };
  });
  return all.flatMap(({ DBParameterGroups = [], DBInstanceIdentifier = '' }) =>
    DBParameterGroups.some(({ DBParameterGroupName }) => DBParameterGroupName === group)
      ? [DBInstanceIdentifier]
      : [],
  );
}

/** Writes the value at once; null gives it back to the engine's default. */
export async function writeParameter(
  aws: Aws,
  { group, cluster, parameter }: Group,
  value: string | null,
): Promise<void> {
  const { client, api } = await aws.rds();
  const Parameters = [
    {
      ...{ ParameterName: parameter, ApplyMethod: 'immediate' as const },
      ...(value === null ? {} : { ParameterValue: value }),
    },
  ];
  if (cluster) {
    const input = { DBClusterParameterGroupName: group, Parameters };
    if (value === null) await client.send(new api.ResetDBClusterParameterGroupCommand(input));
    else await client.send(new api.ModifyDBClusterParameterGroupCommand(input));
    return;
  }
  const input = { DBParameterGroupName: group, Parameters };
  if (value === null) await client.send(new api.ResetDBParameterGroupCommand(input));
  else await client.send(new api.ModifyDBParameterGroupCommand(input));
}
