/** Shell completion, from the same tree of commands that is parsed: `firebreak complete zsh`, `bash`, `fish`, `powershell`. */
import { readFileSync } from 'node:fs';
import offer from '@bomb.sh/tab/commander';
import { Command } from 'commander';
import { z } from 'zod';

const TYPES = new URL('../playbooks/finding-types.json', import.meta.url);

/** Adds `complete`, which the shell calls at each Tab. `program` is the command whose tree is offered. */
export function offerCompletion(program: unknown): void {
  // The typed commands are commander's own at run time; only their types are others.
  if (!(program instanceof Command)) throw new Error('completion is offered for a command of commander');
  const completed = offer(program);
  const { types } = z
    .object({ types: z.array(z.object({ type: z.string() })) })
    .parse(JSON.parse(readFileSync(TYPES, 'utf8')));
  completed.commands.get('simulate')?.argument('type', (complete) => {
    for (const { type } of types) complete(type, '');
  });
}
