/** approve, deny, mode and approvers: who decides, and deciding without Slack. */
import { Argument, type Command, Option } from '@commander-js/extra-typings';
import { examples, finish, jsonOption, placeCommand, placeOptions } from './options.ts';

const WHO =
  'With --live you answer as your AWS identity, which policy.yml must map to an approver (people); the answer is judged as a click in Slack is, within a minute. In the sandbox you answer as the second approver.';

export function peopleCommands(program: Command): void {
  program.addCommand(
    placeCommand('approve')
      .summary('approves what an incident asks, without Slack')
      .description(`Approves the containment or the undo that an incident asks about. ${WHO}`)
      .argument('<incident>', 'its id, fb-...')
      .option('--reason <text>', 'why, for the record')
      .addOption(jsonOption())
      .addHelpText('after', examples('approve fb-2b8f5a36fc3e --live'))
      .action(async (id, { reason, ...flags }) => {
        const { answer } = await import('../answer.ts');
        const place = await placeOptions(flags);
        finish(await answer({ ...place, id, outcome: 'approved', reason, json: flags.json === true }));
      }),
  );
  program.addCommand(
    placeCommand('deny')
      .summary('denies what an incident asks, without Slack')
      .description(
        `Denies the containment or the undo that an incident asks about; nothing is changed. ${WHO}`,
      )
      .argument('<incident>', 'its id, fb-...')
      .requiredOption('--reason <text>', 'why: the next person reads it')
      .addOption(jsonOption())
      .addHelpText('after', examples('deny fb-2b8f5a36fc3e --reason "planned load test" --live'))
      .action(async (id, { reason, ...flags }) => {
        const { answer } = await import('../answer.ts');
        const place = await placeOptions(flags);
        finish(await answer({ ...place, id, outcome: 'denied', reason, json: flags.json === true }));
      }),
  );
  program.addCommand(
    placeCommand('mode')
      .summary('whether Firebreak acts or only observes, and switching it')
      .description(
        'Shows the mode in force and who switched it, or switches it without a deployment. observe takes one person; enforce takes two within 15 minutes. With --live you switch as your AWS identity, which policy.yml must map to an approver (people); Firebreak reads it within a minute.',
      )
      .addArgument(new Argument('[mode]', 'the mode to switch to').choices(['observe', 'enforce'] as const))
      .addOption(jsonOption())
      .addHelpText('after', examples('mode --live', 'mode enforce --live', 'mode observe --live'))
      .action(async (to, flags) => {
        const { mode } = await import('../mode.ts');
        finish(await mode({ ...(await placeOptions(flags)), to, json: flags.json === true }));
      }),
  );
  program.addCommand(
    placeCommand('approvers')
      .summary('who may decide, and taking someone off every list at once')
      .description(
        'Shows who policy.yml lets decide. A person taken off here may decide nothing from that moment on, whatever policy.yml and the Slack user groups say.',
      )
      .addOption(new Option('--remove <id>', 'takes this Slack user off every list').conflicts('restore'))
      .addOption(new Option('--restore <id>', 'lets the lists count for this user again').conflicts('remove'))
      .addOption(jsonOption())
      .addHelpText('after', examples('approvers', 'approvers --remove U012ABCDEF --live'))
      .action(async (flags) => {
        const { approvers } = await import('../approvers.ts');
        const { remove, restore } = flags;
        finish(
          await approvers({ ...(await placeOptions(flags)), remove, restore, json: flags.json === true }),
        );
      }),
  );
}
