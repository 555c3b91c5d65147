/** approvers: who decides. */
import { type Command, Option } from '@commander-js/extra-typings';
import { examples, finish, jsonOption, placeCommand, placeOptions } from './options.ts';

export function peopleCommands(program: Command): void {
  program.addCommand(
    placeCommand('approvers')
      .summary('who may decide, and taking somebody off every list at once')
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
