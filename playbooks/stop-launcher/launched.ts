/**
 * What else a principal launched, in every enabled Region: miners are started where no one looks. One look-up of the
 * principal's calls in each Region; LookupEvents allows two calls a second for an account and Region.
 */
import { z } from 'zod';
import type { Aws } from '../../core/aws/client.ts';
import { eventPages } from '../../core/aws/event-history.ts';
import { enabledRegions } from '../../core/aws/regions.ts';
import { awsErrorName, isAwsError, mayRetry } from '../../core/errors.ts';
import type { AccessKeyResource, Finding } from '../../core/finding/finding.ts';
import { callerOf, callerRecord, type Launch } from './launch.ts';

const DAY_MS = 86_400_000;
/** 50 events each, two a second, all Regions at once: some ten seconds. More is named as not looked through. */
const MOST_PAGES = 15;

const started = z.object({
  instancesSet: z.object({ items: z.array(z.object({ instanceId: z.string() })) }),
});
const group = z.object({ autoScalingGroupName: z.string() });

/** Calls that start something which can mine and which no playbook stops; reported. */
const OTHERS = new Set([
  'CreateCluster',
  'CreateFleet',
  'CreateFunction20150331',
  'CreateInstances',
  'CreateNotebookInstance',
  'CreateService',
  'CreateTrainingJob',
  'RequestSpotFleet',
  'RequestSpotInstances',
  'RunJobFlow',
  'RunTask',
  'SubmitJob',
]);

export interface LaunchedInstance {
  readonly region: string;
  readonly instanceId: string;
}
export interface Launched {
  /** Instances that still exist. */
  readonly instances: readonly LaunchedInstance[];
  /** What else it started, and where no one could look: lines for people. */
  readonly left: readonly string[];
}

/** Everything the launcher started since a day before the launch. `launch.by` must name its calls (a user or session name). */
export async function launchedBy(launch: Launch, finding: Finding, aws: Aws): Promise<Launched> {
  const name = callName(launch.by);
  if (name === undefined)
    return { instances: [], left: [`what else ${launch.by.principalId ?? 'it'} launched is not known`] };
  const regions = await enabledRegions(aws);
  if ('why' in regions)
    return {
      instances: [],
      left: [`other Regions were not looked into: they may not be listed (${regions.why})`],
    };
  const seen = Date.parse(launch.at ?? finding.firstSeen ?? finding.createdAt ?? finding.updatedAt);
  const from = new Date(seen - DAY_MS);
  const found = await Promise.all(
    regions.map((region) => inRegion(aws.inRegion(region), region, name, launch, from)),
  );
  return {
    instances: found.flatMap(({ instances }) => instances),
    left: found.flatMap(({ left }) => left),
  };
}

/** What CloudTrail calls `Username`: the user's name, or the name of a role's session. */
function callName({ principalId = '', userName, userType }: AccessKeyResource): string | undefined {
  const session = /^AROA[A-Z0-9]+:([\w+=,.@-]{2,64})$/.exec(principalId)?.[1];
  const name = session ?? (userType === 'Root' ? 'root' : userName);
  return name !== undefined && /^[\w+=,.@-]{1,64}$/.test(name) ? name : undefined;
}

async function inRegion(
  aws: Aws,
  region: string,
  name: string,
  launch: Launch,
  from: Date,
): Promise<Launched> {
  const ids = new Set<string>();
  const left = new Set<string>();
  let pages = 0;
  try {
    for await (const page of eventPages(aws, { attribute: 'Username', value: name, from })) {
      for (const raw of page) {
        const { success, data } = callerRecord.safeParse(raw);
        // Another role's session can carry the same name.
        if (!success || data.errorCode !== undefined || callerOf(data).principalId !== launch.by.principalId)
          continue;
        const { eventName, eventTime = 'an unknown time' } = data;
        const run = started.safeParse(data.responseElements);
        const made = group.safeParse(data.requestParameters);
        if (eventName === 'RunInstances' && run.success)
          for (const { instanceId } of run.data.instancesSet.items) ids.add(instanceId);
        else if (eventName === 'CreateAutoScalingGroup' && made.success)
          left.add(
            `Auto Scaling group ${made.data.autoScalingGroupName} in ${region}, created by it at ${eventTime}: set its minimum, maximum and desired size to 0 by hand`,
          );
        else if (OTHERS.has(eventName))
          left.add(`${eventName} in ${region} at ${eventTime}: stop what it started by hand`);
      }
      pages += 1;
      if (pages === MOST_PAGES) {
        left.add(
          `${region}: more than ${MOST_PAGES} pages of calls by ${name}; only the newest were looked through`,
        );
        break;
      }
    }
    return { instances: await alive(aws, region, [...ids]), left: [...left] };
  } catch (error) {
    // One Region that says no (a policy, an opt-in under way) does not keep the others from being listed.
    if (!isAwsError(error) || mayRetry(error)) throw error;
    return { instances: [], left: [`${region} was not looked into (${awsErrorName(error) ?? 'denied'})`] };
  }
}

/** Those that have not been ended. A filter, not InstanceIds: an unknown id would be an error. */
async function alive(aws: Aws, region: string, ids: readonly string[]): Promise<readonly LaunchedInstance[]> {
  const known = ids.filter((id) => /^i-[0-9a-f]{8,17}$/.test(id));
  if (known.length === 0) return [];
  const { client, api } = await aws.ec2();
  const all: LaunchedInstance[] = [];
  // A filter takes 200 values.
  for (let start = 0; start < known.length; start += 200) {
    let token: string | undefined;
    do {
      const page = await client.send(
        new api.DescribeInstancesCommand({
          Filters: [{ Name: 'instance-id', Values: known.slice(start, start + 200) }],
          ...(token === undefined ? {} : { NextToken: token }),
        }),
      );
      token = page.NextToken;
      for (const { InstanceId, State } of (page.Reservations ?? []).flatMap(
        ({ Instances }) => Instances ?? [],
      ))
        if (InstanceId && State?.Name !== 'terminated' && State?.Name !== 'shutting-down')
          all.push({ region, instanceId: InstanceId });
    } while (token !== undefined);
  }
  return all;
}
