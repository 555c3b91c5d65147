/** start, demo, run and undo: the whole workflow on this machine. */
import type { Command } from '@commander-js/extra-typings';
import type { CommandInput } from '../sandbox-commands.ts';
import {
  answerOptions,
  command,
  examples,
  finish,
  jsonOption,
  policyFile,
  policyOption,
  positive,
} from './options.ts';

interface Flags {
  readonly policy?: string | undefined;
  readonly approve?: true | undefined;
  readonly deny?: true | undefined;
  readonly json?: true | undefined;
  readonly port?: number | undefined;
  readonly open?: boolean | undefined;
}

/** Imported when needed: replay over a million findings loads no sandbox. */
async function inSandbox(
  name: 'start' | 'demo' | 'run',
  operands: readonly string[],
  flags: Flags,
): Promise<void> {
  const { loadPolicy } = await import('../../core/policy/policy.ts');
  const answer: CommandInput['answer'] = flags.approve ? 'approve' : flags.deny ? 'deny' : undefined;
  const file = await policyFile(flags.policy);
  const policy = await loadPolicy(file);
  const input = { operands, policy, answer, policyFile: file, json: flags.json === true };
  const { port, open } = flags;
  if (name === 'run') {
    const { run } = await import('../run.ts');
    return finish(await run(input));
  }
  const { demo, start } = await import('../sandbox-commands.ts');
  finish(await (name === 'demo' ? demo(input) : start({ ...input, port, open: open !== false })));
}

const [approve, deny] = answerOptions();

export function sandboxCommands(program: Command): void {
  program.addCommand(
    command('start')
      .summary('the sandbox with its page, and the demos played in it')
      .description(
        'Starts the whole pipeline here, with no AWS account and no Slack, and opens a tour of three steps in the browser: approve a containment, see what changed, undo it.',
      )
      .option('--port <number>', 'of the page; any free one without it', positive)
      .option('--no-open', 'does not open the browser')
      .addOption(policyOption())
      .addHelpText('after', examples('start', 'start --port 8080 --no-open'))
      .action((flags) => inSandbox('start', [], flags)),
  );
  program.addCommand(
    command('demo')
      .summary('an attack, contained before your eyes')
      .description('Plays an attack in the sandbox.')
      .argument(
        '<name>',
        'credential-exfiltration, data-theft, malicious-ip, model-abuse or persistent-attacker',
      )
      .addOption(approve)
      .addOption(deny)
      .addOption(policyOption())
      .addHelpText('after', examples('demo credential-exfiltration --approve', 'undo'))
      .action((name, flags) => inSandbox('demo', [name], flags)),
  );
  program.addCommand(
    command('run')
      .summary('any findings through the whole workflow in the sandbox')
      .description(
        'Runs findings through the deployed workflow against a twin of AWS in which the resources they name exist.',
      )
      .argument('<files...>', 'files with findings, or - for standard input')
      .addOption(approve)
      .addOption(deny)
      .addOption(policyOption())
      .addOption(jsonOption())
      .addHelpText('after', examples('run finding.json --approve', 'run findings.ndjson --json'))
      .action((files, flags) => inSandbox('run', files, flags)),
  );
}
