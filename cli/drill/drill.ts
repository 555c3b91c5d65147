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
import { openMember } from './member.ts';
import { isGood, linesOf, type Report, redacted, reportOf } from './report.ts';
import type { Drill, Extra } from './scene.ts';

export interface DrillInput extends PlaceOptions {
  readonly playbooks: readonly string[];
  /** Adds the drills of these. */
  readonly extras: readonly Extra[];
  readonly clean: boolean;
  readonly yes: boolean;
  /** Without account ids. */
  readonly redact: boolean;
  readonly json: boolean;
  /** Asks whether something would stop a containment, and attacks nothing. */
  readonly denyCheck: boolean;
  /**
   * Member accounts to drill, clean or ask in, and the role that the caller may assume there. Without one: the pipeline's own
   * account, and for --deny-check all of GuardDuty's.
   */
  readonly accounts: readonly string[];
  readonly role: string | undefined;
  /** Where drill-report.json goes; not written without it. */
  readonly report: string | undefined;
}

const ledgers = (): string => join(workspace(), '.firebreak', 'drill');

/** Exit status 0 when all was contained, undone exactly and removed, 1 otherwise, 2 where nothing was begun. */
export async function drill(input: DrillInput): Promise<number> {
  const chosen = chosenDrills(input);
  if (!input.live) return inSandbox(input, chosen);
  const place = await openPlace(input);
  try {
    const door = await place.door();
    const field: Field = {
      ...{ aws: place.aws, pipeline: place.aws, table: place.table, door },
      ...{ fast: false, now: () => new Date() },
      caller: door.kind === 'aws' ? door.principal : place.who,
      machines: machinesOf(place.aws, input.stage),
      asked: ({ id }) =>
        terminal().out(
          `  ${id} awaits approval: decide on its card in Slack, or npx firebreak approve ${id} --live`,
        ),
    };
    if (input.denyCheck) return await checkDenies(field, input, chosen);
    const accounts = input.accounts.length > 0 ? input.accounts : [place.scope.account];
    const fieldIn = (account: string) => openField(field, account, input.role);
    // A role that cannot be assumed is said before anything is made.
    const fields = await Promise.all(accounts.map(fieldIn));
    if (input.clean) return await clean(fields);
    await mustAct(field, input);
    const games = accounts.flatMap((account) => playedIn(field, account, chosen));
    tellPlan(games, `account ${accounts.join(', ')}, ${place.scope.region}`);
    if (!input.yes && !(await confirmed())) {
      terminal().out('Nothing was made.');
      return 2;
    }
    return await run(fieldIn, input, games, { field, where: 'aws', folder: ledgers() });
  } finally {
    await place.close();
  }
}

interface Game {
  readonly account: string;
  readonly drill: Drill;
}

/** A detector is the pipeline's: its commands are drilled in no member account. */
const playedIn = ({ pipeline }: Field, account: string, chosen: readonly Drill[]): readonly Game[] =>
  chosen
    .filter(({ command }) => command !== true || account === pipeline.scope.account)
    .map((drill) => ({ account, drill }));

/** Returns the field with its resources in that account. A session of the role there may end after an hour. */
async function openField(field: Field, account: string, role: string | undefined): Promise<Field> {
  if (account === field.pipeline.scope.account) return field;
  const member = await openMember(field.pipeline, account, role, 'drill');
  if ('why' in member) throw new FirebreakError('Refused', `account ${account}: ${member.why}`);
  return { ...field, ...member };
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

/** Those that are named; without a name, and of a flag, all that cost little or that the flag stands for. */
function chosenDrills({ playbooks: names, extras }: DrillInput): readonly Drill[] {
  const ids = DRILLS.map(({ playbook }) => playbook);
  const unknown = names.find((name) => !ids.includes(name));
  if (unknown !== undefined) {
    const near = nearest(unknown, ids);
    throw new FirebreakError('InputInvalid', `there is no drill of ${JSON.stringify(unknown)}`, {
      next: near === undefined ? `One of: ${ids.join(', ')}.` : `Did you mean ${near}?`,
    });
  }
  return DRILLS.filter(
    ({ playbook, extra }) =>
      names.includes(playbook) || (extra === undefined ? names.length === 0 : extras.includes(extra)),
  );
}

function tellPlan(games: readonly Game[], where: string): void {
  const { out, paint } = terminal();
  const chosen = games.map(({ drill: one }) => one);
  const kinds = new Set(chosen);
  out(paint('bold', `Drill of ${kinds.size} playbooks and commands in ${where}`));
  for (const { playbook, makes, attack, cost, minutes, asks } of kinds) {
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
  const left = DRILLS.filter(({ extra }) => extra !== undefined).filter((one) => !kinds.has(one));
  if (left.length > 0)
    out(
      paint(
        'dim',
        `Not among them: ${left.map(({ playbook, extra }) => `${playbook} (--${extra})`).join(', ')}`,
      ),
    );
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
  fieldIn: (account: string) => Promise<Field>,
  { redact, json, report: file }: DrillInput,
  games: readonly Game[],
  { field: home, where, folder }: { field: Field; where: Report['where']; folder: string },
): Promise<number> {
  const { out } = terminal();
  const { account: own, region } = home.pipeline.scope;
  const startedAt = home.now().toISOString();
  // What was made is in the ledger by then.
  if (where === 'aws')
    process.once('SIGINT', () => {
      out('Stopped. Remove what was made: npx firebreak drill --live --clean');
      process.exit(130);
    });
  const outcomes: Outcome[] = [];
  const ids: string[] = [];
  for (const { account, drill: one } of games) {
    // Each has an id, and a tag, of its own: one that fails leaves nothing that another could be taken for.
    const id = randomBytes(6).toString('hex');
    ids.push(id);
    const ledger = await openLedger(folder, { drill: id, account, region, startedAt });
    if (!json) out(`${one.playbook} (drill ${id}${account === own ? '' : `, account ${account}`})`);
    const outcome = await playOne(await fieldIn(account), ledger, one);
    outcomes.push(outcome);
    if (outcome.removed) await ledger.close();
  }
  const made = reportOf({ drill: ids.join(' '), where, account: own, region, startedAt, outcomes });
  const shown = redact ? redacted(made) : made;
  const text = `${JSON.stringify(shown, null, 2)}\n`;
  if (file !== undefined) await writeFile(file, text);
  if (json) out(JSON.stringify(shown));
  else for (const line of linesOf(shown)) out(line);
  return isGood(made) ? 0 : 1;
}

/** Removes what earlier drills left: by their ledgers, and by the tag. */
async function clean(fields: readonly Field[]): Promise<number> {
  const { out } = terminal();
  for (const field of fields) {
    const { account, region } = field.aws.scope;
    const here = (await openDrills(ledgers())).filter(
      (one) => one.account === account && one.region === region,
    );
    // In one pass: what a ledger names can be held by what only its tag tells.
    const removed = await removeAll(
      field,
      undefined,
      here.flatMap(({ made }) => made),
    );
    for (const { drill: id } of here) await forget(ledgers(), id);
    for (const what of removed) out(`removed ${what}`);
    const where = fields.length > 1 ? `in account ${account}` : 'here';
    out(removed.length === 0 ? `No drill has left anything ${where}.` : `${removed.length} removed.`);
  }
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
  if (input.clean || input.denyCheck || input.accounts.length > 0) {
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
    const { field, folder } = opened;
    const games = playedIn(field, field.aws.scope.account, chosen);
    if (!input.json) tellPlan(games, 'the sandbox');
    if (!input.json) out('');
    return await run(async () => field, input, games, { field, where: 'sandbox', folder });
  } finally {
    await opened.close();
  }
}
