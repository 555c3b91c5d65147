/** Who in the VPC resolved a domain lately: Route 53 Resolver's query log, where it goes to CloudWatch Logs. */
import { z } from 'zod';
import { parseArn } from '../../core/aws/arn.ts';
import type { Aws } from '../../core/aws/client.ts';
import { awsErrorName, isAccessDenied } from '../../core/errors.ts';
import { isJsonObject, type Json } from '../../core/json.ts';

const LOOK_BACK_MS = 24 * 3_600_000;
/** One page: enough for a card, and the decision does not wait for more. */
const MOST_EVENTS = 500;

export const queriedBy = z.discriminatedUnion('read', [
  /** Instances, or addresses where the log names none; `more` where the page was full. */
  z.object({ read: z.literal(true), who: z.array(z.string()), more: z.boolean() }),
  z.object({ read: z.literal(false), why: z.string() }),
]);
export type QueriedBy = z.infer<typeof queriedBy>;

/** A line of the log. [M]: query_name ends in a dot; srcids.instance is there for queries of an instance. */
const line = z.object({
  srcaddr: z.string().max(45).optional(),
  srcids: z.object({ instance: z.string().max(40).optional() }).optional(),
});

/** Returns who asked the VPC's resolver for the domain or a name below it in the last 24 hours. */
export async function whoResolved(aws: Aws, vpcId: string, domain: string, now: Date): Promise<QueriedBy> {
  try {
    const group = await logGroupOf(aws, vpcId);
    if (group === undefined) return { read: false, why: `${vpcId} has no query log in CloudWatch Logs` };
    const { client, api } = await aws.cloudWatchLogs();
    const { events = [], nextToken } = await client.send(
      new api.FilterLogEventsCommand({
        logGroupName: group,
        startTime: now.getTime() - LOOK_BACK_MS,
        filterPattern: `{ ($.vpc_id = "${vpcId}") && (($.query_name = "${domain}.") || ($.query_name = "*.${domain}.")) }`,
        limit: MOST_EVENTS,
      }),
    );
    const who = events.flatMap(({ message }) => {
      const parsed = line.safeParse(jsonIn(message));
      return parsed.success ? (parsed.data.srcids?.instance ?? parsed.data.srcaddr ?? []) : [];
    });
    return { read: true, who: [...new Set(who)].sort(), more: nextToken !== undefined };
  } catch (error) {
    if (isAccessDenied(error)) return { read: false, why: `the query log of ${vpcId} may not be read` };
    if (awsErrorName(error) === 'ResourceNotFoundException')
      return { read: false, why: `the query log of ${vpcId} is gone` };
    throw error;
  }
}

async function logGroupOf(aws: Aws, vpcId: string): Promise<string | undefined> {
  const { client, api } = await aws.route53Resolver();
  const { ResolverQueryLogConfigAssociations: associations = [] } = await client.send(
    new api.ListResolverQueryLogConfigAssociationsCommand({
      Filters: [{ Name: 'ResourceId', Values: [vpcId] }],
    }),
  );
  const ids = associations.flatMap(({ ResolverQueryLogConfigId }) => ResolverQueryLogConfigId ?? []);
  const arns = await Promise.all(
    ids.map(async (ResolverQueryLogConfigId) => {
      const { ResolverQueryLogConfig } = await client.send(
        new api.GetResolverQueryLogConfigCommand({ ResolverQueryLogConfigId }),
      );
      return parseArn(ResolverQueryLogConfig?.DestinationArn ?? '');
    }),
  );
  const group = arns.find((arn) => arn?.service === 'logs' && arn.account === aws.scope.account);
  return group?.resource.replace(/^log-group:/, '').replace(/:\*$/, '');
}

function jsonIn(text: string | undefined): Json {
  try {
    const value: unknown = JSON.parse(text ?? 'null');
    return isJsonObject(value) ? value : null;
  } catch {
    return null;
  }
}
