/** API keys of Bedrock are switched off and on, and no other credential of the user is touched. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { awsFor } from '../../core/aws/client.ts';
import { parseFinding } from '../../core/finding/finding.ts';
import type { TwinUser } from '../../sandbox/twin/iam-users.ts';
import { type AccountTwin, createTwin } from '../../sandbox/twin/twin.ts';
import { findingOn } from '../../sandbox/worlds.ts';
import {
  type Accounts,
  playbookProperties,
  SCOPE,
  scene,
  sceneDatabase,
} from '../../test/playbooks/properties.ts';
import { denyModelInvocation } from '../deny-model-invocation/playbook.ts';
import { disableBedrockKeys } from './playbook.ts';

type Key = NonNullable<TwinUser['serviceKeys']>[number];
const key = (number: number, Status = 'Active', service = 'bedrock.amazonaws.com'): Key => ({
  ...{ id: `ACCAEXAMPLE00000000${number}`, service, Status },
  ...{ CreateDate: '2026-01-01T00:00:00.000Z', ExpirationDate: '2027-01-01T00:00:00.000Z' },
});
const CODECOMMIT = key(9, 'Active', 'codecommit.amazonaws.com');
const NAME = 'BedrockAPIKey-x1y2';

const finding = (twin: AccountTwin, details: object = {}) =>
  findingOn(twin, {
    ...{ seed: 'bedrock key', type: 'Impact:IAMUser/CostHarvesting' },
    resource: {
      resourceType: 'AccessKey',
      accessKeyDetails: {
        ...{ userType: 'IAMUser', userName: NAME, principalId: 'AIDABEDROCK000000001' },
        ...details,
      },
    },
  });

interface World {
  readonly keys: readonly Key[];
  readonly id?: string;
}
const accounts: Accounts<World> = {
  worlds: fc.record({
    keys: fc.constantFrom(
      [key(1)],
      [key(1), key(2)],
      [key(1, 'Inactive')],
      [key(1), key(2, 'Inactive'), CODECOMMIT],
      [key(1, 'Expired'), key(2)],
    ),
  }),
  open(twin, { keys, id = 'AIDABEDROCK000000001' }) {
    twin.state.users[NAME] = {
      ...{ UserName: NAME, Path: '/', UserId: id, Tags: [], inline: {}, attached: {} },
      ...{ keys: [], groups: [], console: false, mfa: [] },
      serviceKeys: structuredClone([...keys]),
    };
    return finding(twin);
  },
};
playbookProperties(disableBedrockKeys, accounts);

const database = sceneDatabase('disable-bedrock-keys-test');
const open = (keys: readonly Key[] = [key(1), CODECOMMIT], id?: string) =>
  scene<World>(database(), disableBedrockKeys, accounts, { keys, ...(id === undefined ? {} : { id }) });
const keysOf = (at: ReturnType<typeof open>) => at.twin.state.users[NAME]?.serviceKeys ?? [];
const statuses = (at: ReturnType<typeof open>) => keysOf(at).map(({ Status }) => Status);

describe('the keys', () => {
  it('are set Inactive, always asked; a credential of another service stays; undo needs a second person', async () => {
    const at = open();
    const plan = await at.plan();
    expect(plan.kind === 'plan' && plan.askBecause).toHaveLength(1);
    await at.contain();
    expect(statuses(at)).toEqual(['Inactive', 'Active']);
    expect(await at.prove()).toMatchObject({ proven: true });
    expect(await at.undoSafety()).toMatchObject({ safe: false, why: expect.stringContaining(key(1).id) });
    await at.undo();
    expect(statuses(at)).toEqual(['Active', 'Active']);
  });

  it('one that was off before is off after undo', async () => {
    const at = open([key(1), key(2, 'Inactive')]);
    await at.contain();
    await at.undo();
    expect(statuses(at)).toEqual(['Active', 'Inactive']);
  });

  it('one made while IAM was still settling is found and disabled too', async () => {
    const at = open([key(1)]);
    await at.contain();
    keysOf(at).push(key(2));
    expect(await at.prove()).toMatchObject({ proven: false, next: 'recontain' });
    await at.contain();
    expect(statuses(at)).toEqual(['Inactive', 'Inactive']);
    expect(await at.prove()).toMatchObject({ proven: true });
  });

  it('a credential of another service is never switched, whatever the record says', async () => {
    const at = open([key(1), CODECOMMIT]);
    const { kinds } = disableBedrockKeys;
    const context = {
      target: at.target,
      aws: awsFor(SCOPE),
      caseId: 'fb-aaaaaaaaaaaa',
      outputs: {},
      now: () => new Date(0),
    };
    const read = await kinds['bedrock-key']?.read({ userName: NAME, keyId: CODECOMMIT.id }, context);
    expect(read).toEqual({ value: null });
    await expect(
      kinds['bedrock-key']?.apply({ userName: 'admin', keyId: key(1).id }, context, 'Active', 'Inactive'),
    ).rejects.toThrow(/the user is/);
    expect(statuses(at)).toEqual(['Active', 'Active']);
  });
});

describe('refused or no target, without a change', () => {
  it.each<[string, readonly Key[], string | undefined, readonly string[], RegExp]>([
    ['no key', [CODECOMMIT], undefined, [], /no API key of Bedrock/],
    ['expired keys', [key(1, 'Expired')], undefined, [], /no API key of Bedrock/],
    ['re-created', [key(1)], 'AIDAANOTHER000000001', [], /re-created/],
    ['protected', [key(1)], undefined, [`user/${NAME}`], /protected/],
  ])('%s', async (_what, keys, id, protectedArns, reason) => {
    const at = open(keys, id);
    expect(await at.plan('fb-aaaaaaaaaaaa', true, protectedArns)).toMatchObject({
      kind: 'refused',
      reason: expect.stringMatching(reason),
    });
    expect(at.changes()).toBe(0);
  });

  it.each([
    { userType: 'AssumedRole', principalId: 'AROAX:y' },
    { userType: 'Root', userName: 'root' },
    { userName: 'a/../b' },
  ])('%j', (details) => {
    expect(disableBedrockKeys.targetOf(parseFinding(finding(createTwin(SCOPE), details)))).toMatchObject({
      ok: false,
      reason: expect.stringContaining('does not name an IAM user'),
    });
  });
});

describe('deny-model-invocation of the same user', () => {
  const denied = (keys: readonly Key[]) => scene<World>(database(), denyModelInvocation, accounts, { keys });

  it('asks about the keys next, and names those that work', async () => {
    const plan = await denied([key(1), key(2, 'Inactive')]).plan();
    expect(plan).toMatchObject({ kind: 'plan', followUps: ['disable-bedrock-keys'] });
    expect(plan.kind === 'plan' && plan.residual.join()).toContain(`the API key ${key(1).id} of Bedrock`);
    expect(plan.kind === 'plan' && plan.residual.join()).not.toContain(key(2).id);
  });

  it('asks nothing more where no key works', async () => {
    const plan = await denied([key(1, 'Expired'), CODECOMMIT]).plan();
    expect(plan.kind === 'plan' && plan.followUps).toBeUndefined();
  });

  it('is contained where the keys may not be listed, and says so', async () => {
    const at = denied([key(1)]);
    at.twin.failNext('ListServiceSpecificCredentials', 'AccessDenied');
    const plan = await at.plan();
    expect(plan.kind === 'plan' && plan.residual.join()).toContain('could not be listed (AccessDenied');
  });
});
