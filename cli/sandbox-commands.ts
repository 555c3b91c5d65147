/** demo, run and undo: the whole workflow in the sandbox. */
import '../sandbox/quiet.ts';
import { isDeepStrictEqual } from 'node:util';
import { startConsole } from '../console/server.ts';
import { type Finding, parseFinding } from '../core/finding/finding.ts';
import type { Incident } from '../core/incident/incident.ts';
import { type IncidentStatus, isOver, mayUndo, statusWords, stepWords } from '../core/incident/status.ts';
import type { Target } from '../core/journal/playbook.ts';
import type { Policy } from '../core/policy/policy.ts';
import { stepsOf } from '../pipeline/steps.ts';
import { undoSafetyOf } from '../pipeline/undo-preview.ts';
import { choosePlaybook } from '../playbooks/index.ts';
import type { Execution, ExecutionEnd } from '../sandbox/execution.ts';
import { materialise } from '../sandbox/materialise.ts';
import { type Sandbox, startSandbox } from '../sandbox/sandbox.ts';
import { accountOf, freshHome, load, save, TABLE_FOLDER } from '../sandbox/saved.ts';
import { denies } from '../sandbox/slack-scripts.ts';
import type { TwinState } from '../sandbox/twin/state.ts';
import { createTwin } from '../sandbox/twin/twin.ts';
import {
  addressFinding,
  addressWorld,
  credentialFinding,
  credentialWorld,
  groupsOfInstance,
  ROLE,
  THIEF_IP,
  thiefAtWork,
} from '../sandbox/worlds.ts';
import { ACTIONS } from '../slack/actions.ts';
import { sandboxSource, slackOf, stopped } from './console.ts';
import { type InputItem, readFindings } from './input/input.ts';
import { replayLine } from './replay.ts';
import { colourOf, plainText, terminal } from './terminal.ts';

export interface CommandInput {
  readonly operands: readonly string[];
  readonly policy: Policy;
  /** Where the policy was read from; the page shows it. */
  readonly policyFile?: string;
  readonly answer: 'approve' | 'deny' | undefined;
  readonly json: boolean;
}

const { out, paint } = terminal();
/** A change was tried and is not complete. What was escalated was refused: the playbook did not fail. */
const fellShort = (status: IncidentStatus): boolean =>
  mayUndo(status) && !isOver(status) && status !== 'escalated';

/** Waits for the end; a scripted answer clicks every card that asks, as the second approver. */
async function follow(
  sandbox: Sandbox,
  execution: Execution,
  answer: CommandInput['answer'],
): Promise<ExecutionEnd> {
  let clicking = Promise.resolve();
  const asked = new Set<string>();
  sandbox.slack.onChange(() => {
    if (answer === undefined && !somebodyThere()) return;
    for (const message of sandbox.slack.messages) {
      const button = message.blocks
        .flatMap((block) => (block.type === 'actions' ? block.elements : []))
        .find(({ action_id }) => action_id === ACTIONS.approve);
      if (!button || asked.has(button.value)) continue;
      asked.add(button.value);
      // After the workflow has stored which message is the incident's card.
      clicking = clicking
        .then(() => new Promise((resolve) => setTimeout(resolve, 150)))
        .then(async () => {
          if (answer === undefined) out(plainText(message.text));
          const given = answer ?? (await askPerson());
          const on = { ts: message.ts, value: button.value, userId: 'U0BOB' };
          if (given === 'deny') await denies(sandbox.slack, on, 'denied at the command line');
          else await sandbox.slack.click({ ...on, actionId: ACTIONS.approve });
        });
    }
  });
  const end = await execution.ended;
  // A containment that has settled may have asked about one more.
  while (sandbox.machines.running().length > 0) {
    await Promise.all(sandbox.machines.running().map(({ ended }) => ended));
  }
  await clicking;
  return end;
}

const followUpsOf = async (sandbox: Sandbox, { id }: Incident): Promise<readonly Incident[]> =>
  (await sandbox.incidents()).filter(({ followUpOf }) => followUpOf?.incidentId === id);

/** Somebody sits at the terminal and can be asked. */
const somebodyThere = (): boolean => process.stdin.isTTY === true && process.stdout.isTTY === true;

/** Where nobody can be asked and no answer is scripted, the approval ends after a second and policy's expiry follows. */
const timeoutFor = (answer: CommandInput['answer']) => () =>
  answer === undefined && !somebodyThere() ? 1 : undefined;

/** Asks at the terminal; anything but yes is a no, since the answer changes an account. */
async function askPerson(): Promise<'approve' | 'deny'> {
  const { createInterface } = await import('node:readline/promises');
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  try {
    const said = await lines.question('A person is asked (see above). Approve? [y/N] ');
    return /^y(es)?$/i.test(said.trim()) ? 'approve' : 'deny';
  } finally {
    lines.close();
  }
}

async function print(sandbox: Sandbox, incident: Incident): Promise<void> {
  for (const { at, event } of await sandbox.runtime.incidents.timeline(incident.id)) {
    out(`  ${paint('dim', at.slice(11, 23))} ${plainText(event)}`);
  }
  for (const step of await stepsOf(sandbox.runtime, incident)) {
    out(`  step ${plainText(step.id)}: ${stepWords(step.status)}, ${plainText(step.describe)}`);
  }
  out(`${incident.id} ${paint(colourOf(incident.status), paint('bold', statusWords(incident.status)))}`);
}

async function printFollowUp(sandbox: Sandbox, incident: Incident): Promise<void> {
  const how = incident.decision?.kind === 'auto' ? 'Followed by' : 'Asked as well';
  out(paint('bold', plainText(`${how}: ${incident.followUpOf?.playbook} on ${incident.display}`)));
  await print(sandbox, incident);
}

interface Scene {
  /** Puts the account up and gives the event that arrives. */
  open(sandbox: Sandbox): { readonly event: unknown; readonly happens: string; show(when: string): void };
}

const SCENES: Readonly<Record<string, Scene>> = {
  'credential-exfiltration': {
    open({ twin }) {
      const world = credentialWorld(twin);
      thiefAtWork(twin);
      const ask = (session: typeof world.stolen, sourceIp?: string) =>
        twin.request(session, {
          action: 's3:GetObject',
          resource: `arn:${twin.scope.partition}:s3:::customer-data/export.csv`,
          ...(sourceIp ? { sourceIp } : {}),
        }).decision === 'allowed'
          ? 'allowed'
          : 'REFUSED';
      return {
        event: credentialFinding(twin, world.stolen, { seed: `demo ${Date.now()}` }),
        happens: 'the credentials are used outside AWS',
        show(when) {
          out(`${paint('bold', when)}: s3:GetObject on customer-data/export.csv`);
          const thief = ask(world.stolen, THIEF_IP);
          const colour = thief === 'allowed' ? 'red' : 'green';
          out(
            `  stolen session of ${world.stolen.instanceId}, used from ${THIEF_IP}: ${paint(colour, thief)}`,
          );
          for (const sibling of world.siblings) {
            out(
              `  healthy instance ${sibling.instanceId} of the same role ${ROLE}: ${paint('green', ask(sibling))}`,
            );
          }
        },
      };
    },
  },
  'malicious-ip': {
    open({ twin }) {
      const world = addressWorld(twin);
      return {
        event: addressFinding(twin, world.instanceId, { seed: `demo ${Date.now()}` }),
        happens: `an instance calls ${THIEF_IP}, an address on your threat list`,
        show(when) {
          out(`${paint('bold', when)}: security groups`);
          out(`  ${world.instanceId}: ${groupsOfInstance(twin, world.instanceId).join(', ')}`);
          out(`  neighbour ${world.neighbourId}: ${groupsOfInstance(twin, world.neighbourId).join(', ')}`);
        },
      };
    },
  },
};

export async function demo({ operands: [name], policy, answer }: CommandInput): Promise<number> {
  const scene = name !== undefined && Object.hasOwn(SCENES, name) ? SCENES[name] : undefined;
  if (!scene) {
    const names = Object.keys(SCENES).join(', ');
    console.error(`firebreak demo: there is no demo ${JSON.stringify(name ?? '')}; there are: ${names}`);
    return 2;
  }
  await freshHome();
  const sandbox = await startSandbox({
    policy,
    folder: TABLE_FOLDER,
    approvalTimeoutSeconds: timeoutFor(answer),
  });
  try {
    const { twin } = sandbox;
    const { event, happens, show } = scene.open(sandbox);
    const first = structuredClone(twin.state);
    show('Before');
    out(paint('bold', `GuardDuty: ${happens}`));
    if (answer === undefined)
      out(
        paint('dim', '  nobody is here to ask: without --approve or --deny an approval ends after a second'),
      );
    const started = Date.now();
    const incident = await incidentOf(sandbox, await follow(sandbox, await sandbox.deliver(event), answer));
    const followUps = await followUpsOf(sandbox, incident);
    for (const followUp of followUps) await printFollowUp(sandbox, followUp);
    if (followUps.length > 0) out(paint('bold', 'The finding itself'));
    await print(sandbox, incident);
    out(
      paint(
        'dim',
        `  ${Date.now() - started} ms here, waits shortened; on AWS the proof waits for IAM and EC2 to settle`,
      ),
    );
    show('After');
    await save({ first, state: twin.state, incidents: [incident, ...followUps].map(({ id }) => id) });
    out('Undo it: npx firebreak undo');
    return fellShort(incident.status) ? 1 : 0;
  } finally {
    await sandbox.close();
  }
}

/** `npm start`: the sandbox with its page, and the demo played in it. Runs until it is stopped. */
export async function start({ policy, policyFile = 'policy.yml' }: CommandInput): Promise<number> {
  const sandbox = await startSandbox({ policy });
  const { twin } = sandbox;
  const page = await startConsole(sandboxSource(sandbox, policyFile), { extras: [slackOf(sandbox)] });
  out(
    `${paint('bold', 'Firebreak')} runs here, with no AWS account and no Slack: ${paint('cyan', page.url)}`,
  );
  for (const scene of Object.values(SCENES)) {
    const { event, happens, show } = scene.open(sandbox);
    show('Before');
    out(paint('bold', `GuardDuty: ${happens}`));
    const execution = await sandbox.deliver(event);
    // An ask waits on the page; the demo does not answer it.
    const waiting = new Promise<'waiting'>((resolve) => setTimeout(resolve, 3000, 'waiting'));
    const end = await Promise.race([execution.ended, waiting]);
    const [incident] = (await sandbox.incidents()).filter(({ followUpOf }) => !followUpOf);
    if (incident) await print(sandbox, incident);
    if (end === 'waiting') out(paint('yellow', 'A person is asked: decide on the page'));
    else show('After');
  }
  out(`${twin.calls.length} AWS calls were answered by the twin. Stop with Ctrl-C.`);
  await stopped();
  await page.close();
  // Executions that wait for a person end with the process.
  process.exit(0);
}

/** Takes an incident back; without an id everything that the last demo or run contained, the latest first. */
export async function undo({ operands: [id], policy, answer, json }: CommandInput): Promise<number> {
  const saved = await load();
  const ids = id === undefined ? [...(saved?.incidents ?? [])].reverse() : [id];
  if (!saved || ids.length === 0) {
    console.error(
      'firebreak undo: nothing was contained here yet; start with: firebreak demo credential-exfiltration',
    );
    return 2;
  }
  // Where a second person must agree, the sandbox plays that person; on AWS it is somebody in Slack.
  const second = answer ?? 'approve';
  const sandbox = await startSandbox({
    policy,
    folder: TABLE_FOLDER,
    state: saved.state,
    anyAccount: true,
  });
  try {
    const results: { incident: Incident; end: ExecutionEnd }[] = [];
    for (const incidentId of ids) {
      const before = await sandbox.runtime.incidents.get(incidentId);
      const safety = await undoSafetyOf(sandbox.runtime, before);
      if (!safety.safe && !json) {
        out(paint('yellow', `Not safe yet: ${plainText(safety.why)}`));
        out(`A second person must agree; here the sandbox answers: ${second} (on AWS: somebody in Slack)`);
      }
      const end = await follow(sandbox, await sandbox.undo(incidentId, 'U0ALICE'), second);
      const incident = await sandbox.runtime.incidents.get(incidentId);
      await save({ ...saved, state: sandbox.twin.state });
      if (end.status === 'FAILED')
        console.error(
          `firebreak undo: the workflow failed: ${plainText(end.error)}: ${plainText(end.cause)}`,
        );
      if (!json) await print(sandbox, incident);
      results.push({ incident, end });
    }
    const equal = isDeepStrictEqual(accountOf(sandbox.twin.state), accountOf(saved.first));
    if (json) {
      for (const { incident, end } of results) {
        const { id: incidentId, status } = incident;
        out(JSON.stringify({ incident: incidentId, status, equalToBefore: equal, execution: end.status }));
      }
    } else if (equal) {
      out(
        paint(
          'green',
          'The account equals the one before, field for field; snapshots and case tags stay as evidence.',
        ),
      );
    } else out(paint('yellow', 'The account differs from the one before.'));
    const bad = results.some(({ incident, end }) => fellShort(incident.status) || end.status === 'FAILED');
    return bad ? 1 : 0;
  } finally {
    await sandbox.close();
  }
}

/** Any findings through the whole workflow, from files or standard input. */
export const run = ({ operands, ...input }: CommandInput): Promise<number> =>
  runFindings(readFindings(operands), input);

/** The whole workflow over findings, against an account in which the resources they name exist. */
export async function runFindings(
  items: AsyncIterable<InputItem> | Iterable<InputItem>,
  { policy, answer, json }: Omit<CommandInput, 'operands'>,
): Promise<number> {
  await freshHome();
  const sandbox = await startSandbox({
    policy,
    folder: TABLE_FOLDER,
    approvalTimeoutSeconds: timeoutFor(answer),
    anyAccount: true,
  });
  let status = 0;
  let index = 0;
  const contained: string[] = [];
  let first = structuredClone(sandbox.twin.state);
  try {
    for await (const item of items) {
      const line =
        'error' in item
          ? { index, error: item.error }
          : replayLine(index, item.raw, policy, choosePlaybook, item.lacks);
      index += 1;
      if ('error' in line || 'error' in item) {
        status = 2;
        const error = 'error' in line ? line.error : '';
        out(
          json
            ? JSON.stringify({ index: line.index, error })
            : paint('red', `#${line.index} ${plainText(error)}`),
        );
        continue;
      }
      first = prepare(sandbox, item.raw, first);
      const end = await follow(sandbox, await sandbox.deliver(item.raw), answer);
      const incident = await incidentOf(sandbox, end);
      const ignored = ignoredOf(end, incident);
      if (ignored !== undefined) {
        out(
          json
            ? JSON.stringify({
                ...line,
                decision: 'record',
                reasons: [ignored],
                status: 'ignored',
                steps: [],
                timeline: [],
              })
            : `${paint('bold', `#${line.index} ${plainText(line.type)} (${line.severity})`)}\n  ${ignored}`,
        );
        continue;
      }
      const followUps = await followUpsOf(sandbox, incident);
      contained.push(incident.id, ...followUps.map(({ id }) => id));
      if (status === 0 && fellShort(incident.status)) status = 1;
      if (!json) {
        out(paint('bold', `#${line.index} ${plainText(line.type)} (${line.severity})`));
        await print(sandbox, incident);
        for (const followUp of followUps) await printFollowUp(sandbox, followUp);
        continue;
      }
      const steps = (await stepsOf(sandbox.runtime, incident)).map((step) => ({
        id: step.id,
        status: step.status,
        before: step.before ?? null,
        after: step.after ?? null,
      }));
      out(
        JSON.stringify({
          ...line,
          decision: incident.decision?.kind ?? line.decision,
          reasons: incident.decision ? [...incident.decision.reasons, ...(item.lacks ?? [])] : line.reasons,
          status: incident.status,
          steps,
          timeline: await sandbox.runtime.incidents.timeline(incident.id),
        }),
      );
    }
    await save({ first, state: sandbox.twin.state, incidents: contained });
    return status;
  } finally {
    await sandbox.close();
  }
}

/** An instance that is only probed: people are told how it stands, so it must stand somewhere. */
function lookedAt({ instance, sample, partition, account, region }: Finding): readonly Target[] {
  if (!instance || sample || !/^i-[0-9a-f]{8,17}$/.test(instance.instanceId)) return [];
  const { instanceId: id, privateIps, publicIps, vpcId } = instance;
  const facts = { privateIps: [...privateIps], publicIps: [...publicIps], vpcId: vpcId ?? null };
  return [{ partition, account, region, kind: 'ec2-instance', id, display: id, facts }];
}

/** Puts what the finding names into the account, and into what undo must give back. */
function prepare({ twin }: Sandbox, raw: unknown, first: TwinState): TwinState {
  const finding = parseFinding(raw);
  const choice = choosePlaybook(finding);
  const targets = 'none' in choice ? lookedAt(finding) : choice.parts.map(({ target }) => target);
  if (targets.length === 0) return first;
  // The same resource twice: what an earlier finding changed on it is not what was there first.
  const pristine = createTwin(twin.scope);
  pristine.state = { ...first, serial: twin.state.serial };
  for (const target of targets) {
    twin.state.serial = pristine.state.serial;
    materialise(twin, target);
    materialise(pristine, target);
  }
  return pristine.state;
}

/** Why nothing was done for a delivery: the incident has this update of the finding, or a newer one. */
function ignoredOf(end: ExecutionEnd, { id, findingUpdatedAt }: Incident): string | undefined {
  const output = end.status === 'SUCCEEDED' ? end.output : undefined;
  if (typeof output !== 'object' || output === null || !('ignored' in output)) return undefined;
  return output.ignored === 'stale'
    ? `ignored: stale delivery; ${id} has the update of ${findingUpdatedAt}`
    : `ignored: duplicate of ${id}`;
}

async function incidentOf(sandbox: Sandbox, end: ExecutionEnd): Promise<Incident> {
  const output = end.status === 'SUCCEEDED' ? end.output : undefined;
  const id =
    typeof output === 'object' && output !== null && 'incidentId' in output
      ? String(output.incidentId)
      : undefined;
  if (id !== undefined) return sandbox.runtime.incidents.get(id);
  const [newest] = await sandbox.incidents();
  if (newest) return newest;
  throw new Error(`the workflow left no incident: ${JSON.stringify(end)}`);
}
