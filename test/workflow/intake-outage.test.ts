/** An outage of minutes in Enrich or Classify delays the response to a finding, and never ends it. */
import '../../sandbox/quiet.ts';
import { afterEach, describe, expect, it } from 'vitest';
import { acting } from '../../core/aws/acting.ts';
import type { AwsCall } from '../../core/aws/client.ts';
import { parsePolicy } from '../../core/policy/policy.ts';
import { awsError } from '../../sandbox/aws-error.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { credentialFinding, credentialWorld, THIEF_IP } from '../../sandbox/worlds.ts';
import { policyWithoutFollowUps } from '../policy-text.ts';
import { idle } from './people.ts';

const policy = parsePolicy(await policyWithoutFollowUps());
const MINUTE = 60_000;
let sandbox: Sandbox | undefined;
afterEach(async () => {
  await sandbox?.close();
  sandbox = undefined;
});

type Down = (call: AwsCall, task: string | undefined) => boolean;

async function stage() {
  let down: Down = () => false;
  let later = 0;
  const own = await startSandbox({
    policy,
    longestPauseMs: 1,
    now: () => new Date(Date.now() + later),
    seams: {
      invocation: (_name, work) => work(),
      async call(call, answer) {
        if (down(call, acting().task)) throw awsError('ServiceUnavailable', 'try again', 503);
        return answer();
      },
    },
  });
  sandbox = own;
  const { stolen } = credentialWorld(own.twin, 2);
  const at = new Date(Date.now() - 60 * MINUTE);
  const deliver = async (minutes: number, severity: number) => {
    const event = credentialFinding(own.twin, stolen, {
      ...{ seed: 'one', severity, count: minutes },
      updatedAt: new Date(at.getTime() + minutes * MINUTE),
    });
    const { status } = await (await own.deliver(event)).ended;
    await own.idle();
    return status;
  };
  return {
    own,
    deliver,
    outage(now: Down) {
      down = now;
    },
    /** Lets the minutes go by, with a sweep now and then. */
    async minutes(count: number, apart = 1) {
      for (let minute = 0; minute < count; minute += apart) {
        later += apart * MINUTE;
        await own.sweep().catch(() => undefined);
        await idle(own);
        await own.idle();
      }
    },
    pages: () => own.twin.state.pages.map(({ subject, message }) => `${subject}\n${message}`),
    async incident() {
      const [incident, ...more] = await own.incidents();
      expect(more).toEqual([]);
      return incident;
    },
    thief: () =>
      own.twin.request(stolen, { action: 's3:GetObject', resource: '*', sourceIp: THIEF_IP }).decision,
    owed: async () => (await own.runtime.table.page({ pk: 'INTAKE', limit: 10 })).items.length,
  };
}

/** What is down, and the task that it is down for. */
const OUTAGES: Readonly<Record<string, Down>> = {
  'the table': (call) => call.service === 'DynamoDB',
  'what Enrich reads': (call, task) => task === 'enrich' && call.service === 'IAM',
  'the table for Enrich': (call, task) => task === 'enrich' && call.service === 'DynamoDB',
  'the table for Classify': (call, task) => task === 'classify' && call.service === 'DynamoDB',
};

describe.each(Object.entries(OUTAGES))('an outage of %s', (_what, down) => {
  it('delays a first event: it is contained once it is over, and was paged by its names', {
    timeout: 180_000,
  }, async () => {
    const { own, deliver, outage, minutes, incident, thief, pages, owed } = await stage();
    outage(down);
    expect(await deliver(1, 8)).toBe('FAILED');
    await minutes(3);
    expect(thief()).toBe('allowed');
    // Not one for each minute and try.
    expect(pages().length).toBeLessThan(5);
    outage(() => false);
    await minutes(10, 2);
    expect(await incident()).toMatchObject({ status: 'contained' });
    expect((await incident())?.intakeFailed).toBeUndefined();
    expect(thief()).toBe('explicitDeny');
    expect(pages().join('\n')).toContain((await incident())?.id);
    await minutes(75, 25);
    expect(await owed()).toBe(0);
    expect(own.machines.running()).toEqual([]);
  });

  it('delays a rise of what was notified', { timeout: 180_000 }, async () => {
    const { deliver, outage, minutes, incident, thief } = await stage();
    expect(await deliver(1, 2)).toBe('SUCCEEDED');
    outage(down);
    await deliver(2, 8);
    await minutes(3);
    expect(thief()).toBe('allowed');
    outage(() => false);
    await minutes(10, 2);
    expect(await incident()).toMatchObject({ status: 'contained', severity: 8 });
    expect(thief()).toBe('explicitDeny');
  });

  it('leaves the finding open to its next update', { timeout: 180_000 }, async () => {
    const { deliver, outage, incident, thief } = await stage();
    outage(down);
    await deliver(1, 8);
    outage(() => false);
    expect(await deliver(2, 9)).toBe('SUCCEEDED');
    expect(await incident()).toMatchObject({ status: 'contained', severity: 9 });
    expect(thief()).toBe('explicitDeny');
  });
});

it('the card says that nothing is decided, and why, until it is', { timeout: 180_000 }, async () => {
  const { own, deliver, outage, minutes, incident } = await stage();
  outage((call, task) => task === 'classify' && call.service === 'DynamoDB');
  await deliver(1, 8);
  expect((await incident())?.intakeFailed?.reason).toContain('ServiceUnavailable');
  expect(JSON.stringify(own.slack.messages)).toContain('the finding could not be decided');
  outage(() => false);
  await minutes(10, 2);
  expect(await incident()).toMatchObject({ status: 'contained' });
  expect(JSON.stringify(own.slack.messages)).not.toContain('the finding could not be decided');
});

it('an update contains what Contain could not', { timeout: 180_000 }, async () => {
  const { deliver, outage, incident, thief } = await stage();
  outage((call, task) => task === 'contain' && call.service === 'IAM');
  await deliver(1, 8);
  expect(await incident()).toMatchObject({ status: 'failed' });
  outage(() => false);
  await deliver(2, 8);
  expect(await incident()).toMatchObject({ status: 'contained' });
  expect(thief()).toBe('explicitDeny');
});
