/** The step kind: one inline policy of our own name that denies the calls by which models are invoked, and nothing else. */
import { z } from 'zod';
import type { JsonObject } from '../../core/json.ts';
import { deniesOnly, isOwnPolicy } from '../common/iam/policy-documents.ts';
import { liveInline, putInline, removeInline } from '../common/role-session/inline-deny.ts';
import { anyJson, cannotRestore, stepKind } from '../common/step-kind.ts';
import { facts } from './target.ts';

/** Calls whose resource is the model. */
const ON_MODELS = [
  'bedrock:Converse',
  'bedrock:ConverseStream',
  'bedrock:InvokeModel',
  'bedrock:InvokeModelWithResponseStream',
  'sagemaker:InvokeEndpoint',
  'sagemaker:InvokeEndpointAsync',
  'sagemaker:InvokeEndpointWithResponseStream',
];
/** Its resource is a project, and the model is a part of the request: it is denied for every model [M]. */
const ON_PROJECTS = ['bedrock-mantle:CreateInference'];

const args = z.object({
  principal: z.enum(['role', 'user']),
  name: z.string(),
  policyName: z.string(),
  userId: z.string().nullable(),
  /** ARNs; empty: every model. */
  models: z.array(z.string()),
});
export type DenyArgs = z.infer<typeof args>;

/** Equal arguments give equal text, so that a second run sees its own. */
export function denyModels({ userId, models }: Pick<DenyArgs, 'userId' | 'models'>): JsonObject {
  const who = userId === null ? {} : { Condition: { StringEquals: { 'aws:userid': userId } } };
  const statement = (
    Sid: string,
    Action: readonly string[],
    Resource: string | readonly string[],
  ): JsonObject => ({
    ...{
      Sid,
      Effect: 'Deny',
      Action: [...Action],
      Resource: typeof Resource === 'string' ? Resource : [...Resource],
    },
    ...who,
  });
  return {
    Version: '2012-10-17',
    Statement:
      models.length === 0
        ? [statement('FirebreakDenyModels', [...ON_PROJECTS, ...ON_MODELS], '*')]
        : [
            statement('FirebreakDenyModels', ON_MODELS, models),
            statement('FirebreakDenyInference', ON_PROJECTS, '*'),
          ],
  };
}

const denyModelCalls = stepKind(args, {
  value: anyJson,
  foreign({ principal, name, policyName, userId, models }, { target, caseId }) {
    const known = facts.parse(target.facts);
    if (!isOwnPolicy(policyName, caseId)) return `${policyName} is not a policy of ${caseId}`;
    if (principal !== known.principal || name !== known.name || userId !== known.userId)
      return `the identity is ${known.name} (${known.userId ?? known.principal}), not ${name} (${userId ?? principal})`;
    const strange = models.find((model) => !known.models.includes(model));
    return strange === undefined ? undefined : `${strange} is not a model of the finding`;
  },
  read: async (given, { aws }) => ({ value: await liveInline(aws, given) }),
  after: (given) => denyModels(given),
  async apply(given, { aws }) {
    await putInline(aws, given, denyModels(given));
    return undefined;
  },
  async revert(given, { aws, target }, before) {
    if (before === null) await removeInline(aws, given);
    else if (deniesOnly(before)) await putInline(aws, given, before);
    else
      throw cannotRestore(
        `the recorded prior policy ${given.policyName} does more than deny, so it was not written back`,
        target.display,
        'Compare the record with CloudTrail, then write or delete the policy yourself.',
      );
    return 'reverted';
  },
});

export const KINDS = { 'deny-model-calls': denyModelCalls };
