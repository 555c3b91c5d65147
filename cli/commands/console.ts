/** console: incidents, coverage and policy as a page of this machine. */
import type { Command } from '@commander-js/extra-typings';
import { examples, finish, placeCommand, placeOptions, policyFile, positive } from './options.ts';

export function consoleCommands(program: Command): void {
  program.addCommand(
    placeCommand('console')
      .summary('the review page: every incident explained, undo, coverage, backtest')
      .description(
        'Opens a page on this machine over the sandbox as it was left or, with --live, over a deployed stack with your own rights. Nothing new is exposed on the internet.',
      )
      .option('--port <number>', 'of the page; any free one without it', positive)
      .addHelpText('after', examples('console', 'console --live --profile security --region eu-west-1'))
      .action(async (flags) => {
        const { consoleCommand } = await import('../console.ts');
        const place = await placeOptions(flags);
        const file = await policyFile(flags.policy);
        finish(await consoleCommand({ ...place, port: flags.port ?? 0, policyFile: file }));
        // What still waits for a person ends with the process.
        process.exit();
      }),
  );
}
