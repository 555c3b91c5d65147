/** The policies of a template's roles as IAM holds them, and IAM's judgement over them. */
import { z } from 'zod';
import {
  type Evaluation,
  evaluate,
  type PolicyStatement,
  type RequestContext,
} from '../sandbox/twin/policy-evaluation.ts';
import { type Deployment, render } from './render.ts';

export interface RolePolicies {
  /** `role/firebreak/NAME`, as it stands behind `arn:PARTITION:iam::ACCOUNT:`. */
  readonly role: string;
  /** Policy name -> document. */
  readonly identity: ReadonlyMap<string, string>;
  readonly boundary: ReadonlyMap<string, string>;
  readonly trust: string;
}

const ref = z.object({ Ref: z.string() });
const document = z.object({ Version: z.literal('2012-10-17'), Statement: z.array(z.unknown()) });
const resources = z.record(
  z.string(),
  z.object({
    Type: z.string(),
    Condition: z.string().optional(),
    Properties: z.record(z.string(), z.unknown()),
  }),
);
const attachedPolicy = z.object({ PolicyName: z.string(), Roles: z.array(ref), PolicyDocument: document });
const roleProperties = z.object({
  RoleName: z.string(),
  Path: z.string().default('/'),
  AssumeRolePolicyDocument: document,
  Policies: z.array(z.object({ PolicyName: z.string(), PolicyDocument: document })).default([]),
  ManagedPolicyArns: z.array(ref).default([]),
  PermissionsBoundary: ref.optional(),
});

/** Every AWS::IAM::Role of a template by logical id, rendered for one deployment. */
export function rolePolicies(
  template: object,
  deployment: Deployment,
): Readonly<Record<string, RolePolicies>> {
  const given = resources.parse((template as { Resources?: unknown }).Resources);
  const text = (value: unknown) => JSON.stringify(render(value, deployment));
  const managed = ({ Ref }: z.infer<typeof ref>): [string, string] => {
    const policy = given[Ref];
    if (policy?.Type !== 'AWS::IAM::ManagedPolicy')
      throw new Error(`${Ref} is no managed policy of the template`);
    return [Ref, text(document.parse(policy.Properties['PolicyDocument']))];
  };
  // Its condition is named as the parameter that it asks for.
  const attached = Object.values(given)
    .filter(({ Type, Condition = '' }) => Type === 'AWS::IAM::Policy' && deployment.parameters?.[Condition])
    .map(({ Properties }) => attachedPolicy.parse(Properties));
  const roles: Record<string, RolePolicies> = {};
  for (const [id, { Type, Properties }] of Object.entries(given)) {
    if (Type !== 'AWS::IAM::Role') continue;
    const raw = { ...Properties, RoleName: render(Properties['RoleName'], deployment) };
    const role = roleProperties.parse(raw);
    roles[id] = {
      role: `role${role.Path}${role.RoleName}`,
      identity: new Map([
        ...role.Policies.map(({ PolicyName, PolicyDocument }): [string, string] => [
          PolicyName,
          text(PolicyDocument),
        ]),
        ...role.ManagedPolicyArns.map(managed),
        ...attached
          .filter(({ Roles }) => Roles.some(({ Ref }) => Ref === id))
          .map(({ PolicyName, PolicyDocument }): [string, string] => [PolicyName, text(PolicyDocument)]),
      ]),
      boundary: new Map(role.PermissionsBoundary ? [managed(role.PermissionsBoundary)] : []),
      trust: text(role.AssumeRolePolicyDocument),
    };
  }
  return roles;
}

/** Identity policies and, where there is one, the boundary must both allow; a deny in either is final. */
export function judge({ identity, boundary }: RolePolicies, request: RequestContext): Evaluation {
  const own = evaluate(identity, request);
  if (boundary.size === 0 || own.decision !== 'allowed') return own;
  const ceiling = evaluate(boundary, request);
  return ceiling.decision === 'allowed' ? own : ceiling;
}

export const statementsOf = (policies: ReadonlyMap<string, string>): readonly PolicyStatement[] =>
  [...policies.values()].flatMap((text) => (JSON.parse(text) as { Statement: PolicyStatement[] }).Statement);
