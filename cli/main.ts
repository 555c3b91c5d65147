/** The `firebreak` command. Exit status: 0 all well, 1 a playbook failed, 2 an input or an argument is wrong. */
import { parseArgs } from 'node:util';
import { describeError, isFirebreakError } from '../core/errors.ts';
import { loadPolicy } from '../core/policy.ts';
import { choosePlaybook } from '../playbooks/index.ts';
import { readFindings } from './input.ts';
import { replayLine } from './replay.ts';
import { plainText, terminal } from './terminal.ts';

const HELP = `firebreak: contain what GuardDuty finds, and undo it

  firebreak start              the sandbox with its page, and the demos played in it
  firebreak demo credential-exfiltration | malicious-ip
                               an attack, contained in the sandbox before your eyes
      --approve | --deny       answers where a person is asked
  firebreak run FILE...|-      any findings through the whole workflow in the sandbox
  firebreak undo [INCIDENT]    puts back what the last demo or run changed
      --deny                   the second person says no
  firebreak replay FILE...|-   what would be done? decides only, touches nothing
  firebreak coverage           what happens for every published finding type, by severity
      --json                   one JSON object per finding and line
      --policy FILE            another policy than policy.yml
  firebreak lists [add|remove|undo trusted|threat ADDRESS...]
                               GuardDuty's trusted and threat lists
  firebreak suppress INCIDENT [--yes|--remove]
                               a GuardDuty filter for findings like this one, after what it would hide
      --live                   in your own account instead of the sandbox
      --stage NAME --region R  which deployment (prod) and Region

Findings: an EventBridge event, a finding, a GetFindings answer, a list, or NDJSON.
Exit status: 0 all well, 1 a playbook failed, 2 an input or an argument is wrong.

  firebreak replay samples/*.json
  aws guardduty get-findings ... | firebreak replay - --json`;

async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h' },
      json: { type: 'boolean' },
      approve: { type: 'boolean' },
      deny: { type: 'boolean' },
      policy: { type: 'string', default: 'policy.yml' },
      live: { type: 'boolean' },
      stage: { type: 'string', default: 'prod' },
      region: { type: 'string' },
      bucket: { type: 'string' },
      yes: { type: 'boolean' },
      remove: { type: 'boolean' },
    },
  });
  const [command, ...operands] = positionals;
  if (values.help || command === undefined) {
    terminal().out(HELP);
    return command === undefined && !values.help ? 2 : 0;
  }
  switch (command) {
    case 'replay':
      return replay(operands, values.policy, values.json === true);
    case 'coverage': {
      const { coverage } = await import('./coverage.ts');
      return coverage(await loadPolicy(values.policy), values.json === true);
    }
    case 'lists':
    case 'suppress': {
      const place = {
        policy: await loadPolicy(values.policy),
        live: values.live === true,
        stage: values.stage,
        region: values.region,
        json: values.json === true,
        operands,
      };
      if (command === 'lists') {
        const { lists } = await import('./lists.ts');
        return lists({ ...place, bucket: values.bucket });
      }
      const { suppress } = await import('./suppress.ts');
      return suppress({ ...place, yes: values.yes === true, remove: values.remove === true });
    }
    case 'start':
    case 'demo':
    case 'run':
    case 'undo': {
      if (values.approve && values.deny) {
        console.error('firebreak: --approve or --deny, not both');
        return 2;
      }
      // Imported when needed: replay over a million findings loads no sandbox.
      const commands = await import('./sandbox-commands.ts');
      const answer = values.approve ? 'approve' : values.deny ? 'deny' : undefined;
      return commands[command]({
        operands,
        policy: await loadPolicy(values.policy),
        answer,
        json: values.json === true,
      });
    }
    default:
      console.error(`firebreak: there is no command ${JSON.stringify(command)}; see firebreak --help`);
      return 2;
  }
}

async function replay(sources: readonly string[], policyFile: string, json: boolean): Promise<number> {
  if (sources.length === 0) {
    console.error('firebreak replay: name a file, or - for standard input');
    return 2;
  }
  const policy = await loadPolicy(policyFile);
  const { out, paint } = terminal();
  let status = 0;
  let index = 0;
  // Written in larger pieces: a write for each of a million lines would cost more than deciding them.
  let pending = '';
  const flush = async () => {
    const text = pending;
    pending = '';
    if (text !== '' && !process.stdout.write(text)) {
      await new Promise<void>((resolve) => process.stdout.once('drain', resolve));
    }
  };
  for await (const item of readFindings(sources)) {
    const line =
      'error' in item ? { index, error: item.error } : replayLine(index, item.raw, policy, choosePlaybook);
    index += 1;
    if ('error' in line) status = 2;
    if (json) {
      pending += `${JSON.stringify(line)}\n`;
      if (pending.length > 65_536) await flush();
    } else if ('error' in line) {
      out(paint('red', `#${line.index} ${plainText(line.error)}`));
    } else {
      const where = `${line.account} ${line.region}`;
      out(
        `#${line.index} ${paint('bold', line.decision.padEnd(6))} ${plainText(line.type)} (${line.severity}) ${where}`,
      );
      out(`   target ${plainText(line.target ?? 'none named')}, playbook ${line.playbook ?? 'none'}`);
      for (const reason of line.reasons) out(paint('dim', `   - ${plainText(reason)}`));
    }
  }
  await flush();
  return status;
}

// A reader that stops early (`| head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(`firebreak: ${plainText(isFirebreakError(error) ? describeError(error) : String(error))}`);
  process.exitCode = 2;
}
