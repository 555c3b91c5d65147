/** The `firebreak` command: parses, runs, and turns what went wrong into a line and an exit status. */
import { CommanderError } from '@commander-js/extra-typings';
import { failureText } from './failure.ts';
import { firebreak } from './program.ts';

// A reader that stops early (`| head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

try {
  const program = firebreak();
  const words = process.argv.slice(2);
  if (words[0] === 'complete') (await import('./completion.ts')).offerCompletion(program);
  await program.parseAsync(words, { from: 'user' });
} catch (error) {
  if (error instanceof CommanderError) {
    // Its message is on the screen already; --help and --version come this way too, with status 0.
    process.exitCode = error.exitCode === 0 ? 0 : 2;
  } else {
    console.error(`firebreak: ${failureText(error)}`);
    process.exitCode = 2;
  }
}
