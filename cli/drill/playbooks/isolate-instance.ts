/** Two instances in a network without a way in or out: one holds connections to the other, which is isolated. */
import {
  CreateSubnetCommand,
  CreateVpcCommand,
  type ResourceType,
  RunInstancesCommand,
} from '@aws-sdk/client-ec2';
import { FirebreakError } from '../../../core/errors.ts';
import type { Json } from '../../../core/json.ts';
import { tagOf } from '../parts.ts';
import type { Drill, Fact, Kit } from '../scene.ts';

/** Amazon Linux 2023 has Python. */
export const IMAGE = '/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64';
const RANGE = '10.255.0.0/24';
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

/** Holds one connection to each port, sends a byte a second, and says on the serial console whether it came back. */
const client = (address: string): string => `#!/usr/bin/python3
import socket, time
HOST, PORTS = '${address}', (${PORTS.join(', ')})
held = {}
while True:
    said = []
    for port in PORTS:
        try:
            if port not in held: held[port] = socket.create_connection((HOST, port), 1)
            held[port].settimeout(1)
            held[port].send(b'.')
            said.append('%d=%s' % (port, 'up' if held[port].recv(1) else 'down'))
        except OSError:
            s = held.pop(port, None)
            if s: s.close()
            said.append('%d=down' % port)
    with open('/dev/console', 'w') as out: out.write('firebreak-drill %d %s\\n' % (time.time(), ' '.join(said)))
    time.sleep(1)
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
    const holder = await launch(kit, SubnetId, peer, client(server.address));
    const flows = async (): Promise<Readonly<Record<number, boolean>>> => {
      const { Output = '' } = await ec2.send(
        new api.GetConsoleOutputCommand({ InstanceId: holder.id, Latest: true }),
      );
      const last =
        Buffer.from(Output, 'base64')
          .toString()
          .match(/firebreak-drill \d+ .*/g)
          ?.at(-1) ?? '';
      return Object.fromEntries(PORTS.map((port) => [port, last.includes(`${port}=up`)]));
    };
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
      async facts(): Promise<readonly Fact[]> {
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
    };
  },
};

const tags = (kit: Kit, type: ResourceType) => ({ ResourceType: type, Tags: tagOf(kit) });

async function network(kit: Kit): Promise<{ SubnetId: string; target: string; peer: string }> {
  const { client: ec2, api } = await kit.aws.ec2();
  const { Vpc } = await kit.make('vpc', undefined, () =>
    ec2.send(new CreateVpcCommand({ CidrBlock: RANGE, TagSpecifications: [tags(kit, 'vpc')] })),
  );
  const VpcId = given(Vpc?.VpcId, 'VPC');
  const { Subnet } = await kit.make('subnet', undefined, () =>
    ec2.send(new CreateSubnetCommand({ VpcId, CidrBlock: RANGE, TagSpecifications: [tags(kit, 'subnet')] })),
  );
  const group = async (part: string): Promise<string> => {
    const { GroupId } = await kit.make('group', undefined, () =>
      ec2.send(
        new api.CreateSecurityGroupCommand({
          ...{ VpcId, GroupName: kit.name(part), Description: 'Made by firebreak drill' },
          TagSpecifications: [tags(kit, 'security-group')],
        }),
      ),
    );
    return given(GroupId, 'security group');
  };
  const [target, peer] = [await group('target'), await group('peer')];
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
  return { SubnetId: given(Subnet?.SubnetId, 'subnet'), target, peer };
}

async function launch(
  kit: Kit,
  SubnetId: string,
  group: string,
  script: string,
): Promise<{ readonly id: string; readonly address: string }> {
  const { client: ec2 } = await kit.aws.ec2();
  const { client: ssm, api } = await kit.aws.ssm();
  const { Parameters: [image] = [] } = await ssm.send(new api.GetParametersCommand({ Names: [IMAGE] }));
  const { Instances: [made] = [] } = await kit.make('instance', undefined, () =>
    ec2.send(
      new RunInstancesCommand({
        ...{ ImageId: given(image?.Value, 'image'), InstanceType: 't4g.nano', MinCount: 1, MaxCount: 1 },
        ...{ SubnetId, SecurityGroupIds: [group], MetadataOptions: { HttpTokens: 'required' } },
        UserData: Buffer.from(script).toString('base64'),
        TagSpecifications: [tags(kit, 'instance'), tags(kit, 'volume')],
      }),
    ),
  );
  return { id: given(made?.InstanceId, 'instance'), address: given(made?.PrivateIpAddress, 'address') };
}

function given(value: string | undefined, what: string): string {
  if (value !== undefined && value !== '') return value;
  throw new FirebreakError('NotFound', `EC2 gave no ${what}`);
}
