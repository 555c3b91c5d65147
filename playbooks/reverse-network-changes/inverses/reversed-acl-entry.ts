import type { NetworkAclEntry } from '@aws-sdk/client-ec2';
import { z } from 'zod';
import type { Aws } from '../../../core/aws/client.ts';
import type { JsonObject } from '../../../core/json.ts';
import { defineInverse, objectsIn, textIn } from '../../common/changes/inverse.ts';
import { ec2Arn, ec2Names, firstText, idOf, numberIn, orElse, range, SOURCE, unless } from '../network.ts';

const slot = z.strictObject({ acl: idOf('acl'), egress: z.boolean(), number: z.int().min(1).max(32_766) });
type Slot = z.infer<typeof slot>;

const pair = (least: number, most: number) =>
  z.tuple([z.int().min(least).max(most), z.int().min(least).max(most)]);
const entry = z
  .strictObject({
    action: z.enum(['allow', 'deny']),
    protocol: z.string().regex(/^(-1|\d{1,3})$/),
    range,
    /** First and last; null for protocols without ports. */
    ports: pair(0, 65_535).nullable(),
    /** Type and code of ICMP. */
    icmp: pair(-1, 255).nullable(),
  })
  .nullable();
type Entry = NonNullable<z.infer<typeof entry>>;

const both = (first: number | undefined, last: number | undefined) =>
  first === undefined || last === undefined ? null : [first, last];

/** Names, for the protocols that requests may name; EC2 keeps the numbers. */
const NUMBERS: ReadonlyMap<string, string> = new Map([
  ['all', '-1'],
  ['icmp', '1'],
  ['tcp', '6'],
  ['udp', '17'],
  ['icmpv6', '58'],
]);

/** CloudTrail calls the protocol `aclProtocol` [M-LAB], the API `Protocol`. */
function entryIn(request: JsonObject): unknown {
  const protocol = firstText(request, ['aclProtocol', 'protocol']) ?? '';
  const number = NUMBERS.get(protocol.toLowerCase()) ?? protocol;
  return {
    action: textIn(request, 'ruleAction'),
    protocol: number,
    range: firstText(request, ['cidrBlock', 'ipv6CidrBlock']),
    ports:
      number === '-1'
        ? null
        : both(numberIn(request, ['portRange', 'from']), numberIn(request, ['portRange', 'to'])),
    icmp: both(numberIn(request, ['icmpTypeCode', 'type']), numberIn(request, ['icmpTypeCode', 'code'])),
  };
}

/** The entry of a number is again what it was; one that was added is removed. */
export const reversedAclEntry = defineInverse({
  id: 'reversed-acl-entry',
  danger: 'opens the network',
  calls: {
    source: SOURCE,
    names: ['CreateNetworkAclEntry', 'ReplaceNetworkAclEntry', 'DeleteNetworkAclEntry'],
  },
  does: 'an entry that was added is removed; one that was changed or removed is again what it was',
  resource: slot,
  value: entry,
  effects({ name, request }) {
    const resource = {
      acl: textIn(request, 'networkAclId'),
      egress: request['egress'] === true,
      number: numberIn(request, 'ruleNumber'),
    };
    if (name === 'DeleteNetworkAclEntry') return [{ resource, left: null }];
    // EC2 refuses to create an entry whose number is taken.
    return [
      { resource, left: entryIn(request), ...(name === 'CreateNetworkAclEntry' ? { before: null } : {}) },
    ];
  },
  listedAs: ({ acl }) => acl,
  recorded: {
    of: ({ acl }) => ({ type: 'AWS::EC2::NetworkAcl', id: acl }),
    value({ configuration }, { egress, number }) {
      const entries = objectsIn(configuration, 'entries');
      const found = entries?.find((one) => one['egress'] === egress && one['ruleNumber'] === number);
      return found ? entryIn(found) : entries && null;
    },
  },
  names: (aws, { acl }) => ec2Names(aws, 'network-acl', acl),
  says: ({ acl, egress, number }, wanted) => {
    const which = `${egress ? 'outbound' : 'inbound'} entry ${number}`;
    return wanted === null
      ? `Remove ${which} from ${acl}`
      : `Make ${which} of ${acl} ${wanted.action} ${wanted.range} again`;
  },
  async read(aws, of) {
    const live = await liveEntry(aws, of);
    return live ? entryOf(live) : null;
  },
  async put(aws, of, to) {
    const { client, api } = await aws.ec2();
    const input = { NetworkAclId: of.acl, Egress: of.egress, RuleNumber: of.number };
    if (to === null) {
      await unless('InvalidNetworkAclEntry.NotFound', () =>
        client.send(new api.DeleteNetworkAclEntryCommand(input)),
      );
      return;
    }
    const written = { ...input, ...inputOf(to) };
    await orElse(
      'NetworkAclEntryAlreadyExists',
      () => client.send(new api.CreateNetworkAclEntryCommand(written)),
      () => client.send(new api.ReplaceNetworkAclEntryCommand(written)),
    );
  },
  permissions: {
    read: [
      {
        // DescribeNetworkAcls has no resource level.
        actions: ['ec2:DescribeNetworkAcls'],
        resources: ['*'],
        why: 'what an entry that the principal changed says',
      },
    ],
    write: [
      {
        actions: ['ec2:CreateNetworkAclEntry', 'ec2:DeleteNetworkAclEntry', 'ec2:ReplaceNetworkAclEntry'],
        resources: [ec2Arn('network-acl/*')],
        why: 'an entry that the principal changed is again what it was',
        worst: 'allows or denies any traffic of any subnet',
      },
    ],
  },
  words: { setting: 'Network ACL entry', why: 'it says which packets pass in and out of a subnet' },
  example: {
    eventName: 'CreateNetworkAclEntry',
    requestParameters: {
      ...{ networkAclId: 'acl-0123456789abcdef0', ruleNumber: 10, egress: false, ruleAction: 'allow' },
      ...{ cidrBlock: '0.0.0.0/0', aclProtocol: '-1', portRange: {}, icmpTypeCode: {} },
    },
  },
});

function inputOf({ action, protocol, range: addresses, ports, icmp }: Entry) {
  return {
    Protocol: protocol,
    RuleAction: action,
    ...(addresses.includes(':') ? { Ipv6CidrBlock: addresses } : { CidrBlock: addresses }),
    ...(ports ? { PortRange: { From: ports[0], To: ports[1] } } : {}),
    ...(icmp ? { IcmpTypeCode: { Type: icmp[0], Code: icmp[1] } } : {}),
  };
}

/** Returns the live entry as a value; null where it is one that EC2 has in another form. */
function entryOf({ RuleAction, Protocol, PortRange, IcmpTypeCode, ...live }: NetworkAclEntry): Entry | null {
  return entry.catch(null).parse({
    action: RuleAction,
    protocol: Protocol,
    range: live.CidrBlock ?? live.Ipv6CidrBlock,
    ports: both(PortRange?.From, PortRange?.To),
    icmp: both(IcmpTypeCode?.Type, IcmpTypeCode?.Code),
  });
}

async function liveEntry(aws: Aws, { acl, egress, number }: Slot): Promise<NetworkAclEntry | undefined> {
  const { client, api } = await aws.ec2();
  const answer = await client.send(
    new api.DescribeNetworkAclsCommand({ Filters: [{ Name: 'network-acl-id', Values: [acl] }] }),
  );
  return answer.NetworkAcls?.[0]?.Entries?.find(
    ({ Egress, RuleNumber }) => Egress === egress && RuleNumber === number,
  );
}
