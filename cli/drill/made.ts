/** Each kind of resource that a drill makes: how it is found again by its tag, and removed. In the order of removal. */
import { awsErrorName } from '../../core/errors.ts';
import { database, databaseSnapshot, subnetGroup } from './made/databases.ts';
import { filter, list } from './made/detector.ts';
import { gateway, group, instance, routeTable, snapshot, subnet, vpc } from './made/network.ts';
import { role, user } from './made/principals.ts';
import { bucket, trail } from './made/storage.ts';
import { cluster, kubernetes, lambdaFunction, task, taskDefinition } from './made/workloads.ts';

/** In the order of removal. */
export const KINDS = {
  filter,
  list,
  snapshot,
  instance,
  task,
  taskDefinition,
  cluster,
  databaseSnapshot,
  database,
  kubernetes,
  function: lambdaFunction,
  trail,
  user,
  role,
  bucket,
  subnetGroup,
  gateway,
  group,
  routeTable,
  subnet,
  vpc,
};
export type KindName = keyof typeof KINDS;

/** What is in the way of a removal is gone after a while: an instance ends, an interface with it. */
const BUSY =
  /^(DependencyViolation|DeleteConflict(Exception)?|BucketNotEmpty|OperationAborted|IncorrectState|InvalidSnapshot\.InUse|ClusterContains\w+Exception|ResourceInUseException|UpdateInProgressException|InvalidDB(Instance|Snapshot|SubnetGroup)State(Fault)?)$/;

export const isBusy = (error: unknown): boolean => BUSY.test(awsErrorName(error) ?? '');
