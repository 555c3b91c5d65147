/** The families of findings that are new in 2026 as people meet them: the incident page and the cards. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { sandboxSource, slackOf } from '../../cli/console.ts';
import { startConsole } from '../../console/server.ts';
import { parseFinding } from '../../core/finding/finding.ts';
import { isJsonObject, type JsonObject } from '../../core/json.ts';
import { loadPolicy } from '../../core/policy/policy.ts';
import { choosePlaybook } from '../../playbooks/index.ts';
import { materialise } from '../../sandbox/materialise.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { simulatedEvent } from '../../sandbox/simulated/event.ts';
import { findingOn } from '../../sandbox/worlds.ts';
import { admit, openConsole } from '../console-visitor.ts';
import { blind } from '../playbooks/blinded-world.ts';
import { until } from '../workflow/people.ts';
import { type Chromium, startChromium, usableText } from './harness.ts';

const HOSTILE = '<img src=x onerror=document.title=1>*bold*';
const RDS = 'Exfiltration:RDS/AnomalousBehavior';
const PROMPT = 'Impact:IAMUser/PromptInjection.Direct';
const MODELS = 'Impact:IAMUser/AnomalousModelInvocation';
const FILE = 'Persistence:Runtime/SensitiveFileModified';
const SEQUENCE = 'AttackSequence:IAM/CompromisedCredentials';
const BLINDED = 'DefenseEvasion:IAMUser/AnomalousBehavior';

let chromium: Chromium;
let sandbox: Sandbox;
let page: Page;
let url: string;
let close: () => Promise<void>;

/** Puts what the finding names into the account, delivers it and waits for what it asks. */
async function play(event: JsonObject): Promise<void> {
  // Each simulated finding is about a user of this name, of another id.
  delete sandbox.twin.state.users['simulated-user'];
  const choice = choosePlaybook(parseFinding(event));
  if (!('none' in choice)) for (const { target } of choice.parts) materialise(sandbox.twin, target);
  await sandbox.deliver(event);
  const { id } = parseFinding(event);
  await until(async () =>
    (await sandbox.incidents()).find((each) => each.findingId === id && each.status === 'awaiting-approval'),
  );
}

const simulated = (type: string): JsonObject =>
  simulatedEvent(type, {
    ...{ scope: sandbox.twin.scope, severity: 'high', now: new Date(), seed: 'families', sample: false },
  });

/** The same finding with something more in its sequence. */
function withIndicators(event: JsonObject, sequenceIndicators: readonly JsonObject[]): JsonObject {
  const within = (value: JsonObject, [name = '', ...rest]: readonly string[]): JsonObject => {
    const member = value[name];
    if (!isJsonObject(member)) throw new Error(`no ${name}`);
    return { ...value, [name]: rest.length === 0 ? { ...member, sequenceIndicators } : within(member, rest) };
  };
  return within(event, ['detail', 'service', 'detection', 'sequence']);
}

beforeAll(async () => {
  chromium = await startChromium();
  sandbox = await startSandbox({ policy: await loadPolicy('policy.yml') });
  for (const type of [RDS, PROMPT, MODELS, FILE]) await play(simulated(type));
  await play(
    withIndicators(simulated(SEQUENCE), [
      { key: 'SENSITIVE_DATA', values: [HOSTILE] },
      { key: 'VULNERABILITY', values: ['CVE-2026-1234'] },
      { key: 'REACHABILITY' },
    ]),
  );
  const blinded = findingOn(sandbox.twin, {
    ...{ seed: 'blinded', type: BLINDED, severity: 8 },
    resource: {
      resourceType: 'AccessKey',
      accessKeyDetails: {
        ...{ userType: 'IAMUser', userName: 'mallory' },
        ...{ accessKeyId: 'AKIAEXAMPLE000000666', principalId: 'AIDAEXAMPLE000000666' },
      },
    },
    action: { actionType: 'AWS_API_CALL', awsApiCallAction: { api: 'CreateFilter' } },
  });
  blind(sandbox.twin, parseFinding(blinded), ['filter', 'trusted', 'members']);
  await play(blinded);
  ({ url, close } = await startConsole(sandboxSource(sandbox, 'policy.yml'), { extras: [slackOf(sandbox)] }));
  page = await chromium.open();
  await admit(page, url, await openConsole(url));
}, 120_000);
afterAll(async () => {
  await chromium.close();
  await close();
  await sandbox.close();
});

const read = (path: string, name: string): Promise<string> => usableText(page, new URL(path, url), name);

async function incidentPage(type: string): Promise<string> {
  const found = (await sandbox.incidents()).find((each) => each.type === type && !each.followUpOf);
  if (!found) throw new Error(`no incident of ${type}`);
  return read(`/incident/${found.id}`, `family-${type.replaceAll(/\W+/g, '-')}`);
}

it.each<[string, readonly string[]]>([
  [RDS, ['restrict-database']],
  [PROMPT, ['Guardrail', 'only detected: the model answered']],
  [MODELS, ['Models', 'anthropic.claude']],
  [FILE, ['File', 'Process']],
  [SEQUENCE, ['Sensitive data', HOSTILE, 'Vulnerability', 'CVE-2026-1234', 'Reachable']],
  [BLINDED, ["GuardDuty's filter hide", 'entity set set-entities', 'monitoring of member 222233334444']],
])('%s: the page says what was seen and what is proposed', async (type, parts) => {
  const text = await incidentPage(type);
  for (const part of parts) expect(text).toContain(part);
});

it('has a card for each that says the same', async () => {
  const text = await read('/slack?as=U0ALICE', 'family-cards');
  for (const part of ['only detected: the model answered', 'anthropic.claude', 'CVE-2026-1234', HOSTILE])
    expect(text).toContain(part);
  expect(text).toContain('restore logging on detector/*');
  expect(text).toContain('what the trusted list named meanwhile raised no findings');
});
