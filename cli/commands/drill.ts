/** drill: does containment hold, in your own account? */
import type { Command } from '@commander-js/extra-typings';
import { EXTRAS } from '../drill/scene.ts';
import { examples, finish, jsonOption, placeCommand, placeOptions } from './options.ts';

const listed = (text: string): readonly string[] => text.split(',').map((part) => part.trim());

export function drillCommands(program: Command): void {
  program.addCommand(
    placeCommand('drill')
      .summary('proves that containment holds, on resources of its own')
      .description(
        'Makes disposable resources, plays a harmless attack on each, lets the workflow contain it, looks from outside whether that holds and how long it took, undoes, compares and removes all of it. In the sandbox, or with --live in your own account: cost and time are shown and confirmed first.',
      )
      .argument('[playbooks...]', 'which drills; all of them without one')
      .option('--ecs', 'adds stop-task, which runs a Fargate task')
      .option('--eks', 'adds contain-kubernetes-identity, which makes a cluster: about 50 minutes')
      .option('--rds', 'adds restrict-database, which makes a small database: about 45 minutes')
      .option('--clean', 'removes what an interrupted drill left, and does nothing else')
      .option(
        '--deny-check',
        'asks in each account whether a policy or a missing role would stop a containment',
      )
      .option(
        '--accounts <ids>',
        'drills, cleans or asks in these accounts, separated by commas; needs --live',
        listed,
        [],
      )
      .option('--role <name>', 'a role that you may assume in them')
      .option('--yes', 'does not ask')
      .option('--redact', 'leaves account ids and the ids of principals out of the report')
      .option('--report <file>', 'writes the report as JSON', undefined)
      .addOption(jsonOption())
      .addHelpText(
        'after',
        examples(
          'drill',
          'drill revoke-instance-session --live --report drill-report.json --redact',
          'drill revoke-role-sessions --live --accounts 444455556666 --role OrganizationAccountAccessRole',
          'drill --live --deny-check --role OrganizationAccountAccessRole',
          'drill --live --clean',
        ),
      )
      .action(async (playbooks, flags) => {
        const { drill } = await import('../drill/drill.ts');
        finish(
          await drill({
            ...(await placeOptions(flags)),
            playbooks,
            extras: EXTRAS.filter((extra) => flags[extra] === true),
            clean: flags.clean === true,
            denyCheck: flags.denyCheck === true,
            accounts: flags.accounts,
            role: flags.role,
            yes: flags.yes === true,
            redact: flags.redact === true,
            json: flags.json === true,
            report: flags.report,
          }),
        );
      }),
  );
}
