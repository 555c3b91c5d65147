import { z } from 'zod';
import { arn } from '../../../core/aws/arn.ts';
import type { Aws } from '../../../core/aws/client.ts';
import { awsErrorName } from '../../../core/errors.ts';
import { isJsonObject, type Json, type JsonObject, sameJson } from '../../../core/json.ts';
import { defineInverse, textIn, valueIn } from '../../common/changes/inverse.ts';
import { functionOf, functionResource } from '../../common/changes/lambda-function.ts';
import { unlessDone } from '../messaging.ts';

const FUNCTIONS = 'arn:${Partition}:lambda:${Region}:${Account}:function:*';

const text = z.string().max(2048).nullable();
const permission = z
  .strictObject({
    action: z.string().regex(/^(lambda:[*\w]{1,64}|\*)$/),
    principal: z.string().regex(/^[\w.:*/+=,@-]{1,256}$/),
    sourceArn: text,
    sourceAccount: text,
    organization: text,
    /** Of a function URL. */
    urlAuth: z.enum(['NONE', 'AWS_IAM']).nullable(),
    viaUrl: z.boolean(),
  })
  .nullable();
type Permission = NonNullable<z.infer<typeof permission>>;

const ROOT = /^arn:[a-z-]+:iam::(\d{12}):root$/;
const plain = (principal: string | undefined): string | undefined => principal?.replace(ROOT, '$1');

/** A permission that was added to a function is removed. To add one is a right of undo alone. */
export const reversedFunctionPermission = defineInverse({
  id: 'reversed-function-permission',
  danger: 'exposes data',
  // The names of the API's versions, as CloudTrail records them.
  calls: {
    source: 'lambda.amazonaws.com',
    names: ['AddPermission20150331v2', 'AddPermission20150331', 'AddPermission'],
    alsoTold: ['RemovePermission20150331v2', 'RemovePermission20150331', 'RemovePermission'],
  },
  does: 'a permission that was added is removed',
  resource: functionResource.extend({ statement: z.string().regex(/^[\w-]{1,100}$/) }),
  value: permission,
  effects({ name, request }, scope) {
    const resource = { ...functionOf(request, scope), statement: textIn(request, 'statementId') };
    if (name.startsWith('Remove')) return [{ resource, left: null }];
    // Alexa's token is not shown by the policy in a form that undo could write.
    if (textIn(request, 'eventSourceToken') !== undefined) return [];
    const left = {
      action: textIn(request, 'action'),
      principal: plain(textIn(request, 'principal')),
      sourceArn: textIn(request, 'sourceArn') ?? null,
      sourceAccount: textIn(request, 'sourceAccount') ?? null,
      organization: textIn(request, 'principalOrgID') ?? null,
      urlAuth: textIn(request, 'functionUrlAuthType') ?? null,
      viaUrl: valueIn(request, 'invokedViaFunctionUrl') === true,
    };
    // Lambda refuses a statement id that is taken.
    return [{ resource, left, before: null }];
  },
  listedAs: ({ function: name }) => name,
  names: ({ scope }, { function: name }) => [arn(scope, 'lambda', `function:${name}`), name],
  says: ({ function: name, statement }) => `Remove permission ${statement} from function ${name}`,
  read: livePermission,
  async put(aws, of, to) {
    const { client, api } = await aws.lambda();
    const named = {
      ...{ FunctionName: of.function, StatementId: of.statement },
      ...(of.qualifier === null ? {} : { Qualifier: of.qualifier }),
    };
    await unlessDone(
      () =>
        to === null
          ? client.send(new api.RemovePermissionCommand(named))
          : client.send(new api.AddPermissionCommand({ ...named, ...inputOf(to) })),
      async () => sameJson(await livePermission(aws, of), to),
    );
  },
  permissions: {
    read: [{ actions: ['lambda:GetPolicy'], resources: [FUNCTIONS], why: 'who may invoke a function' }],
    write: [
      {
        actions: ['lambda:RemovePermission'],
        resources: [FUNCTIONS],
        why: 'a permission that the principal added is removed',
        worst: 'keeps any service or account from invoking any function',
      },
    ],
    undo: [
      {
        actions: ['lambda:AddPermission'],
        resources: [FUNCTIONS],
        why: 'adds a permission again that was removed',
        worst: 'lets anyone invoke any function',
      },
    ],
  },
  words: { setting: 'Function permission', why: 'it says who else may invoke the function' },
  example: {
    eventName: 'AddPermission20150331v2',
    requestParameters: {
      ...{ functionName: 'export', statementId: 'x', action: 'lambda:InvokeFunction' },
      principal: '444455556666',
    },
  },
});

const inputOf = ({ action, principal, ...to }: Permission) => ({
  ...{ Action: action, Principal: principal },
  ...(to.sourceArn === null ? {} : { SourceArn: to.sourceArn }),
  ...(to.sourceAccount === null ? {} : { SourceAccount: to.sourceAccount }),
  ...(to.organization === null ? {} : { PrincipalOrgID: to.organization }),
  ...(to.urlAuth === null ? {} : { FunctionUrlAuthType: to.urlAuth }),
  ...(to.viaUrl ? { InvokedViaFunctionUrl: true } : {}),
});

interface Of {
  readonly function: string;
  readonly qualifier: string | null;
  readonly statement: string;
}

async function livePermission(aws: Aws, of: Of): Promise<Permission | null> {
  const { client, api } = await aws.lambda();
  try {
    const { Policy } = await client.send(
      new api.GetPolicyCommand({
        FunctionName: of.function,
        ...(of.qualifier === null ? {} : { Qualifier: of.qualifier }),
      }),
    );
    const document: unknown = JSON.parse(Policy ?? 'null');
    const all = isJsonObject(document) ? [document['Statement'] ?? []].flat().filter(isJsonObject) : [];
    const found = all.find(({ Sid }) => Sid === of.statement);
    return found ? permissionOf(found) : null;
  } catch (error) {
    if (awsErrorName(error) === 'ResourceNotFoundException') return null;
    throw error;
  }
}

/** What Lambda would not write: the statement of that id is another one by now. */
const OTHER: Permission = {
  ...{ action: '*', principal: '*', sourceArn: null, sourceAccount: null, organization: null },
  ...{ urlAuth: null, viaUrl: false },
};

function permissionOf(statement: JsonObject): Permission | null {
  const principal = statement['Principal'];
  const named = isJsonObject(principal)
    ? (textIn(principal, 'Service') ?? textIn(principal, 'AWS'))
    : textIn(statement, 'Principal');
  const when = (operator: string, key: string): Json => {
    const keys = valueIn(statement, 'Condition', operator);
    const found = Object.entries(isJsonObject(keys) ? keys : {}).find(
      ([name]) => name.toLowerCase() === key.toLowerCase(),
    );
    return found?.[1] ?? null;
  };
  return permission.catch(OTHER).parse({
    action: textIn(statement, 'Action'),
    principal: plain(named),
    sourceArn: when('ArnLike', 'AWS:SourceArn'),
    sourceAccount: when('StringEquals', 'AWS:SourceAccount'),
    organization: when('StringEquals', 'aws:PrincipalOrgID'),
    urlAuth: when('StringEquals', 'lambda:FunctionUrlAuthType'),
    viaUrl: String(when('Bool', 'lambda:InvokedViaFunctionUrl')) === 'true',
  });
}
