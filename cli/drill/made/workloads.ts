/** Functions, tasks of ECS and clusters of EKS. */

import {
  DeleteClusterCommand,
  DeleteTaskDefinitionsCommand,
  DeregisterTaskDefinitionCommand,
  DescribeClustersCommand,
  DescribeTaskDefinitionCommand,
  ListTaskDefinitionFamiliesCommand,
  ListTaskDefinitionsCommand,
} from '@aws-sdk/client-ecs';
import { DeleteClusterCommand as DeleteKubernetesCommand } from '@aws-sdk/client-eks';
import { DeleteFunctionCommand, ListFunctionsCommand } from '@aws-sdk/client-lambda';
import type { Aws } from '../../../core/aws/client.ts';
import { awsErrorName } from '../../../core/errors.ts';
import { DRILL_TAG, DRILL_PREFIX as PREFIX } from '../../../core/incident/drill.ts';
import { each, found, type Kind, unlessGone } from './kind.ts';

export const lambdaFunction: Kind = {
  async find(aws) {
    const { client, api } = await aws.lambda();
    const { Functions } = await client.send(new ListFunctionsCommand({}));
    return each(
      Functions?.filter(({ FunctionName }) => FunctionName?.startsWith(PREFIX)),
      async ({ FunctionName, FunctionArn }) => {
        const { Tags } = await client.send(new api.ListTagsCommand({ Resource: FunctionArn }));
        return found(FunctionName, Tags?.[DRILL_TAG]);
      },
    );
  },
  async remove(aws, id) {
    const { client } = await aws.lambda();
    await unlessGone(() => client.send(new DeleteFunctionCommand({ FunctionName: id })));
  },
};

export const task: Kind = {
  async find(aws) {
    const { client, api } = await aws.ecs();
    return each(await cluster.find(aws), async ({ id, drill }) => {
      const { taskArns = [] } = await client.send(new api.ListTasksCommand({ cluster: id }));
      return taskArns.flatMap((one) => found(one, drill));
    });
  },
  async remove(aws, id) {
    const { client, api } = await aws.ecs();
    await client.send(new api.StopTaskCommand({ cluster: id.split('/').at(-2), task: id }));
  },
};

async function tagsOfFamily(aws: Aws, family: string) {
  const { client } = await aws.ecs();
  try {
    const { tags = [] } = await client.send(
      new DescribeTaskDefinitionCommand({ taskDefinition: family, include: ['TAGS'] }),
    );
    return tags;
  } catch (error) {
    // What ECS answers for a family without an active revision: a family is listed for a while after it is gone.
    if (awsErrorName(error) === 'ClientException') return [];
    throw error;
  }
}

/** By its family: a drill registers one revision. */
export const taskDefinition: Kind = {
  async find(aws) {
    const { client } = await aws.ecs();
    const { families = [] } = await client.send(
      new ListTaskDefinitionFamiliesCommand({ familyPrefix: PREFIX, status: 'ACTIVE' }),
    );
    return each(families, async (family) => {
      const tags = await tagsOfFamily(aws, family);
      return found(family, tags.find(({ key }) => key === DRILL_TAG)?.value);
    });
  },
  async remove(aws, id) {
    const { client } = await aws.ecs();
    const { taskDefinitionArns = [] } = await client.send(
      new ListTaskDefinitionsCommand({ familyPrefix: id }),
    );
    for (const one of taskDefinitionArns) {
      await client.send(new DeregisterTaskDefinitionCommand({ taskDefinition: one }));
      await client.send(new DeleteTaskDefinitionsCommand({ taskDefinitions: [one] }));
    }
  },
};

export const cluster: Kind = {
  async find(aws) {
    const { client, api } = await aws.ecs();
    const { clusterArns = [] } = await client.send(new api.ListClustersCommand({}));
    const own = clusterArns.filter((one) => one.split('/').at(-1)?.startsWith(PREFIX));
    if (own.length === 0) return [];
    const { clusters = [] } = await client.send(
      new DescribeClustersCommand({ clusters: own, include: ['TAGS'] }),
    );
    return clusters.flatMap(({ clusterName, status, tags = [] }) =>
      status === 'INACTIVE' ? [] : found(clusterName, tags.find(({ key }) => key === DRILL_TAG)?.value),
    );
  },
  async remove(aws, id) {
    const { client } = await aws.ecs();
    await unlessGone(() => client.send(new DeleteClusterCommand({ cluster: id })));
  },
};

/** A cluster of EKS; its access entries go with it. */
export const kubernetes: Kind = {
  async find(aws) {
    const { client, api } = await aws.eks();
    const { clusters } = await client.send(new api.ListClustersCommand({}));
    return each(
      clusters?.filter((name) => name.startsWith(PREFIX)),
      async (name) => {
        const read = await unlessGone(() => client.send(new api.DescribeClusterCommand({ name })));
        return read?.cluster?.status === 'DELETING' ? [] : found(name, read?.cluster?.tags?.[DRILL_TAG]);
      },
    );
  },
  async remove(aws, id) {
    const { client } = await aws.eks();
    await unlessGone(() => client.send(new DeleteKubernetesCommand({ name: id })));
  },
};
