/**
 * Which file may import which: arrows between rooms only go down, a playbook is entered through its `playbook.ts`, and
 * nothing runs in a circle. Tests, and what only tests use (test/), may import anything.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Import, importsOf, LEVELS } from '../deploy/imports.ts';

/** Lambda handlers are started by AWS, and by the sandbox in its stead: any other file that shares their work finds it in pipeline/. */
const STARTS_HANDLERS = 'sandbox';

/** Imports that may close a circle, each with its reason. */
const CIRCLES = new Map([
  [
    'core/aws/client.ts -> core/aws/kubernetes.ts',
    'An account opens a cluster, loaded only then; the cluster is given tokens by the same account.',
  ],
]);
/** The twin's account is one record of all services, and each service answers from the whole record. */
const ONE_RECORD = 'sandbox/twin';

const isTest = (file: string): boolean => file.startsWith('test/') || file.endsWith('.test.ts');
const roomOf = (file: string): string => file.split('/')[0] ?? '';
const levelOf = (file: string): number => LEVELS.findIndex((rooms) => rooms.includes(roomOf(file)));
const arrow = ([from, to]: Import): string => `${from} -> ${to}`;

const ALL = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.ts'])
  .toString()
  .split('\n')
  .filter((file) => levelOf(file) >= 0 || file.startsWith('test/'))
  .filter((file) => existsSync(file));
const FILES = ALL.filter((file) => !isTest(file));

const IMPORTS = FILES.flatMap((file) => importsOf(file, readFileSync(file, 'utf8')));

const outOfLevel = (imports: readonly Import[]): readonly string[] =>
  imports
    .filter(([from, to]) => roomOf(from) !== roomOf(to) && levelOf(from) <= levelOf(to))
    .concat(imports.filter(([, to]) => levelOf(to) < 0))
    .map(arrow);

/** The playbook whose folder holds a file; `common` holds what several use. */
const playbookOf = (file: string): string | undefined => /^playbooks\/([^/]+)\//.exec(file)?.[1];

const pastTheDoor = (imports: readonly Import[]): readonly string[] =>
  imports
    .filter(([from, to]) => {
      const entered = playbookOf(to);
      if (entered === undefined || entered === 'common' || entered === playbookOf(from)) return false;
      return to !== `playbooks/${entered}/playbook.ts`;
    })
    .map(arrow);

/** Follows the arrows from every node; the first way back to a node on the path is a circle. */
function circle(edges: readonly Import[]): readonly string[] | undefined {
  const next = Map.groupBy(edges, ([from]) => from);
  const done = new Set<string>();
  function search(node: string, path: readonly string[]): readonly string[] | undefined {
    if (path.includes(node)) return [...path.slice(path.indexOf(node)), node];
    if (done.has(node)) return undefined;
    for (const [, to] of next.get(node) ?? []) {
      const found = search(to, [...path, node]);
      if (found) return found;
    }
    done.add(node);
    return undefined;
  }
  for (const node of next.keys()) {
    const found = search(node, []);
    if (found) return found;
  }
  return undefined;
}

const within = (inner: string, outer: string): boolean => inner === outer || inner.startsWith(`${outer}/`);

/** Arrows between folders. One that lies in the other is a part of it, and may use what the whole shares. */
const betweenFolders = (imports: readonly Import[]): readonly Import[] =>
  imports
    .map(([from, to]) => [dirname(from), dirname(to)] as const)
    .filter(([from, to]) => !within(from, to) && !within(to, from));

/** What only one playbook uses lives in that playbook's folder. */
const usedByOne = (imports: readonly Import[]): readonly string[] =>
  [...Map.groupBy(imports, ([, to]) => to)].flatMap(([file, users]) => {
    if (playbookOf(file) !== 'common') return [];
    const folders = new Set(users.map(([from]) => playbookOf(from) ?? from));
    const [only = ''] = folders;
    return folders.size === 1 && only !== 'common' ? [`${file}: only ${only}`] : [];
  });

describe('the rooms', () => {
  it('import only what lies below them', () => {
    expect(FILES.length).toBeGreaterThan(300);
    expect(IMPORTS.length).toBeGreaterThan(1500);
    expect(outOfLevel(IMPORTS)).toEqual([]);
  });

  it('leave the Lambda handlers to what starts them', () => {
    const used = IMPORTS.filter(([, to]) => roomOf(to) === 'functions').filter(
      ([from]) => !['functions', STARTS_HANDLERS].includes(roomOf(from)),
    );
    expect(used.map(arrow)).toEqual([]);
  });

  it('hold one file per handler in functions/, and its Slack folder', () => {
    const inside = FILES.filter((file) => roomOf(file) === 'functions' && !within(file, 'functions/slack'));
    const handlers = inside.filter((file) => /^export const handler = /m.test(readFileSync(file, 'utf8')));
    expect(inside).toEqual(handlers);
  });
});

describe('a playbook', () => {
  it('is entered through playbook.ts, and shares through common/', () => {
    expect(pastTheDoor(IMPORTS)).toEqual([]);
  });

  it('keeps in its own folder what it alone uses', () => {
    expect(usedByOne(IMPORTS)).toEqual([]);
  });
});

describe('no circle', () => {
  it('of files', () => {
    const edges = IMPORTS.filter(
      (one) => !CIRCLES.has(arrow(one)) && !one.every((file) => within(file, ONE_RECORD)),
    );
    expect(circle(edges)).toBeUndefined();
  });

  it('of folders', () => {
    expect(circle(betweenFolders(IMPORTS))).toBeUndefined();
  });
});

/** The clients are loaded whole (`aws.ec2()`), so knip takes everything they export for used. */
describe('core/aws/services', () => {
  const services = FILES.filter((file) => within(file, 'core/aws/services'));
  const others = ALL.filter((file) => !services.includes(file))
    .map((file) => readFileSync(file, 'utf8'))
    .join('\n');
  const words = new Set(others.match(/\w+/g));

  it('export only commands that are sent', () => {
    const commands = services.flatMap(
      (file) => readFileSync(file, 'utf8').match(/\b[A-Z]\w+Command\b/g) ?? [],
    );
    expect(commands.length).toBeGreaterThan(100);
    expect(commands.filter((name) => !words.has(name))).toEqual([]);
  });
});

describe('the rule', () => {
  it('finds what breaks it', () => {
    const source = [
      "import type { A } from '../pipeline/a.ts';",
      "import '../slack/b.ts';",
      "const c = await import('../functions/c.ts');",
    ].join('\n');
    const imports = importsOf('core/x.ts', source);
    expect(outOfLevel(imports)).toEqual([
      'core/x.ts -> pipeline/a.ts',
      'core/x.ts -> slack/b.ts',
      'core/x.ts -> functions/c.ts',
    ]);
    expect(outOfLevel([['slack/a.ts', 'playbooks/index.ts']])).toHaveLength(1);
    expect(pastTheDoor([['playbooks/common/a.ts', 'playbooks/stop-task/plan.ts']])).toHaveLength(1);
    expect(pastTheDoor([['cli/a.ts', 'playbooks/stop-task/playbook.ts']])).toEqual([]);
    expect(
      circle([
        ['a', 'b'],
        ['b', 'c'],
        ['c', 'b'],
      ]),
    ).toEqual(['b', 'c', 'b']);
    expect(
      betweenFolders([
        ['cli/init/a.ts', 'cli/b.ts'],
        ['cli/init/a.ts', 'cli/doctor/b.ts'],
      ]),
    ).toHaveLength(1);
    expect(usedByOne([['playbooks/stop-task/a.ts', 'playbooks/common/b.ts']])).toHaveLength(1);
  });
});
