/**
 * The stack's data under a key of the customer, where the deployment names one (`--param kms-key-arn=…`): what the
 * framework makes for each function, and the right to use the key. deploy/resources.yml has the rest.
 */
import { ROLE_PATH } from '../core/policy/protected.ts';
import { CUSTOMER_KEY, FUNCTIONS } from './access.ts';
import { pascal } from './statements.ts';

const withKey = { 'Fn::If': ['CustomerKey', { Ref: 'KmsKeyArn' }, { Ref: 'AWS::NoValue' }] };

/** The framework's logical names: `slack-work` becomes SlackDashwork. */
const logical = (name: string): string => {
  const dashed = name.replaceAll('-', 'Dash');
  return dashed.charAt(0).toUpperCase() + dashed.slice(1);
};

export function customerKey(): object {
  const extensions = Object.fromEntries([
    ...FUNCTIONS.flatMap(({ name }) => [
      // The environment of a function.
      [`${logical(name)}LambdaFunction`, { Properties: { KmsKeyArn: withKey } }],
      [`${logical(name)}LogGroup`, { Properties: { KmsKeyId: withKey } }],
    ]),
    ['HttpApiLogGroup', { Properties: { KmsKeyId: withKey } }],
  ]);
  return {
    extensions,
    Resources: {
      CustomerKeyPolicy: {
        Type: 'AWS::IAM::ManagedPolicy',
        Condition: 'CustomerKey',
        Properties: {
          Path: ROLE_PATH,
          Description: CUSTOMER_KEY.why,
          Roles: FUNCTIONS.map(({ name }) => ({ Ref: `${pascal(name)}Role` })),
          PolicyDocument: {
            Version: '2012-10-17',
            Statement: [{ Effect: 'Allow', Action: CUSTOMER_KEY.actions, Resource: { Ref: 'KmsKeyArn' } }],
          },
        },
      },
    },
  };
}
