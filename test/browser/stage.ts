/** The console over a running sandbox, as `npm start` has it, with findings of several kinds played. */
import { sandboxSource, slackOf } from '../../cli/console.ts';
import { startConsole } from '../../console/server.ts';
import { loadPolicy } from '../../core/policy/policy.ts';
import { fillPast } from '../../sandbox/past-incidents.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import {
  addressFinding,
  addressWorld,
  credentialFinding,
  credentialWorld,
  findingOn,
  thiefAtWork,
} from '../../sandbox/worlds.ts';
import { ACTIONS } from '../../slack/actions.ts';
import { openConsole } from '../console-visitor.ts';
import { until } from '../workflow/people.ts';

export interface Stage {
  readonly url: string;
  /** What lets a browser in: the address opens once. */
  readonly cookie: string;
  readonly sandbox: Sandbox;
  /** Credentials of an instance are stolen, and the stolen session is cut off; gives the incident's id. */
  exfiltration(seed: string): Promise<string>;
  /** An instance calls a listed address: a person is asked. Gives the incident's id. */
  maliciousIp(seed: string): Promise<string>;
  /** The instance of the first stolen session, isolated after Bob approved: connections through its NAT gateway may live on. */
  residual(): Promise<string>;
  /** A finding that only notifies. */
  probe(seed: string): Promise<string>;
  /** A finding in which every text that can be is this one; the channel is notified of it. */
  hostile(text: string): Promise<string>;
  /** Incidents of the last months, for what is looked at: counts and durations as a year of work leaves them. */
  past(): Promise<void>;
  close(): Promise<void>;
}

export async function openStage(): Promise<Stage> {
  const sandbox = await startSandbox({ policy: await loadPolicy('policy.yml'), anyAccount: true });
  const console = await startConsole(sandboxSource(sandbox, 'policy.yml'), { extras: [slackOf(sandbox)] });
  const { twin } = sandbox;
  const world = credentialWorld(twin, 12);
  // Each is stolen once: a second incident on the same session would only join the first.
  const sessions = [world.stolen, ...world.siblings];
  thiefAtWork(twin);
  const address = addressWorld(twin);
  /** Delivers and waits until the incident of this finding looks so. */
  async function play(event: unknown, status: readonly string[]): Promise<string> {
    const { id } = (event as { detail: { id: string } }).detail;
    await sandbox.deliver(event);
    const found = await until(async () =>
      (await sandbox.incidents()).find(
        (each) => each.findingId === id && !each.followUpOf && status.includes(each.status),
      ),
    );
    return found.id;
  }
  return {
    url: console.url,
    cookie: await openConsole(console.url),
    sandbox,
    exfiltration: (seed) =>
      play(credentialFinding(twin, next(sessions), { seed: `exfiltration ${seed}` }), [
        'contained',
        'residual',
      ]),
    maliciousIp: (seed) =>
      play(addressFinding(twin, address.instanceId, { seed: `ip ${seed}` }), ['awaiting-approval']),
    async residual() {
      const isolated = async () =>
        (await sandbox.incidents()).find((each) => each.followUpOf?.playbook === 'isolate-instance');
      const asked = await until(async () => {
        const found = await isolated();
        return found?.slack && found.approval ? found : undefined;
      });
      if (asked.approval?.outcome === undefined && asked.slack && asked.approval) {
        const { slack, approval } = asked;
        const press = { ts: slack.ts, value: approval.id, actionId: ACTIONS.approve, userId: 'U0BOB' };
        await sandbox.slack.click(press);
      }
      return (
        await until(async () => {
          const found = await isolated();
          return found?.status === 'residual' ? found : undefined;
        })
      ).id;
    },
    probe: (seed) =>
      play(
        findingOn(twin, {
          seed: `probe ${seed}`,
          type: 'Recon:EC2/PortProbeUnprotectedPort',
          severity: 2,
          resource: {
            resourceType: 'Instance',
            instanceDetails: { instanceId: address.neighbourId, networkInterfaces: [], tags: [] },
          },
        }),
        ['notified', 'recorded'],
      ),
    hostile: (text) =>
      play(
        findingOn(twin, {
          seed: `hostile ${text}`,
          type: 'Recon:EC2/PortProbeUnprotectedPort',
          severity: 2,
          resource: {
            resourceType: 'Instance',
            instanceDetails: {
              instanceId: address.neighbourId,
              imageDescription: text,
              networkInterfaces: [{ publicDnsName: text, securityGroups: [{ groupName: text }] }],
              tags: [{ key: text, value: text }],
            },
          },
          action: {
            actionType: 'AWS_API_CALL',
            awsApiCallAction: {
              api: text,
              serviceName: text,
              userAgent: text,
              remoteIpDetails: { country: { countryName: text }, organization: { asnOrg: text } },
            },
          },
          additionalInfo: { threatListName: text, [text]: text },
        }),
        ['notified', 'recorded'],
      ),
    past: () =>
      fillPast(sandbox.database.client, sandbox.runtime.table.name, {
        count: 400,
        end: Date.now() - 86_400_000,
        spanMs: 60 * 86_400_000,
      }),
    async close() {
      await console.close();
      await sandbox.close();
    },
  };
}

function next<T>(left: T[]): T {
  const one = left.shift();
  if (one === undefined) throw new Error('the world is too small');
  return one;
}
