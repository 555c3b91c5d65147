/**
 * Two stages in two Regions of one account, and a first deployment that fails and is tried again: the packaged template, four
 * times in moto's CloudFormation. moto keeps names apart by their scope for some types only; deploy/limits/names.ts knows all.
 */
import { readFileSync } from 'node:fs';
import {
  CloudFormationClient,
  CreateStackCommand,
  DeleteStackCommand,
  DescribeStacksCommand,
  paginateListStackResources,
} from '@aws-sdk/client-cloudformation';
import { DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { CreateRoleCommand, DeleteRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { type MotoServer, startMoto } from '../../bench/moto-server.ts';
import { collisions } from '../../deploy/limits/names.ts';
import { ofType, PACKAGED, parseTemplate, restaged, stageOf } from '../../deploy/limits/template.ts';

const PLACES = ['one', 'two'].flatMap((stage) =>
  ['us-east-1', 'eu-west-1'].map((region) => ({ stage, region })),
);
const text = readFileSync(PACKAGED, 'utf8');
const templateOf = (stage: string) => restaged(text, stageOf(parseTemplate(text)), stage);

let moto: MotoServer;
const at = (region: string) => ({
  region,
  endpoint: moto.url,
  credentials: { accessKeyId: 'moto', secretAccessKey: 'moto' },
});
beforeAll(async () => {
  // The zips are not uploaded: what is deployed is the template.
  moto = await startMoto({ VALIDATE_LAMBDA_S3: 'false' });
});
beforeEach(() => moto.reset());
afterAll(() => moto.stop());

async function deploy({ stage, region }: (typeof PLACES)[number]): Promise<void> {
  const ssm = new SSMClient(at(region));
  for (const name of ['channel', 'team-id', 'app-id'])
    await ssm.send(
      new PutParameterCommand({
        Name: `/firebreak/${stage}/slack/${name}`,
        Value: 'X0',
        Type: 'String',
        Overwrite: true,
      }),
    );
  const body = JSON.stringify(JSON.parse(templateOf(stage)));
  await new CloudFormationClient(at(region)).send(
    new CreateStackCommand({
      StackName: `firebreak-${stage}`,
      TemplateBody: body,
      Capabilities: ['CAPABILITY_NAMED_IAM'],
    }),
  );
}

/** Physical ids of the stack, by logical id. */
async function made({ stage, region }: (typeof PLACES)[number]): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  const client = new CloudFormationClient(at(region));
  for await (const { StackResourceSummaries = [] } of paginateListStackResources(
    { client },
    { StackName: `firebreak-${stage}` },
  ))
    for (const { LogicalResourceId = '', PhysicalResourceId = '' } of StackResourceSummaries)
      found.set(LogicalResourceId, PhysicalResourceId);
  return found;
}

it('two stages and two Regions of one account deploy next to each other, each with resources of its own', async () => {
  for (const place of PLACES) await deploy(place);
  const role = await Promise.all(PLACES.map(async (place) => (await made(place)).get('EnrichRole')));
  expect(new Set(role).size).toBe(PLACES.length);
  for (const { stage, region } of PLACES) {
    const { Table } = await new DynamoDBClient(at(region)).send(
      new DescribeTableCommand({ TableName: `firebreak-${stage}` }),
    );
    expect(Table?.TableArn).toBe(`arn:aws:dynamodb:${region}:123456789012:table/firebreak-${stage}`);
  }
}, 300_000);

it('no name of the template is taken twice, as far as the name of its type reaches', () => {
  const stacks = PLACES.map(({ stage, region }) => ({
    template: parseTemplate(templateOf(stage)),
    deployment: { partition: 'aws', account: '123456789012', region, stage },
  }));
  expect(collisions(stacks)).toEqual([]);
});

it('what a first deployment made before it failed is removed, and the next one works', async () => {
  const [place] = PLACES;
  if (!place) throw new Error('no place');
  const iam = new IAMClient(at(place.region));
  const RoleName = `firebreak-${place.stage}-${place.region}-sweep`;
  const AssumeRolePolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement: [] });
  await iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument }));
  await expect(deploy(place)).rejects.toThrow(/already exists/);
  // moto leaves what it made and does not roll back: CloudFormation deletes it, but for what says Retain.
  const kept = Object.entries(parseTemplate(templateOf(place.stage)).Resources).filter(
    ([, { DeletionPolicy }]) => DeletionPolicy === 'Retain' || DeletionPolicy === 'Snapshot',
  );
  expect(kept).toEqual([]);
  const client = new CloudFormationClient(at(place.region));
  await client.send(new DeleteStackCommand({ StackName: `firebreak-${place.stage}` }));
  await iam.send(new DeleteRoleCommand({ RoleName }));
  await deploy(place);
  const { Stacks } = await client.send(new DescribeStacksCommand({ StackName: `firebreak-${place.stage}` }));
  expect(Stacks?.map(({ StackStatus }) => StackStatus)).toEqual(['CREATE_COMPLETE']);
  expect((await made(place)).get('EnrichRole')).toBeDefined();
}, 300_000);

it('the table and the evidence are kept by every stack that once worked', () => {
  const { Resources } = parseTemplate(text);
  for (const id of ['Table', 'EvidenceBucket'])
    expect(Resources[id], id).toMatchObject({
      DeletionPolicy: 'RetainExceptOnCreate',
      UpdateReplacePolicy: 'Retain',
    });
  expect(ofType(parseTemplate(text), 'AWS::DynamoDB::Table')).toHaveLength(1);
});
