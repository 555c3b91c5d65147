/** init and destroy: a stack comes and goes. */
import { type Command, InvalidArgumentError, Option } from '@commander-js/extra-typings';
import {
  command,
  examples,
  finish,
  policyOption,
  profileOption,
  regionOption,
  stageOption,
} from './options.ts';

/** `name=value`, gathered. */
function parameter(text: string, former: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const match = /^([a-z][a-z-]*)=(.*)$/.exec(text);
  if (!match) throw new InvalidArgumentError('expected name=value');
  return { ...former, [match[1] ?? '']: match[2] ?? '' };
}

const listed = (text: string): readonly string[] => text.split(',').map((part) => part.trim());

export function setUpCommands(program: Command): void {
  program.addCommand(
    command('init')
      .summary('deploys Firebreak, and upgrades it')
      .description(
        'Checks credentials and detector, stores what Slack needs, writes your policy (firebreak/policy.yml, from the one that comes with Firebreak) with mode and approvers, and deploys. Asks for what flags do not say; the same command again upgrades. Secrets: SLACK_BOT_TOKEN and SLACK_SIGNING_SECRET.',
      )
      .addOption(
        new Option(
          '--mode <mode>',
          'in which mode a new stack starts: observe changes nothing, enforce acts',
        ).choices(['observe', 'enforce'] as const),
      )
      .option('--approvers <ids>', 'Slack users or user groups, separated by commas', listed)
      .option('--channel <id>', 'Slack channel for incident cards')
      .option('--team-id <id>', 'Slack workspace')
      .option('--app-id <id>', 'Slack app')
      .option('--param <name=value>', 'a parameter of serverless.yml; may be given again', parameter, {})
      .option('--slack', 'with Slack, as a new stage is set up unless --no-slack is given')
      .option('--no-slack', 'without Slack: the page topic asks, and people decide with firebreak approve')
      .option('--allow-placeholder', 'deploys a policy whose approvers are those of the examples')
      .option('--dry-run', 'says what would be done, and does nothing')
      .addOption(policyOption())
      .addOption(stageOption())
      .addOption(regionOption())
      .addOption(profileOption())
      .addHelpText(
        'after',
        examples(
          'init',
          'init --mode observe --region eu-west-1 --approvers S0ONCALL1 --channel C0INCIDENTS --team-id T01 --app-id A01',
          'init --mode enforce',
          'init --no-slack',
        ),
      )
      .action(async (flags) => {
        const { init } = await import('../init/init.ts');
        if (flags.profile !== undefined) process.env['AWS_PROFILE'] = flags.profile;
        const { stage, region, mode, approvers, channel, teamId, appId, param } = flags;
        const policyFile = flags.policy;
        const { slack } = flags;
        const allowPlaceholder = flags.allowPlaceholder === true;
        const dryRun = flags.dryRun === true;
        finish(
          await init({
            stage,
            region,
            mode,
            approvers,
            channel,
            teamId,
            appId,
            params: param,
            policyFile,
            slack,
            allowPlaceholder,
            dryRun,
          }),
        );
      }),
  );
  program.addCommand(
    command('destroy')
      .summary('deletes a deployed stack, all but its evidence')
      .description(
        'Deletes the stack, its table and its Slack values. The evidence bucket stays, and is named.',
      )
      .option('--yes', 'does not ask')
      .addOption(stageOption())
      .addOption(regionOption())
      .addOption(profileOption())
      .addHelpText('after', examples('destroy --stage dev'))
      .action(async (flags) => {
        const { destroy } = await import('../init/destroy.ts');
        if (flags.profile !== undefined) process.env['AWS_PROFILE'] = flags.profile;
        finish(await destroy({ stage: flags.stage, region: flags.region, yes: flags.yes === true }));
      }),
  );
}
