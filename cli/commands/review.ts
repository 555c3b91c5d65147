/** history, show, undo and tail: what was done, and undoing it. */

import { type Command, Option } from '@commander-js/extra-typings';
import { LISTED } from '../../core/incident/status.ts';
import {
  ago,
  answerOptions,
  choice,
  examples,
  finish,
  jsonOption,
  placeCommand,
  placeOptions,
  positive,
  whereOptions,
} from './options.ts';

export function reviewCommands(program: Command): void {
  program.addCommand(
    placeCommand('history')
      .summary('the incidents, newest first')
      .description('Incidents of the sandbox, or of a deployed stack with --live, newest first.')
      .addOption(new Option('--since <duration>', 'how far back').argParser(ago).default(ago('30d'), '30d'))
      .option('--limit <number>', 'how many', positive, 25)
      .addOption(choice('--status <status>', 'only these; open is what Firebreak is working on', LISTED))
      .addOption(choice('--severity <label>', 'only these', ['low', 'medium', 'high', 'critical']))
      .option('--account <id>', 'only of this account')
      .option('--in <region>', 'only findings of this Region')
      .option('--family <family>', 'EC2, IAMUser, S3, Runtime, ...')
      .option('--text <text>', 'part of an id, a type, a target or a title')
      .addOption(jsonOption())
      .addHelpText('after', examples('history', 'history --live --status partial --since 24h'))
      .action(async (flags) => {
        const { history } = await import('../history.ts');
        const { since, limit, status, severity, account, in: region, family, text } = flags;
        const filter = { status, severity, account, region, family, text };
        finish(await history({ ...whereOptions(flags), since, limit, filter, json: flags.json === true }));
      }),
  );
  program.addCommand(
    placeCommand('show')
      .summary('one incident: why, what was changed, what remains')
      .argument('<incident>', 'its id, fb-...')
      .addOption(new Option('--json', 'the incident with everything kept about it, as one JSON object'))
      .addHelpText('after', examples('show fb-2b8f5a36fc3e', 'show fb-2b8f5a36fc3e --live --json'))
      .action(async (id, flags) => {
        const { show } = await import('../show.ts');
        finish(await show({ ...(await placeOptions(flags)), id, json: flags.json === true }));
      }),
  );
  program.addCommand(
    placeCommand('tail')
      .summary('incidents and what happens in them, as it happens')
      .description('Prints every event of every incident as it is written. Ends with Ctrl-C.')
      .addOption(
        new Option('--since <duration>', 'shows this much of the past first')
          .argParser(ago)
          .default(ago('10m'), '10m'),
      )
      .option('--every <seconds>', 'seconds between two looks', positive, 3)
      .addOption(jsonOption())
      .addHelpText('after', examples('tail --live', 'tail --live --json | jq .event'))
      .action(async (flags) => {
        const { tail } = await import('../tail.ts');
        const { since, every } = flags;
        finish(await tail({ ...(await placeOptions(flags)), since, every, json: flags.json === true }));
      }),
  );
  const [approve, deny] = answerOptions();
  program.addCommand(
    placeCommand('undo')
      .summary('restores what an incident changed')
      .description(
        'Without an id: everything that the last demo or run changed here. With --live the deployed workflow undoes it, and asks a second person in Slack where policy says so.',
      )
      .argument('[incident]', 'its id, fb-...')
      .option('--preview', 'shows what would be restored, and changes nothing')
      .addOption(approve)
      .addOption(deny)
      .addOption(jsonOption())
      .addHelpText('after', examples('undo', 'undo fb-2b8f5a36fc3e --preview', 'undo fb-2b8f5a36fc3e --live'))
      .action(async (id, flags) => {
        const { undo } = await import('../undo.ts');
        const answer = flags.approve ? 'approve' : flags.deny ? 'deny' : undefined;
        const preview = flags.preview === true;
        finish(
          await undo({ ...(await placeOptions(flags)), id, answer, preview, json: flags.json === true }),
        );
      }),
  );
}
