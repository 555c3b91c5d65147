import { z } from 'zod';
import { arn } from '../../../core/aws/arn.ts';
import { awsErrorName } from '../../../core/errors.ts';
import { defineInverse, textIn, valueIn } from '../../common/changes/inverse.ts';

const DATABASES = 'arn:${Partition}:rds:${Region}:${Account}:db:*';

/** A database that got a public address loses it. */
export const reversedPublicDatabase = defineInverse({
  id: 'reversed-public-database',
  danger: 'exposes data',
  calls: { source: 'rds.amazonaws.com', names: ['ModifyDBInstance'], alsoTold: ['CreateDBInstance'] },
  does: 'a database that was made public is reachable inside its VPC alone',
  resource: z.strictObject({ database: z.string().regex(/^[a-zA-Z][a-zA-Z0-9-]{0,62}$/) }),
  /** Null: it is gone. */
  value: z.boolean().nullable(),
  effects({ request }) {
    const left = valueIn(request, 'publiclyAccessible');
    if (left === undefined) return [];
    const resource = { database: textIn(request, 'dBInstanceIdentifier')?.toLowerCase() };
    return [left === true ? { resource, left, guess: false } : { resource, left }];
  },
  listedAs: ({ database }) => database,
  recorded: {
    of: ({ database: name }) => ({ type: 'AWS::RDS::DBInstance', name }),
    value: ({ configuration }) => valueIn(configuration, 'publiclyAccessible'),
  },
  names: ({ scope }, { database }) => [arn(scope, 'rds', `db:${database}`), database],
  says: ({ database }) => `Make database ${database} reachable inside its VPC alone`,
  byHand: (wanted) => (wanted === true ? 'it would have a public address again' : undefined),
  async read(aws, { database: DBInstanceIdentifier }) {
    const { client, api } = await aws.rds();
    try {
      const { DBInstances } = await client.send(new api.DescribeDBInstancesCommand({ DBInstanceIdentifier }));
      return DBInstances?.[0]?.PubliclyAccessible ?? null;
    } catch (error) {
      if (/^DBInstanceNotFound(Fault)?$/.test(awsErrorName(error) ?? '')) return null;
      throw error;
    }
  },
  async put(aws, { database: DBInstanceIdentifier }, to) {
    if (to === null) throw new Error('a database is public or not');
    const { client, api } = await aws.rds();
    await client.send(new api.ModifyDBInstanceCommand({ DBInstanceIdentifier, PubliclyAccessible: to }));
  },
  remains: ({ database }) => [`connections to ${database} that are open live on until they end`],
  permissions: {
    read: [
      {
        actions: ['rds:DescribeDBInstances'],
        resources: [DATABASES],
        why: 'whether a database has a public address',
      },
    ],
    write: [
      {
        actions: ['rds:ModifyDBInstance'],
        resources: [DATABASES],
        why: 'a database that the principal made public is so no longer',
        worst: 'changes any setting of any database: its password, its groups, its public address',
      },
    ],
  },
  words: {
    setting: 'Public database',
    why: 'it is reachable from the internet where a security group lets it',
    values: { true: 'public', false: 'inside the VPC' },
  },
  example: {
    eventName: 'ModifyDBInstance',
    requestParameters: { dBInstanceIdentifier: 'orders', publiclyAccessible: true, applyImmediately: true },
  },
});
