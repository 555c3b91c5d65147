/** The template that `npm run package` leaves, and what of it can be known before it is deployed. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { Deployment } from '../render.ts';

const resource = z.looseObject({
  Type: z.string(),
  Properties: z.looseObject({}).default({}),
  Condition: z.string().optional(),
  DeletionPolicy: z.string().optional(),
});
const schema = z.looseObject({
  Parameters: z.record(z.string(), z.unknown()).default({}),
  Resources: z.record(z.string(), resource),
  Outputs: z.record(z.string(), z.unknown()).default({}),
});
export type Template = z.infer<typeof schema>;
export type Resource = z.infer<typeof resource>;

export const parseTemplate = (text: string): Template => schema.parse(JSON.parse(text));
export const readTemplate = (file: string): Template => parseTemplate(readFileSync(file, 'utf8'));

export const ofType = (template: Template, type: string): readonly (readonly [string, Resource])[] =>
  Object.entries(template.Resources).filter(([, { Type }]) => Type === type);

/**
 * Returns the template as the framework packages it for another stage: the stage stands in names, in paths of Systems Manager and
 * in the environment.
 */
export function restaged(text: string, from: string, to: string): string {
  const parts = [
    [`firebreak-${from}`, `firebreak-${to}`],
    [`/firebreak/${from}/`, `/firebreak/${to}/`],
    [`Firebreak${from}`, `Firebreak${to}`],
    [`"STAGE": "${from}"`, `"STAGE": "${to}"`],
    [`"Value": "${from}"`, `"Value": "${to}"`],
    [`\\"stage\\":\\"${from}\\"`, `\\"stage\\":\\"${to}\\"`],
    [`"stage": ["${from}"]`, `"stage": ["${to}"]`],
  ] as const;
  return parts.reduce((changed, [one, other]) => changed.replaceAll(one, other), text);
}

/** Returns text as CloudFormation resolves it; undefined where it depends on a resource or parameter. */
export function resolved(value: unknown, { partition, account, region }: Deployment): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null) return undefined;
  const known: Readonly<Record<string, string>> = {
    'AWS::Partition': partition,
    'AWS::AccountId': account,
    'AWS::Region': region,
    'AWS::URLSuffix': 'amazonaws.com.cn',
  };
  if ('Ref' in value && typeof value.Ref === 'string') return known[value.Ref];
  if (!('Fn::Sub' in value) || typeof value['Fn::Sub'] !== 'string') return undefined;
  let whole = true;
  const text = value['Fn::Sub'].replace(/\$\{([^}!]+)\}/g, (_all, name: string) => {
    const found = known[name];
    whole &&= found !== undefined;
    return found ?? '';
  });
  return whole ? text : undefined;
}

/** What `npm run package` left; FIREBREAK_PACKAGE names another folder. */
export const PACKAGE = process.env['FIREBREAK_PACKAGE'] ?? '.serverless';
export const PACKAGED = `${PACKAGE}/cloudformation-template-update-stack.json`;

const staged = z.looseObject({
  Environment: z.looseObject({ Variables: z.looseObject({ STAGE: z.string() }) }),
});

/** Returns the stage that a template was packaged for. */
export function stageOf(template: Template): string {
  const [first] = ofType(template, 'AWS::Lambda::Function');
  return staged.parse(first?.[1].Properties).Environment.Variables.STAGE;
}
