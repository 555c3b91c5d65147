/** `firebreak replay`: decisions over a stream of findings, in constant memory. */
import type { Policy } from '../core/policy.ts';
import { choosePlaybook } from '../playbooks/index.ts';
import { readFindings } from './input.ts';
import { replayLine } from './replay.ts';
import { plainText, terminal } from './terminal.ts';

/** Written in larger pieces: a write for each of a million lines would cost more than deciding them. */
const PIECE = 65_536;

/** Exit status 2 when a line could not be read; the others are decided all the same. */
export async function replay(sources: readonly string[], policy: Policy, json: boolean): Promise<number> {
  const { out, paint } = terminal();
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
  for await (const item of readFindings(sources)) {
    const line =
      'error' in item ? { index, error: item.error } : replayLine(index, item.raw, policy, choosePlaybook);
    index += 1;
    if ('error' in line) status = 2;
    if (json) {
      pending += `${JSON.stringify(line)}\n`;
      if (pending.length > PIECE) await flush();
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
