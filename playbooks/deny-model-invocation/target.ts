/** Which identity, and which models it called: from the finding alone. */
import { z } from 'zod';
import { arn, parseArn, type Scope } from '../../core/aws/arn.ts';
import { iamHome } from '../../core/aws/regions.ts';
import type { Finding } from '../../core/finding/finding.ts';
import type { TargetChoice } from '../../core/journal/playbook.ts';
import { PRINCIPAL_NAME } from '../common/iam/principal-name.ts';
import { worksInstead } from '../common/works-instead.ts';

/** RoleId and session name of an assumed role (STS: RoleSessionName). */
const SESSION = /^(AROA[A-Z0-9]{4,124}):([\w+=,.@-]{2,64})$/;
/** A foundation model's own id, such as `amazon.nova-pro-v1:0`. */
const MODEL_ID = /^[a-z0-9-]{2,40}\.[a-z0-9][\w.:-]{1,100}$/;
/** It becomes a resource of a policy: no wildcard and no policy variable. */
const MODEL_ARN = /^arn:[a-z-]+:(bedrock|sagemaker):[a-z0-9-]*:(\d{12})?:[\w./:-]{1,300}$/;
const MOST_MODELS = 10;

export const facts = z.object({
  principal: z.enum(['role', 'user']),
  name: z.string(),
  /** RoleId or user id: an identity re-created under the same name has another one. Null where the finding does not say. */
  uniqueId: z.string().nullable(),
  /** `AROA...:session`, the value of `aws:userid` in every call of the session; null for a user. */
  userId: z.string().nullable(),
  /** ARNs of the models that the finding names. */
  models: z.array(z.string()),
});
export type Facts = z.infer<typeof facts>;

/**
 * A kind of target is shared with the playbooks that deny everything to the same session or user, so that their incidents never
 * write to it at the same time.
 */
export function targetOf(finding: Finding): TargetChoice<Facts> {
  const { userType = '', userName = '', principalId = '' } = finding.accessKey ?? {};
  const scope = iamHome(finding);
  const session = SESSION.exec(principalId);
  if (!session && userType !== 'IAMUser') return { ok: false, reason: worksInstead(userType) };
  if (!PRINCIPAL_NAME.test(userName))
    return { ok: false, reason: 'the finding does not name a role or user (accessKeyDetails.userName)' };
  const models = modelsOf(finding, finding);
  if (session) {
    const [userId, uniqueId = '', name = ''] = session;
    return {
      ok: true,
      target: {
        ...scope,
        kind: 'role-session',
        id: `${userName}/${uniqueId}/${name}`,
        display: arn(scope, 'sts', `assumed-role/${userName}/${name}`, { global: true }),
        facts: { principal: 'role', name: userName, uniqueId, userId, models },
      },
    };
  }
  return {
    ok: true,
    target: {
      ...scope,
      kind: 'iam-user',
      id: userName,
      display: arn(scope, 'iam', `user/${userName}`, { global: true }),
      facts: {
        principal: 'user',
        name: userName,
        uniqueId: /^AIDA[A-Z0-9]{4,124}$/.test(principalId) ? principalId : null,
        userId: null,
        models,
      },
    },
  };
}

const named = z.object({ modelDetails: z.array(z.object({ modelId: z.string() })) });

/** `resource.modelDetails[].modelId`: an ARN, a foundation model's id or the name of an endpoint; others are left out. */
function modelsOf({ detail }: Finding, scope: Scope): string[] {
  const { data } = named.safeParse(detail['resource']);
  const arns = (data?.modelDetails ?? []).flatMap(({ modelId }) => {
    if (MODEL_ARN.test(modelId)) return [modelId];
    return MODEL_ID.test(modelId)
      ? [arn({ ...scope, account: '' }, 'bedrock', `foundation-model/${modelId}`)]
      : [];
  });
  return [...new Set(arns)].filter((each) => isOwn(each, scope)).slice(0, MOST_MODELS);
}

/** AWS's own models have no account; one of another account is not named in a policy here. */
function isOwn(model: string, scope: Scope): boolean {
  const parsed = parseArn(model);
  return (
    parsed !== undefined &&
    parsed.partition === scope.partition &&
    ['', scope.account].includes(parsed.account)
  );
}
