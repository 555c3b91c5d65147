import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import aslValidator from 'asl-validator';
import { describe, expect, it } from 'vitest';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { RESERVED } from '../cli/concurrency.ts';
import { TABLE_DEFINITION } from '../core/table/table-definition.ts';
import { readEnvironment } from '../pipeline/environment.ts';
import { readDefinition } from '../sandbox/asl.ts';
import { checkedDefinition } from '../sandbox/execution.ts';
import { FUNCTIONS } from './access.ts';
import { customerKey } from './customer-key.ts';
import { pascal } from './statements.ts';

/** Short forms such as !Ref stay plain values: only the shape counts here. */
const yaml = (path: string): unknown => {
  const document = parseDocument(readFileSync(path, 'utf8'), { merge: true, logLevel: 'silent' });
  expect(document.errors).toEqual([]);
  return document.toJS();
};
const deployment = z
  .object({
    provider: z.object({ environment: z.record(z.string(), z.unknown()) }),
    functions: z.record(
      z.string(),
      z.object({ handler: z.string(), role: z.string(), timeout: z.number().optional() }),
    ),
  })
  .parse(yaml('serverless.yml'));

/** Deployed functions keep their names for ever; these files say more than the name. */
const FILES: Readonly<Record<string, string>> = {
  enrich: 'assess',
  slack: 'slack-endpoint',
  'slack-work': 'slack-worker',
};

const fileOf = (name: string): string => `functions/${FILES[name] ?? name}.ts`;

describe('serverless.yml', () => {
  it('deploys every function that has rights, and no other', () => {
    expect(Object.keys(deployment.functions).sort()).toEqual(FUNCTIONS.map(({ name }) => name).sort());
  });

  it.each(Object.entries(deployment.functions))(
    'runs %s from its own file with its own role',
    (name, given) => {
      expect(given).toMatchObject({
        handler: `functions/${FILES[name] ?? name}.handler`,
        role: `\${${pascal(name)}Role.Arn}`,
      });
      expect(readFileSync(fileOf(name), 'utf8')).toMatch(/export (const|async function|function) handler\b/);
    },
  );

  it('gives the functions every variable they need', () => {
    const shaped: Record<string, string> = {
      OWN_ACCOUNT: '123456789012',
      CONSOLE_URL: '',
      PAGERDUTY_EVENTS_URL: '',
      EVENT_DATA_STORE_ARN: '',
      TRAIL_TABLE_ARN: '',
    };
    const env = Object.fromEntries(
      Object.keys(deployment.provider.environment).map((key) => [key, shaped[key] ?? 'given']),
    );
    // AWS_REGION is set by Lambda itself.
    expect(() => readEnvironment({ ...env, AWS_REGION: 'us-east-1' })).not.toThrow();
  });
});

describe("the customer's key", () => {
  const uses = (value: unknown) => JSON.stringify(value).includes('KmsKeyArn');
  it.each(['Table', 'PageTopic', 'UndeliveredQueue', 'DeadQueue', 'StateMachineLogs', 'EvidenceBucket'])(
    'encrypts %s',
    (id) => {
      const { Resources } = z
        .object({ Resources: z.record(z.string(), z.unknown()) })
        .parse(yaml('deploy/resources.yml'));
      expect(uses(Resources[id])).toBe(true);
    },
  );
  it('encrypts the log and the environment of each function, and its role may use it', () => {
    const { extensions, Resources } = z
      .object({ extensions: z.record(z.string(), z.unknown()), Resources: z.record(z.string(), z.unknown()) })
      .parse(customerKey());
    const names = Object.keys(deployment.functions);
    // Packaging fails on a name that the framework does not know.
    expect(Object.values(extensions).filter(uses)).toHaveLength(2 * names.length + 1);
    for (const name of names) expect(JSON.stringify(Resources)).toContain(`"${pascal(name)}Role"`);
  });
});

describe('deploy/resources.yml', () => {
  it('reserves nothing unless asked to, and then as much as init counts with', () => {
    const { params } = z
      .object({ params: z.object({ default: z.object({ 'reserve-concurrency': z.string() }) }) })
      .parse(yaml('serverless.yml'));
    expect(params.default['reserve-concurrency']).toBe('false');
    const { extensions } = z
      .object({ extensions: z.record(z.string(), z.looseObject({})) })
      .parse(yaml('deploy/resources.yml'));
    const reserving = z.object({
      Properties: z.object({
        ReservedConcurrentExecutions: z.tuple([z.literal('Reserve'), z.number(), z.string()]),
      }),
    });
    const reserved = Object.values(extensions).flatMap((extension) => {
      const read = reserving.safeParse(extension);
      return read.success ? [read.data.Properties.ReservedConcurrentExecutions[1]] : [];
    });
    expect(reserved).toHaveLength(7);
    expect(reserved.reduce((sum, each) => sum + each, 0)).toBe(RESERVED);
  });

  it('makes the table that core/ reads', () => {
    const { Resources } = z
      .object({ Resources: z.object({ Table: z.object({ Properties: z.record(z.string(), z.unknown()) }) }) })
      .parse(yaml('deploy/resources.yml'));
    expect(Resources.Table.Properties).toMatchObject(TABLE_DEFINITION);
  });
});

/** A handler with what it imports of functions/ and pipeline/; what every function shares calls nothing on its own. */
function sourceOf(path: string, seen = new Set<string>()): string {
  if (seen.has(path) || SHARED.has(path)) return '';
  seen.add(path);
  const source = readFileSync(path, 'utf8');
  const imports = [...source.matchAll(/from '(\.[^']+\.ts)'/g)].map(([, from = '']) =>
    join(dirname(path), from),
  );
  const own = imports.filter((from) => /^(functions|pipeline)\//.test(from));
  return [source, ...own.map((from) => sourceOf(from, seen))].join('\n');
}
const SHARED = new Set(
  ['runtime', 'pagerduty', 'workflow', 'environment', 'follow-up'].map((name) => `pipeline/${name}.ts`),
);

/** Shows its card quietly while it works (pipeline/progress.ts): where Slack does not take it, no one is paged. */
const QUIET = new Set(['contain']);

describe('the rights of a function', () => {
  /** What a handler's source shows, and the action its role then needs. */
  const needs: readonly (readonly [RegExp, string])[] = [
    [/import \{[^}]*\b(page|showCard)\b/, 'sns:Publish'],
    [/import \{[^}]*\bshowCard\b/, 'ssm:GetParameters'],
    [/slackSecrets\(/, 'ssm:GetParameters'],
    [/tellPagerDuty\(/, 'ssm:GetParameters'],
    [/PutEventsCommand/, 'events:PutEvents'],
    [/ArchiveFindingsCommand/, 'guardduty:ArchiveFindings'],
    [/StartExecutionCommand/, 'states:StartExecution'],
    [/\bstartFollowUps\(/, 'states:StartExecution'],
    [/\bdeliverPending\(|\bdecide\(approvals/, 'states:SendTaskSuccess'],
    [/InvokeCommand/, 'lambda:InvokeFunction'],
    [/\bsuppress\(/, 'guardduty:CreateFilter'],
  ];

  it('cover what its handler calls', () => {
    let seen = 0;
    const missing: string[] = [];
    for (const { name, base } of FUNCTIONS) {
      const source = sourceOf(fileOf(name));
      const rights = base.flatMap(({ actions }) => actions);
      for (const [sign, action] of needs.filter(([sign]) => sign.test(source))) {
        seen += 1;
        if (action === 'sns:Publish' && QUIET.has(name)) continue;
        if (!rights.includes(action)) missing.push(`${name}: ${action} for ${sign.source}`);
      }
    }
    expect(missing).toEqual([]);
    expect(seen).toBeGreaterThan(8);
  });

  it('include the index where pages of incidents are read', () => {
    const reading = FUNCTIONS.filter(({ name }) =>
      /\b(incidents\.list|recount|deliverPending|similarIncidents|wouldHaveHidden|owedCards)\(/.test(
        sourceOf(fileOf(name)),
      ),
    );
    const allowed = FUNCTIONS.filter(({ base }) =>
      base.some(({ resources }) => resources.some((arn) => arn.endsWith('/index/gsi1'))),
    );
    expect(allowed.map(({ name }) => name)).toEqual(reading.map(({ name }) => name));
  });
});

describe('statemachines/', () => {
  it.each(readdirSync('statemachines').filter((name) => name.endsWith('.asl.json')))(
    '%s is valid ASL',
    (file) => {
      const text = readFileSync(`statemachines/${file}`, 'utf8')
        .replaceAll('#{AWS::Partition}', 'aws')
        .replaceAll('#{AWS::Region}', 'us-east-1')
        .replaceAll('#{AWS::AccountId}', '123456789012')
        .replaceAll(/\$\{[^}]+\}/g, 'firebreak');
      const { isValid, errorsText } = aslValidator(JSON.parse(text));
      expect(isValid, errorsText()).toBe(true);
      // The sandbox runs it without looking.
      const scope = { partition: 'aws', account: '123456789012', region: 'us-east-1' };
      const asl = readDefinition(readFileSync(`statemachines/${file}`, 'utf8'), {
        ...{ scope, service: 'firebreak', stage: 'test' },
      });
      expect(() => checkedDefinition(asl)).not.toThrow();
    },
  );

  it('gives no task less time than its function takes', () => {
    const tasks = [
      ...['respond', 'undo'].flatMap((name) =>
        tasksOf(JSON.parse(readFileSync(`statemachines/${name}.asl.json`, 'utf8'))),
      ),
    ];
    expect(tasks.length).toBeGreaterThan(10);
    for (const { resource, seconds } of tasks) {
      const name = /\$\{sls:stage\}-([a-z-]+)$/.exec(resource)?.[1];
      // Tasks that wait for a person have a time of their own; a phase that only writes a record may have less.
      if (name === undefined || seconds === undefined || seconds <= 120) continue;
      expect(seconds, name).toBeGreaterThan(deployment.functions[name]?.timeout ?? 60);
    }
  });
});

function tasksOf(value: unknown): readonly { resource: string; seconds: number | undefined }[] {
  if (typeof value !== 'object' || value === null) return [];
  const inner = Object.values(value).flatMap(tasksOf);
  if (!('Type' in value) || value.Type !== 'Task' || !('Resource' in value)) return inner;
  const seconds =
    'TimeoutSeconds' in value && typeof value.TimeoutSeconds === 'number' ? value.TimeoutSeconds : undefined;
  return [{ resource: String(value.Resource), seconds }, ...inner];
}
