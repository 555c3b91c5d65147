/** What people read about a probed instance: live facts, whatever the finding says, and nothing is changed. */
import { afterEach, describe, expect, it } from 'vitest';
import { actingAs } from '../../core/aws/acting.ts';
import { awsFor, configureAws } from '../../core/aws/client.ts';
import { parseFinding } from '../../core/finding/finding.ts';
import { decideAlone } from '../../core/policy/backtest.ts';
import { loadPolicy } from '../../core/policy/policy.ts';
import { type AccountTwin, createTwin } from '../../sandbox/twin/twin.ts';
import { addressWorld, findingOn } from '../../sandbox/worlds.ts';
import { SCOPE } from '../../test/playbooks/properties.ts';
import { choosePlaybook } from '../index.ts';
import { notify } from './playbook.ts';

afterEach(() => configureAws({}));

const PROBE = 'Recon:EC2/PortProbeUnprotectedPort';
const probe = (twin: AccountTwin, instanceId: string, ports: readonly (number | string)[]) =>
  parseFinding(
    findingOn(twin, {
      seed: PROBE,
      type: PROBE,
      severity: 2,
      resource: { resourceType: 'Instance', instanceDetails: { instanceId } },
      action: {
        actionType: 'PORT_PROBE',
        portProbeAction: {
          portProbeDetails: ports.map((port) => ({
            localPortDetails: { port },
            remoteIpDetails: { ipAddressV4: '198.51.100.1' },
          })),
        },
      },
    }),
  );
const open = () => {
  const twin = createTwin(SCOPE);
  configureAws({ answer: twin.answer, retryBaseMs: 1 });
  return { twin, ...addressWorld(twin) };
};
const look = (finding: ReturnType<typeof probe>) =>
  actingAs({ playbook: { id: 'notify', part: 'read' } }, () => notify.look(finding, awsFor(SCOPE)));
/** Lets a range reach tcp ports through the first group of the instance; returns the group's id. */
function letIn(twin: AccountTwin, CidrIpv4: string, FromPort: number, ToPort = FromPort): string {
  const [group] = twin.region().groups;
  if (!group) throw new Error('the world has no security group');
  const SecurityGroupRuleId = twin.nextId('sgr');
  group.rules.push({ SecurityGroupRuleId, IsEgress: false, IpProtocol: 'tcp', FromPort, ToPort, CidrIpv4 });
  return group.GroupId;
}

describe('a probed instance', () => {
  it('is shown with its address and the rules that let the probed ports in, and stays as it is', async () => {
    const { twin, instanceId } = open();
    const group = letIn(twin, '0.0.0.0/0', 20, 25);
    letIn(twin, '10.0.0.0/8', 443);
    const lines = await look(probe(twin, instanceId, [22, 22, 8080]));
    expect(lines).toEqual([
      `${instanceId} is running, public address 203.0.113.80`,
      `port 22 is open to 0.0.0.0/0 (${group}, tcp 20-25)`,
      expect.stringMatching(/^port 8080: no security group/),
    ]);
    expect(twin.calls.filter(({ change }) => change)).toEqual([]);
  });

  it.each(['terminated', 'forgotten'])('that is %s is said to be gone', async (state) => {
    const { twin, instanceId } = open();
    const region = twin.region();
    if (state === 'forgotten') region.instances = [];
    for (const instance of region.instances) instance.State = state;
    expect(await look(probe(twin, instanceId, [22]))).toEqual([`${instanceId} does not exist any more`]);
  });

  it('is notified about, never acted on, at any severity', async () => {
    const { twin, instanceId } = open();
    const policy = await loadPolicy('policy.yml');
    for (const severity of [2, 5, 8, 9]) {
      const finding = { ...probe(twin, instanceId, [22]), severity };
      expect(decideAlone(policy, finding, choosePlaybook(finding)).kind).toMatch(/^(notify|record)$/);
    }
  });

  it('whose state may not be read is said to be unknown, with the reason', async () => {
    const { twin, instanceId } = open();
    twin.failNext('DescribeInstances', 'UnauthorizedOperation');
    const lines = await look(probe(twin, instanceId, [22]));
    expect(lines).toEqual([expect.stringMatching(/could not be read \(.*UnauthorizedOperation/)]);
  });

  it('leaves a fault that may pass to the retry of the workflow', async () => {
    const { twin, instanceId } = open();
    twin.failNext('DescribeInstances', 'InternalError', 20);
    await expect(look(probe(twin, instanceId, [22]))).rejects.toThrow('InternalError');
  });
});

describe('a hostile finding', () => {
  it.each(['i-*', '*', 'i-0123456789abcdef0,i-0123456789abcdef1', 'i-0123456789ABCDEF0', ''])(
    'that names "%s" as its instance has nothing looked up',
    async (instanceId) => {
      const { twin } = open();
      expect(await look(probe(twin, instanceId, [22]))).toEqual([]);
      expect(twin.calls).toEqual([]);
    },
  );

  it('of an instance that acts itself is left to its playbook', async () => {
    const { twin, instanceId } = open();
    const finding = { ...probe(twin, instanceId, [22]), resourceRole: 'ACTOR' as const };
    expect(await look(finding)).toEqual([]);
    expect(twin.calls).toEqual([]);
  });

  it('with a thousand ports has five looked up, and the rest counted', async () => {
    const { twin, instanceId } = open();
    const ports = Array.from({ length: 1000 }, (_, index) => index);
    const lines = await look(probe(twin, instanceId, ports));
    expect(lines).toHaveLength(7);
    expect(lines.at(-1)).toBe('995 more ports were probed');
    const asked = twin.calls.filter(({ operation }) => operation === 'DescribeSecurityGroupRules');
    expect(asked).toHaveLength(5);
  });

  it('with ports that are none shows the instance alone', async () => {
    const { twin, instanceId } = open();
    letIn(twin, '0.0.0.0/0', 22);
    const lines = await look(probe(twin, instanceId, [-1, 65_536, 22.5, '22', 'all']));
    expect(lines).toEqual([`${instanceId} is running, public address 203.0.113.80`]);
  });
});
