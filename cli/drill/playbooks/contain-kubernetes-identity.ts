/** A user in a thief's hands whom an access entry lets into a cluster: the entry's rights are taken away. */

import { CreateAccessEntryCommand, CreateClusterCommand } from '@aws-sdk/client-eks';
import {
  AttachRolePolicyCommand,
  CreateAccessKeyCommand,
  CreateUserCommand,
  type User,
} from '@aws-sdk/client-iam';
import { arn } from '../../../core/aws/arn.ts';
import type { Aws } from '../../../core/aws/client.ts';
import { awsErrorName, isFirebreakError } from '../../../core/errors.ts';
import { DRILL_TAG } from '../../../core/incident/drill.ts';
import { PATH } from '../made/kind.ts';
import { given, makeVpc } from '../network.ts';
import { makeRole, policy, tagOf } from '../parts.ts';
import type { Drill, Kit } from '../scene.ts';

/** EKS makes a control plane in about a quarter of an hour. */
const MAKING_SECONDS = 2400;
const NAMESPACE = 'default';

const viewPolicy = ({ aws }: Pick<Kit, 'aws'>): string =>
  arn({ ...aws.scope, account: 'aws', region: '' }, 'eks', 'cluster-access-policy/AmazonEKSViewPolicy');

export const containKubernetesIdentity: Drill = {
  playbook: 'contain-kubernetes-identity',
  extra: 'eks',
  makes:
    'an EKS cluster without nodes, whose API is open to the internet and lets in one user of the drill by an access entry with AmazonEKSViewPolicy',
  attack: "lists pods with the user's access key",
  probe: 'lists pods with that key',
  cost: { usd: 0.2, why: 'the control plane of a cluster for up to two hours' },
  minutes: 50,
  settles: ['access-entry-at-once'],
  async play(kit) {
    const { client, api } = await kit.aws.eks();
    const clusterName = await makeCluster(kit);
    const { user, thief } = await makeUser(kit, clusterName);
    const principalArn = given(user.Arn, 'user');
    const policyArn = viewPolicy(kit);
    await kit.until('EKS knows the new user', async () => {
      try {
        await client.send(
          new CreateAccessEntryCommand({ clusterName, principalArn, tags: { [DRILL_TAG]: kit.id } }),
        );
        return true;
      } catch (error) {
        if (awsErrorName(error) !== 'InvalidParameterException') throw error;
        return false;
      }
    });
    await client.send(
      new api.AssociateAccessPolicyCommand({
        ...{ clusterName, principalArn, policyArn, accessScope: { type: 'cluster' } },
      }),
    );
    const isRefused = () => isRefusedBy(thief, clusterName);
    return {
      finding: {
        ...{ type: 'CredentialAccess:Kubernetes/MaliciousIPCaller', severity: 8, resourceRole: 'TARGET' },
        resource: {
          resourceType: 'EKSCluster',
          eksClusterDetails: {
            ...{ name: clusterName, arn: arn(kit.aws.scope, 'eks', `cluster/${clusterName}`) },
          },
          kubernetesDetails: {
            kubernetesUserDetails: {
              ...{ username: principalArn, groups: ['system:authenticated'] },
              uid: `aws-iam-authenticator:${kit.aws.scope.account}:${user.UserId ?? ''}`,
            },
          },
        },
        action: {},
      },
      attack: () => kit.until('the pods can be listed', async () => !(await isRefused()), 600),
      holds: isRefused,
      works: async () => !(await isRefused()),
      async state() {
        const { accessEntry } = await client.send(
          new api.DescribeAccessEntryCommand({ clusterName, principalArn }),
        );
        const { associatedAccessPolicies = [] } = await client.send(
          new api.ListAssociatedAccessPoliciesCommand({ clusterName, principalArn }),
        );
        return {
          groups: [...(accessEntry?.kubernetesGroups ?? [])].sort(),
          policies: associatedAccessPolicies.map(({ policyArn: one = '', accessScope }) => [
            one,
            accessScope?.type ?? '',
          ]),
        };
      },
      facts: [
        async () => [
          {
            id: 'access-entry-at-once',
            verdict: (await isRefused()) ? 'confirmed' : 'refuted',
            saw: 'a token of the same key was refused once the entry granted nothing',
          },
        ],
      ],
    };
  },
};

/** Whether the cluster refuses to list pods. Throws what is no answer to that. */
async function isRefusedBy(thief: Aws, cluster: string): Promise<boolean> {
  try {
    const { core } = await thief.kubernetes(cluster);
    await core.listNamespacedPod({ namespace: NAMESPACE });
    return false;
  } catch (error) {
    // The key is new: IAM does not let it describe the cluster yet.
    if (isFirebreakError(error, 'AccessDenied') || awsErrorName(error) === 'AccessDeniedException')
      return true;
    throw error;
  }
}

async function makeCluster(kit: Kit): Promise<string> {
  const { client, api } = await kit.aws.eks();
  const { client: iam } = await kit.aws.iam();
  const { subnets } = await makeVpc(kit, 2);
  const role = await makeRole(kit, 'cluster-role', { service: 'eks.amazonaws.com' });
  const PolicyArn = arn({ ...kit.aws.scope, account: 'aws' }, 'iam', 'policy/AmazonEKSClusterPolicy', {
    global: true,
  });
  await iam.send(new AttachRolePolicyCommand({ RoleName: role.name, PolicyArn }));
  const name = kit.name('eks');
  await kit.make('kubernetes', name, () =>
    kit.until('EKS can assume the new role', async () => {
      try {
        await client.send(
          new CreateClusterCommand({
            ...{ name, roleArn: role.arn, tags: { [DRILL_TAG]: kit.id } },
            resourcesVpcConfig: { subnetIds: [...subnets], endpointPublicAccess: true },
            accessConfig: { authenticationMode: 'API', bootstrapClusterCreatorAdminPermissions: false },
          }),
        );
        return true;
      } catch (error) {
        if (awsErrorName(error) !== 'InvalidParameterException') throw error;
        return false;
      }
    }),
  );
  await kit.until(
    'the cluster is active',
    async () => (await client.send(new api.DescribeClusterCommand({ name }))).cluster?.status === 'ACTIVE',
    MAKING_SECONDS,
  );
  return name;
}

/** A user with one access key, which may find the cluster's endpoint and nothing else. */
async function makeUser(kit: Kit, cluster: string): Promise<{ readonly user: User; readonly thief: Aws }> {
  const { client, api } = await kit.aws.iam();
  const UserName = kit.name('kubernetes-user');
  const { User: user = {} as User } = await kit.make('user', UserName, () =>
    client.send(new CreateUserCommand({ UserName, Path: PATH, Tags: tagOf(kit) })),
  );
  const Resource = arn(kit.aws.scope, 'eks', `cluster/${cluster}`);
  await client.send(
    new api.PutUserPolicyCommand({
      ...{ UserName, PolicyName: 'drill' },
      PolicyDocument: policy({ Effect: 'Allow', Action: 'eks:DescribeCluster', Resource }),
    }),
  );
  const { AccessKey } = await client.send(new CreateAccessKeyCommand({ UserName }));
  const thief = kit.as({
    accessKeyId: given(AccessKey?.AccessKeyId, 'access key'),
    secretAccessKey: given(AccessKey?.SecretAccessKey, 'secret of the access key'),
  });
  return { user, thief };
}
