/** demo, run and undo: the whole workflow in the sandbox. */
import '../sandbox/quiet.ts';
import { isDeepStrictEqual } from 'node:util';
import type { Incident } from '../core/incident.ts';
import type { Policy } from '../core/policy.ts';
import { stepsOf } from '../functions/cards.ts';
import { undoSafetyOf } from '../functions/undo.ts';
import { choosePlaybook } from '../playbooks/index.ts';
import { type Sandbox, startSandbox } from '../sandbox/sandbox.ts';
import { accountOf, freshHome, load, save, TABLE_FOLDER } from '../sandbox/saved.ts';
import type { Execution, ExecutionEnd } from '../sandbox/state-machine.ts';
import { credentialFinding, credentialWorld, ROLE, THIEF_IP } from '../sandbox/worlds.ts';
import { ACTIONS } from '../slack/card.ts';
import { readFindings } from './input.ts';
import { replayLine } from './replay.ts';
import { plainText, terminal } from './terminal.ts';

export interface CommandInput {
  readonly operands: readonly string[];
  readonly policy: Policy;
  readonly answer: 'approve' | 'deny' | undefined;
  readonly json: boolean;
}

const { out, paint } = terminal();
const BAD: readonly string[] = ['failed', 'partial', 'undo-partial'];

/** Waits for the end; a scripted answer clicks every card that asks, as the second approver. */
async function follow(
  sandbox: Sandbox,
  execution: Execution,
  answer: CommandInput['answer'],
): Promise<ExecutionEnd> {
  let clicking = Promise.resolve();
  const asked = new Set<string>();
  sandbox.slack.onChange(() => {
    if (answer === undefined) return;
    for (const message of sandbox.slack.messages) {
      const button = message.blocks
        .flatMap((block) => (block.type === 'actions' ? block.elements : []))
        .find(({ action_id }) => action_id === ACTIONS[answer]);
      if (!button || asked.has(button.value)) continue;
      asked.add(button.value);
      // After the workflow has stored which message is the incident's card.
      clicking = clicking
        .then(() => new Promise((resolve) => setTimeout(resolve, 150)))
        .then(async () => {
          await sandbox.slack.click({
            ts: message.ts,
            actionId: ACTIONS[answer],
            value: button.value,
            userId: 'U0BOB',
          });
        });
    }
  });
  const end = await execution.ended;
  await clicking;
  return end;
}

/** A person who is not there: without a scripted answer the approval ends at once, and policy's expiry follows. */
const timeoutFor = (answer: CommandInput['answer']) => () => (answer === undefined ? 1 : undefined);

async function print(sandbox: Sandbox, incident: Incident): Promise<void> {
  for (const { at, event } of await sandbox.runtime.incidents.timeline(incident.id)) {
    out(`  ${paint('dim', at.slice(11, 23))} ${plainText(event)}`);
  }
  for (const step of await stepsOf(sandbox.runtime, incident)) {
    out(`  step ${plainText(step.id)}: ${step.status}, ${plainText(step.describe)}`);
  }
  const good = incident.status === 'contained' || incident.status === 'undone';
  out(`${incident.id} ${paint(good ? 'green' : 'yellow', paint('bold', incident.status))}`);
}

export async function demo({ operands: [name], policy, answer }: CommandInput): Promise<number> {
  if (name !== 'credential-exfiltration') {
    console.error(
      `firebreak demo: there is no demo ${JSON.stringify(name ?? '')}; there is: credential-exfiltration`,
    );
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
    const world = credentialWorld(twin);
    const first = structuredClone(twin.state);
    const show = (when: string) => {
      const ask = (session: typeof world.stolen, sourceIp?: string) =>
        twin.request(session, {
          action: 's3:GetObject',
          resource: `arn:${twin.scope.partition}:s3:::customer-data/export.csv`,
          ...(sourceIp ? { sourceIp } : {}),
        }).decision;
      const word = (decision: string) => (decision === 'allowed' ? 'allowed' : 'REFUSED');
      out(`${when}: s3:GetObject on customer-data/export.csv`);
      const thief = word(ask(world.stolen, THIEF_IP));
      out(
        `  stolen session of ${world.stolen.instanceId}, used from ${THIEF_IP}: ${paint(thief === 'allowed' ? 'red' : 'green', thief)}`,
      );
      for (const sibling of world.siblings) {
        out(
          `  healthy instance ${sibling.instanceId} of the same role ${ROLE}: ${paint('green', word(ask(sibling)))}`,
        );
      }
    };
    show(paint('bold', 'Before'));
    out(paint('bold', 'GuardDuty: the credentials are used outside AWS'));
    const started = Date.now();
    const execution = await sandbox.deliver(
      credentialFinding(twin, world.stolen, { seed: `demo ${started}` }),
    );
    const end = await follow(sandbox, execution, answer);
    const [incident] = await sandbox.incidents();
    if (!incident) throw new Error(`the workflow left no incident: ${JSON.stringify(end)}`);
    await print(sandbox, incident);
    out(paint('dim', `  ${Date.now() - started} ms here; on AWS the proof waits a minute for IAM`));
    show(paint('bold', 'After'));
    await save({ first, state: twin.state, lastIncident: incident.id });
    out(`Undo it: npx firebreak undo`);
    return BAD.includes(incident.status) ? 1 : 0;
  } finally {
    await sandbox.close();
  }
}

export async function undo({ operands: [id], policy, answer, json }: CommandInput): Promise<number> {
  const saved = await load();
  const incidentId = id ?? saved?.lastIncident;
  if (!saved || incidentId === undefined) {
    console.error(
      'firebreak undo: nothing was contained here yet; start with: firebreak demo credential-exfiltration',
    );
    return 2;
  }
  // Where a second person must agree, the sandbox plays that person; on AWS it is somebody in Slack.
  const second = answer ?? 'approve';
  const sandbox = await startSandbox({ policy, folder: TABLE_FOLDER, state: saved.state });
  try {
    const before = await sandbox.runtime.incidents.get(incidentId);
    const safety = await undoSafetyOf(sandbox.runtime, before);
    if (!safety.safe && !json) {
      out(paint('yellow', `Not safe yet: ${plainText(safety.why)}`));
      out(`A second person must agree; here the sandbox answers: ${second} (on AWS: somebody in Slack)`);
    }
    const end = await follow(sandbox, sandbox.undo(incidentId, 'U0ALICE'), second);
    const incident = await sandbox.runtime.incidents.get(incidentId);
    await save({ ...saved, state: sandbox.twin.state });
    if (end.status === 'FAILED')
      console.error(`firebreak undo: the workflow failed: ${plainText(end.error)}: ${plainText(end.cause)}`);
    const equal = isDeepStrictEqual(accountOf(sandbox.twin.state), accountOf(saved.first));
    if (json)
      out(
        JSON.stringify({
          incident: incidentId,
          status: incident.status,
          equalToBefore: equal,
          execution: end.status,
        }),
      );
    else {
      await print(sandbox, incident);
      out(
        equal
          ? paint('green', 'The account equals the one before, field for field.')
          : paint('yellow', 'The account differs from the one before.'),
      );
    }
    return BAD.includes(incident.status) || end.status === 'FAILED' ? 1 : 0;
  } finally {
    await sandbox.close();
  }
}

/**
 * Any findings through the whole workflow. The sandbox's account is empty: a finding whose resource would be changed
 * says that the resource is not there.
 */
export async function run({ operands, policy, answer, json }: CommandInput): Promise<number> {
  if (operands.length === 0) {
    console.error('firebreak run: name a file, or - for standard input');
    return 2;
  }
  await freshHome();
  const sandbox = await startSandbox({
    policy,
    folder: TABLE_FOLDER,
    approvalTimeoutSeconds: timeoutFor(answer),
  });
  let status = 0;
  let index = 0;
  let lastIncident: string | undefined;
  const first = structuredClone(sandbox.twin.state);
  try {
    for await (const item of readFindings(operands)) {
      const line =
        'error' in item ? { index, error: item.error } : replayLine(index, item.raw, policy, choosePlaybook);
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
      const end = await follow(sandbox, await sandbox.deliver(item.raw), answer);
      const incident = await incidentOf(sandbox, end);
      lastIncident = incident.id;
      if (status === 0 && BAD.includes(incident.status)) status = 1;
      if (!json) {
        out(paint('bold', `#${line.index} ${plainText(line.type)} (${line.severity})`));
        await print(sandbox, incident);
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
          reasons: incident.decision?.reasons ?? line.reasons,
          status: incident.status,
          steps,
          timeline: await sandbox.runtime.incidents.timeline(incident.id),
        }),
      );
    }
    await save({ first, state: sandbox.twin.state, lastIncident });
    return status;
  } finally {
    await sandbox.close();
  }
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
