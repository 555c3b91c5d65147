import { awsCommand } from '../../../core/aws/command-line.ts';
import { textIn } from '../../common/changes/inverse.ts';
import { switchedOff } from '../switched-off.ts';

const form = (text = '', pattern: RegExp): string | undefined => (pattern.test(text) ? text : undefined);
const ID = /^rqlc-[0-9a-f]{8,20}$/;

/** DNS queries of a VPC are logged by the configuration that it is associated with. */
export const queryLogs = switchedOff({
  id: 'query-logs',
  source: 'route53resolver.amazonaws.com',
  does: 'associate the VPC with its query logging again; a deleted configuration is created from your template',
  ways: {
    DisassociateResolverQueryLogConfig({ region, request }) {
      const id = form(textIn(request, 'resolverQueryLogConfigId'), ID);
      const vpc = form(textIn(request, 'resourceId'), /^vpc-[0-9a-f]{8,17}$/);
      return {
        what: `DNS queries of ${vpc} are logged no more`,
        command: awsCommand('route53resolver associate-resolver-query-log-config', {
          ...{ region, 'resolver-query-log-config-id': id, 'resource-id': vpc },
        }),
      };
    },
    DeleteResolverQueryLogConfig: ({ region, request }) => ({
      what: `query logging ${form(textIn(request, 'resolverQueryLogConfigId'), ID)} was deleted, and with it its VPCs`,
      command: ID.test(textIn(request, 'resolverQueryLogConfigId') ?? '')
        ? awsCommand('route53resolver list-resolver-query-log-configs', { region })
        : undefined,
    }),
  },
  example: {
    eventName: 'DisassociateResolverQueryLogConfig',
    requestParameters: {
      ...{ resolverQueryLogConfigId: 'rqlc-0123456789abcdef0', resourceId: 'vpc-0123456789abcdef0' },
    },
  },
});
