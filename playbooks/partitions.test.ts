/** A finding of another partition: no target, plan or step names an ARN of the commercial one. */
import { afterEach, expect, it } from 'vitest';
import { awsFor, configureAws } from '../core/aws/client.ts';
import { parseFinding } from '../core/finding/finding.ts';
import type { JsonObject } from '../core/json.ts';
import { materialise } from '../sandbox/materialise.ts';
import { createTwin } from '../sandbox/twin/twin.ts';
import { findingOn } from '../sandbox/worlds.ts';
import { choosePlaybook } from './index.ts';

afterEach(() => configureAws({}));

const resources = (arn: (rest: string) => string): readonly (readonly [string, JsonObject])[] => [
  ['Backdoor:EC2/C&CActivity.B', { instanceDetails: { instanceId: 'i-0123456789abcdef0' } }],
  [
    'UnauthorizedAccess:IAMUser/TorIPCaller',
    {
      accessKeyDetails: {
        accessKeyId: 'AKIAEXAMPLE000000001',
        principalId: 'AIDAEXAMPLE000000001',
        userType: 'IAMUser',
        userName: 'someone',
      },
    },
  ],
  [
    'UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.OutsideAWS',
    {
      accessKeyDetails: {
        principalId: 'AROAEXAMPLE000000001:i-0123456789abcdef0',
        userType: 'AssumedRole',
        userName: 'app',
      },
    },
  ],
  ['Policy:S3/BucketAnonymousAccessGranted', { s3BucketDetails: [{ name: 'customer-data' }] }],
  ['CryptoCurrency:Lambda/BitcoinTool.B', { lambdaDetails: { functionName: 'orders' } }],
  [
    'Execution:Runtime/ReverseShell',
    { ecsClusterDetails: { name: 'shop', taskDetails: { arn: arn(`task/shop/${'a'.repeat(32)}`) } } },
  ],
  ['Stealth:IAMUser/CloudTrailLoggingDisabled', {}],
];

it.each([
  ['aws-us-gov', 'us-gov-west-1'],
  ['aws-cn', 'cn-north-1'],
])('%s', async (partition, region) => {
  const scope = { partition, account: '111122223333', region };
  const twin = createTwin(scope);
  configureAws({ answer: twin.answer, ownAccount: scope.account, retryBaseMs: 1 });
  const named: string[] = [];
  const planned: string[] = [];
  for (const [type, resource] of resources((rest) => `arn:${partition}:ecs:${region}:111122223333:${rest}`)) {
    const choice = choosePlaybook(parseFinding(findingOn(twin, { seed: type, type, resource })));
    if ('none' in choice) throw new Error(`${type}: ${choice.none}`);
    for (const { playbook, target } of choice.parts) {
      materialise(twin, target);
      const plan = playbook.plan(await playbook.read(target, awsFor(target), {}), target, {
        caseId: 'fb-aaaaaaaaaaaa',
        now: new Date(0),
        settings: {},
        protectedArns: [],
        approved: true,
      });
      if (plan.kind === 'plan') planned.push(playbook.id);
      named.push(...(JSON.stringify({ target, plan }).match(/arn:[a-z-]*:[^"]*/g) ?? []));
    }
  }
  expect(new Set(planned).size).toBeGreaterThanOrEqual(6);
  expect(named.length).toBeGreaterThan(10);
  expect(named.filter((arn) => !arn.startsWith(`arn:${partition}:`))).toEqual([]);
});
