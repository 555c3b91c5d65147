/** Two instances in a network without a way in or out: one holds connections to the other, which is isolated. */
import type { Json } from '../../../core/json.ts';
import { launch, makeGroup, makeVpc, prober, saidUp } from '../network.ts';
import type { Drill, Fact, Kit } from '../scene.ts';

/** Open to everyone with an answer to everyone allowed: EC2 does not track its connections. */
const UNTRACKED = 7001;
/** Open to the other group alone: EC2 tracks them. */
const TRACKED = 7002;
const PORTS = [UNTRACKED, TRACKED];

/** Answers each byte on both ports. */
const SERVER = `#!/usr/bin/python3
import socket, threading
def serve(port):
    s = socket.create_server(('', port))
    while True:
        c, _ = s.accept()
        threading.Thread(target=echo, args=(c,), daemon=True).start()
def echo(c):
    try:
        while (b := c.recv(1)): c.send(b)
    except OSError: pass
for port in (${PORTS.join(', ')}): threading.Thread(target=serve, args=(port,)).start()
`;

export const isolateInstance: Drill = {
  playbook: 'isolate-instance',
  makes: 'a VPC without a gateway, two t4g.nano instances of 8 GiB in it',
  attack: 'one instance holds two connections to the other: one that EC2 tracks, one that it does not',
  probe: 'reads on the console of the first whether the other still answers on each',
  cost: { usd: 0.05, why: 'two t4g.nano for half an hour, 16 GiB of gp3 and their snapshots' },
  minutes: 15,
  settles: ['modify-attribute-keys', 'open-group-drops-tracking'],
  async play(kit) {
    const { client: ec2, api } = await kit.aws.ec2();
    const { SubnetId, target, peer } = await network(kit);
    const server = await launch(kit, SubnetId, target, SERVER);
    const script = prober({ host: server.address, ports: PORTS, held: true });
    const holder = await launch(kit, SubnetId, peer, script);
    const flows = () => saidUp(kit, holder.id, PORTS);
    const { NetworkInterfaces: [eni] = [] } = await ec2.send(
      new api.DescribeNetworkInterfacesCommand({
        Filters: [{ Name: 'attachment.instance-id', Values: [server.id] }],
      }),
    );
    const attributes = async (): Promise<Json> => {
      const [ends, shutdown, found] = await Promise.all([
        ec2.send(
          new api.DescribeInstanceAttributeCommand({
            InstanceId: server.id,
            Attribute: 'disableApiTermination',
          }),
        ),
        ec2.send(
          new api.DescribeInstanceAttributeCommand({
            InstanceId: server.id,
            Attribute: 'instanceInitiatedShutdownBehavior',
          }),
        ),
        ec2.send(new api.DescribeInstancesCommand({ InstanceIds: [server.id] })),
      ]);
      const [instance] = found.Reservations?.[0]?.Instances ?? [];
      return {
        protected: ends.DisableApiTermination?.Value ?? null,
        shutdown: shutdown.InstanceInitiatedShutdownBehavior?.Value ?? null,
        groups: (instance?.NetworkInterfaces ?? []).map(({ Groups = [] }) =>
          Groups.map(({ GroupId = '' }) => GroupId).sort(),
        ),
        volumes: (instance?.BlockDeviceMappings ?? []).map(({ Ebs }) => Ebs?.DeleteOnTermination ?? null),
      };
    };
    return {
      finding: {
        ...{ type: 'Backdoor:EC2/C&CActivity.B', severity: 8, resourceRole: 'ACTOR' },
        resource: {
          resourceType: 'Instance',
          instanceDetails: {
            instanceId: server.id,
            networkInterfaces: [
              {
                networkInterfaceId: eni?.NetworkInterfaceId ?? '',
                privateIpAddress: server.address,
                subnetId: SubnetId,
                vpcId: eni?.VpcId ?? '',
              },
            ],
          },
        },
        action: {},
      },
      attack: () =>
        kit.until('both connections are up', async () => Object.values(await flows()).every((up) => up)),
      holds: async () => Object.values(await flows()).every((up) => !up),
      works: async () => Object.values(await flows()).every((up) => up),
      state: attributes,
      facts: [
        async (): Promise<readonly Fact[]> => {
          const now = await attributes();
          const [open, text] = [await flows(), JSON.stringify(now)];
          const guarded =
            /"protected":true/.test(text) &&
            /"shutdown":"stop"/.test(text) &&
            !/"volumes":\[[^\]]*true/.test(text);
          return [
            {
              id: 'open-group-drops-tracking',
              verdict: open[TRACKED] ? 'refuted' : 'confirmed',
              saw: `the tracked connection was ${open[TRACKED] ? 'up' : 'down'}, the untracked one ${open[UNTRACKED] ? 'up' : 'down'}`,
            },
            {
              id: 'modify-attribute-keys',
              verdict: guarded ? 'confirmed' : 'refuted',
              saw: guarded
                ? 'termination protection is on, shutdown stops, volumes are kept'
                : 'termination protection, shutdown behavior or volumes were left as they were',
            },
          ];
        },
      ],
    };
  },
};

async function network(kit: Kit): Promise<{ SubnetId: string; target: string; peer: string }> {
  const { client: ec2, api } = await kit.aws.ec2();
  const { VpcId, subnets } = await makeVpc(kit, 1);
  const [target, peer] = [await makeGroup(kit, VpcId, 'target'), await makeGroup(kit, VpcId, 'peer')];
  const port = (number: number) => ({ IpProtocol: 'tcp', FromPort: number, ToPort: number });
  await ec2.send(
    new api.AuthorizeSecurityGroupIngressCommand({
      GroupId: target,
      IpPermissions: [
        { ...port(UNTRACKED), IpRanges: [{ CidrIp: '0.0.0.0/0' }] },
        { ...port(TRACKED), UserIdGroupPairs: [{ GroupId: peer }] },
      ],
    }),
  );
  return { SubnetId: subnets[0] ?? '', target, peer };
}
