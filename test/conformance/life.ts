/** The whole life of a containment on a stage, and answers for the calls a stage does not have. */
import { expect } from 'vitest';
import type { Aws } from '../../core/aws/client.ts';
import type { Part } from '../../core/journal/playbook.ts';
import type { JsonObject } from '../../core/json.ts';
import type { OnStage } from './on-stage.ts';
import { type Play, play } from './play.ts';

/** `look` reads through AWS what the playbook changes; `unproven` names checks that the stage cannot show. */
export type More = [
  look: () => Promise<unknown>,
  unproven?: readonly string[],
  located?: Part,
  settings?: JsonObject,
];

/** Contain, prove, contain again, undo. */
export async function life(
  { stage, table, lacking }: OnStage,
  event: JsonObject,
  ...[look, unproven = [], located, settings = {}]: More
): Promise<Play> {
  const before = await look();
  const played = await play(stage, table, 'fb-000000000001', event, settings, located);
  const first = await played.contain();
  const open = first.steps.filter(({ status }) => status !== 'done' && status !== 'already');
  expect(open.map(({ id, status, note }) => [id, status, note])).toEqual([]);
  const contained = await look();
  expect(contained).not.toEqual(before);
  const proof = await played.verify(first);
  expect(proof.checks.filter(({ ok, id }) => !ok && !unproven.includes(id))).toEqual([]);
  for (const { id, ok, saw } of proof.checks) if (!ok) lacking.add(`proof ${id}: ${saw}`);
  await played.contain();
  expect(await look()).toEqual(contained);
  expect((await played.undo()).kind).toBe('undone');
  expect(await look()).toEqual(before);
  return played;
}

/** `ask` gives what the stage itself answers. */
type Answer = (
  input: Readonly<Record<string, unknown>>,
  ask: () => Promise<object>,
) => object | Promise<object>;
type Answers = Readonly<Record<string, Answer>>;

/** The same AWS with answers of the test for calls that the stage does not have. */
export function answering(aws: Aws, answers: Answers): Aws {
  const patched = <S extends { client: object }>(given: S): S => ({
    ...given,
    client: new Proxy(given.client, {
      get(real, property) {
        const member: unknown = Reflect.get(real, property);
        if (property !== 'send' || typeof member !== 'function') return member;
        return (command: { input: Record<string, unknown>; constructor: { name: string } }) => {
          const answer = answers[command.constructor.name.replace(/Command$/, '')];
          const ask = () => Reflect.apply(member, real, [command]) as Promise<object>;
          return answer ? Promise.resolve(answer(command.input, ask)) : ask();
        };
      },
    }),
  });
  return {
    ...aws,
    inRegion: (region) => answering(aws.inRegion(region), answers),
    inAccount: (account, region) => answering(aws.inAccount(account, region), answers),
    cloudTrail: async () => patched(await aws.cloudTrail()),
    ssoAdmin: async () => patched(await aws.ssoAdmin()),
  };
}
