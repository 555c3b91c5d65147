/** The attacker has rights to GuardDuty and writes its lists: nothing may be blocked by them, nor kept from being blocked. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseFinding } from '../../core/finding/finding.ts';
import type { JsonObject } from '../../core/json.ts';
import { keepTrusted, recordListChange, trustedEntries } from '../../core/lists/list-changes.ts';
import { loadPolicy } from '../../core/policy/policy.ts';
import { planOptions } from '../../pipeline/plan-target.ts';
import { blockIndicator } from '../../playbooks/block-indicator/playbook.ts';
import { whyAsk, whyNever } from '../../playbooks/block-indicator/safety.ts';
import { blockSettings } from '../../playbooks/block-indicator/settings.ts';
import { EMPTY, type IndicatorState } from '../../playbooks/block-indicator/state.ts';
import { type IndicatorFacts, indicatorOf } from '../../playbooks/block-indicator/target.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { findingOn } from '../../sandbox/worlds.ts';

let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await startSandbox({ policy: await loadPolicy('policy.yml') });
});
afterEach(() => sandbox.close());

const STATE: IndicatorState = {
  ...EMPTY,
  suffix: { isIp: false, listed: true, publicSuffix: 'example' },
};

const target = (type: string, action: JsonObject, list = 'ProofPoint') => {
  const choice = indicatorOf(
    parseFinding(
      findingOn(sandbox.twin, {
        seed: type,
        type,
        resource: { instanceDetails: { instanceId: 'i-0123456789abcdef0' } },
        action,
        additionalInfo: { threatListName: list },
      }),
    ),
  );
  if (!choice.ok) throw new Error(choice.reason);
  return choice.target.facts;
};
const dns = (domain: string, type = 'Backdoor:EC2/C&CActivity.B!DNS', list?: string) =>
  target(type, { actionType: 'DNS_REQUEST', dnsRequestAction: { domain } }, list);
const address = (ip: string) =>
  target('Backdoor:EC2/C&CActivity.B', {
    actionType: 'NETWORK_CONNECTION',
    networkConnectionAction: {
      connectionDirection: 'OUTBOUND',
      remoteIpDetails: { ipAddressV4: ip, organization: { asn: '64500', asnOrg: 'Example' } },
    },
  });

/** Whether it is never blocked, and why a person is asked, by the options that every plan gets. */
async function judged(facts: IndicatorFacts) {
  const { runtime } = sandbox;
  const options = await planOptions(runtime, blockIndicator, {
    caseId: 'fb-aaaaaaaaaaaa',
    now: new Date(0),
    approved: false,
  });
  const settings = blockSettings.parse({});
  return {
    never: whyNever(facts, STATE, settings, options.trusted ?? []),
    ask: whyAsk(facts, STATE, options.unvouched ?? []),
  };
}

const PLACE = { kind: 'trusted', id: 'set-1', location: 's3://lists/firebreak/trusted.txt' } as const;

describe('a trusted list', () => {
  it('keeps from being blocked what firebreak lists put there, and nothing else', async () => {
    const { table } = sandbox.runtime;
    const { scope } = sandbox.twin;
    // The attacker's lines were there when an operator added one.
    await recordListChange(table, scope, PLACE, {
      before: ['c2.example', '203.0.113.66'],
      after: ['c2.example', '203.0.113.66', 'partner.example', '198.51.100.0/24'],
      by: 'an operator',
      at: '2026-01-01T00:00:00.000Z',
    });
    await keepTrusted(table, scope, ['c2.example', '203.0.113.66', 'partner.example', '198.51.100.0/24']);
    expect(await judged(dns('partner.example'))).toMatchObject({
      never: expect.stringContaining('is trusted'),
    });
    expect(await judged(address('198.51.100.9'))).toMatchObject({
      never: expect.stringContaining('is trusted'),
    });
    for (const facts of [dns('c2.example'), address('203.0.113.66')]) {
      const { never, ask } = await judged(facts);
      expect(never).toBeUndefined();
      expect(ask).toEqual([expect.stringContaining('where firebreak lists did not put it')]);
    }
  });

  it('is trusted as before where an earlier release kept the copy', async () => {
    const { table } = sandbox.runtime;
    await table.put({
      pk: 'CONFIG',
      sk: 'TRUSTED',
      lists: { '111122223333/eu-west-1': ['198.51.100.0/24'] },
    });
    expect(await trustedEntries(table)).toEqual({ vouched: ['198.51.100.0/24'], unvouched: [] });
  });

  it('no longer trusts what firebreak lists removed and another writer restored', async () => {
    const { table } = sandbox.runtime;
    const { scope } = sandbox.twin;
    const change = { by: 'an operator', at: '2026-01-01T00:00:00.000Z' };
    await recordListChange(table, scope, PLACE, { ...change, before: [], after: ['old.example'] });
    await recordListChange(table, scope, PLACE, {
      ...change,
      at: '2026-01-02T00:00:00.000Z',
      before: ['old.example'],
      after: ['new.example'],
    });
    await keepTrusted(table, scope, ['old.example', 'new.example']);
    expect(await trustedEntries(table)).toEqual({ vouched: ['new.example'], unvouched: ['old.example'] });
  });
});

it('a threat list of the account is not enough to block a domain without a person', async () => {
  const own = await judged(dns('payments.example', 'Impact:EC2/MaliciousDomainRequest.Custom', 'ProofPoint'));
  expect(own.ask).toEqual([expect.stringContaining("the account's own")]);
  // One of AWS is.
  expect((await judged(dns('c2.example'))).ask).toEqual([]);
});
