/** What moto does not have of the calls of every playbook: printed at every run, so that nothing is passed over in silence. */
import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { PLAYBOOKS } from '../../playbooks/index.ts';
import { type Call, callsOf } from './calls.ts';
import { UNPLAYED } from './unplayed.ts';

const calls = z.array(z.object({ service: z.string(), operation: z.string() }));
const name = ({ service, operation }: Call): string => `${service}:${operation}`;

function motoLacks(wanted: readonly Call[]): ReadonlySet<string> {
  const { stdout, stderr, status } = spawnSync('.venv/bin/python', ['test/conformance/moto_lacks.py'], {
    input: JSON.stringify(wanted),
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`moto could not be asked: ${stderr}`);
  return new Set(calls.parse(JSON.parse(stdout)).map(name));
}

it('is printed for every playbook', () => {
  const every = PLAYBOOKS.map(({ id }) => ({ id, calls: callsOf(id) }));
  const lacking = motoLacks([
    ...new Map(every.flatMap((one) => one.calls.map((call) => [name(call), call]))).values(),
  ]);
  for (const { id, calls: own } of every) {
    expect(own.length, `no call of ${id} was found in its source`).toBeGreaterThan(0);
    const missing = own.map(name).filter((call) => lacking.has(call));
    const played = own.length - missing.length;
    console.error(
      `moto has ${played} of ${own.length} calls of ${id}${missing.length > 0 ? `; not ${missing.join(', ')}` : ''}`,
    );
    // No one may say that moto lacks what it has.
    if (id in UNPLAYED) expect(missing, `${id} can be played on moto: ${UNPLAYED[id]}`).not.toEqual([]);
  }
  // The question itself is right: calls that are known to be there and not to be there.
  expect(lacking.has('iam:SimulatePrincipalPolicy')).toBe(true);
  expect(lacking.has('iam:GetRole')).toBe(false);
});
