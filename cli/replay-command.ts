/** `firebreak replay`: decisions over a stream of findings, in constant memory. */
import type { Policy } from '../core/policy/policy.ts';
import { choosePlaybook } from '../playbooks/index.ts';
import { type InputItem, readBatches } from './input/input.ts';
import { type ReplayLine, replayLine } from './replay.ts';
import { plainText, terminal } from './terminal.ts';

/** Written in larger pieces: a write for each of a million lines would cost more than deciding them. */
const PIECE = 65_536;

/** Exit status 2 when a line could not be read; the others are decided all the same. */
export async function replay(sources: readonly string[], policy: Policy, json: boolean): Promise<number> {
  let status = 0;
  let index = 0;
  let pending = '';
  const flush = async () => {
    const text = pending;
    pending = '';
    if (text !== '' && !process.stdout.write(text)) {
      await new Promise<void>((resolve) => process.stdout.once('drain', resolve));
    }
  };
  const take = (item: InputItem) => {
    const line =
      'error' in item
        ? { index, error: item.error }
        : replayLine(index, item.raw, policy, choosePlaybook, item.lacks);
    index += 1;
    if ('error' in line) status = 2;
    if (json) pending += `${JSON.stringify(line)}\n`;
    else for (const text of forPeople(line)) pending += `${text}\n`;
  };
  for await (const batch of readBatches(sources)) {
    for (const item of batch) {
      take(item);
      if (pending.length > PIECE) await flush();
    }
  }
  await flush();
  return status;
}

function* forPeople(line: ReplayLine): Generator<string> {
  const { paint } = terminal();
  if ('error' in line) {
    yield paint('red', `#${line.index} ${plainText(line.error)}`);
    return;
  }
  const { index, decision, type, severity, account, region, target, playbook } = line;
  yield `#${index} ${paint('bold', decision.padEnd(6))} ${plainText(type)} (${severity}) ${account} ${region}`;
  yield `   target ${plainText(target ?? 'none named')}, playbook ${playbook ?? 'none'}`;
  for (const reason of line.reasons) yield paint('dim', `   - ${plainText(reason)}`);
}
