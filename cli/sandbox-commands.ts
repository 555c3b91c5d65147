/** start, demo and undo: the whole workflow in the sandbox. */
import '../sandbox/quiet.ts';
import { isDeepStrictEqual } from 'node:util';
import { startConsole } from '../console/server.ts';
import { tourPage } from '../console/tour.ts';
import { FirebreakError } from '../core/errors.ts';
import type { Incident } from '../core/incident/incident.ts';
import { mayUndo } from '../core/incident/status.ts';
import { type JsonObject, own } from '../core/json.ts';
import { nearest } from '../core/nearest.ts';
import type { Policy } from '../core/policy/policy.ts';
import { undoSafetyOf } from '../pipeline/undo-preview.ts';
import { dataTheftWorld, EVICTION_SETTINGS } from '../sandbox/data-theft.ts';
import type { ExecutionEnd } from '../sandbox/execution.ts';
import { modelFinding, modelWorld } from '../sandbox/model-world.ts';
import { persistentWorld } from '../sandbox/persistent.ts';
import { type Sandbox, startSandbox } from '../sandbox/sandbox.ts';
import { accountOf, homeExists, openHome, withoutLost } from '../sandbox/saved.ts';
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
import { sandboxSource, slackOf, stopped } from './console.ts';
import { plainText, terminal } from './terminal.ts';
import {
  answerCards,
  atTerminal,
  fellShort,
  follow,
  followUpsOf,
  incidentOf,
  print,
  printFollowUp,
  type ScriptedAnswer,
  timeoutFor,
} from './workflow.ts';

export interface CommandInput {
  readonly operands: readonly string[];
  readonly policy: Policy;
  /** Where the policy was read from; the page shows it. */
  readonly policyFile?: string;
  readonly answer: ScriptedAnswer;
  readonly json: boolean;
  /** Of the page; any free one without it. */
  readonly port?: number | undefined;
  /** False: the browser is not opened. */
  readonly open?: boolean;
}

const { out, paint } = terminal();

interface Arrival {
  readonly event: unknown;
  readonly happens: string;
}

interface Scene {
  /** What policy.yml would have to say of playbooks to show it whole. */
  readonly settings?: Readonly<Record<string, JsonObject>>;
  /** Puts the account up and gives the event that arrives, and what arrives once that has settled. */
  open(sandbox: Sandbox): Arrival & { readonly next?: Arrival; show(when: string): void };
}

/** The policy with the settings of scenes. */
function withSettings(policy: Policy, scenes: readonly Scene[]): Policy {
  const settings = Object.assign({}, ...scenes.map((scene) => scene.settings ?? {}));
  return { ...policy, playbookSettings: (id) => own(settings, id) ?? policy.playbookSettings(id) };
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
  'data-theft': {
    settings: { 'evict-database-user': EVICTION_SETTINGS },
    open({ twin }) {
      const { events, show } = dataTheftWorld(twin);
      const [event, shared] = events;
      return {
        event,
        happens: 'someone reads a database through Tor, with the password of its master user',
        next: {
          event: shared,
          happens: "an administrator's key shares the database's snapshot with another account",
        },
        show(when) {
          const { theft, application } = show();
          out(`${paint('bold', when)}: how the data can leave`);
          for (const [what, usable] of theft)
            out(`  ${what}: ${usable ? paint('red', 'works') : paint('green', 'REFUSED')}`);
          out(
            `  the application's session: ${application ? paint('green', 'goes on') : paint('red', 'ended')}`,
          );
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
  'model-abuse': {
    open({ twin }) {
      const world = modelWorld(twin);
      const ask = (key: string) =>
        twin.requestByKey(key, {
          action: 'bedrock:InvokeModel',
          resource: `arn:${twin.scope.partition}:bedrock:${twin.scope.region}::foundation-model/${world.model}`,
        }).decision === 'allowed'
          ? 'allowed'
          : 'REFUSED';
      return {
        event: modelFinding(twin, world, { seed: `demo ${Date.now()}` }),
        happens: 'someone uses AI models with an API key of Bedrock at your cost',
        show(when) {
          out(`${paint('bold', when)}: bedrock:InvokeModel on ${world.model}`);
          const leaked = ask(world.leaked);
          out(
            `  leaked API key ${world.leaked} of ${world.user}: ${paint(leaked === 'allowed' ? 'red' : 'green', leaked)}`,
          );
          out(`  API key ${world.healthy} of the shop: ${paint('green', ask(world.healthy))}`);
        },
      };
    },
  },
  'persistent-attacker': {
    open({ twin }) {
      const { event, show } = persistentWorld(twin);
      return {
        event,
        happens: 'the stolen key of an administrator makes ways back in, and gives data away',
        show(when) {
          out(`${paint('bold', when)}: what the thief can come back with`);
          for (const [what, usable] of show())
            out(`  ${what}: ${usable ? paint('red', 'works') : paint('green', 'REFUSED')}`);
        },
      };
    },
  },
};

export async function demo({ operands: [name], policy, answer }: CommandInput): Promise<number> {
  const scene = name !== undefined && Object.hasOwn(SCENES, name) ? SCENES[name] : undefined;
  if (!scene) {
    const names = Object.keys(SCENES);
    const meant = nearest(name ?? '', names);
    throw new FirebreakError(
      'InputInvalid',
      `there is no demo ${JSON.stringify(name ?? '')}${meant === undefined ? '' : ` (did you mean ${meant}?)`}`,
      { next: `The demos are ${names.join(' and ')}.` },
    );
  }
  const home = await openHome({
    ...{ policy: withSettings(policy, [scene]), fresh: true },
    approvalTimeoutSeconds: timeoutFor(answer),
  });
  const { sandbox } = home;
  try {
    const { show, next, ...first } = scene.open(sandbox);
    home.first = structuredClone(sandbox.twin.state);
    show('Before');
    if (answer === undefined && !atTerminal())
      out(paint('dim', '  not interactive: without --approve or --deny an approval expires after a second'));
    const incidents: Incident[] = [];
    for (const arrival of next ? [first, next] : [first])
      incidents.push(...(await played(sandbox, arrival, answer)));
    out(paint('dim', '  Waits are shortened here; on AWS the proof waits for IAM and EC2 to settle.'));
    show('After');
    home.incidents = incidents.map(({ id }) => id);
    if (incidents.some(({ status }) => mayUndo(status))) out('Undo it: npx firebreak undo');
    return incidents.some(({ status, followUpOf }) => followUpOf === undefined && fellShort(status)) ? 1 : 0;
  } finally {
    await home.close();
  }
}

/** Delivers the finding, answers what it asks, prints it, and returns its incident and the follow-ups of that. */
async function played(
  sandbox: Sandbox,
  { event, happens }: Arrival,
  answer: ScriptedAnswer,
): Promise<readonly Incident[]> {
  out(paint('bold', `GuardDuty: ${happens}`));
  const since = sandbox.runtime.now();
  const answered = answerCards(sandbox, answer);
  const end = await follow(sandbox, await sandbox.deliver(event), answered);
  const incident = await incidentOf(sandbox, event);
  if (!incident) throw new Error(`the workflow opened no incident: ${JSON.stringify(end)}`);
  const followUps = await followUpsOf(sandbox, incident, since);
  await print(sandbox, incident);
  for (const followUp of followUps) await printFollowUp(sandbox, followUp);
  return [incident, ...followUps];
}

/** `npm start`: the sandbox with its page, and the demo played in it. Runs until it is stopped. */
export async function start({
  policy,
  policyFile = 'policy.yml',
  port = 0,
  open = true,
}: CommandInput): Promise<number> {
  const sandbox = await startSandbox({ policy: withSettings(policy, Object.values(SCENES)) });
  const { twin } = sandbox;
  const page = await startConsole(sandboxSource(sandbox, policyFile), {
    port,
    extras: [tourPage(sandbox), slackOf(sandbox)],
    opensAt: '/tour',
  });
  out(`${paint('bold', 'Firebreak')} runs here, with no AWS account and no Slack.`);
  // At once: the page shows what happens while it happens.
  const opened = await showPage(page.url, open);
  for (const scene of Object.values(SCENES)) {
    const { show, next, ...first } = scene.open(sandbox);
    show('Before');
    for (const { event, happens } of next ? [first, next] : [first]) {
      out(paint('bold', `GuardDuty: ${happens}`));
      const execution = await sandbox.deliver(event);
      await sandbox.rest();
      const [incident] = (await sandbox.incidents()).filter(({ followUpOf }) => !followUpOf);
      if (incident) await print(sandbox, incident);
      // An ask waits on the page; the demo does not answer it.
      if (sandbox.machines.waits(execution.arn))
        out(paint('yellow', 'Awaiting approval: decide on the page'));
      else show('After');
    }
  }
  out(`The simulated AWS answered ${twin.calls.length} calls. Stop with Ctrl-C.`);
  // The first one has scrolled away by now.
  out(opened ? 'The tour is in your browser.' : `Open the tour: ${paint('cyan', page.url)}`);
  await stopped();
  await page.close();
  // Executions that wait for a person end with the process.
  process.exit(0);
}

async function inBrowser(url: string): Promise<boolean> {
  const { hasScreen, openBrowser } = await import('./open-browser.ts');
  return hasScreen() && openBrowser(url);
}

/** Returns whether a browser shows it. */
async function showPage(url: string, open: boolean): Promise<boolean> {
  const opened = open && (await inBrowser(url));
  const lead = opened ? 'The tour is in your browser (the address opens once):' : 'Open the tour:';
  out(`${lead} ${paint('cyan', url)}`);
  return opened;
}

/** Undoes an incident; without an id everything that the last demo or run contained, the latest first. */
export async function undo({ operands: [id], policy, answer, json }: CommandInput): Promise<number> {
  const nothing = () => {
    console.error(
      'firebreak undo: nothing was contained here yet; start with: firebreak demo credential-exfiltration',
    );
    return 2;
  };
  if (!(await homeExists())) return nothing();
  // Where a second person must agree, the sandbox plays that person; on AWS it is someone in Slack.
  const second = answer ?? 'approve';
  const home = await openHome({ policy });
  const { sandbox } = home;
  try {
    const ids = id === undefined ? [...home.incidents].reverse() : [id];
    if (ids.length === 0) return nothing();
    const answered = answerCards(sandbox, second);
    const results: { incident: Incident; end: ExecutionEnd }[] = [];
    for (const incidentId of ids) {
      const before = await sandbox.runtime.incidents.get(incidentId);
      const safety = await undoSafetyOf(sandbox.runtime, before);
      if (!safety.safe && !json) {
        out(paint('yellow', `Not safe yet: ${plainText(safety.why)}`));
        out(`A second person must agree; here the sandbox answers: ${second} (on AWS: someone in Slack)`);
      }
      const end = await follow(sandbox, await sandbox.undo(incidentId, 'U0ALICE'), answered);
      const incident = await sandbox.runtime.incidents.get(incidentId);
      if (end.status === 'FAILED')
        console.error(
          `firebreak undo: the workflow failed: ${plainText(end.error)}: ${plainText(end.cause)}`,
        );
      if (!json) await print(sandbox, incident);
      results.push({ incident, end });
    }
    const [account, first] = [accountOf(sandbox.twin.state), accountOf(home.first)];
    const equal = isDeepStrictEqual(account, first);
    if (json) {
      for (const { incident, end } of results) {
        const { id: incidentId, status } = incident;
        out(JSON.stringify({ incident: incidentId, status, equalToBefore: equal, execution: end.status }));
      }
    } else if (equal) {
      out(
        paint(
          'green',
          'The account equals the one before, field for field; snapshots and case tags stay as evidence, and a rule that is made again has a new id.',
        ),
      );
    } else if (isDeepStrictEqual(withoutLost(account), withoutLost(first))) {
      out(
        paint(
          'yellow',
          'The account equals the one before but for what cannot come back: a rotated password, sessions that ended.',
        ),
      );
    } else out(paint('yellow', 'The account differs from the one before.'));
    const bad = results.some(({ incident, end }) => fellShort(incident.status) || end.status === 'FAILED');
    return bad ? 1 : 0;
  } finally {
    await home.close();
  }
}
