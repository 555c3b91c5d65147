/** A VPC of the drill's own without a way in, groups and small instances in it, and what one sees of another. */
import {
  AssociateRouteTableCommand,
  AttachInternetGatewayCommand,
  CreateInternetGatewayCommand,
  CreateRouteCommand,
  CreateRouteTableCommand,
  CreateSubnetCommand,
  CreateVpcCommand,
  DescribeAvailabilityZonesCommand,
  type ResourceType,
  RunInstancesCommand,
} from '@aws-sdk/client-ec2';
import { FirebreakError } from '../../core/errors.ts';
import { tagOf } from './parts.ts';
import type { Kit } from './scene.ts';

/** Amazon Linux 2023 has Python. */
export const IMAGE = '/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64';
const RANGE = '10.255.0.0/24';
/** Local Zones and Wavelength Zones are left out. */
const ZONES = { Filters: [{ Name: 'zone-type', Values: ['availability-zone'] }] };
const SUBNETS = ['10.255.0.0/25', '10.255.0.128/25'];

const tags = (kit: Kit, type: ResourceType) => ({ ResourceType: type, Tags: tagOf(kit) });

/** Makes a VPC without a gateway: nothing gets in or out. Each subnet is in a zone of its own. */
export async function makeVpc(
  kit: Kit,
  count: 1 | 2,
): Promise<{ readonly VpcId: string; readonly subnets: readonly string[] }> {
  const { client: ec2 } = await kit.aws.ec2();
  const { Vpc } = await kit.make('vpc', undefined, () =>
    ec2.send(new CreateVpcCommand({ CidrBlock: RANGE, TagSpecifications: [tags(kit, 'vpc')] })),
  );
  const VpcId = given(Vpc?.VpcId, 'VPC');
  const zones =
    count === 1
      ? []
      : ((await ec2.send(new DescribeAvailabilityZonesCommand(ZONES))).AvailabilityZones ?? []);
  const subnets: string[] = [];
  for (const [index, CidrBlock] of SUBNETS.slice(0, count).entries()) {
    const AvailabilityZone = zones[index]?.ZoneName;
    const { Subnet } = await kit.make('subnet', undefined, () =>
      ec2.send(
        new CreateSubnetCommand({
          ...{ VpcId, CidrBlock, TagSpecifications: [tags(kit, 'subnet')] },
          ...(AvailabilityZone ? { AvailabilityZone } : {}),
        }),
      ),
    );
    subnets.push(given(Subnet?.SubnetId, 'subnet'));
  }
  return { VpcId, subnets };
}

/** Gives a subnet a way out. Nothing gets in: no group of a drill lets anything in from outside the VPC. */
export async function makeWayOut(kit: Kit, VpcId: string, SubnetId: string): Promise<void> {
  const { client: ec2 } = await kit.aws.ec2();
  const { InternetGateway } = await kit.make('gateway', undefined, () =>
    ec2.send(new CreateInternetGatewayCommand({ TagSpecifications: [tags(kit, 'internet-gateway')] })),
  );
  const GatewayId = given(InternetGateway?.InternetGatewayId, 'internet gateway');
  await ec2.send(new AttachInternetGatewayCommand({ InternetGatewayId: GatewayId, VpcId }));
  const { RouteTable } = await kit.make('routeTable', undefined, () =>
    ec2.send(new CreateRouteTableCommand({ VpcId, TagSpecifications: [tags(kit, 'route-table')] })),
  );
  const RouteTableId = given(RouteTable?.RouteTableId, 'route table');
  await ec2.send(new CreateRouteCommand({ RouteTableId, DestinationCidrBlock: '0.0.0.0/0', GatewayId }));
  await ec2.send(new AssociateRouteTableCommand({ RouteTableId, SubnetId }));
}

/** A group that lets nothing in, and everything out. */
export async function makeGroup(kit: Kit, VpcId: string, part: string): Promise<string> {
  const { client: ec2, api } = await kit.aws.ec2();
  const { GroupId } = await kit.make('group', undefined, () =>
    ec2.send(
      new api.CreateSecurityGroupCommand({
        ...{ VpcId, GroupName: kit.name(part), Description: 'Made by firebreak drill' },
        TagSpecifications: [tags(kit, 'security-group')],
      }),
    ),
  );
  return given(GroupId, 'security group');
}

/** Starts a t4g.nano that runs the script. */
export async function launch(
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

interface Probed {
  readonly host: string;
  readonly ports: readonly number[];
  /** One connection to each port is held, and sends a byte a second that is to come back; else each second opens one. */
  readonly held: boolean;
}

/** Returns a script that says on the serial console each second whether each port answers. */
export const prober = ({ host, ports, held }: Probed): string => `#!/usr/bin/python3
import socket, time
HOST, PORTS, HELD = '${host}', (${ports.map((port) => `${port},`).join(' ')}), ${held ? 'True' : 'False'}
held = {}
while True:
    said = []
    for port in PORTS:
        try:
            if port not in held: held[port] = socket.create_connection((HOST, port), 1)
            held[port].settimeout(1)
            if HELD:
                held[port].send(b'.')
                up = held[port].recv(1)
            else:
                held.pop(port).close()
                up = True
            said.append('%d=%s' % (port, 'up' if up else 'down'))
        except OSError:
            s = held.pop(port, None)
            if s: s.close()
            said.append('%d=down' % port)
    with open('/dev/console', 'w') as out: out.write('firebreak-drill %d %s\\n' % (time.time(), ' '.join(said)))
    time.sleep(1)
`;

/** Returns what the instance said last of each port. */
export async function saidUp(
  kit: Kit,
  InstanceId: string,
  ports: readonly number[],
): Promise<Readonly<Record<number, boolean>>> {
  const { client: ec2, api } = await kit.aws.ec2();
  const { Output = '' } = await ec2.send(new api.GetConsoleOutputCommand({ InstanceId, Latest: true }));
  const last =
    Buffer.from(Output, 'base64')
      .toString()
      .match(/firebreak-drill \d+ .*/g)
      ?.at(-1) ?? '';
  return Object.fromEntries(ports.map((port) => [port, last.includes(`${port}=up`)]));
}

/** Throws NotFound where AWS answered without it. */
export function given(value: string | undefined, what: string): string {
  if (value !== undefined && value !== '') return value;
  throw new FirebreakError('NotFound', `AWS gave no ${what}`);
}
