/** Policies of topics, queues, repositories, keys and secrets, and grants of keys. */
import { arn } from '../../core/aws/arn.ts';
import { own } from '../../core/json.ts';
import { awsError } from '../aws-error.ts';
import type { Answers, TwinCall } from './twin.ts';

interface TwinKeyGrant {
  KeyId: string;
  GrantId: string;
  Name?: string;
  GranteePrincipal: string;
  RetiringPrincipal?: string;
  Operations: string[];
  Constraints?: object;
}
/** Each policy by the name or the ARN of its resource; null or left out where it has none. Part of a Region. */
export interface TwinResourcePolicies {
  topics: Record<string, string>;
  queues: Record<string, string | null>;
  repositories: Record<string, string | null>;
  keys: Record<string, string>;
  secrets: Record<string, string>;
  grants: TwinKeyGrant[];
}

const emptyPolicies = (): TwinResourcePolicies => ({
  ...{ topics: {}, queues: {}, repositories: {}, keys: {}, secrets: {}, grants: [] },
});
/** Returns the policies of a Region, to be changed. */
export function policiesIn(region: TwinCall['region']): TwinResourcePolicies {
  region.policies ??= emptyPolicies();
  return region.policies;
}

/** The policy, and how it is written: what is gone fails with the error of its service. */
interface Slot {
  readonly name: string;
  readonly text: string | null;
  write(text: string | null): void;
}
function slot(
  { region }: TwinCall,
  kind: 'topics' | 'queues' | 'repositories' | 'keys',
  name: string,
  gone: string,
): Slot {
  const all: Record<string, string | null> = (region.policies ?? emptyPolicies())[kind];
  const text = own(all, name);
  if (text === undefined) throw awsError(gone, `${name} does not exist`);
  return {
    ...{ name, text },
    write(to) {
      all[name] = to;
    },
  };
}
const topicOf = (call: TwinCall): Slot =>
  slot(call, 'topics', String(call.input['TopicArn']).replace(/^.*:/, ''), 'NotFoundException');
const queueOf = (call: TwinCall): Slot =>
  slot(
    call,
    'queues',
    String(call.input['QueueName'] ?? call.input['QueueUrl']).replace(/^.*\//, ''),
    'QueueDoesNotExist',
  );
const repositoryOf = (call: TwinCall): Slot =>
  slot(call, 'repositories', String(call.input['repositoryName']), 'RepositoryNotFoundException');
const keyOf = (call: TwinCall): Slot =>
  slot(call, 'keys', String(call.input['KeyId']).replace(/^.*:key\//, ''), 'NotFoundException');

interface Statement {
  Sid?: string;
  [name: string]: unknown;
}
const documentOf = (text: string | null): { Version: string; Statement: Statement[] } =>
  JSON.parse(text ?? '{"Version":"2008-10-17","Statement":[]}');

function add({ input }: TwinCall, policy: Slot, statement: Statement, taken: string): object {
  const document = documentOf(policy.text);
  if (document.Statement.some(({ Sid }) => Sid === input['Label'])) throw awsError(taken, 'Already exists');
  document.Statement.push({ Sid: String(input['Label']), Effect: 'Allow', ...statement });
  policy.write(JSON.stringify(document));
  return {};
}
function remove({ input }: TwinCall, policy: Slot, missing: string): object {
  const document = documentOf(policy.text);
  const kept = document.Statement.filter(({ Sid }) => Sid !== input['Label']);
  if (kept.length === document.Statement.length) throw awsError(missing, 'there is no such label');
  policy.write(kept.length === 0 ? null : JSON.stringify({ ...document, Statement: kept }));
  return {};
}
/** Services write an account as the ARN of its root. */
const roots = ({ scope }: TwinCall, accounts: unknown) => {
  const all = (accounts as string[]).map((account) =>
    arn({ ...scope, account }, 'iam', 'root', { global: true }),
  );
  return { AWS: all.length === 1 ? all[0] : all };
};
const actions = (service: string, names: unknown) => {
  const all = (names as string[]).map((name) => `${service}:${name}`);
  return all.length === 1 ? all[0] : all;
};

const secretArn = ({ scope, input }: TwinCall): string => {
  const name = String(input['SecretId']).replace(/^.*:secret:/, '');
  return arn(scope, 'secretsmanager', `secret:${name}`);
};
function secretOf(call: TwinCall): { readonly ARN: string; readonly Name: string } {
  const ARN = secretArn(call);
  const name = ARN.replace(/^.*:secret:/, '');
  if (own(call.region.secrets ?? {}, name) === undefined)
    throw awsError('ResourceNotFoundException', "Secrets Manager can't find the specified secret.");
  return { ARN, Name: name.replace(/-\w{6}$/, '') };
}

export const resourcePolicies: Readonly<Record<string, Answers>> = {
  SNS: {
    GetTopicAttributes: (call) => {
      const { text } = topicOf(call);
      return { Attributes: { TopicArn: call.input['TopicArn'], ...(text === null ? {} : { Policy: text }) } };
    },
    SetTopicAttributes: (call) => {
      topicOf(call).write(String(call.input['AttributeValue']));
      return {};
    },
    AddPermission: (call) => {
      const { AWSAccountId, ActionName } = call.input;
      const statement = {
        ...{ Principal: roots(call, AWSAccountId), Action: actions('SNS', ActionName) },
        Resource: call.input['TopicArn'],
      };
      return add(call, topicOf(call), statement, 'InvalidParameterException');
    },
    RemovePermission: (call) => remove(call, topicOf(call), 'NotFoundException'),
  },
  SQS: {
    GetQueueUrl: (call) => {
      const { region, account } = call.scope;
      return { QueueUrl: `https://sqs.${region}.amazonaws.com/${account}/${queueOf(call).name}` };
    },
    GetQueueAttributes: (call) => {
      const { text: policy } = queueOf(call);
      return policy === null ? {} : { Attributes: { Policy: policy } };
    },
    SetQueueAttributes: (call) => {
      const { Policy } = call.input['Attributes'] as { Policy: string };
      queueOf(call).write(Policy === '' ? null : Policy);
      return {};
    },
    AddPermission: (call) => {
      const { AWSAccountIds, Actions } = call.input;
      const queue = queueOf(call);
      const statement = {
        ...{ Principal: roots(call, AWSAccountIds), Action: actions('SQS', Actions) },
        Resource: arn(call.scope, 'sqs', queue.name),
      };
      return add(call, queue, statement, 'InvalidParameterValue');
    },
    RemovePermission: (call) => remove(call, queueOf(call), 'InvalidParameterValue'),
  },
  ECR: {
    GetRepositoryPolicy: (call) => {
      const { name: repositoryName, text: policyText } = repositoryOf(call);
      if (policyText === null)
        throw awsError('RepositoryPolicyNotFoundException', 'Repository policy does not exist');
      return { registryId: call.scope.account, repositoryName, policyText };
    },
    SetRepositoryPolicy: (call) => {
      const { repositoryName, policyText } = call.input;
      repositoryOf(call).write(String(policyText));
      return { registryId: call.scope.account, repositoryName, policyText };
    },
    DeleteRepositoryPolicy: (call) => {
      const repository = repositoryOf(call);
      const { name: repositoryName, text: policyText } = repository;
      if (policyText === null)
        throw awsError('RepositoryPolicyNotFoundException', 'Repository policy does not exist');
      repository.write(null);
      return { registryId: call.scope.account, repositoryName, policyText };
    },
  },
  KMS: {
    GetKeyPolicy: (call) => ({ Policy: keyOf(call).text, PolicyName: 'default' }),
    PutKeyPolicy: (call) => {
      const wanted = String(call.input['Policy']);
      // The lockout check: the account must stay in charge.
      if (!wanted.includes(`:iam::${call.scope.account}:root`) && !wanted.includes(`"${call.scope.account}"`))
        throw awsError(
          'MalformedPolicyDocumentException',
          'The new key policy will not allow you to update the key policy in the future.',
        );
      keyOf(call).write(wanted);
      return {};
    },
    ListGrants: (call) => {
      const { name } = keyOf(call);
      const found = (call.region.policies?.grants ?? []).filter(({ KeyId }) => KeyId === name);
      return { Grants: found, Truncated: false };
    },
    CreateGrant: (call) => {
      const { name: KeyId } = keyOf(call);
      const { grants } = policiesIn(call.region);
      const { Name, GranteePrincipal, RetiringPrincipal, Operations, Constraints } = call.input;
      const known = grants.find((one) => one.KeyId === KeyId && Name !== undefined && one.Name === Name);
      if (known) return { GrantId: known.GrantId, GrantToken: 'token' };
      const GrantId = call
        .nextId('grant')
        .replace(/[^0-9a-f]/g, '')
        .padStart(64, '0');
      grants.push({
        ...{ KeyId, GrantId, GranteePrincipal: String(GranteePrincipal), Operations: Operations as string[] },
        ...(Name === undefined ? {} : { Name: String(Name) }),
        ...(RetiringPrincipal === undefined ? {} : { RetiringPrincipal: String(RetiringPrincipal) }),
        ...(Constraints === undefined ? {} : { Constraints: Constraints as object }),
      });
      return { GrantId, GrantToken: 'token' };
    },
    RevokeGrant: (call) => {
      const policies = policiesIn(call.region);
      const { name: KeyId } = keyOf(call);
      const left = policies.grants.filter(
        (one) => one.KeyId !== KeyId || one.GrantId !== call.input['GrantId'],
      );
      if (left.length === policies.grants.length) throw awsError('NotFoundException', 'no such grant');
      policies.grants = left;
      return {};
    },
  },
  SecretsManager: {
    GetResourcePolicy: (call) => {
      const secret = secretOf(call);
      const ResourcePolicy = own(call.region.policies?.secrets ?? {}, secret.ARN);
      return { ...secret, ...(ResourcePolicy === undefined ? {} : { ResourcePolicy }) };
    },
    PutResourcePolicy: (call) => {
      const secret = secretOf(call);
      policiesIn(call.region).secrets[secret.ARN] = String(call.input['ResourcePolicy']);
      return secret;
    },
    DeleteResourcePolicy: (call) => {
      const secret = secretOf(call);
      delete policiesIn(call.region).secrets[secret.ARN];
      return secret;
    },
  },
};
