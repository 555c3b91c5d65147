import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { PLAYBOOKS } from '../../playbooks/index.ts';
import { type Figure, isOver, memberFigures, SHARE, sessionFigure, stackFigures } from './figures.ts';
import { parseTemplate, readTemplate, type Template } from './template.ts';
import { unzippedBytes } from './zip.ts';

/** One file of 2,000 letters, deflated to a few bytes, as `zip` writes it. */
const ZIP = Buffer.from(
  'UEsDBBQAAAAIAAAAIQA5PhOoEQAAANAHAAABAAAAYUtMHAWjYBSMglEwCkbBUAcAUEsBAhQDFAAAAAgAAAAhADk+E6gRAAAA0AcAAAEAAAAAAAAAAAAAAIABAAAAAGFQSwUGAAAAAAEAAQAvAAAAMAAAAAAA',
  'base64',
);

const folder = mkdtempSync(join(tmpdir(), 'firebreak-limits-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
writeFileSync(join(folder, 'enrich.zip'), ZIP);

const figuresOf = (resources: Template['Resources'], outputs = 0): ReadonlyMap<string, Figure> => {
  const text = JSON.stringify({
    Resources: resources,
    Outputs: Object.fromEntries(Array.from({ length: outputs }, (_, index) => [`Out${index}`, {}])),
  });
  return new Map(
    stackFigures(text, parseTemplate(text), folder, 'prod').map((figure) => [figure.what, figure]),
  );
};
const over = (resources: Template['Resources'], outputs = 0): readonly string[] =>
  [...figuresOf(resources, outputs).values()].filter(isOver).map(({ what }) => what);
const many = (count: number, resource: Template['Resources'][string]): Template['Resources'] =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`Own${index}`, resource]));
const enrich = (Variables: Readonly<Record<string, unknown>>): Template['Resources'] => ({
  Enrich: {
    Type: 'AWS::Lambda::Function',
    Properties: { FunctionName: 'firebreak-prod-enrich', Environment: { Variables } },
  },
});
const policy = (characters: number) => ({ Statement: [{ Sid: 'x'.repeat(characters) }] });
const role = (Properties: Readonly<Record<string, unknown>>): Template['Resources'] => ({
  Role: { Type: 'AWS::IAM::Role', Properties: { ...Properties } },
});

describe('a stack fails the check that has', () => {
  const topic = { Type: 'AWS::SNS::Subscription', Properties: {} };
  it.each<[string, Template['Resources'], string]>([
    ['451 resources', many(451, topic), 'resources of the template'],
    [
      'a template of a megabyte',
      { Own: { Type: 'AWS::SNS::TopicPolicy', Properties: { x: 'x'.repeat(2 ** 20) } } },
      'template, bytes',
    ],
    [
      'a role name of 60 characters',
      role({ RoleName: { 'Fn::Sub': `firebreak-prod-\${AWS::Region}-${'x'.repeat(31)}` } }),
      'longest name of AWS::IAM::Role, characters',
    ],
    [
      'inline policies that are large together',
      role({ Policies: [{ PolicyDocument: policy(5000) }, { PolicyDocument: policy(5000) }] }),
      'inline policies of a role together, characters',
    ],
    [
      'a large trust policy',
      role({ AssumeRolePolicyDocument: policy(1900) }),
      'largest trust policy, characters',
    ],
    ['ten managed policies', role({ ManagedPolicyArns: Array(10).fill('x') }), 'managed policies of a role'],
    [
      'a managed policy above the limit itself',
      { Own: { Type: 'AWS::IAM::ManagedPolicy', Properties: { PolicyDocument: policy(6144) } } },
      'largest managed policy, characters',
    ],
    [
      'an environment of which part is known later',
      enrich(Object.fromEntries(Array.from({ length: 32 }, (_, index) => [`K${index}`, { Ref: 'Other' }]))),
      'largest environment of a function, bytes',
    ],
    [
      'a definition of a megabyte',
      {
        Own: {
          Type: 'AWS::StepFunctions::StateMachine',
          Properties: { DefinitionString: 'x'.repeat(2 ** 20) },
        },
      },
      'largest definition of a state machine, characters',
    ],
    [
      'reserved executions, which a new account does not have',
      {
        Enrich: {
          Type: 'AWS::Lambda::Function',
          Properties: {
            FunctionName: 'firebreak-prod-enrich',
            Environment: {},
            ReservedConcurrentExecutions: 5,
          },
        },
      },
      'new account: functions that reserve executions as shipped',
    ],
    [
      'ten registries of schemas',
      many(10, { Type: 'AWS::EventSchemas::Registry', Properties: {} }),
      'new account: schema registries',
    ],
  ])('%s', (_what, resources, figure) => {
    expect(over(resources)).toContain(figure);
  });

  it('181 outputs', () => {
    expect(over({}, 181)).toEqual(['outputs of the template']);
  });
});

it('a small stack is below every limit, and the size of a function is that of its unpacked files', () => {
  const figures = figuresOf(enrich({ STAGE: 'prod' }));
  expect([...figures.values()].filter(isOver)).toEqual([]);
  expect(figures.get('largest function, unzipped bytes')?.figure).toBe(2000);
  expect(figures.get('largest environment of a function, bytes')?.figure).toBe('"STAGE":"prod"'.length);
  expect(() => unzippedBytes(Buffer.from('not a zip archive, and as long as one'))).toThrow('not a zip');
});

it('what is packed to fit may fill its limit, everything else keeps a tenth free', () => {
  const figure = { what: 'x', figure: 95, limit: 100, from: 'y' };
  expect([isOver(figure), isOver({ ...figure, held: 'packed' })]).toEqual([true, false]);
  expect(isOver({ ...figure, figure: SHARE * 100 })).toBe(false);
});

it('the roles of a member account and every session policy are below their limits', () => {
  const all = [
    ...memberFigures(readTemplate('deploy/generated/member-account.json')),
    sessionFigure(PLAYBOOKS),
  ];
  expect(all.filter(isOver)).toEqual([]);
  expect(all.map(({ figure }) => figure > 0)).toContain(true);
});
