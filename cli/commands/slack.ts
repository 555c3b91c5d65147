/** slack: is it set up, and the app's manifest. */
import { type Command, InvalidArgumentError } from '@commander-js/extra-typings';
import {
  command,
  examples,
  finish,
  jsonOption,
  placeOptions,
  policyOption,
  profileOption,
  regionOption,
  stageOption,
} from './options.ts';

export function slackCommands(program: Command): void {
  const slack = command('slack').summary('is Slack set up; the manifest of its app');
  slack.addCommand(
    command('check')
      .summary('proves token, scopes, channel, approvers, endpoint and signing secret, and says what to fix')
      .description(
        'Tries every part of the set-up of a deployed stack by using it, and changes nothing. Values come from the parameters /firebreak/STAGE/slack/…; options and the variables SLACK_BOT_TOKEN and SLACK_SIGNING_SECRET come before those, so that it works before the first deployment too.',
      )
      .addOption(stageOption())
      .addOption(regionOption())
      .addOption(profileOption())
      .addOption(policyOption())
      .option('--url <url>', 'the endpoint, where it is not the deployed one', endpoint)
      .option('--channel <id>', 'channel of the cards (C…)')
      .option('--team-id <id>', 'workspace (T…)')
      .option('--app-id <id>', 'app (A…)')
      .option('--sandbox', 'the Slack of the sandbox, to see what it looks like')
      .addOption(jsonOption())
      .addHelpText('after', examples('slack check --stage prod --region eu-west-1', 'slack check --sandbox'))
      .action(async (flags) => {
        const { slackCheck } = await import('../slack-check.ts');
        const { url, channel, teamId, appId, sandbox } = flags;
        const given = { endpoint: url, channel, teamId, appId };
        finish(
          await slackCheck({
            ...(await placeOptions({ ...flags, live: true })),
            given,
            sandbox: sandbox === true,
            json: flags.json === true,
          }),
        );
      }),
  );
  slack.addCommand(
    command('manifest')
      .summary('the manifest of the Slack app, with the address of the deployed endpoint')
      .description(
        'Prints YAML to paste under App Manifest. Without a deployment and without --url it is slack/manifest.yml.',
      )
      .addOption(stageOption())
      .addOption(regionOption())
      .addOption(profileOption())
      .option('--url <url>', 'the endpoint, where it is not the deployed one', endpoint)
      .addHelpText(
        'after',
        examples('slack manifest --stage prod', 'slack manifest --url https://hooks.example.com'),
      )
      .action(async (flags) => {
        const { manifest } = await import('../slack-check.ts');
        if (flags.profile !== undefined) process.env['AWS_PROFILE'] = flags.profile;
        finish(await manifest({ stage: flags.stage, region: flags.region, endpoint: flags.url }));
      }),
  );
  program.addCommand(slack);
}

/** With or without the path that Slack is given. */
function endpoint(text: string): string {
  const trimmed = text.replace(/\/(slack\/(interactivity|command)\/?)?$/, '');
  if (URL.canParse(trimmed) && /^https:|^http:\/\/(127\.0\.0\.1|localhost)[:/]?/.test(trimmed))
    return trimmed;
  throw new InvalidArgumentError(
    'expected an address such as https://abc.execute-api.eu-west-1.amazonaws.com',
  );
}
