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
        'ec2:DescribeAvailabilityZones',
        'ec2:DescribeInstanceAttribute',
        'ec2:DescribeInstances',
        'ec2:DescribeInternetGateways',
        'ec2:DescribeNetworkInterfaces',
        'ec2:DescribeRouteTables',
        'ec2:DescribeSecurityGroups',
        'ec2:DescribeSnapshots',
        'ec2:DescribeSubnets',
        'ec2:DescribeVpcs',
        // Without a resource level.
        'ecs:DescribeTaskDefinition',
        'ecs:ListClusters',
        'ecs:ListTaskDefinitionFamilies',
        'ecs:ListTaskDefinitions',
        'eks:ListClusters',
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
        'rds:DescribeDBInstances',
        'rds:DescribeDBSnapshots',
        'rds:DescribeDBSubnetGroups',
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
        'iam:CreateServiceSpecificCredential',
        'iam:CreateUser',
        'iam:DeleteAccessKey',
        'iam:DeleteRole',
        'iam:DeleteRolePolicy',
        'iam:DeleteServiceSpecificCredential',
        'iam:DeleteSigningCertificate',
        'iam:DeleteSSHPublicKey',
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
        'iam:ListServiceSpecificCredentials',
        'iam:ListSigningCertificates',
        'iam:ListSSHPublicKeys',
        'iam:ListUserPolicies',
        'iam:PassRole',
        'iam:PutRolePolicy',
        'iam:PutUserPolicy',
        'iam:SimulatePrincipalPolicy',
        'iam:TagRole',
        'iam:TagUser',
        'iam:UploadSigningCertificate',
        'iam:UploadSSHPublicKey',
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
    allow(
      'MakeWayOut',
      ['ec2:CreateInternetGateway', 'ec2:CreateRouteTable'],
      [of('ec2', 'internet-gateway/*'), of('ec2', 'route-table/*')],
      MADE,
    ),
    allow(
      'WayOut',
      [
        'ec2:AssociateRouteTable',
        'ec2:AttachInternetGateway',
        'ec2:CreateRoute',
        'ec2:CreateRouteTable',
        'ec2:DeleteInternetGateway',
        'ec2:DeleteRouteTable',
        'ec2:DetachInternetGateway',
        'ec2:DisassociateRouteTable',
      ],
      ['internet-gateway/*', 'route-table/*', 'subnet/*', 'vpc/*'].map((type) => of('ec2', type)),
      OWN,
    ),
    allow('Launch', ['ec2:RunInstances'], [of('ec2', 'network-interface/*'), 'arn:*:ec2:*::image/*']),
    allow('Tag', ['ec2:CreateTags'], of('ec2', '*'), {
      ...MADE,
      StringEquals: {
        'ec2:CreateAction': [
          'CreateVpc',
          'CreateSubnet',
          'CreateSecurityGroup',
          'CreateInternetGateway',
          'CreateRouteTable',
          'RunInstances',
        ],
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
      'Tasks',
      [
        'ecs:CreateCluster',
        'ecs:DeleteCluster',
        'ecs:DeleteTaskDefinitions',
        'ecs:DeregisterTaskDefinition',
        'ecs:DescribeClusters',
        'ecs:DescribeTasks',
        'ecs:ListTasks',
        'ecs:RegisterTaskDefinition',
        'ecs:RunTask',
        'ecs:StopTask',
        'ecs:TagResource',
      ],
      [
        ...['cluster', 'task-definition', 'container-instance'].map((type) => of('ecs', `${type}/${NAMES}`)),
        of('ecs', `task/${NAMES}/*`),
      ],
    ),
    allow(
      'FirstOfAService',
      ['iam:CreateServiceLinkedRole'],
      ['ecs', 'eks', 'rds'].map((one) => `arn:*:iam::*:role/aws-service-role/${one}.amazonaws.com/*`),
      {
        StringEquals: {
          'iam:AWSServiceName': ['ecs.amazonaws.com', 'eks.amazonaws.com', 'rds.amazonaws.com'],
        },
      },
    ),
    allow(
      'Kubernetes',
      [
        'eks:AssociateAccessPolicy',
        'eks:CreateAccessEntry',
        'eks:CreateCluster',
        'eks:DeleteCluster',
        'eks:DescribeAccessEntry',
        'eks:DescribeCluster',
        'eks:ListAssociatedAccessPolicies',
        'eks:TagResource',
      ],
      [of('eks', `cluster/${NAMES}`), of('eks', `access-entry/${NAMES}/*`)],
    ),
    allow(
      'RoleOfCluster',
      ['iam:AttachRolePolicy', 'iam:DetachRolePolicy'],
      'arn:*:iam::*:role/firebreak-drill/*',
      { ArnLike: { 'iam:PolicyARN': 'arn:*:iam::aws:policy/AmazonEKSClusterPolicy' } },
    ),
    allow(
      'Databases',
      [
        'rds:AddTagsToResource',
        'rds:CreateDBInstance',
        'rds:CreateDBSubnetGroup',
        'rds:DeleteDBInstance',
        'rds:DeleteDBSubnetGroup',
        'rds:ListTagsForResource',
      ],
      [of('rds', `db:${NAMES}`), of('rds', `subgrp:${NAMES}`)],
    ),
    // Named after the case and the database.
    allow(
      'RemoveDatabaseSnapshots',
      ['rds:DeleteDBSnapshot'],
      of('rds', 'snapshot:firebreak-*-firebreak-drill-*'),
    ),
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

/** Written by test/deploy/drill.test.ts. */
const onMoto = () => moto.parse(JSON.parse(readFileSync('docs/drill-moto.json', 'utf8')));
const moto = z.object({
  limits: z.array(z.string()),
  rows: z.array(
    z.object({
      playbook: z.string(),
      seen: z.enum(['outside', 'state', 'not shown']),
      /** How many it was played in. */
      accounts: z.number(),
      undone: z.string(),
      removed: z.boolean(),
      notShown: z.string().nullable(),
    }),
  ),
});
const SEEN = {
  outside: "yes, by the attacker's own calls",
  state: 'yes, by the state of the resource',
  'not shown': 'not shown',
} as const;

export function drillPage(): string {
  const report = reported();
  const facts = report.outcomes.flatMap(({ playbook, facts: seen }) =>
    seen.map(({ id, verdict, saw }) => [code(playbook), code(id), verdict, saw]),
  );
  const always = DRILLS.filter(({ extra }) => extra === undefined);
  const usd = always.reduce((sum, { cost }) => sum + cost.usd, 0);
  const minutes = always.reduce((sum, one) => sum + one.minutes, 0);
  return page(
    '<!-- Generated by `npm run generate`: edit deploy/drill.ts and cli/drill instead. -->',
    '# Drill: does containment hold in your account?',
    '```sh\nnpx firebreak drill                        # in the sandbox, changes nothing of yours\nnpx firebreak drill --live                 # in your account: shows cost and time, and asks before it begins\nnpx firebreak drill isolate-instance --live --redact --report drill-report.json\nnpx firebreak drill --live --ecs --eks --rds  # with the drills that cost more or take longer\nnpx firebreak drill --live --accounts 444455556666 --role OrganizationAccountAccessRole\nnpx firebreak drill --live --clean         # removes what an interrupted drill left\n```',
    `Each drill makes disposable resources, plays a harmless attack on them, and starts the deployed workflow with a finding about them. It then looks from outside, with the credentials of the attacker, whether the containment holds and after how many seconds, undoes it, compares the state with that before field for field, and removes everything. The commands \`suppress\` and \`lists\` change GuardDuty itself: their drills make a filter and a threat list of their own, read that they are in force, and compare every filter and list of the detector before and after. Without a flag they cost at most $${usd.toFixed(2)} and take about ${minutes} minutes; those with a flag are played only where the flag, or the name, asks for them. With \`--accounts\` the resources are made in member accounts by a role of yours, and the pipeline contains them there as it contains any other of their resources.`,
    '## What each one does',
    table(
      ['Playbook', 'Makes', 'Attack', 'Probe', 'At most', 'Minutes'],
      DRILLS.map(({ playbook, command, extra, makes, attack, probe, cost, minutes: time, asks }) => [
        `[${code(playbook)}](${command ? 'commands.md' : `playbooks/${playbook}.md`})${extra ? ` ${code(`--${extra}`)}` : ''}`,
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
      '- Instances and databases run in a VPC without a gateway: nothing gets in or out. The task of `--ecs` pulls its image from the public registry, so its subnet has a way out; its security group lets nothing in. The API of the cluster of `--eks` is open to the internet, and lets in one user of the drill and no one else. A role can be assumed by you alone, that of the task by ECS as well. The one bucket that is public for some seconds holds one worthless object.',
      "- A task is a drill's only where its role carries the tag too and it belongs to no service: the containment changes these as well.",
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
    'The same command against a stack deployed into [moto](https://docs.getmoto.org), an emulator that shares nothing with the twin ([drill-moto.json](drill-moto.json)): it starts the deployed workflow, the packaged functions contain and undo, in the account of the stack and in a member account, and moto judges every call by the IAM policies of its caller. What is played in one account is played by the engine of the command.',
    table(
      ['Playbook', 'Contained', 'Accounts', 'Undone', 'Removed', 'Not shown'],
      onMoto().rows.map(({ playbook, seen, accounts, undone, removed, notShown }) => [
        code(playbook),
        SEEN[seen],
        accounts === 0 ? '-' : String(accounts),
        undone,
        removed ? 'yes' : 'not made',
        notShown ?? '-',
      ]),
    ),
    'Not shown for any of them:',
    onMoto()
      .limits.map((line) => `- ${line}`)
      .join('\n'),
    '## Rights of the operator',
    'Attach this to the role that runs drills; write your Region, account and stage. Names, the path `/firebreak-drill/` and the tag keep it to what drills make.',
    `\`\`\`json\n${JSON.stringify(drillPolicy, null, 2)}\n\`\`\``,
  );
}
