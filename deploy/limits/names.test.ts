import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Deployment } from '../render.ts';
import { collisions, NAMED } from './names.ts';
import { parseTemplate, restaged, type Template } from './template.ts';

const PLACE = { partition: 'aws', account: '123456789012' };
const at = (stage: string, region: string): Deployment => ({ ...PLACE, stage, region });
const PLACES = ['prod', 'dev'].flatMap((stage) =>
  ['us-east-1', 'eu-west-1'].map((region) => at(stage, region)),
);
const template = (Resources: Template['Resources']): string => JSON.stringify({ Resources });
const one = (Type: string, property: string, name: unknown): string =>
  template({ Own: { Type, Properties: { [property]: name } } });
const found = (text: string): readonly string[] =>
  collisions(
    PLACES.map((deployment) => ({
      template: parseTemplate(restaged(text, 'prod', deployment.stage)),
      deployment,
    })),
  );

describe('two stages in two Regions of one account', () => {
  it.each([
    ['a dashboard', one('AWS::CloudWatch::Dashboard', 'DashboardName', 'firebreak-prod')],
    ['a role', one('AWS::IAM::Role', 'RoleName', 'firebreak-prod-enrich')],
    ['a bucket', one('AWS::S3::Bucket', 'BucketName', 'firebreak-prod-evidence')],
    ['a managed policy', one('AWS::IAM::ManagedPolicy', 'ManagedPolicyName', 'firebreak-prod-read')],
  ])('collide in the name of %s without the Region', (_what, text) => {
    const two = found(text);
    expect(two).toHaveLength(2);
    expect(two[0]).toContain('Own of prod in us-east-1, Own of prod in eu-west-1');
  });

  it.each([
    ['a queue', one('AWS::SQS::Queue', 'QueueName', 'firebreak-dead')],
    ['a function', one('AWS::Lambda::Function', 'FunctionName', 'firebreak-enrich')],
    ['an alarm', one('AWS::CloudWatch::Alarm', 'AlarmName', { 'Fn::Sub': 'firebreak-${AWS::Region}' })],
  ])('collide in the name of %s without the stage', (_what, text) => {
    expect(found(text)).toHaveLength(2);
  });

  it('do not collide in names with stage and Region, in generated names, nor within a parent', () => {
    expect(
      found(
        template({
          Role: {
            Type: 'AWS::IAM::Role',
            Properties: { RoleName: { 'Fn::Sub': 'firebreak-prod-${AWS::Region}-enrich' } },
          },
          Bucket: { Type: 'AWS::S3::Bucket', Properties: {} },
          Alias: { Type: 'AWS::StepFunctions::StateMachineAlias', Properties: { Name: 'live' } },
        }),
      ),
    ).toEqual([]);
  });

  it('are not judged where a type is not in the table, or a name is not known', () => {
    expect(() => found(one('AWS::EC2::VPC', 'Name', 'x'))).toThrow('AWS::EC2::VPC');
    expect(() => found(one('AWS::SQS::Queue', 'QueueName', { Ref: 'Other' }))).toThrow('cannot be known');
  });
});

it.each(['member-account', 'member-stack-set', 'forward-region', 'organization-policies'])(
  '%s.json has only types of the table',
  (file) => {
    const text = readFileSync(`deploy/generated/${file}.json`, 'utf8');
    const types = Object.values(parseTemplate(text).Resources).map(({ Type }) => Type);
    expect(types.filter((type) => !(type in NAMED))).toEqual([]);
  },
);
