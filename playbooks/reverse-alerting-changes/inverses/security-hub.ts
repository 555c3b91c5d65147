import { awsCommand } from '../../../core/aws/command-line.ts';
import { switchedOff, textsOf } from '../switched-off.ts';

const ARN = /^arn:[a-z-]+:securityhub:[a-z0-9-]*:\d{12}:(subscription|product-subscription)\/[\w./-]{1,200}$/;

/** `subscription/NAME` of an account is of the standard of that name; the oldest one is a rule set without a Region. */
function standardOf(subscription: string): string {
  const [, partition = '', , region = '', , name = ''] = subscription.split(':');
  const of = name.replace(/^subscription\//, '');
  return of === 'cis-aws-foundations-benchmark/v/1.2.0'
    ? ['arn', partition, 'securityhub', '', '', `ruleset/${of}`].join(':')
    : ['arn', partition, 'securityhub', region, '', `standards/${of}`].join(':');
}

/** The subscription to a product, as the product that it is to. */
function productOf(subscription: string): string {
  const [, partition = '', , region = '', , name = ''] = subscription.split(':');
  return [
    'arn',
    partition,
    'securityhub',
    region,
    '',
    name.replace('product-subscription/', 'product/'),
  ].join(':');
}

/** Findings stay for 90 days where Security Hub is off; what it checked and took in is set again. */
export const securityHub = switchedOff({
  id: 'security-hub',
  source: 'securityhub.amazonaws.com',
  does: 'enable Security Hub, its standards and the products that it takes findings of again',
  ways: {
    DisableSecurityHub: ({ region }) => ({
      what: `Security Hub was switched off in ${region}: standards, insights and integrations are set from your template`,
      command: awsCommand('securityhub enable-security-hub', { region, 'no-enable-default-standards': true }),
    }),
    BatchDisableStandards(call) {
      const { region } = call;
      const standards = textsOf(call, 'standardsSubscriptionArns', ARN).map(standardOf);
      return {
        what: `${standards.length} standards of Security Hub were switched off in ${region}`,
        command: awsCommand('securityhub batch-enable-standards', {
          region,
          'standards-subscription-requests': standards.map((standard) => `StandardsArn=${standard}`),
        }),
      };
    },
    DisableImportFindingsForProduct(call) {
      const { region } = call;
      const [product] = textsOf(call, 'productSubscriptionArn', ARN).map(productOf);
      return {
        what: `Security Hub takes in no findings of ${product} any more`,
        command: awsCommand('securityhub enable-import-findings-for-product', {
          region,
          'product-arn': product,
        }),
      };
    },
  },
  example: { eventName: 'DisableSecurityHub', requestParameters: {} },
});
