import { z } from 'zod';
import { arn } from '../../../core/aws/arn.ts';
import { awsErrorName } from '../../../core/errors.ts';
import { textIn } from '../../common/changes/inverse.ts';
import { policyEffect } from '../../common/changes/policy.ts';
import { policyTextIn, resourcePolicy } from '../resource-policy.ts';

const REPOSITORIES = 'arn:${Partition}:ecr:${Region}:${Account}:repository/*';

/** Who may pull images and push them is again who might before. */
export const reversedRepositoryPolicy = resourcePolicy({
  id: 'reversed-repository-policy',
  calls: { source: 'ecr.amazonaws.com', names: ['SetRepositoryPolicy', 'DeleteRepositoryPolicy'] },
  resource: z.strictObject({ repository: z.string().regex(/^[a-z0-9][a-z0-9._/-]{1,255}$/) }),
  effects({ name, request, response }, scope) {
    if ((textIn(request, 'registryId') ?? scope.account) !== scope.account) return [];
    const resource = { repository: textIn(request, 'repositoryName') };
    // The answer to the deletion holds what was deleted.
    if (name === 'DeleteRepositoryPolicy')
      return [{ resource, left: null, before: textIn(response, 'policyText') }];
    return [policyEffect(resource, textIn(request, 'policyText'), scope)];
  },
  listedAs: ({ repository: name }) => name,
  recorded: {
    of: ({ repository: id }) => ({ type: 'AWS::ECR::Repository', id }),
    value: ({ configuration }) =>
      textIn(configuration, 'Arn') === undefined
        ? undefined
        : (policyTextIn(configuration, 'RepositoryPolicyText') ?? null),
  },
  names: ({ scope }, { repository: name }) => [arn(scope, 'ecr', `repository/${name}`), name],
  what: ({ repository: name }) => `repository ${name}`,
  async read(aws, { repository: repositoryName }) {
    const { client, api } = await aws.ecr();
    try {
      const { policyText } = await client.send(new api.GetRepositoryPolicyCommand({ repositoryName }));
      return policyText ?? null;
    } catch (error) {
      if (/^Repository(Policy)?NotFoundException$/.test(awsErrorName(error) ?? '')) return null;
      throw error;
    }
  },
  async put(aws, { repository: repositoryName }, to) {
    const { client, api } = await aws.ecr();
    if (to !== null) {
      await client.send(new api.SetRepositoryPolicyCommand({ repositoryName, policyText: to }));
      return;
    }
    try {
      await client.send(new api.DeleteRepositoryPolicyCommand({ repositoryName }));
    } catch (error) {
      if (awsErrorName(error) !== 'RepositoryPolicyNotFoundException') throw error;
    }
  },
  permissions: {
    read: [
      { actions: ['ecr:GetRepositoryPolicy'], resources: [REPOSITORIES], why: 'the policy of a repository' },
    ],
    write: [
      {
        actions: ['ecr:DeleteRepositoryPolicy', 'ecr:SetRepositoryPolicy'],
        resources: [REPOSITORIES],
        why: 'the policy of a repository goes back to what it was',
        worst: 'lets anyone pull from any repository and push to it; removes any of its policies',
      },
    ],
  },
  ...{ setting: 'Repository policy', why: 'it says who may pull images and push them' },
  example: {
    eventName: 'SetRepositoryPolicy',
    requestParameters: {
      ...{ repositoryName: 'shop/web', force: false },
      policyText:
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"ecr:BatchGetImage"}]}',
    },
  },
});
