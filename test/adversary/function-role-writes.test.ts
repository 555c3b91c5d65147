/** Someone runs code with the role of one function and puts items of their choice into the table. */
import { describe, expect, it } from 'vitest';
import { PARTITIONS, type Partition, partitionKey } from '../../core/table/partitions.ts';
import { decide, FUNCTION_NAMES as names, mayWrite as writes } from './function-roles.ts';

/** The functions that may write each partition, in the order of the workflow. */
const WRITERS: Readonly<Record<Partition, readonly string[]>> = {
  incident: [
    ...['enrich', 'classify', 'request-approval', 'contain', 'verify', 'investigate', 'report', 'undo'],
    ...['slack', 'slack-work', 'sweep'],
  ],
  finding: ['enrich'],
  work: [
    ...['enrich', 'classify', 'request-approval', 'contain', 'verify', 'investigate', 'report', 'undo'],
    ...['slack', 'sweep'],
  ],
  plan: ['enrich', 'contain', 'undo', 'sweep'],
  verdict: ['enrich', 'classify', 'verify'],
  count: [
    ...['enrich', 'classify', 'request-approval', 'contain', 'verify', 'investigate', 'report', 'undo'],
    ...['slack', 'sweep'],
  ],
  counts: [
    ...['enrich', 'classify', 'request-approval', 'contain', 'verify', 'investigate', 'report', 'undo'],
    ...['slack', 'sweep'],
  ],
  monthCounts: [
    ...['enrich', 'classify', 'request-approval', 'contain', 'verify', 'investigate', 'report', 'undo'],
    ...['slack', 'sweep'],
  ],
  hold: ['contain', 'undo', 'sweep'],
  lease: ['contain', 'undo', 'sweep'],
  lapse: ['enrich', 'contain', 'sweep'],
  reproof: ['verify', 'report', 'sweep'],
  approval: ['request-approval', 'slack', 'sweep'],
  killSwitch: ['slack'],
  mode: ['slack', 'sweep'],
  config: [],
  list: [],
  breaker: ['enrich', 'classify'],
  principal: ['enrich', 'classify'],
  intake: ['redrive', 'sweep'],
  scan: ['scans'],
  canary: ['canary'],
  ticket: ['slack'],
  owedCard: ['request-approval', 'contain', 'report', 'slack-work', 'sweep'],
  conversation: ['request-approval', 'contain', 'report', 'slack-work', 'sweep'],
  progress: ['contain'],
  slackDoor: ['slack'],
  awsDoor: ['sweep'],
};

const partitions = Object.keys(PARTITIONS) as readonly Partition[];

describe.each(partitions)('partition %s', (partition) => {
  it('is written by those that must, and by no other function', () => {
    const key = partitionKey(partition, PARTITIONS[partition].endsWith('#') ? 'fb-0123456789ab' : '');
    expect(names.filter((name) => writes(name, key))).toEqual(WRITERS[partition]);
  });
});

describe.each(names)('anyone who holds the role of %s', (name) => {
  it('deletes nothing, and reads and writes no item without naming its key', () => {
    for (const action of ['DeleteItem', 'BatchWriteItem', 'PartiQLInsert', 'PartiQLUpdate', 'Scan'])
      expect(decide(name, action, [partitionKey('incident', 'fb-1')]), action).not.toBe('allowed');
    for (const action of ['PutItem', 'UpdateItem'])
      expect(decide(name, action, undefined), action).toBe('implicitDeny');
  });

  it('cannot carry a foreign item along with one of its own', () => {
    for (const own of partitions.filter((each) => WRITERS[each].includes(name))) {
      expect(writes(name, partitionKey(own, 'x'), partitionKey('config')), own).toBe(false);
    }
  });

  it('cannot write a partition that no code of Firebreak names', () => {
    for (const key of ['', 'X', 'HOLD', 'CONFIG#', 'incident#fb-1', ' HOLD#x', 'KILL-SWITCH#x', 'CANARY2'])
      expect(writes(name, key), key).toBe(false);
  });
});
