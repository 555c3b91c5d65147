/**
 * A command of the sandbox in a process of its own that kills itself: `node killed.ts EVENT COMMAND…` ends with SIGKILL
 * at the numbered event, an event being an AWS call, a request to the table or a change of the saved files. With 0 it
 * counts them on standard error.
 */
import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { watchAws } from '../../core/aws/client.ts';

const [, , last = '0', ...words] = process.argv;
let events = 0;
function happens(): void {
  events += 1;
  if (events === Number(last)) process.kill(process.pid, 'SIGKILL');
}

for (const name of ['cp', 'rename', 'rm', 'writeFile'] as const) {
  const real = fs[name] as (...given: unknown[]) => Promise<unknown>;
  Object.assign(fs, {
    [name]: (...given: unknown[]) => {
      happens();
      return real(...given);
    },
  });
}
syncBuiltinESMExports();
watchAws(happens);
process.on('exit', () => console.error(`events: ${events}`));
process.argv.splice(2, process.argv.length, ...words);
await import('../../cli/main.ts');
