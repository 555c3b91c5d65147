import { describe, expect, it } from 'vitest';
import { parseFinding } from '../core/finding/finding.ts';
import { incidentStore } from '../core/incident/store.ts';
import { simulatedEvent } from '../sandbox/simulated/event.ts';
import { SCOPE, sceneDatabase } from '../test/playbooks/properties.ts';
import { follower } from './tail.ts';

const database = sceneDatabase('tail');
const at = (seconds: number) => new Date(Date.parse('2026-11-25T08:00:00.000Z') + seconds * 1000);
const finding = (seed: string) =>
  parseFinding(
    simulatedEvent('Trojan:EC2/DropPoint', {
      scope: SCOPE,
      severity: 'high',
      now: at(0),
      seed,
      sample: false,
    }),
  );

describe('follower', () => {
  it('gives every event once, oldest first, over all incidents, from the time asked for', async () => {
    const store = incidentStore(database().table);
    const one = (await store.claim(finding('one'), 'execution', at(0))).incident.id;
    const two = (await store.claim(finding('two'), 'execution', at(1))).incident.id;
    await store.note(one, 'before the time asked for', at(1));
    const follow = follower(store, at(2).getTime());
    await store.note(two, 'second', at(4));
    await store.change(two, at(4), () => ({}));
    await store.note(one, 'first', at(3));
    await store.change(one, at(4), () => ({}));
    const seen = async () => (await follow(at(10))).map(({ event, incident }) => [incident.id, event]);
    expect(await seen()).toEqual([
      [one, 'first'],
      [two, 'second'],
    ]);
    expect(await seen()).toEqual([]);
    // Two events of one instant, the second written after a look.
    await store.note(one, 'third', at(5));
    expect(await seen()).toEqual([[one, 'third']]);
    await store.note(one, 'fourth', at(5));
    expect(await seen()).toEqual([[one, 'fourth']]);
  });
});
