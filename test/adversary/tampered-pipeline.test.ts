/** An administrator of the hub account, under the guard, changes or drives the pipeline itself instead of its roles. */
import { describe, expect, it } from 'vitest';
import { organizationPolicies } from '../../deploy/organization-policies.ts';
import { render } from '../../deploy/render.ts';
import { PLAYBOOKS } from '../../playbooks/index.ts';
import { evaluate } from '../../sandbox/twin/policy-evaluation.ts';

const HUB = '444455556666';
const DEPLOYMENT = {
  ...{ partition: 'aws', region: 'eu-west-1', account: HUB, stage: 'prod' },
  parameters: {
    ...{ Administrator: 'stacksets-exec-*', Deployer: 'cd', BreakGlass: 'ops/break-glass-1' },
    Operator: 'incident-response',
  },
};
const { Resources } = (await organizationPolicies(PLAYBOOKS)) as {
  Resources: Record<string, { Properties: { Content: object; TargetIds?: object } }>;
};
/** FullAWSAccess and every policy that guard targets carry; the quarantine is attached by hand. */
const attached = new Map([
  ['FullAWSAccess', JSON.stringify({ Statement: { Effect: 'Allow', Action: '*', Resource: '*' } })],
  ...Object.entries(Resources)
    .filter(([, { Properties }]) => Properties.TargetIds !== undefined)
    .map(([name, { Properties }]) => [name, JSON.stringify(render(Properties.Content, DEPLOYMENT))] as const),
]);
const decide = (role: string, action: string, resource: string) =>
  evaluate(attached, {
    action,
    resource,
    keys: { 'aws:principalarn': `arn:aws:iam::${HUB}:role/${role}` },
  }).decision;

const regional = (service: string, resource: string) => `arn:aws:${service}:eu-west-1:${HUB}:${resource}`;
const FUNCTION = regional('lambda', 'function:firebreak-prod-contain');
const RULE = regional('events', 'rule/firebreak-prod-findings');
const TABLE = regional('dynamodb', 'table/firebreak-prod');
const SECRET = regional('ssm', 'parameter/firebreak/prod/slack/signing-secret');
const MACHINE = regional('states', 'stateMachine:firebreak-prod-undo');
const EVIDENCE = 'arn:aws:s3:::firebreak-prod-evidencebucket-1abc/incident/evidence.json';

const CODE: readonly (readonly [string, string])[] = [
  ['iam:PassRole', `arn:aws:iam::${HUB}:role/firebreak/firebreak-prod-eu-west-1-contain`],
  ['iam:PassRole', `arn:aws:iam::${HUB}:role/firebreak-responder`],
  ['lambda:UpdateFunctionCode', FUNCTION],
  ['lambda:UpdateFunctionConfiguration', FUNCTION],
  ['lambda:AddPermission', FUNCTION],
  ['lambda:PutFunctionConcurrency', FUNCTION],
  ['lambda:DeleteFunction', FUNCTION],
  ['events:PutRule', RULE],
  ['events:DisableRule', RULE],
  ['events:RemoveTargets', RULE],
  ['events:DeleteRule', RULE],
  ['dynamodb:DeleteTable', TABLE],
  ['dynamodb:UpdateTable', TABLE],
  ['dynamodb:PutResourcePolicy', TABLE],
  ['states:UpdateStateMachine', MACHINE],
  ['states:DeleteStateMachine', MACHINE],
  ['states:UpdateStateMachineAlias', MACHINE],
  ['s3:BypassGovernanceRetention', EVIDENCE],
  ['s3:PutBucketPolicy', 'arn:aws:s3:::firebreak-prod-evidencebucket-1abc'],
  ['sns:SetTopicAttributes', regional('sns', 'firebreak-prod-page')],
  ['sqs:PurgeQueue', regional('sqs', 'firebreak-prod-undelivered')],
  ['cloudwatch:DisableAlarmActions', regional('cloudwatch', 'alarm:firebreak-prod-sweep-silent')],
];
const USE: readonly (readonly [string, string])[] = [
  ['dynamodb:PutItem', TABLE],
  ['dynamodb:UpdateItem', TABLE],
  ['dynamodb:PartiQLUpdate', TABLE],
  ['ssm:PutParameter', SECRET],
  ['ssm:GetParameter', SECRET],
  ['states:StartExecution', `${MACHINE}:live`],
  ['states:StopExecution', regional('states', 'execution:firebreak-prod-respond:x')],
  ['states:RedriveExecution', regional('states', 'execution:firebreak-prod-respond:x')],
  ['lambda:InvokeFunction', FUNCTION],
];

describe('the guard around the pipeline', () => {
  it.each([...CODE, ...USE])('denies %s to an administrator of the account', (action, resource) => {
    expect(decide('admin', action, resource)).toBe('explicitDeny');
  });
  it.each(USE)('leaves %s to operators', (action, resource) => {
    expect(decide('incident-response', action, resource)).toBe('allowed');
  });
  it.each(['dynamodb:PutItem', 'dynamodb:UpdateItem', 'states:StartExecution', 'lambda:InvokeFunction'])(
    'leaves %s to the functions: which of them may is in their own roles',
    (action) => {
      const resource = USE.find(([used]) => used === action)?.[1] ?? '';
      expect(decide('firebreak/firebreak-prod-eu-west-1-sweep', action, resource)).toBe('allowed');
    },
  );
  it.each(CODE)('denies %s to operators, and leaves it to those who deploy', (action, resource) => {
    expect(decide('incident-response', action, resource)).toBe('explicitDeny');
    expect(decide('cd', action, resource)).toBe('allowed');
    expect(decide('stacksets-exec-0a1b', action, resource)).toBe('allowed');
  });
  it('leaves resources of other names alone', () => {
    expect(decide('admin', 'lambda:UpdateFunctionCode', regional('lambda', 'function:checkout'))).toBe(
      'allowed',
    );
    expect(decide('admin', 'states:StartExecution', regional('states', 'stateMachine:orders'))).toBe(
      'allowed',
    );
    expect(decide('admin', 's3:PutBucketPolicy', 'arn:aws:s3:::firebreak-notes')).toBe('allowed');
  });
});
