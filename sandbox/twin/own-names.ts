/** Names of the account's own: Route 53 zones, certificates, and the query logs that tell who resolves what. */
import { awsError } from '../aws-error.ts';
import type { Answers, TwinCall } from './twin.ts';

/** A Region's part; Route 53 is global and answers of all Regions alike. */
export interface TwinOwnNames {
  zones: string[];
  certificates: { DomainName: string; SubjectAlternativeNameSummaries: string[] }[];
  queryLogs: { Id: string; VpcId: string; LogGroup: string; lines: Record<string, unknown>[] }[];
}
export const emptyOwnNames = (): TwinOwnNames => ({ zones: [], certificates: [], queryLogs: [] });

/** Absent in what earlier versions saved. */
const own = ({ region }: TwinCall): TwinOwnNames => region.ownNames ?? emptyOwnNames();

const fromTheRight = (name: string): string => name.split('.').reverse().join('.');

function logOf(call: TwinCall): TwinOwnNames['queryLogs'][number] {
  const found = own(call).queryLogs.find(({ Id }) => Id === call.input['ResolverQueryLogConfigId']);
  if (found) return found;
  throw awsError('ResourceNotFoundException', '[RSLVR-00903] The query log configuration does not exist.');
}

export const ownNames: Readonly<Record<string, Answers>> = {
  Route53: {
    ListHostedZonesByName: ({ state, input }) => {
      const from = fromTheRight(String(input['DNSName'] ?? ''));
      const zones = Object.values(state.regions)
        .flatMap((region) => region.ownNames?.zones ?? [])
        .sort((a, b) => fromTheRight(a).localeCompare(fromTheRight(b)))
        .filter((zone) => fromTheRight(zone) >= from);
      const most = Number(input['MaxItems'] ?? 100);
      return {
        HostedZones: zones.slice(0, most).map((zone, index) => ({
          Id: `/hostedzone/Z${String(index).padStart(13, '0')}`,
          Name: `${zone}.`,
          CallerReference: zone,
        })),
        IsTruncated: zones.length > most,
        MaxItems: most,
      };
    },
  },
  ACM: {
    ListCertificates: (call) => ({
      CertificateSummaryList: own(call).certificates.map((certificate, index) => ({
        CertificateArn: `arn:${call.scope.partition}:acm:${call.scope.region}:${call.scope.account}:certificate/00000000-0000-4000-8000-${String(index).padStart(12, '0')}`,
        ...certificate,
      })),
    }),
  },
  Route53Resolver: {
    ListResolverQueryLogConfigAssociations: (call) => {
      const [filter] = (call.input['Filters'] ?? []) as { Values: string[] }[];
      const found = own(call).queryLogs.filter(({ VpcId }) => filter?.Values.includes(VpcId) ?? true);
      return {
        ResolverQueryLogConfigAssociations: found.map(({ Id, VpcId }) => ({
          Id: `rslvr-qlcassoc-${Id}`,
          ResolverQueryLogConfigId: Id,
          ResourceId: VpcId,
          Status: 'ACTIVE',
        })),
      };
    },
    GetResolverQueryLogConfig: (call) => {
      const { Id, LogGroup } = logOf(call);
      const { partition, region, account } = call.scope;
      return {
        ResolverQueryLogConfig: {
          Id,
          DestinationArn: `arn:${partition}:logs:${region}:${account}:log-group:${LogGroup}:*`,
        },
      };
    },
  },
  CloudWatchLogs: {
    FilterLogEvents: (call) => {
      const log = own(call).queryLogs.find(({ LogGroup }) => LogGroup === call.input['logGroupName']);
      if (!log) throw awsError('ResourceNotFoundException', 'The specified log group does not exist.');
      // The one form of pattern that Firebreak writes: a VPC, a name, and everything below it.
      const [vpc = '', name = ''] = [...String(call.input['filterPattern']).matchAll(/= "([^"*]+)"/g)].map(
        ([, value]) => value,
      );
      const matching = log.lines.filter(
        ({ vpc_id, query_name }) =>
          vpc_id === vpc &&
          typeof query_name === 'string' &&
          (query_name === name || query_name.endsWith(`.${name}`)),
      );
      return { events: matching.map((line) => ({ message: JSON.stringify(line) })) };
    },
  },
};
