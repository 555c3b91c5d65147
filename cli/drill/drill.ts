/** `firebreak drill`: proof that containment holds, in the sandbox or, with --live, in the user's own account. */
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FirebreakError } from '../../core/errors.ts';
import { nearest } from '../../core/nearest.ts';
import { killSwitch } from '../../core/table/breaker.ts';
import { modeInForce } from '../../core/table/mode.ts';
import { workspace } from '../../sandbox/workspace.ts';
import { openPlace, type PlaceOptions } from '../place.ts';
import { terminal } from '../terminal.ts';
import { DRILLS } from './drills.ts';
import { type Field, machinesOf, type Outcome, playOne, removeAll } from './engine.ts';
import { forget, openDrills, openLedger } from './ledger.ts';
import { isGood, linesOf, type Report, redacted, reportOf } from './report.ts';
import type { Drill } from './scene.ts';

export interface DrillInput extends PlaceOptions {
  readonly playbooks: readonly string[];
  readonly clean: boolean;
  readonly yes: boolean;
  /** Without account ids. */
  readonly redact: boolean;
  readonly json: boolean;
  /** Asks whether something would stop a containment, and attacks nothing. */
  readonly denyCheck: boolean;
  /** Member accounts to ask in, all of GuardDuty's without one, and the role that the caller may assume there. */
  readonly accounts: readonly string[];
  readonly role: string | undefined;
  /** Where drill-report.json goes; not written without it. */
  readonly report: string | undefined;
}

const ledgers = (): string => join(workspace(), '.firebreak', 'drill');

/** Exit status 0 when all was contained, undone exactly and removed, 1 otherwise, 2 where nothing was begun. */
export async function drill(input: DrillInput): Promise<number> {
  const chosen = chosenDrills(input.playbooks);
  if (!input.live) return inSandbox(input, chosen);
  const place = await openPlace(input);
  try {
    const door = await place.door();
    const field: Field = {
      ...{ aws: place.aws, table: place.table, door, fast: false, now: () => new Date() },
      caller: door.kind === 'aws' ? door.principal : place.who,
      machines: machinesOf(place.aws, input.stage),
      asked: ({ id }) =>
        terminal().out(
          `  ${id} awaits approval: decide on its card in Slack, or npx firebreak approve ${id} --live`,
        ),
    };
    if (input.clean) return await clean(field);
    if (input.denyCheck) return await checkDenies(field, input, chosen);
    await mustAct(field, input);
    tellPlan(chosen, `account ${place.scope.account}, ${place.scope.region}`);
    if (!input.yes && !(await confirmed())) {
      terminal().out('Nothing was made.');
      return 2;
    }
    return await run(field, input, chosen, 'aws', ledgers());
  } finally {
    await place.close();
  }
}

/** Throws Refused where nothing automatic would happen, before anything is made. */
async function mustAct({ table }: Field, { policy }: DrillInput): Promise<void> {
  if (policy.killSwitch || (await killSwitch(table)))
    throw new FirebreakError('Refused', 'the kill switch is on: a drill would contain nothing', {
      next: 'Switch it off first, or drill another stage (--stage).',
    });
  if ((await modeInForce(table, policy.mode)) === 'observe')
    throw new FirebreakError('Refused', 'observe mode changes nothing, drills included', {
      next: 'npx firebreak mode enforce --live, or drill another stage (--stage).',
    });
}

function chosenDrills(names: readonly string[]): readonly Drill[] {
  const ids = DRILLS.map(({ playbook }) => playbook);
  const unknown = names.find((name) => !ids.includes(name));
  if (unknown !== undefined) {
    const near = nearest(unknown, ids);
    throw new FirebreakError('InputInvalid', `there is no drill of ${JSON.stringify(unknown)}`, {
      next: near === undefined ? `One of: ${ids.join(', ')}.` : `Did you mean ${near}?`,
    });
  }
  return names.length === 0 ? DRILLS : DRILLS.filter(({ playbook }) => names.includes(playbook));
}

function tellPlan(chosen: readonly Drill[], where: string): void {
  const { out, paint } = terminal();
  out(paint('bold', `Drill of ${chosen.length} playbooks and commands in ${where}`));
  for (const { playbook, makes, attack, cost, minutes, asks } of chosen) {
    out(`  ${playbook}: makes ${makes}; ${attack}`);
    out(
      paint(
        'dim',
        `    at most $${cost.usd.toFixed(2)} (${cost.why}), about ${minutes} min${asks ? ', once its approval is given' : ''}`,
      ),
    );
  }
  const usd = chosen.reduce((sum, { cost }) => sum + cost.usd, 0);
  const minutes = chosen.reduce((sum, one) => sum + one.minutes, 0);
  out(`In all at most $${usd.toFixed(2)}, about ${minutes} min. All that is made is removed at the end.`);
}

async function confirmed(): Promise<boolean> {
  if (process.stdin.isTTY !== true) return false;
  const { createInterface } = await import('node:readline/promises');
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return /^y(es)?$/i.test((await lines.question('Begin? [y/N] ')).trim());
  } finally {
    lines.close();
  }
}

async function run(
  field: Field,
  { redact, json, report: file }: DrillInput,
  chosen: readonly Drill[],
  where: Report['where'],
  folder: string,
): Promise<number> {
  const { out } = terminal();
  const { account, region } = field.aws.scope;
  const startedAt = field.now().toISOString();
  // What was made is in the ledger by then.
  if (where === 'aws')
    process.once('SIGINT', () => {
      out('Stopped. Remove what was made: npx firebreak drill --live --clean');
      process.exit(130);
    });
  const outcomes: Outcome[] = [];
  const ids: string[] = [];
  for (const one of chosen) {
    // Each has an id, and a tag, of its own: one that fails leaves nothing that another could be taken for.
    const id = randomBytes(6).toString('hex');
    ids.push(id);
    const ledger = await openLedger(folder, { drill: id, account, region, startedAt });
    if (!json) out(`${one.playbook} (drill ${id})`);
    const outcome = await playOne(field, ledger, one);
    outcomes.push(outcome);
    if (outcome.removed) await ledger.close();
  }
  const made = reportOf({ drill: ids.join(' '), where, account, region, startedAt, outcomes });
  const shown = redact ? redacted(made) : made;
  const text = `${JSON.stringify(shown, null, 2)}\n`;
  if (file !== undefined) await writeFile(file, text);
  if (json) out(JSON.stringify(shown));
  else for (const line of linesOf(shown)) out(line);
  return isGood(made) ? 0 : 1;
}

/** Removes what earlier drills left: by their ledgers, and by the tag. */
async function clean(field: Field): Promise<number> {
  const { out } = terminal();
  const { account, region } = field.aws.scope;
  const here = (await openDrills(ledgers())).filter(
    (one) => one.account === account && one.region === region,
  );
  const removed = [
    ...(await removeAll(
      field,
      [],
      here.flatMap(({ made }) => made),
    )),
    ...(await removeAll(field, undefined, [])),
  ];
  for (const { drill: id } of here) await forget(ledgers(), id);
  for (const what of removed) out(`removed ${what}`);
  out(removed.length === 0 ? 'No drill has left anything here.' : `${removed.length} removed.`);
  return 0;
}

async function checkDenies(
  { aws }: Field,
  { stage, accounts, role, json }: DrillInput,
  chosen: readonly Drill[],
): Promise<number> {
  const { out } = terminal();
  const { denyLines, denyVerdicts, dryRun, memberAccounts, reachedAccounts } = await import(
    './deny-check.ts'
  );
  const members = accounts.length > 0 ? { accounts, unlisted: [] } : await memberAccounts(aws);
  const reached = await reachedAccounts(aws, stage, members.accounts, role);
  const playbooks = chosen.map(({ playbook }) => playbook);
  const verdicts = [...members.unlisted, ...(await denyVerdicts(reached, playbooks))];
  const refused = await dryRun(aws);
  if (json) out(JSON.stringify({ verdicts, dryRun: refused ?? 'allowed' }));
  else {
    for (const line of denyLines(verdicts)) out(line);
    out(
      refused === undefined
        ? 'You may make the network of a drill (dry run).'
        : `You may not make the network of a drill: ${refused}`,
    );
  }
  return refused === undefined && verdicts.every(({ verdict }) => verdict !== 'stopped') ? 0 : 1;
}

async function inSandbox(input: DrillInput, chosen: readonly Drill[]): Promise<number> {
  const { out } = terminal();
  if (input.clean || input.denyCheck) {
    throw new FirebreakError(
      'InputInvalid',
      'a drill in the sandbox leaves nothing, and nothing denies it anything',
      {
        next: 'Add --live for your own account.',
      },
    );
  }
  const { drillSandbox } = await import('./sandbox.ts');
  const opened = await drillSandbox(input.policy);
  try {
    if (!input.json) tellPlan(chosen, 'the sandbox');
    if (!input.json) out('');
    return await run(opened.field, input, chosen, 'sandbox', opened.folder);
  } finally {
    await opened.close();
  }
}
