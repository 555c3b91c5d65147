/** simulate and doctor: does the deployed pipeline work? */
import type { Command } from '@commander-js/extra-typings';
import {
  answerOptions,
  choice,
  command,
  examples,
  finish,
  jsonOption,
  placeCommand,
  placeOptions,
  policyOption,
  profileOption,
  regionOption,
  stageOption,
} from './options.ts';

export function operateCommands(program: Command): void {
  const [approve, deny] = answerOptions();
  program.addCommand(
    placeCommand('simulate')
      .summary('a realistic finding of any type, through the workflow')
      .description(
        'Makes a finding of this type and runs it in the sandbox against a twin of AWS. With --live GuardDuty itself makes a sample finding: the deployed workflow tells it, and changes nothing.',
      )
      .argument('<type>', 'a finding type; part of one is enough where it is the only match')
      .addOption(choice('--severity <label>', 'how severe', ['low', 'medium', 'high', 'critical']))
      .option('--print', 'prints the event and runs nothing')
      .addOption(approve)
      .addOption(deny)
      .addOption(jsonOption())
      .addHelpText(
        'after',
        examples(
          'simulate CryptoCurrency:EC2/BitcoinTool.B --approve',
          'simulate Trojan:EC2/DropPoint --live',
        ),
      )
      .action(async (type, flags) => {
        const { simulate } = await import('../simulate.ts');
        const answer = flags.approve ? 'approve' : flags.deny ? 'deny' : undefined;
        const { severity } = flags;
        finish(
          await simulate({
            ...(await placeOptions(flags)),
            type,
            severity,
            answer,
            print: flags.print === true,
            json: flags.json === true,
          }),
        );
      }),
  );
  program.addCommand(
    command('doctor')
      .summary('is the deployed stack healthy, and would a finding reach the on-call?')
      .description('Looks at everything a finding needs on its way, reads only, and says what to fix.')
      .addOption(policyOption())
      .addOption(stageOption())
      .addOption(regionOption())
      .addOption(profileOption())
      .addOption(jsonOption())
      .addHelpText('after', examples('doctor', 'doctor --stage dev --region eu-west-1 --json'))
      .action(async (flags) => {
        const { doctor } = await import('../doctor/doctor.ts');
        finish(
          await doctor({ ...(await placeOptions({ ...flags, live: true })), json: flags.json === true }),
        );
      }),
  );
}
