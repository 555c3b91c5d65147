/** docs/drill.md: what each drill does, its report from the sandbox, and the rights of the person who runs it. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { LIMITS } from '../cli/drill/deny-check.ts';
import { DRILLS, UNDRILLED } from '../cli/drill/drills.ts';
import { HEAD, type Report, rowsOf } from '../cli/drill/report.ts';
import { DRILL_TAG } from '../core/incident/drill.ts';
import type { JsonObject } from '../core/json.ts';
import { code, page, table } from './markdown.ts';

/** Written by test/workflow/drill.test.ts, which fails where it differs: `vitest run -u` writes it again. */
const REPORT = 'docs/drill-report.json';

const NAMES = 'firebreak-drill-*';
const of = (service: string, resource: string): string => `arn:*:${service}:*:*:${resource}`;
const allow = (
  Sid: string,
  Action: readonly string[],
  Resource: string | readonly string[],
  Condition?: JsonObject,
) => ({
  ...{ Sid, Effect: 'Allow', Action, Resource },
  ...(Condition ? { Condition } : {}),
});
const MADE = { Null: { [`aws:RequestTag/${DRILL_TAG}`]: 'false' } };
const OWN = { Null: { [`aws:ResourceTag/${DRILL_TAG}`]: 'false' } };

/** What the person who runs a drill needs: names, paths and tags keep it to what drills make. REGION, ACCOUNT, STAGE are theirs. */
export const drillPolicy = {
  Version: '2012-10-17',
  Statement: [
    allow(
      'Look',
      [
        'cloudtrail:DescribeTrails',
        'ec2:DescribeInstanceAttribute',
        'ec2:DescribeInstances',
        'ec2:DescribeNetworkInterfaces',
        'ec2:DescribeSecurityGroups',
        'ec2:DescribeSnapshots',
        'ec2:DescribeSubnets',
        'ec2:DescribeVpcs',
        'guardduty:GetFilter',
        'guardduty:GetIPSet',
        'guardduty:GetThreatEntitySet',
        'guardduty:GetThreatIntelSet',
        'guardduty:GetTrustedEntitySet',
        'guardduty:ListDetectors',
        'guardduty:ListFilters',
        'guardduty:ListIPSets',
        'guardduty:ListMembers',
        'guardduty:ListThreatEntitySets',
        'guardduty:ListThreatIntelSets',
        'guardduty:ListTrustedEntitySets',
        'iam:ListRoles',
        'iam:ListUsers',
        'lambda:ListFunctions',
        's3:ListAllMyBuckets',
      ],
      '*',
    ),
    allow('Image', ['ssm:GetParameters'], of('ssm', 'parameter/aws/service/ami-amazon-linux-latest/*')),
    allow(
      'Principals',
      [
        'iam:CreateAccessKey',
        'iam:CreateRole',
        'iam:CreateUser',
        'iam:DeleteAccessKey',
        'iam:DeleteRole',
        'iam:DeleteRolePolicy',
        'iam:DeleteUser',
        'iam:DeleteUserPolicy',
        'iam:DetachUserPolicy',
        'iam:GetRole',
        'iam:GetRolePolicy',
        'iam:GetUser',
        'iam:GetUserPolicy',
        'iam:ListAccessKeys',
        'iam:ListAttachedRolePolicies',
        'iam:ListAttachedUserPolicies',
        'iam:ListRolePolicies',
        'iam:ListUserPolicies',
        'iam:PassRole',
        'iam:PutRolePolicy',
        'iam:PutUserPolicy',
        'iam:SimulatePrincipalPolicy',
        'iam:TagRole',
        'iam:TagUser',
        'sts:AssumeRole',
      ],
      ['arn:*:iam::*:role/firebreak-drill/*', 'arn:*:iam::*:user/firebreak-drill/*'],
    ),
    allow(
      'Buckets',
      [
        's3:CreateBucket',
        's3:DeleteBucket',
        's3:DeleteBucketPolicy',
        's3:DeleteObject',
        's3:DeleteObjectVersion',
        's3:GetBucketLocation',
        's3:GetBucketPolicy',
        's3:GetBucketPolicyStatus',
        's3:GetBucketPublicAccessBlock',
        's3:GetBucketTagging',
        // GuardDuty reads a list of entities with the rights of who makes it; without ListBucket a missing object reads as denied.
        's3:GetObject',
        's3:GetObjectTagging',
        's3:ListBucket',
        's3:ListBucketVersions',
        's3:PutBucketPolicy',
        's3:PutBucketPublicAccessBlock',
        's3:PutBucketTagging',
        's3:PutObject',
        's3:PutObjectTagging',
      ],
      `arn:*:s3:::${NAMES}`,
    ),
    allow(
      'Functions',
      [
        'lambda:CreateFunction',
        'lambda:DeleteFunction',
        'lambda:GetFunctionConcurrency',
        'lambda:InvokeFunction',
        'lambda:ListTags',
        'lambda:TagResource',
      ],
      of('lambda', `function:${NAMES}`),
    ),
    allow(
      'Trails',
      [
        'cloudtrail:AddTags',
        'cloudtrail:CreateTrail',
        'cloudtrail:DeleteTrail',
        'cloudtrail:GetTrailStatus',
        'cloudtrail:ListTags',
        'cloudtrail:StartLogging',
        'cloudtrail:StopLogging',
      ],
      of('cloudtrail', `trail/${NAMES}`),
    ),
    allow(
      'InDetector',
      ['guardduty:CreateFilter', 'guardduty:CreateThreatEntitySet'],
      of('guardduty', 'detector/*'),
      MADE,
    ),
    allow(
      'Filters',
      ['guardduty:DeleteFilter', 'guardduty:TagResource'],
      of('guardduty', `detector/*/filter/${NAMES}`),
    ),
    allow('TagList', ['guardduty:TagResource'], of('guardduty', 'detector/*/threatentityset/*'), MADE),
    allow(
      'RemoveList',
      ['guardduty:DeleteThreatEntitySet'],
      of('guardduty', 'detector/*/threatentityset/*'),
      OWN,
    ),
    allow(
      'MakeNetwork',
      ['ec2:CreateVpc', 'ec2:CreateSubnet', 'ec2:CreateSecurityGroup', 'ec2:RunInstances'],
      ['vpc/*', 'subnet/*', 'security-group/*', 'instance/*', 'volume/*'].map((type) => of('ec2', type)),
      MADE,
    ),
    allow(
      'InNetwork',
      ['ec2:CreateSubnet', 'ec2:CreateSecurityGroup', 'ec2:RunInstances'],
      ['vpc/*', 'subnet/*', 'security-group/*'].map((type) => of('ec2', type)),
      OWN,
    ),
    allow('Launch', ['ec2:RunInstances'], [of('ec2', 'network-interface/*'), 'arn:*:ec2:*::image/*']),
    allow('Tag', ['ec2:CreateTags'], of('ec2', '*'), {
      ...MADE,
      StringEquals: {
        'ec2:CreateAction': ['CreateVpc', 'CreateSubnet', 'CreateSecurityGroup', 'RunInstances'],
      },
    }),
    allow(
      'RemoveNetwork',
      [
        'ec2:AuthorizeSecurityGroupIngress',
        'ec2:DeleteSecurityGroup',
        'ec2:DeleteSubnet',
        'ec2:DeleteVpc',
        'ec2:GetConsoleOutput',
        'ec2:ModifyInstanceAttribute',
        'ec2:TerminateInstances',
      ],
      of('ec2', '*'),
      OWN,
    ),
    // What isolation leaves: its snapshots, and its groups where an undo failed.
    allow('RemoveSnapshots', ['ec2:DeleteSnapshot'], 'arn:*:ec2:*::snapshot/*', {
      Null: { 'aws:ResourceTag/firebreak:case': 'false' },
    }),
    allow('RemoveQuarantine', ['ec2:DeleteSecurityGroup'], of('ec2', 'security-group/*'), {
      Null: { 'aws:ResourceTag/firebreak': 'false' },
    }),
    allow(
      'Workflow',
      ['states:StartExecution'],
      [
        'arn:*:states:REGION:ACCOUNT:stateMachine:firebreak-STAGE-respond*',
        'arn:*:states:REGION:ACCOUNT:stateMachine:firebreak-STAGE-undo*',
      ],
    ),
    allow(
      'Executions',
      ['states:DescribeExecution'],
      'arn:*:states:REGION:ACCOUNT:execution:firebreak-STAGE-*',
    ),
    allow(
      'Incidents',
      ['dynamodb:GetItem', 'dynamodb:Query'],
      [
        'arn:*:dynamodb:REGION:ACCOUNT:table/firebreak-STAGE',
        'arn:*:dynamodb:REGION:ACCOUNT:table/firebreak-STAGE/index/*',
      ],
    ),
    allow('FirebreakDoor', ['dynamodb:PutItem'], 'arn:*:dynamodb:REGION:ACCOUNT:table/firebreak-STAGE', {
      'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': ['DOOR#aws#${aws:PrincipalArn}#${aws:userid}'] },
    }),
  ],
};

const reported = (): Report => JSON.parse(readFileSync(REPORT, 'utf8')) as Report;

/** Written by test/conformance/drill.test.ts. */
const onMoto = () => moto.parse(JSON.parse(readFileSync('docs/drill-moto.json', 'utf8')));
const moto = z.array(
  z.object({
    ...{ playbook: z.string(), contained: z.boolean(), undone: z.string(), removed: z.boolean() },
    notShown: z.string().nullable(),
  }),
);

export function drillPage(): string {
  const report = reported();
  const facts = report.outcomes.flatMap(({ playbook, facts: seen }) =>
    seen.map(({ id, verdict, saw }) => [code(playbook), code(id), verdict, saw]),
  );
  const usd = DRILLS.reduce((sum, { cost }) => sum + cost.usd, 0);
  const minutes = DRILLS.reduce((sum, one) => sum + one.minutes, 0);
  return page(
    '<!-- Generated by `npm run generate`: edit deploy/drill.ts and cli/drill instead. -->',
    '# Drill: does containment hold in your account?',
    '```sh\nnpx firebreak drill                        # in the sandbox, changes nothing of yours\nnpx firebreak drill --live                 # in your account: shows cost and time, and asks before it begins\nnpx firebreak drill isolate-instance --live --redact --report drill-report.json\nnpx firebreak drill --live --clean         # removes what an interrupted drill left\n```',
    `Each drill makes disposable resources, plays a harmless attack on them, and starts the deployed workflow with a finding about them. It then looks from outside, with the credentials of the attacker, whether the containment holds and after how many seconds, undoes it, compares the state with that before field for field, and removes everything. The commands \`suppress\` and \`lists\` change GuardDuty itself: their drills make a filter and a threat list of their own, read that they are in force, and compare every filter and list of the detector before and after. All of them cost at most $${usd.toFixed(2)} and take about ${minutes} minutes.`,
    '## What each one does',
    table(
      ['Playbook', 'Makes', 'Attack', 'Probe', 'At most', 'Minutes'],
      DRILLS.map(({ playbook, command, makes, attack, probe, cost, minutes: time, asks }) => [
        `[${code(playbook)}](${command ? 'commands.md' : `playbooks/${playbook}.md`})`,
        makes,
        asks ? `${attack}; asks for an approval` : attack,
        probe,
        `$${cost.usd.toFixed(2)}: ${cost.why}`,
        String(time),
      ]),
    ),
    `Not drilled: ${UNDRILLED.map(({ what, why }) => `${what} (${why})`).join('; ')}.`,
    '## What keeps a drill to its own',
    [
      `- Everything that a drill makes carries the tag \`${DRILL_TAG}\` with the drill's id. The workflow reads the tags live: a target without the tag ends the execution refused, before an incident is opened and before any change. Only the playbooks above can be drilled.`,
      '- A drill starts the workflow with `states:StartExecution` under a name that EventBridge cannot give, and with a finding id that GuardDuty cannot give. No event can claim to be a drill; a finding of GuardDuty is handled as ever whatever its resource is tagged.',
      '- A filter or a list of a drill carries its tag and its name. It names a user and a domain that exist nowhere, so that no finding is archived or raised for it. `firebreak lists` never edits a list of a drill.',
      "- Rules of policy.yml and the circuit breaker's allowance do not apply, GuardDuty is not asked for the finding, no follow-up is started, and one person may undo it. Exemptions, protected names, the kill switch and observe mode do apply. Findings are not archived, and Security Hub is not updated.",
      '- Cards and pages show `[DRILL]` in the title.',
      '- What is about to be made is recorded under `.firebreak/drill/` first. `--clean` removes what is recorded there, and everything of any drill that carries the tag.',
      '- Instances run in a VPC without a gateway: nothing gets in or out. A role can be assumed by you alone. The one bucket that is public for some seconds holds one worthless object.',
    ].join('\n'),
    '## Before an attack',
    '`npx firebreak drill --live --deny-check --role NAME` asks the policy simulator of this account and of each member account of its GuardDuty (or of those in `--accounts ID,ID`) whether a service control policy, a permissions boundary or a missing role would stop what the drilled playbooks change, and makes a dry run of the network. It needs `iam:SimulatePrincipalPolicy` on the roles of Firebreak, in a member account by a role of yours. What it cannot tell:',
    LIMITS.map((line) => `- ${line}`).join('\n'),
    '## Facts about AWS',
    'A drill confirms or refutes facts that [assumptions.md](assumptions.md) lists as unproven. The sandbox answers as its twin of AWS is built, so only a drill with `--live` proves one.',
    '## Report of the sandbox',
    `The same drills against the twin of AWS, from [drill-report.json](drill-report.json). Seconds are 0 there: the twin enforces at once.`,
    table([...HEAD], rowsOf(report)),
    table(['Playbook', 'Fact', 'Verdict', 'Seen'], facts),
    `Not shown: ${report.notShown.join('; ')}.`,
    '## On moto',
    'The resources, playbooks and undo of the same drills against [moto](https://docs.getmoto.org), an emulator that shares nothing with the twin ([drill-moto.json](drill-moto.json)). With IAM enforced there, the stolen key of `disable-user-keys` reads before, is refused while contained, and reads again after the undo; moto evaluates no condition of a policy, so the deny of one session is not shown. moto has no threat lists and does not list filters: `suppress` and `lists` are not played there.',
    table(
      ['Playbook', 'Contained', 'Undone', 'Removed', 'Not shown'],
      onMoto().map(({ playbook, contained, undone, removed, notShown }) => [
        playbook,
        contained ? 'yes' : 'not shown',
        undone,
        removed ? 'yes' : 'no',
        notShown ?? '-',
      ]),
    ),
    '## Rights of the operator',
    'Attach this to the role that runs drills; write your Region, account and stage. Names, the path `/firebreak-drill/` and the tag keep it to what drills make.',
    `\`\`\`json\n${JSON.stringify(drillPolicy, null, 2)}\n\`\`\``,
  );
}
