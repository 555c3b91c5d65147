/** The command as people run it: a process, its output and its exit status. */
import { spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = new URL('../..', import.meta.url).pathname;
const finding = join(root, 'test/fixtures/findings/canary-ec2-stateless-integtest-1.json');
let home: string;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'firebreak-command-'));
  await cp(join(root, 'policy.yml'), join(home, 'policy.yml'));
});
afterAll(() => rm(home, { recursive: true, force: true }));

interface Ended {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

const firebreak = (...words: readonly string[]): Promise<Ended> => firebreakIn('', ...words);

function firebreakIn(folder: string, ...words: readonly string[]): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(root, 'bin/firebreak.js'), ...words], {
      cwd: join(home, folder),
    });
    let out = '';
    let err = '';
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
    child.on('error', reject);
    child.on('exit', (status) => resolve({ status, out, err }));
  });
}

const lines = (text: string) =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe('firebreak', () => {
  it('shows every command and the exit statuses in its help', async () => {
    const { status, out } = await firebreak('--help');
    expect(status).toBe(0);
    for (const word of [
      'start',
      'replay',
      'policy',
      'history',
      'show',
      'tail',
      'undo',
      'simulate',
      'Exit status',
    ])
      expect(out).toContain(word);
  });

  it.each([
    [['histroy'], 'history'],
    [['replay'], 'missing required argument'],
    [['demo', 'malicious-ip', '--approve', '--deny'], 'cannot be used with'],
    [['history', '--since', 'yesterday'], 'expected a duration'],
    [['show', 'fb-000000000000'], 'there is no incident fb-000000000000'],
    [['replay', 'missing.json', '--policy', 'missing.yml'], 'missing.yml cannot be read'],
    [['history', '--status', 'contaned'], 'Did you mean contained?'],
    [['simulate', 'BitcoinTol'], 'did you mean CryptoCurrency:EC2/BitcoinTool.B'],
    [['demo', 'malicious-pi'], '(did you mean malicious-ip?)\nFix: The demos are'],
    [['simulate', 'BitcoinTol'], '\nFix: npx firebreak coverage lists all types.'],
    [['undo', '--live'], 'Fix: Name one'],
    [['undo', '--preview'], 'Fix: Start with: npx firebreak demo'],
  ])('exits with 2 for %j and says why', async (words, message) => {
    const { status, err } = await firebreak(...words);
    expect({ status, err }).toMatchObject({ status: 2, err: expect.stringContaining(message) });
  });

  it('prints its version', async () => {
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
    expect(await firebreak('--version')).toEqual({ status: 0, out: `${version}\n`, err: '' });
  });

  it('says once that a file is not JSON', async () => {
    const file = join(home, 'text.txt');
    await writeFile(file, 'a: {b\n\n{not json}\nc: [1, }\n{"x": }\n'.repeat(20));
    const { status, out } = await firebreak('replay', file);
    expect(status).toBe(2);
    expect(out.match(/text\.txt/g)).toHaveLength(1);
    expect(out).toContain('this file is not JSON');
  });

  it('shows every finding type within 100 columns, under a header', async () => {
    const { out } = await firebreak('coverage');
    const [header = '', ...rows] = out.split('\n');
    expect(header).toMatch(/^FINDING TYPE +LOW +MEDIUM +HIGH +CRITICAL$/);
    expect(Math.max(...rows.map(({ length }) => length))).toBeLessThanOrEqual(100);
  });

  it('offers commands, options and finding types to the shell', async () => {
    const commands = await firebreak('complete', '--', '');
    expect(commands.out).toContain('simulate');
    const types = await firebreak('complete', '--', 'simulate', 'Trojan:EC2/Drop');
    expect(types.out).toContain('Trojan:EC2/DropPoint');
    const script = await firebreak('complete', 'zsh');
    expect(script.out).toContain('#compdef firebreak');
  });

  it('simulates an attack, lists it, shows it, previews the undo, and undoes it', async () => {
    const ran = await firebreak('simulate', 'Backdoor:EC2/C&CActivity.B', '--json');
    expect(lines(ran.out)).toMatchObject([{ status: 'residual', decision: 'auto' }]);
    expect(ran.status).toBe(0);

    const rows = lines((await firebreak('history', '--json')).out);
    // The other side and the session of the instance's role are blocked as well, each by an incident of its own.
    expect(rows.map(({ playbook }) => playbook).sort()).toEqual([
      'block-indicator',
      'isolate-instance',
      'revoke-instance-session',
    ]);
    const row = rows.find(({ playbook }) => playbook === 'isolate-instance');
    const others = rows.filter((each) => each !== row).map((each) => String(each['id']));
    expect(row).toMatchObject({ type: 'Backdoor:EC2/C&CActivity.B', status: 'residual' });
    const id = String(row?.['id']);
    expect((await firebreak('history', '--status', 'failed')).out).toMatch(/^No incident/);

    const shown = (await firebreak('show', id)).out;
    for (const word of ['contained', 'Decided auto', 'isolate-instance', 'Verified', 'Timeline', 'Evidence'])
      expect(shown).toContain(word);
    // Not a terminal: no colours.
    expect(shown).not.toContain('\u001b[');
    const [whole] = lines((await firebreak('show', id, '--json')).out);
    expect(whole).toMatchObject({
      incident: { id },
      steps: [expect.any(Array)],
      evidence: expect.any(Array),
    });
    expect(whole?.['calls']).not.toEqual([]);

    const preview = await firebreak('undo', id, '--preview');
    expect(preview.out).toContain('will be restored: Security groups');
    expect(preview.out).toContain('Nothing was changed.');
    const after = lines((await firebreak('history', '--json', '--status', 'residual')).out);
    expect(after.map((each) => each['id'])).toContain(id);

    for (const other of others) expect((await firebreak('undo', other, '--json')).status).toBe(0);
    const undone = await firebreak('undo', id, '--json');
    expect(lines(undone.out)).toMatchObject([{ incident: id, status: 'undone', equalToBefore: true }]);
    expect((await firebreak('undo', id, '--preview')).out).toContain('Nothing of this incident is in place.');
    // Without an id as `undo` does: everything that the last run contained, from any folder of the workspace.
    await mkdir(join(home, 'below'), { recursive: true });
    expect((await firebreakIn('below', 'undo', '--preview')).out).toContain(id);
  });

  it('approve and deny say where nothing is asked, and a denial wants a reason', async () => {
    const [simulated] = lines((await firebreak('history', '--json')).out);
    const id = String(simulated?.['id']);
    const approved = await firebreak('approve', id);
    expect(approved.status).toBe(2);
    expect(approved.err).toContain(`no approval is requested for ${id}`);
    expect((await firebreak('deny', id)).err).toContain("required option '--reason <text>'");
    expect((await firebreak('approve', 'fb-000000000000')).status).toBe(2);
  });

  it('prints the simulated event and runs nothing', async () => {
    const { out } = await firebreak('simulate', 'ReverseShell', '--print', '--severity', 'low');
    expect(JSON.parse(out)).toMatchObject({
      source: 'aws.guardduty',
      detail: { type: 'Execution:Runtime/ReverseShell', severity: 2 },
    });
  });
});

describe('firebreak policy', () => {
  const changed = () => join(home, 'changed.yml');
  beforeAll(async () => {
    const text = await readFile(join(root, 'policy.yml'), 'utf8');
    const rule = '  - name: notified only\n    match: { type: "Canary:EC2/*" }\n    decide: notify\n';
    await writeFile(changed(), text.replace('rules:\n', `rules:\n${rule}`));
  });

  it('checks: valid, invalid with line and column, and a rule that is never first', async () => {
    expect(await firebreak('policy', 'check')).toMatchObject({
      status: 0,
      out: expect.stringContaining('valid'),
    });
    const hint = 'No rule asks what a contained identity changed';
    expect((await firebreak('policy', 'check')).out).not.toContain(hint);
    const older = join(home, 'older.yml');
    await writeFile(older, 'version: 1\nrules:\n  - name: all\n    match: {}\n    decide: ask\n');
    expect(await firebreak('policy', 'check', older)).toMatchObject({
      status: 0,
      out: expect.stringContaining(hint),
    });
    const broken = join(home, 'broken.yml');
    await writeFile(broken, 'version: 1\nrules:\n  - name: x\n    matches: {}\n    decide: maybe\n');
    const { status, out } = await firebreak('policy', 'check', broken);
    expect(status).toBe(2);
    expect(out).toMatch(/broken\.yml:4:5: unknown key "matches" \(did you mean "match"\?\)/);
    const shadowed = join(home, 'shadowed.yml');
    const all = '  - name: all\n    match: {}\n    decide: notify\n';
    const never = '  - name: never\n    match: { type: "Trojan:*" }\n    decide: auto\n';
    const names = 'protected: ["role/ops/emergency", "*break-glass*"]\n';
    await writeFile(shadowed, `version: 1\n${names}rules:\n${all}${never}`);
    const checked = await firebreak('policy', 'check', shadowed, '--json');
    expect(checked.status).toBe(1);
    expect(lines(checked.out)).toEqual([
      {
        file: shadowed,
        valid: true,
        rules: 2,
        unused: ['rules[1] "never"'],
        containOnExpiry: [],
        placeholders: [],
        protected: { exact: ['role/ops/emergency'], asked: ['*break-glass*'] },
      },
    ]);
    expect((await firebreak('policy', 'check', shadowed)).out).toMatch(/Asked about.*\*break-glass\*/);
  });

  it('compares two policies cell by cell', async () => {
    const same = await firebreak('policy', 'diff', 'policy.yml', 'policy.yml');
    expect(same).toMatchObject({ status: 0, out: expect.stringContaining('decide the same') });
    const text = await readFile(join(root, 'policy.yml'), 'utf8');
    const stricter = join(home, 'stricter.yml');
    await writeFile(stricter, text.replace(/(database logins[\s\S]*?decide: )\{[^}]*\}/, '$1ask'));
    const { status, out } = await firebreak('policy', 'diff', 'policy.yml', stricter, '--json');
    expect(status).toBe(1);
    const cells = lines(out);
    expect(new Set(cells.map(({ severity }) => severity))).toEqual(new Set(['low', 'medium']));
    for (const cell of cells)
      expect(cell).toMatchObject({ type: expect.stringContaining(':RDS/'), before: 'notify' });
  });

  it('backtests a change over past findings, the old decision next to the new', async () => {
    const { status, out } = await firebreak('policy', 'backtest', '--new', changed(), finding, '--json');
    expect(status).toBe(1);
    expect(lines(out)).toMatchObject([
      {
        type: 'Canary:EC2/Stateless.IntegTest',
        changed: true,
        before: { effect: expect.stringMatching(/^ask/) },
        after: { effect: 'notify', rule: 'rules[0] "notified only"' },
      },
    ]);
    const nothing = await firebreak('policy', 'backtest', '--new', 'policy.yml', finding);
    expect(nothing).toMatchObject({ status: 0, out: expect.stringContaining('0 of 1 findings') });
  });
});

// Last: it leaves a sandbox behind.
describe('a demo', () => {
  it('offers to undo a demo only where something was changed', async () => {
    const denied = await firebreak('demo', 'malicious-ip', '--deny');
    expect(denied.out).toContain('declined');
    expect(denied.out).not.toContain('Undo it');
    const approved = await firebreak('demo', 'malicious-ip', '--approve');
    expect(approved.out).toContain('Undo it: npx firebreak undo');
  }, 60_000);
});
