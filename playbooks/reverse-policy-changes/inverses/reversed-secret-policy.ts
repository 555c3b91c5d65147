import { z } from 'zod';
import { parseArn } from '../../../core/aws/arn.ts';
import type { Aws } from '../../../core/aws/client.ts';
import { awsErrorName } from '../../../core/errors.ts';
import { textIn } from '../../common/changes/inverse.ts';
import { policyEffect } from '../../common/changes/policy.ts';
import { resourcePolicy } from '../resource-policy.ts';

const SECRETS = 'arn:${Partition}:secretsmanager:${Region}:${Account}:secret:*';
const ARN = /^arn:[a-z-]+:secretsmanager:[a-z0-9-]+:\d{12}:secret:[\w/+=.@-]{1,512}-[A-Za-z0-9]{6}$/;

/** Who may read a secret is again who might before. CloudTrail answers the ARN of the secret, as aRN or arn [M-LAB]. */
export const reversedSecretPolicy = resourcePolicy({
  id: 'reversed-secret-policy',
  calls: { source: 'secretsmanager.amazonaws.com', names: ['PutResourcePolicy', 'DeleteResourcePolicy'] },
  resource: z.strictObject({ secret: z.string().regex(ARN) }),
  effects({ name, request, response }, scope) {
    const named = [textIn(response, 'aRN'), textIn(response, 'arn'), textIn(request, 'secretId')];
    const secret = named.find((one) => {
      const owner = one === undefined ? undefined : parseArn(one);
      return owner?.account === scope.account && owner.region === scope.region;
    });
    const left = name === 'PutResourcePolicy' ? textIn(request, 'resourcePolicy') : null;
    return [policyEffect({ secret }, left, scope)];
  },
  listedAs: ({ secret }) => secret,
  names: (_aws, { secret }) => [secret, nameOf(secret)],
  what: ({ secret }) => `secret ${nameOf(secret)}`,
  read: (aws, { secret }) => policyOf(aws, secret),
  async put(aws, { secret: SecretId }, to) {
    const { client, api } = await aws.secretsManager();
    if (to === null) await client.send(new api.DeleteResourcePolicyCommand({ SecretId }));
    else await client.send(new api.PutResourcePolicyCommand({ SecretId, ResourcePolicy: to }));
  },
  permissions: {
    read: [
      { actions: ['secretsmanager:GetResourcePolicy'], resources: [SECRETS], why: 'the policy of a secret' },
    ],
    write: [
      {
        actions: ['secretsmanager:DeleteResourcePolicy', 'secretsmanager:PutResourcePolicy'],
        resources: [SECRETS],
        why: 'the policy of a secret goes back to what it was',
        worst: 'lets anyone read any secret whose key they may use; removes any policy of a secret',
      },
    ],
  },
  ...{ setting: 'Secret policy', why: 'it says who may read the secret' },
  example: {
    eventName: 'PutResourcePolicy',
    requestParameters: {
      secretId: ['arn', 'aws', 'secretsmanager', 'us-east-1', '111122223333', 'secret:shop/db-AbCdEf'].join(
        ':',
      ),
      resourcePolicy:
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"444455556666"},"Action":"secretsmanager:GetSecretValue","Resource":"*"}]}',
    },
  },
});

/** Without the six characters that Secrets Manager adds. */
const nameOf = (secret: string): string => (secret.split(':secret:')[1] ?? secret).slice(0, -7);

async function policyOf(aws: Aws, SecretId: string): Promise<string | null> {
  const { client, api } = await aws.secretsManager();
  try {
    const { ResourcePolicy } = await client.send(new api.GetResourcePolicyCommand({ SecretId }));
    return ResourcePolicy ?? null;
  } catch (error) {
    if (awsErrorName(error) === 'ResourceNotFoundException') return null;
    throw error;
  }
}
