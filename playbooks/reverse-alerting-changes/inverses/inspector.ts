import { awsCommand } from '../../../core/aws/command-line.ts';
import { switchedOff, textsOf } from '../switched-off.ts';

const ALL = ['CODE_REPOSITORY', 'EC2', 'ECR', 'LAMBDA', 'LAMBDA_CODE'];

/** Switched off for everything, it forgets its findings and rules. */
export const inspector = switchedOff({
  id: 'inspector',
  source: 'inspector2.amazonaws.com',
  does: 'enable the scans of Amazon Inspector again, for the accounts and types that the call named',
  ways: {
    Disable(call) {
      const named = textsOf(call, 'resourceTypes', /^[A-Z0-9_]{2,40}$/);
      const accounts = textsOf(call, 'accountIds', /^\d{12}$/);
      return {
        what: `Amazon Inspector was switched off in ${call.region}`,
        command: awsCommand('inspector2 enable', {
          region: call.region,
          ...(accounts.length === 0 ? {} : { 'account-ids': accounts }),
          'resource-types': named.length === 0 ? ALL : named,
        }),
      };
    },
  },
  example: { eventName: 'Disable', requestParameters: { resourceTypes: ['EC2'] } },
});
