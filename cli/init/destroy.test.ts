import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CloudFormationClient,
  CloudFormationServiceException,
  DescribeStacksCommand,
  ListStackResourcesCommand,
} from '@aws-sdk/client-cloudformation';
import {
  DeleteTableCommand,
  DescribeTableCommand,
  DynamoDBClient,
  PutItemCommand,
  ResourceNotFoundException,
  UpdateTableCommand,
} from '@aws-sdk/client-dynamodb';
import {
  DeleteParametersCommand,
  GetParametersCommand,
  SSMClient,
  SSMServiceException,
} from '@aws-sdk/client-ssm';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { DynamoDBDocumentClient, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FirebreakError } from '../../core/errors.ts';
import { parseFinding } from '../../core/finding/finding.ts';
import { incidentStore } from '../../core/incident/store.ts';
import { openDatabase, serveDatabase } from '../../sandbox/database.ts';
import { readStage, writeStage } from '../settings.ts';
import { type DestroyMeans, destroy } from './destroy.ts';

const region = 'eu-west-1';
const input = { stage: 'dev', region, yes: true };
const absentStack = new CloudFormationServiceException({
  ...{ name: 'ValidationError', message: 'Stack with id firebreak-dev does not exist' },
  ...{ $fault: 'client', $metadata: {} },
});
const absentTable = new ResourceNotFoundException({ message: 'not found', $metadata: {} });
const NAMES = ['bot-token', 'signing-secret', 'channel', 'team-id', 'app-id'];

let home: string;
let said: string[];
let mocks: { restore(): void }[];
const began = process.cwd();
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'firebreak-destroy-'));
  process.chdir(home);
  said = [];
  mocks = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    said.push(String(text));
    return true;
  });
});
afterEach(async () => {
  vi.restoreAllMocks();
  for (const mock of mocks) mock.restore();
  vi.unstubAllEnvs();
  process.chdir(began);
  await rm(home, { recursive: true, force: true });
});

/** A stage as AWS shows it. Each part stays where `keeps` names it, whatever is asked. */
function account({ keeps = [] as readonly string[], stack = true } = {}) {
  const state = { stack, table: true, protection: true, names: [...NAMES] };
  const cloudFormation = mockClient(CloudFormationClient);
  cloudFormation.on(DescribeStacksCommand).callsFake(() => {
    if (!state.stack) throw absentStack;
    return { Stacks: [{ StackStatus: 'DELETE_IN_PROGRESS' }] };
  });
  cloudFormation.on(ListStackResourcesCommand).callsFake(() => ({
    StackResourceSummaries: [{ LogicalResourceId: 'EvidenceBucket', PhysicalResourceId: 'evidence-1' }],
  }));
  const dynamo = mockClient(DynamoDBClient);
  const documents = mockClient(DynamoDBDocumentClient);
  documents.on(QueryCommand).resolves({ Items: [], Count: 0, ScannedCount: 0 });
  const table = (work: () => void) => () => {
    if (!state.table) throw absentTable;
    work();
    return { Table: { TableStatus: 'ACTIVE', DeletionProtectionEnabled: state.protection } };
  };
  dynamo.on(DescribeTableCommand).callsFake(table(() => {}));
  dynamo.on(UpdateTableCommand).callsFake(({ DeletionProtectionEnabled }) =>
    table(() => {
      if (DeletionProtectionEnabled && keeps.includes('unprotected')) throw new Error('AccessDenied');
      state.protection = DeletionProtectionEnabled;
    })(),
  );
  dynamo.on(DeleteTableCommand).callsFake(
    table(() => {
      if (state.protection) throw new Error('the table is protected');
      if (!keeps.includes('table')) state.table = false;
    }),
  );
  const ssm = mockClient(SSMClient);
  ssm.on(GetParametersCommand).callsFake(() => ({
    Parameters: state.names.map((name) => ({ Name: `/firebreak/dev/slack/${name}` })),
  }));
  ssm.on(DeleteParametersCommand).callsFake(() => {
    state.names = keeps.includes('names') ? state.names.slice(0, 1) : [];
    return {};
  });
  const sts = mockClient(STSClient);
  sts.on(GetCallerIdentityCommand).resolves({ Account: '111122223333', Arn: 'arn' });
  const removals: string[] = [];
  const means: DestroyMeans = {
    patienceSeconds: 2,
    async remove(verb) {
      removals.push(verb);
      if (keeps.includes('removal')) throw new FirebreakError('StepFailed', 'serverless remove ended with 1');
      if (!keeps.includes('stack')) state.stack = false;
    },
  };
  mocks.push(cloudFormation, dynamo, documents, ssm, sts);
  return { state, means, removals, cloudFormation, ssm };
}

describe('destroy', () => {
  it('says "gone" after it has looked for stack, table and values', async () => {
    await writeStage('dev', { region, params: {} });
    const { means, state } = account();
    expect(await destroy(input, means)).toBe(0);
    expect(state).toMatchObject({ stack: false, table: false, names: [] });
    expect(said.join('')).toMatch(/firebreak-dev is gone.*evidence-1 stays/s);
    expect(await readStage('dev')).toBeUndefined();
  });

  it.each([
    ['stack', 'stack firebreak-dev is DELETE_IN_PROGRESS'],
    ['table', 'table firebreak-dev was not gone after 2 s'],
    ['names', 'Slack values bot-token are in Systems Manager'],
  ])('names the %s that remains, and keeps the stage for another try', async (kept, line) => {
    await writeStage('dev', { region, params: {} });
    const { means } = account({ keeps: [kept] });
    expect(await destroy(input, means)).toBe(1);
    expect(said.join('')).toContain(line);
    expect(said.join('')).not.toContain('is gone');
    expect(await readStage('dev')).toBeDefined();
  });

  it('what cannot be looked at is not called gone', async () => {
    const { means, cloudFormation } = account();
    const denied = Object.assign(new Error('no'), { name: 'AccessDenied' });
    const { remove } = means;
    const code = await destroy(input, {
      ...means,
      async remove(verb, run) {
        await remove(verb, run);
        cloudFormation.on(DescribeStacksCommand).rejects(denied);
      },
    });
    expect(code).toBe(1);
    expect(said.join('')).toContain('stack firebreak-dev could not be looked at: AccessDenied');
  });

  it('tells why the values stay', async () => {
    const { means, ssm } = account();
    const denied = { name: 'AccessDeniedException', $fault: 'client', message: 'no', $metadata: {} } as const;
    ssm.on(DeleteParametersCommand).rejects(new SSMServiceException(denied));
    expect(await destroy(input, means)).toBe(1);
    expect(said.join('')).toMatch(/could not be deleted: AccessDeniedException.*app-id are in Systems/s);
  });

  it('keeps a stage of another Region in firebreak.json', async () => {
    await writeStage('dev', { region: 'us-east-1', params: {} });
    const { means } = account({ stack: false });
    expect(await destroy(input, means)).toBe(0);
    expect(said.join('')).toContain('were looked for in eu-west-1');
    expect(await readStage('dev')).toMatchObject({ region: 'us-east-1' });
  });

  it('goes on with the rest where the stack went before', async () => {
    const { means, removals } = account({ stack: false });
    expect(await destroy(input, means)).toBe(0);
    expect(removals).toEqual([]);
    expect(said.join('')).toContain('No stack named an evidence bucket');
  });

  it('protects the table again when the removal fails, and says so', async () => {
    const { means, state } = account({ keeps: ['removal'] });
    const failing = destroy(input, means);
    await expect(failing).rejects.toThrow(/ended with 1.*firebreak-dev is protected from deletion again/s);
    expect(state).toMatchObject({ protection: true, table: true, names: NAMES });
  });

  it('a second removal that fails does not hide that the table is unprotected', async () => {
    const { means, state } = account({ keeps: ['removal'] });
    state.protection = false;
    await expect(destroy(input, means)).rejects.toThrow(
      'was not protected from deletion before, and is not now',
    );
  });

  it('says that the table is not protected any more when that fails too', async () => {
    const { means } = account({ keeps: ['removal', 'unprotected'] });
    await expect(destroy(input, means)).rejects.toThrow(
      /ended with 1.*NOT protected.*aws dynamodb update-table --table-name firebreak-dev/s,
    );
  });

  it('warns of what is contained or half undone, however long ago', async () => {
    const scope = { partition: 'aws', account: '111122223333', region };
    const database = await serveDatabase(scope, 'firebreak-dev');
    // dynalite takes no transactions: the incidents are made in this process, and copied.
    const made = await openDatabase(scope, 'firebreak-dev');
    const store = incidentStore(made.table);
    const ids: Record<string, string> = {};
    for (const [daysAgo, status] of [
      [400, 'contained'],
      [200, 'undo-partial'],
      [150, 'undone'],
      [1, 'residual'],
    ] as const) {
      const at = new Date(Date.now() - daysAgo * 86_400_000);
      const finding = parseFinding({
        ...{ id: `f-${daysAgo}`, type: 'Recon:EC2/Portscan', accountId: '111122223333', region, severity: 5 },
        ...{ partition: 'aws', title: 't', createdAt: at.toISOString(), updatedAt: at.toISOString() },
        ...{ service: {}, resource: {} },
      });
      const { incident } = await store.claim(finding, 'execution', at);
      await store.change(incident.id, at, () => ({ status }));
      ids[status] = incident.id;
    }
    for (const Item of made.items())
      await database.client.send(new PutItemCommand({ TableName: 'firebreak-dev', Item }));
    await made.close();
    const { port } = (await database.client.config.endpoint?.()) ?? {};
    vi.stubEnv('AWS_ENDPOINT_URL_DYNAMODB', `http://127.0.0.1:${port}`);
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'x');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'x');
    const cloudFormation = mockClient(CloudFormationClient);
    cloudFormation.on(DescribeStacksCommand).rejects(absentStack);
    const sts = mockClient(STSClient);
    sts.on(GetCallerIdentityCommand).resolves({ Account: '111122223333', Arn: 'arn' });
    mocks.push(cloudFormation, sts);
    // No one is there to type the stage's name: it stops behind the warning.
    await expect(destroy({ ...input, yes: false })).rejects.toThrow('no one is at the terminal');
    await database.close();
    const warning = said.join('');
    expect(warning).toContain('3 incidents are contained or half undone');
    for (const status of ['contained', 'undo-partial', 'residual']) expect(warning).toContain(ids[status]);
    expect(warning).not.toContain(ids['undone']);
  });
});
