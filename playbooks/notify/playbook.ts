/** Someone knocks, as they do at every address: nothing is changed, and people get what they would look up. */
import type { Aws } from '../../core/aws/client.ts';
import { describeError, FirebreakError, isAccessDenied } from '../../core/errors.ts';
import type { Finding } from '../../core/finding/finding.ts';
import { reader } from '../../core/finding/reader.ts';
import { defineNotice } from '../../core/journal/playbook.ts';
import { isJsonObject } from '../../core/json.ts';
import { describeInstance } from '../common/ec2/instance.ts';
import { openingsOf } from '../common/exposure.ts';

const INSTANCE_ID = /^i-[0-9a-f]{8,17}$/;
/** Ports of one finding that are looked up. */
const MOST_PORTS = 5;

export const notify = defineNotice({
  id: 'notify',
  title: 'Tell people, and change nothing',
  about: `
The answer to every finding that no playbook contains, and to probes and brute force that the resource only suffers
(\`resourceRole: TARGET\`): the internet probes everything, sources are endless and can be forged. The same type with
\`resourceRole: ACTOR\` is the resource's own doing and goes to \`isolate-instance\`.

What a person would look up stands on the card, read again with every update of the finding: how many distinct addresses
have been seen over all updates, and for an instance whether it is still there, its public address, and which security
group lets which range reach the probed port.

Reconnaissance with credentials (\`Recon:IAMUser/*\`, \`Discovery:*\`, \`PenTest:*\`) is reported at low and medium severity. By a
principal that is under another open incident it is asked (\`principalUnderIncident\` in policy.yml).
`.trim(),
  reads: [
    {
      // Describe calls of EC2 have no resource level.
      actions: ['ec2:DescribeInstances', 'ec2:DescribeSecurityGroupRules'],
      resources: ['*'],
      why: 'whether the probed port is open, as it stands now',
    },
  ],
  look,
});

/** What is live of the probed resource, one line each. Never throws for what AWS refuses. */
async function look(finding: Finding, aws: Aws): Promise<readonly string[]> {
  const id = finding.instance?.instanceId;
  if (finding.resourceRole !== 'TARGET' || id === undefined || !INSTANCE_ID.test(id)) return [];
  try {
    return await exposure(finding, aws, id);
  } catch (error) {
    if (!(error instanceof FirebreakError) && !isAccessDenied(error)) throw error;
    return [`whether it is exposed could not be read (${describeError(error)})`];
  }
}

async function exposure(finding: Finding, aws: Aws, id: string): Promise<readonly string[]> {
  const instance = await describeInstance(aws, id);
  if (!instance || instance.State?.Name === 'terminated') return [`${id} does not exist any more`];
  const interfaces = instance.NetworkInterfaces ?? [];
  const groups = [
    ...new Set(interfaces.flatMap(({ Groups }) => (Groups ?? []).flatMap(({ GroupId }) => GroupId ?? []))),
  ];
  const addresses = interfaces.flatMap(({ Association }) => Association?.PublicIp ?? []);
  const ports = portsOf(finding);
  const lines = await Promise.all(
    ports.slice(0, MOST_PORTS).map(async (port) => {
      const openings = await openingsOf(aws, groups, port);
      if (openings.length === 0) return [`port ${port}: no security group lets anybody in now`];
      return openings.map(
        ({ from, groupId, ports: text }) => `port ${port} is open to ${from} (${groupId}, ${text})`,
      );
    }),
  );
  return [
    `${id} is ${instance.State?.Name ?? 'in an unknown state'}, ${addresses.length > 0 ? `public address ${addresses.join(', ')}` : 'without a public address'}`,
    ...lines.flat(),
    ...(ports.length > MOST_PORTS ? [`${ports.length - MOST_PORTS} more ports were probed`] : []),
  ];
}

/** The ports on our side, every probe of the finding included. */
function portsOf({ action, detail }: Finding): readonly number[] {
  const service = detail['service'];
  const probes = isJsonObject(service)
    ? (reader(service, 'detail.service')
        .child('action')
        ?.child('portProbeAction')
        ?.children('portProbeDetails') ?? [])
    : [];
  const named = [
    action?.localPort,
    ...probes.map((probe) => probe.child('localPortDetails')?.optionalNumber('port')),
  ];
  return [
    ...new Set(
      named.flatMap((port) =>
        port !== undefined && Number.isInteger(port) && port >= 0 && port < 65_536 ? [port] : [],
      ),
    ),
  ];
}
