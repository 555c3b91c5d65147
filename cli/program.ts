/** Every command with its options, help and examples: what `firebreak` parses, completes and documents itself from. */
import { Command, CommanderError } from '@commander-js/extra-typings';
import { consoleCommands } from './commands/console.ts';
import { decideCommands } from './commands/decide.ts';
import { drillCommands } from './commands/drill.ts';
import { listCommands } from './commands/lists.ts';
import { operateCommands } from './commands/operate.ts';
import { peopleCommands } from './commands/people.ts';
import { reviewCommands } from './commands/review.ts';
import { sandboxCommands } from './commands/sandbox.ts';
import { setUpCommands } from './commands/set-up.ts';
import { slackCommands } from './commands/slack.ts';
import { version } from './version.ts';

export const EXIT_STATUSES = `Exit status:
  0  all well
  1  a playbook failed, or a check found something to fix
  2  an input, an option or the environment is wrong, or you stopped at a question`;

/** As commander ends --version, with status 0; the file is read only then. */
function printVersion(): never {
  const text = version();
  process.stdout.write(`${text}\n`);
  throw new CommanderError(0, 'commander.version', text);
}

/** Throws CommanderError instead of leaving the process, so that the caller decides the exit status. */
export function firebreak(): Command {
  const program = new Command('firebreak')
    .description('Contains what GuardDuty finds, and undoes it.')
    .option('--version', 'prints the version', printVersion)
    .showSuggestionAfterError()
    .showHelpAfterError('(see firebreak --help)')
    .addHelpText('after', `\n${EXIT_STATUSES}`);
  sandboxCommands(program);
  decideCommands(program);
  reviewCommands(program);
  consoleCommands(program);
  operateCommands(program);
  drillCommands(program);
  setUpCommands(program);
  peopleCommands(program);
  listCommands(program);
  slackCommands(program);
  for (const each of [program, ...descendants(program)]) each.exitOverride();
  return program;
}

/** Commands below this one, with theirs. */
export const descendants = (program: { readonly commands: readonly unknown[] }): readonly Command[] =>
  program.commands.flatMap((each) => (each instanceof Command ? [each, ...descendants(each)] : []));
