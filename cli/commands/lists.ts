/** lists and suppress: what GuardDuty itself is configured with. */
import { type Command, Option } from '@commander-js/extra-typings';
import { examples, finish, jsonOption, placeCommand, placeOptions } from './options.ts';

export function listCommands(program: Command): void {
  program.addCommand(
    placeCommand('lists')
      .summary("GuardDuty's trusted and threat lists, kept in step with their objects")
      .argument('[verb]', 'show, add, remove or undo', 'show')
      .argument('[kind]', 'trusted or threat')
      .argument('[entries...]', 'addresses, ranges or domains')
      .option('--bucket <name>', 'for the first list of a kind: where its object goes')
      .addOption(jsonOption())
      .addHelpText(
        'after',
        examples(
          'lists',
          'lists add trusted 192.0.2.0/24 --live',
          'lists add threat evil.example --live',
          'lists undo trusted --live',
        ),
      )
      .action(async (verb, kind, entries, flags) => {
        const { lists } = await import('../lists.ts');
        const operands = kind === undefined ? [verb] : [verb, kind, ...entries];
        const { bucket, json } = flags;
        finish(await lists({ ...(await placeOptions(flags)), operands, bucket, json: json === true }));
      }),
  );
  program.addCommand(
    placeCommand('suppress')
      .summary('a GuardDuty filter for findings like this one, after what it would hide')
      .argument('<incident>', 'its id, fb-...')
      .addOption(
        new Option('--yes', 'makes the filter: such findings are archived unseen').conflicts('remove'),
      )
      .addOption(new Option('--remove', 'removes the filter').conflicts('yes'))
      .addOption(jsonOption())
      .addHelpText('after', examples('suppress fb-2b8f5a36fc3e', 'suppress fb-2b8f5a36fc3e --yes --live'))
      .action(async (id, flags) => {
        const { suppress } = await import('../suppress.ts');
        finish(
          await suppress({
            ...(await placeOptions(flags)),
            operands: [id],
            yes: flags.yes === true,
            remove: flags.remove === true,
            json: flags.json === true,
          }),
        );
      }),
  );
}
