/** replay, coverage and policy: what is decided, without touching anything. */
import { type Command, Option } from '@commander-js/extra-typings';
import {
  ago,
  command,
  examples,
  finish,
  jsonOption,
  liveOption,
  placeOptions,
  policyFile,
  policyOption,
  profileOption,
  regionOption,
  stageOption,
} from './options.ts';

export function decideCommands(program: Command): void {
  program.addCommand(
    command('replay')
      .summary('what would be done about findings? decides only, touches nothing')
      .description(
        'Decides about findings from files or standard input, and says why. Reads and changes nothing in AWS.',
      )
      .argument('<files...>', 'files with findings, or - for standard input')
      .addOption(policyOption())
      .addOption(jsonOption())
      .addHelpText(
        'after',
        `${examples('replay samples/*.json', 'replay --json -  < findings.ndjson')}
Findings: an EventBridge event, a finding, a GetFindings answer, a list, or NDJSON.`,
      )
      .action(async (files, flags) => {
        const [{ replay }, { loadPolicy }] = await Promise.all([
          import('../replay-command.ts'),
          import('../../core/policy/policy.ts'),
        ]);
        finish(await replay(files, await loadPolicy(await policyFile(flags.policy)), flags.json === true));
      }),
  );
  program.addCommand(
    command('coverage')
      .summary('what happens for every published finding type, by severity')
      .description(
        "One line for each of GuardDuty's published finding types: decision at each severity, and playbook.",
      )
      .addOption(policyOption())
      .addOption(jsonOption())
      .action(async (flags) => {
        const [{ coverage }, { loadPolicy }] = await Promise.all([
          import('../coverage.ts'),
          import('../../core/policy/policy.ts'),
        ]);
        finish(await coverage(await loadPolicy(await policyFile(flags.policy)), flags.json === true));
      }),
  );
  program.addCommand(policyCommand());
}

function policyCommand() {
  const policy = command('policy').summary('check a policy, compare two, try one on past findings');
  policy.addCommand(
    command('check')
      .summary('is the policy valid, and does every rule have a use?')
      .argument('[file]', 'policy file; yours without it')
      .addOption(jsonOption())
      .addHelpText('after', examples('policy check', 'policy check new-policy.yml'))
      .action(async (file, flags) => {
        const { policyCheck } = await import('../policy.ts');
        finish(await policyCheck(await policyFile(file), flags.json === true));
      }),
  );
  policy.addCommand(
    command('diff')
      .summary('what two policies decide differently, over every finding type and severity')
      .argument('<old>', 'policy file')
      .argument('[new]', 'policy file; yours without it')
      .addOption(jsonOption())
      .addHelpText('after', examples('policy diff deployed-policy.yml policy.yml'))
      .action(async (from, to, flags) => {
        const { policyDiff } = await import('../policy.ts');
        finish(await policyDiff(from, await policyFile(to), flags.json === true));
      }),
  );
  policy.addCommand(
    command('backtest')
      .summary('what a changed policy would have decided about past findings')
      .description(
        'Runs two policies over past findings, from files or from the incidents of a deployed stack, and shows where they differ.',
      )
      .argument(
        '[files...]',
        'files with findings, or - for standard input; with --live the incidents of the stack',
      )
      .requiredOption('--new <file>', 'the changed policy')
      .addOption(policyOption())
      .addOption(
        new Option('--since <duration>', 'with --live: how far back')
          .argParser(ago)
          .default(ago('30d'), '30d'),
      )
      .addOption(liveOption())
      .addOption(stageOption())
      .addOption(regionOption())
      .addOption(profileOption())
      .addOption(jsonOption())
      .addHelpText(
        'after',
        examples(
          'policy backtest --new new-policy.yml findings.ndjson',
          'policy backtest --new new-policy.yml --live --since 90d',
        ),
      )
      .action(async (files, flags) => {
        const { policyBacktest } = await import('../policy.ts');
        const place = await placeOptions(flags);
        finish(
          await policyBacktest({
            ...place,
            files,
            changed: flags.new,
            since: flags.since,
            json: flags.json === true,
          }),
        );
      }),
  );
  return policy;
}
