import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CloudFormationClient,
  DescribeStacksCommand,
  ListStackResourcesCommand,
  type StackStatus,
} from '@aws-sdk/client-cloudformation';
import { DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { GetDetectorCommand, GuardDutyClient, ListDetectorsCommand } from '@aws-sdk/client-guardduty';
import { GetAccountSettingsCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { GetParametersCommand, PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { mockClient } from 'aws-sdk-client-mock';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { describeError, FirebreakError } from '../../core/errors.ts';
import { parsePolicy } from '../../core/policy/policy.ts';
import { policyFile } from '../../sandbox/workspace.ts';
import { readStage, writeStage } from '../settings.ts';
import { canReserve, detectorHere } from './account.ts';
import { type InitInput, init } from './init.ts';
import { storeParameters } from './parameters.ts';
import { changedPolicy } from './policy-file.ts';

const POLICY = readFileSync(new URL('../../policy.yml', import.meta.url), 'utf8');
/** As a team that reacts has it. */
const ENFORCING = changedPolicy(POLICY, { mode: 'enforce', approvers: ['S0TEAM42'] });
const [TOKEN, SECRET] = ['xoxb-1-2-verysecret', '0123456789abcdef0123456789abcdef'];
const region = 'eu-west-1';
let home: string;
const began = process.cwd();

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'firebreak-init-'));
  await writeFile(join(home, 'policy.yml'), POLICY);
  process.chdir(home);
});
afterEach(async () => {
  process.chdir(began);
  vi.unstubAllEnvs();
  await rm(home, { recursive: true, force: true });
});

describe('changedPolicy', () => {
  it('sets mode and approvers, and leaves every comment and rule as it was', () => {
    const after = changedPolicy(POLICY, { mode: 'observe', approvers: ['S0ONCALL1', 'U0CAROL'] });
    expect(parsePolicy(after).mode).toBe('observe');
    const different = (text: string) => text.split('\n').filter((line) => !/^(mode|approvers):/.test(line));
    expect(different(after)).toEqual(different(POLICY));
    expect(after).toMatch(/^mode: observe$/m);
    expect(after).toContain('approvers: [S0ONCALL1, U0CAROL]');
  });

  it('adds a mode to a policy that has none, and leaves approvers alone where none are given', () => {
    const old = POLICY.replace(/^mode: .*\n/m, '');
    const after = changedPolicy(old, { mode: 'enforce', approvers: undefined });
    expect(parsePolicy(after)).toMatchObject({ mode: 'enforce', approvers: parsePolicy(old).approvers });
  });

  it('touches nothing that is no policy', () => {
    expect(() => changedPolicy('version: 1\n', { mode: 'observe', approvers: undefined })).toThrow('rules');
  });
});

describe('settings', () => {
  it('keeps stages apart, and forgets one that is destroyed', async () => {
    await writeStage('prod', { region, params: { 'reserve-concurrency': 'false' } });
    await writeStage('dev', { region: 'us-east-1', params: {} });
    expect(await readStage('prod')).toEqual({ region, params: { 'reserve-concurrency': 'false' } });
    await writeStage('prod', undefined);
    expect(await readStage('prod')).toBeUndefined();
    expect(await readStage('dev')).toMatchObject({ region: 'us-east-1' });
  });

  it('says which file is not as it should be', async () => {
    await writeFile('firebreak.json', '{"stages": {"prod": {"region": 7}}}');
    await expect(readStage('prod')).rejects.toThrow('firebreak.json is not as init writes it');
  });
});

describe('account', () => {
  it.each([
    [{ DetectorIds: [] }, {}, 'wrong', 'not switched on', 'create-detector'],
    [{ DetectorIds: ['d'] }, { Status: 'DISABLED' as const }, 'wrong', 'is DISABLED', '--enable'],
    [
      { DetectorIds: ['d'] },
      { Status: 'ENABLED' as const, FindingPublishingFrequency: 'SIX_HOURS' as const },
      'warn',
      'every SIX_HOURS',
      'FIFTEEN_MINUTES',
    ],
  ])('says what to fix about the detector, in which Region: %j %j', async (list, found, status, saw, fix) => {
    const mock = mockClient(GuardDutyClient);
    mock.on(ListDetectorsCommand).resolves(list);
    mock.on(GetDetectorCommand).resolves(found);
    const judged = await detectorHere(region);
    mock.restore();
    expect(judged).toMatchObject({ status, saw: expect.stringContaining(saw) });
    for (const word of [fix, `--region ${region}`])
      expect(judged).toMatchObject({ fix: expect.stringContaining(word) });
  });

  it.each([
    [1000, true],
    [191, true],
    [190, false],
    [10, false],
  ])('with %i executions left reserves concurrency: %s', async (UnreservedConcurrentExecutions, reserves) => {
    const mock = mockClient(LambdaClient);
    mock.on(GetAccountSettingsCommand).resolves({ AccountLimit: { UnreservedConcurrentExecutions } });
    expect(await canReserve(region)).toBe(reserves);
    mock.restore();
  });
});

describe('storeParameters', () => {
  it('writes secrets as SecureString and only what is given', async () => {
    const mock = mockClient(SSMClient);
    await storeParameters(region, 'prod', { 'bot-token': 'xoxb-1', channel: 'C1' });
    expect(mock.commandCalls(PutParameterCommand).map(({ args }) => args[0].input)).toMatchObject([
      { Name: '/firebreak/prod/slack/bot-token', Type: 'SecureString', Value: 'xoxb-1' },
      { Name: '/firebreak/prod/slack/channel', Type: 'String', Value: 'C1' },
    ]);
    mock.restore();
  });
});

describe('init', () => {
  const input: InitInput = {
    ...{ stage: 'prod', region, mode: undefined, approvers: ['S0ONCALL1'] },
    ...{ channel: 'C0INCIDENTS', teamId: 'T0TEAM', appId: 'A0APP' },
    ...{ params: {}, policyFile: 'policy.yml', dryRun: true },
    ...{ slack: undefined, allowPlaceholder: false },
  };

  const stub = () => mockClient(SSMClient);
  const noStack = Object.assign(new Error('Stack with id firebreak-prod does not exist'), {
    name: 'ValidationError',
  });
  const noTable = Object.assign(new Error('Table not found'), { name: 'ResourceNotFoundException' });
  /** What CloudFormation and DynamoDB show of the stage before. */
  let stack: string | undefined;
  let table = false;
  beforeEach(() => {
    [stack, table] = [undefined, false];
  });
  async function inAccount(work: (ssm: ReturnType<typeof stub>) => Promise<void>) {
    const mocks = [mockClient(STSClient), mockClient(GuardDutyClient), mockClient(LambdaClient)] as const;
    mocks[0].on(GetCallerIdentityCommand).resolves({ Account: '111122223333', Arn: 'arn' });
    mocks[1].on(ListDetectorsCommand).resolves({ DetectorIds: ['d'] });
    mocks[1]
      .on(GetDetectorCommand)
      .resolves({ Status: 'ENABLED', FindingPublishingFrequency: 'FIFTEEN_MINUTES' });
    mocks[2].on(GetAccountSettingsCommand).resolves({ AccountLimit: { UnreservedConcurrentExecutions: 10 } });
    const cloudFormation = mockClient(CloudFormationClient);
    const dynamo = mockClient(DynamoDBClient);
    if (stack === undefined) cloudFormation.on(DescribeStacksCommand).rejects(noStack);
    else
      cloudFormation.on(DescribeStacksCommand).resolves({
        Stacks: [
          { StackName: 'firebreak-prod', StackStatus: stack as StackStatus, CreationTime: new Date(0) },
        ],
      });
    cloudFormation.on(ListStackResourcesCommand).resolves({ StackResourceSummaries: [] });
    if (table) dynamo.on(DescribeTableCommand).resolves({});
    else dynamo.on(DescribeTableCommand).rejects(noTable);
    const ssm = stub();
    ssm.on(GetParametersCommand).resolves({ Parameters: [] });
    const said: string[] = [];
    const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
      said.push(String(text));
      return true;
    });
    try {
      await work(ssm);
    } finally {
      write.mockRestore();
      for (const mock of [...mocks, cloudFormation, dynamo, ssm]) mock.restore();
    }
    return said.join('');
  }

  it('says what it would do, starts in observe mode where no one says otherwise, and does nothing', async () => {
    vi.stubEnv('SLACK_BOT_TOKEN', TOKEN);
    vi.stubEnv('SLACK_SIGNING_SECRET', SECRET);
    const said = await inAccount(async (ssm) => {
      expect(await init(input)).toBe(0);
      expect(ssm.commandCalls(PutParameterCommand)).toEqual([]);
    });
    for (const word of [
      '111122223333',
      'mode observe',
      'S0ONCALL1',
      'reserve-concurrency=false',
      'Nothing was changed',
    ])
      expect(said).toContain(word);
    for (const secret of [TOKEN, SECRET]) expect(said).not.toContain(secret);
    expect(await readFile('policy.yml', 'utf8')).toBe(POLICY);
    expect(await readStage('prod')).toBeUndefined();
  });

  it.each([
    [
      'ROLLBACK_COMPLETE',
      false,
      ['first deployment', 'delete-stack --stack-name firebreak-prod --region eu-west-1'],
    ],
    [
      'ROLLBACK_COMPLETE',
      true,
      ['its table was kept', 'delete-stack', 'delete-table --table-name firebreak-prod'],
    ],
    [
      undefined,
      true,
      ['table firebreak-prod was kept', '--no-deletion-protection-enabled', 'another --stage'],
    ],
    ['DELETE_FAILED', true, ['delete-stack', 'delete-table']],
    ['UPDATE_ROLLBACK_FAILED', true, ['continue-update-rollback --stack-name firebreak-prod']],
    ['UPDATE_IN_PROGRESS', true, ['Wait until']],
  ])(
    'says what to do about what a deployment left (stack %s, table %s), and changes nothing',
    async (was, kept, words) => {
      [stack, table] = [was, kept];
      let message = '';
      await inAccount(async (ssm) => {
        known(ssm);
        await init(upgrade, () => Promise.reject(new Error('deployed'))).catch((error: unknown) => {
          message = describeError(error);
        });
        expect(ssm.commandCalls(PutParameterCommand)).toEqual([]);
      });
      for (const word of words) expect(message).toContain(word);
      expect(await readFile('policy.yml', 'utf8')).toBe(POLICY);
    },
  );

  it.each(['UPDATE_COMPLETE', 'CREATE_COMPLETE', 'UPDATE_ROLLBACK_COMPLETE', 'REVIEW_IN_PROGRESS'])(
    'deploys over a stack that is %s',
    async (was) => {
      [stack, table] = [was, was !== 'REVIEW_IN_PROGRESS'];
      await writeStage('prod', { region, params: {} });
      const deployed: string[] = [];
      await inAccount(async (ssm) => {
        known(ssm);
        await init({ ...upgrade, approvers: ['S0TEAM42'] }, async (verb) => void deployed.push(verb));
      });
      expect(deployed).toEqual(['deploy']);
    },
  );

  /** Everything that init would ask for is there already, as on an upgrade. */
  const known = (ssm: ReturnType<typeof stub>) =>
    ssm.on(GetParametersCommand).resolves({
      Parameters: ['bot-token', 'signing-secret', 'channel', 'team-id', 'app-id'].map((name) => ({
        Name: `/firebreak/prod/slack/${name}`,
      })),
    });
  const upgrade: InitInput = {
    ...{ ...input, approvers: undefined, channel: undefined, teamId: undefined, appId: undefined },
    dryRun: false,
  };
  const modeNow = async () => parsePolicy(await readFile('policy.yml', 'utf8')).mode;

  it.each([
    ['enforce', undefined, 'enforce'],
    ['observe', undefined, 'observe'],
    ['enforce', 'observe', 'observe'],
    ['observe', 'enforce', 'enforce'],
  ] as const)('an upgrade in %s mode with --mode %s is deployed in %s mode', async (had, asked, runs) => {
    await writeFile('policy.yml', changedPolicy(POLICY, { mode: had, approvers: ['S0TEAM42'] }));
    await writeStage('prod', { region, params: {} });
    const deployed: string[] = [];
    const said = await inAccount(async (ssm) => {
      known(ssm);
      const code = await init({ ...upgrade, mode: asked }, async (verb) => {
        deployed.push(`${verb} ${await modeNow()}`);
      });
      expect(code).toBe(0);
    });
    expect(deployed).toEqual([`deploy ${runs}`]);
    expect(said).toContain(`is deployed in ${runs} mode`);
  });

  it('knows an upgrade by the stored Slack values where firebreak.json is not at hand', async () => {
    await writeFile('policy.yml', ENFORCING);
    await inAccount(async (ssm) => {
      known(ssm);
      await init({ ...upgrade, approvers: ['S0ONCALL1'] }, async () => {});
    });
    expect(await modeNow()).toBe('enforce');
  });

  it('one more stage does not take the others out of enforce mode', async () => {
    await writeFile('policy.yml', ENFORCING);
    vi.stubEnv('SLACK_BOT_TOKEN', TOKEN);
    vi.stubEnv('SLACK_SIGNING_SECRET', SECRET);
    await writeStage('prod', { region, params: {} });
    const second: InitInput = { ...input, stage: 'dev', dryRun: false };
    await inAccount(async () => {
      await expect(init(second, async () => {})).rejects.toThrow('--mode is not given');
    });
    expect(await readFile('policy.yml', 'utf8')).toBe(ENFORCING);
  });

  const files = async () => (await readdir('.', { recursive: true })).sort();
  const whole: InitInput = { ...input, policyFile: undefined, dryRun: false };
  const secrets = () => {
    vi.stubEnv('SLACK_BOT_TOKEN', TOKEN);
    vi.stubEnv('SLACK_SIGNING_SECRET', SECRET);
  };

  it('writes a policy of the team, which no update of Firebreak conflicts with', async () => {
    secrets();
    const deployed: (string | undefined)[] = [];
    await inAccount(async () => {
      await init(whole, async (_verb, { policyFile }) => {
        deployed.push(policyFile);
      });
    });
    expect(deployed).toEqual([join(process.cwd(), 'firebreak', 'policy.yml')]);
    expect(await files()).toEqual(['firebreak', 'firebreak.json', 'firebreak/policy.yml', 'policy.yml']);
    expect(await readFile('policy.yml', 'utf8')).toBe(POLICY);
    expect(JSON.parse(await readFile('firebreak.json', 'utf8'))).toMatchObject({
      policy: 'firebreak/policy.yml',
    });
    const own = await readFile('firebreak/policy.yml', 'utf8');
    expect(own).toContain('$schema=../policy.schema.json');
    expect(parsePolicy(own).approvers).toEqual(['S0ONCALL1']);
    // Found again from any folder below.
    process.chdir('firebreak');
    expect(policyFile()).toBe('policy.yml');
  });

  it('keeps the policy.yml that a team changed for an earlier release', async () => {
    await writeFile('policy.yml', ENFORCING);
    await writeStage('prod', { region, params: {} });
    await inAccount(async (ssm) => {
      known(ssm);
      await init({ ...whole, approvers: ['S0OTHER1'], channel: undefined }, async () => {});
    });
    expect(await files()).toEqual(['firebreak.json', 'policy.yml']);
    expect(parsePolicy(await readFile('policy.yml', 'utf8'))).toMatchObject({
      mode: 'enforce',
      approvers: ['S0OTHER1'],
    });
  });

  it('deploys no policy whose approvers are those of the examples, unless it is asked to', async () => {
    const changed: InitInput = { ...upgrade, approvers: undefined };
    await writeStage('prod', { region, params: {} });
    await inAccount(async (ssm) => {
      known(ssm);
      await expect(init(changed, async () => {})).rejects.toThrow('policy.yml names U0ALICE, U0BOB');
      expect(await init({ ...changed, allowPlaceholder: true }, async () => {})).toBe(0);
    });
  });

  it('deploys without Slack, and with it later', async () => {
    const stored: Record<string, string> = {};
    const bare = { ...whole, channel: undefined, teamId: undefined, appId: undefined };
    const said = await inAccount(async (ssm) => {
      ssm.on(PutParameterCommand).callsFake(({ Name, Value }) => {
        stored[Name] = Value;
        return {};
      });
      await expect(init({ ...bare, slack: false }, async () => {})).rejects.toThrow(
        'without Slack no one can read',
      );
      expect(await init({ ...bare, slack: false, approvers: ['U012CAROL'] }, async () => {})).toBe(0);
      expect(stored).toEqual({
        '/firebreak/prod/slack/channel': 'none',
        '/firebreak/prod/slack/team-id': 'none',
        '/firebreak/prod/slack/app-id': 'none',
      });
      ssm.on(GetParametersCommand).resolves({
        Parameters: Object.entries(stored).map(([Name, Value]) => ({ Name, Value })),
      });
      expect(await init({ ...bare, approvers: undefined }, async () => {})).toBe(0);
      await expect(init({ ...bare, slack: true, approvers: undefined }, async () => {})).rejects.toThrow(
        'SLACK_BOT_TOKEN is not given',
      );
    });
    expect(said).toContain('firebreak approve');
  });

  it('names the rules that contain when no one answers, and where Slack makes the app', async () => {
    const said = await inAccount(async () => {
      await expect(init(input)).rejects.toThrow('SLACK_BOT_TOKEN is not given');
    });
    const [address = ''] = /https:\/\/api\.slack\.com\S+/.exec(said) ?? [];
    const manifest = new URL(address).searchParams.get('manifest_json') ?? '';
    expect(JSON.parse(manifest)).toMatchObject({ display_information: { name: 'Firebreak' } });
    secrets();
    const shown = await inAccount(async () => {
      await init(input);
    });
    expect(shown).toMatch(/Contained when no one answers.*"stolen instance credentials, outside AWS"/s);
    expect(shown).not.toContain('"root was used"');
  });

  it.each([
    ['xoxp-1-2-verysecret', SECRET, 'SLACK_BOT_TOKEN is not a Slack bot token'],
    [TOKEN, 'xoxb-1-2-verysecret', 'SLACK_SIGNING_SECRET is not a Slack signing secret'],
  ])('refuses a secret of another form, and does not repeat it', async (token, secret, message) => {
    vi.stubEnv('SLACK_BOT_TOKEN', token);
    vi.stubEnv('SLACK_SIGNING_SECRET', secret);
    await inAccount(async () => {
      const failed = await init(input).catch((error: unknown) => describeError(error));
      expect(failed).toContain(message);
      expect(failed).not.toContain('verysecret');
    });
  });

  it('a failed deployment names what was written before it, values apart, and what to do', async () => {
    vi.stubEnv('SLACK_BOT_TOKEN', TOKEN);
    vi.stubEnv('SLACK_SIGNING_SECRET', SECRET);
    const failure = new FirebreakError('StepFailed', 'serverless deploy ended with 1');
    let message = '';
    await inAccount(async () => {
      await init({ ...input, dryRun: false }, () => Promise.reject(failure)).catch((error: unknown) => {
        message = describeError(error);
      });
    });
    for (const word of [
      'serverless deploy ended with 1',
      'policy.yml (mode observe, approvers)',
      'firebreak.json',
      '/firebreak/prod/slack/signing-secret',
      '/firebreak/prod/slack/app-id',
      'run the same command again',
      'doctor --stage prod',
    ])
      expect(message).toContain(word);
    for (const secret of [TOKEN, SECRET]) expect(message).not.toContain(secret);
  });

  it('values that are not all stored are reported as far as they are', async () => {
    vi.stubEnv('SLACK_BOT_TOKEN', TOKEN);
    vi.stubEnv('SLACK_SIGNING_SECRET', SECRET);
    let message = '';
    await inAccount(async (ssm) => {
      ssm.on(PutParameterCommand).resolvesOnce({}).rejects(new Error('too many writes'));
      await init({ ...input, dryRun: false }, async () => {}).catch((error: unknown) => {
        message = describeError(error);
      });
    });
    expect(message).toContain('too many writes');
    expect(message).toContain('/firebreak/prod/slack/bot-token');
    expect(message).not.toContain('/firebreak/prod/slack/signing-secret');
  });

  it.each([
    [{ approvers: undefined }, '--approvers is not given'],
    [{ approvers: ['alice'] }, '--approvers: "alice" is not a Slack user id'],
    [{ channel: '#incidents' }, '--channel: "#incidents" is not a Slack channel id'],
    [{ stage: 'Prod!' }, '--stage'],
    [{}, 'SLACK_BOT_TOKEN is not given'],
  ])('refuses %j before anything is changed', async (change, message) => {
    await inAccount(async () => {
      const env = 'approvers' in change || 'channel' in change || 'stage' in change;
      if (env) {
        vi.stubEnv('SLACK_BOT_TOKEN', TOKEN);
        vi.stubEnv('SLACK_SIGNING_SECRET', SECRET);
      }
      await expect(init({ ...input, ...change, dryRun: false })).rejects.toThrow(message);
    });
    expect(await readFile('policy.yml', 'utf8')).toBe(POLICY);
  });
});

describe('observe mode', () => {
  it('tells what enforce mode would have decided, for every rule that acts', async () => {
    const { exampleOf } = await import('../../core/finding/example.ts');
    const policy = parsePolicy(POLICY);
    const facts = { now: new Date(0), playbook: { id: 'isolate-instance', kind: 'any' } };
    for (const [type, label, kind] of [
      ['CryptoCurrency:EC2/BitcoinTool.B', 'high', 'auto'],
      ['UnauthorizedAccess:EC2/TorClient', 'high', 'ask'],
    ] as const) {
      expect(policy.decide(exampleOf(type, label), facts).kind).toBe(kind);
      const decision = policy.decide(exampleOf(type, label), { ...facts, mode: 'observe' });
      expect(decision.kind).toBe('notify');
      expect(decision.reasons.join()).toContain(`enforce mode would have decided ${kind}`);
    }
  });
});
