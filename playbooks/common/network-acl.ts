/**
 * Deny entries in network ACLs: stateless, so they end connections that are open already, and they hold for whole
 * subnets. Firebreak keeps to rule numbers 1 to 99 and to ACLs that carry its tag; it creates and deletes entries of its
 * own and never replaces one.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { NetworkAcl, NetworkAclEntry } from '@aws-sdk/client-ec2';
import { z } from 'zod';
import { canonicalRange, overlap, parseRange } from '../../core/addresses.ts';
import { type Aws, awsConfiguration } from '../../core/aws/client.ts';
import { allPages } from '../../core/aws/pages.ts';
import { awsErrorName, FirebreakError } from '../../core/errors.ts';
import type { Change, StepContext, StepOf, StepViewOf } from '../../core/journal/playbook.ts';
import { own } from '../../core/json.ts';
import { regionName, stepKind } from './step-kind.ts';

/** Anyone who wants Firebreak to use a network ACL gives it this tag, with any value. The right to change entries hangs on it. */
export const ACL_TAG = 'firebreak';

/** Rule numbers that are Firebreak's; AWS's own advice leaves them free. Lower numbers are evaluated first. */
const BAND = { first: 1, last: 99 } as const;

const argsSchema = z.object({
  /** Id of this step: the number it took is the step's output. */
  step: z.string(),
  region: regionName,
  acl: z.string(),
  egress: z.boolean(),
  cidr: z.string(),
  /** Subnets that have to be behind the ACL for the entry to mean anything. */
  subnets: z.array(z.string()),
  /** What is denied, for people. */
  what: z.string().default(''),
});
type EntryArgs = z.infer<typeof argsSchema>;

/** absent: no entry of ours · denied: it is there and comes first · late: an allow comes before it. */
type EntryValue = 'absent' | 'denied' | 'late';

export const ACL_READ: readonly string[] = ['ec2:DescribeNetworkAcls'];
export const ACL_WRITE: Change = {
  actions: ['ec2:CreateNetworkAclEntry', 'ec2:DeleteNetworkAclEntry'],
  resources: ['arn:${Partition}:ec2:${Region}:${Account}:network-acl/*'],
  condition: { StringLike: { [`aws:ResourceTag/${ACL_TAG}`]: '*' } },
  why: 'deny entries, in network ACLs that carry its tag only',
  worst: 'allows or denies any traffic in network ACLs that carry the tag',
};

export const isTagged = (acl: NetworkAcl): boolean => (acl.Tags ?? []).some(({ Key }) => Key === ACL_TAG);

type AclKinds = { readonly 'acl-entry': ReturnType<typeof aclEntry> };
export type AclStep = StepOf<AclKinds>;
export type AclView = StepViewOf<AclKinds>;

/** Both directions of one ACL: a reply is a packet of its own to a stateless filter. */
export const denySteps = (given: {
  readonly region: string;
  readonly acl: string;
  readonly cidr: string;
  readonly subnets: readonly string[];
  readonly what: string;
}): readonly AclStep[] =>
  [false, true].map((egress) => {
    const id = idOf({ ...given, egress });
    const args: EntryArgs = {
      step: id,
      region: given.region,
      acl: given.acl,
      egress,
      cidr: given.cidr,
      subnets: [...given.subnets],
      what: given.what,
    };
    return {
      id,
      kind: 'acl-entry',
      role: 'contain',
      describe: `Deny ${egress ? 'traffic to' : 'traffic from'} ${given.what} in ${given.acl}`,
      args,
      before: 'absent',
      after: 'denied',
    };
  });

/** The network ACLs that filter these subnets. */
export async function aclsOf(aws: Aws, subnets: readonly string[]): Promise<readonly NetworkAcl[]> {
  if (subnets.length === 0) return [];
  return describeAcls(aws, { Filters: [{ Name: 'association.subnet-id', Values: [...subnets] }] });
}

async function describeAcls(
  aws: Aws,
  which: { NetworkAclIds?: string[]; Filters?: { Name: string; Values: string[] }[] },
): Promise<readonly NetworkAcl[]> {
  const { client, api } = await aws.ec2();
  return allPages(async (token) => {
    const answer = await client.send(
      new api.DescribeNetworkAclsCommand({ ...which, ...(token ? { NextToken: token } : {}) }),
    );
    return { items: answer.NetworkAcls, next: answer.NextToken };
  });
}

/** Subnets an ACL filters. */
export const subnetsOf = ({ Associations = [] }: NetworkAcl): readonly string[] =>
  Associations.flatMap(({ SubnetId }) => SubnetId ?? []);

async function aclOf(aws: Aws, { region, acl }: EntryArgs): Promise<NetworkAcl | undefined> {
  try {
    return (await describeAcls(aws.inRegion(region), { NetworkAclIds: [acl] }))[0];
  } catch (error) {
    if (awsErrorName(error) === 'InvalidNetworkAclID.NotFound') return undefined;
    throw error;
  }
}

const rangeOf = ({ CidrBlock, Ipv6CidrBlock }: NetworkAclEntry) =>
  parseRange(CidrBlock ?? Ipv6CidrBlock ?? '');

/** An entry that denies exactly the range, whatever the protocol: the only content Firebreak writes. */
function isOurs(entry: NetworkAclEntry, { egress, cidr }: EntryArgs): boolean {
  const range = rangeOf(entry);
  return (
    entry.Egress === egress &&
    entry.RuleAction === 'deny' &&
    entry.Protocol === '-1' &&
    range !== undefined &&
    canonicalRange(range) === cidr
  );
}

const inBand = ({ RuleNumber = 0 }: NetworkAclEntry): boolean =>
  RuleNumber >= BAND.first && RuleNumber <= BAND.last;

/** Number of the first entry that lets some of the range through in this direction; Infinity when none does. */
function firstAllow(entries: readonly NetworkAclEntry[], { egress, cidr }: EntryArgs): number {
  const wanted = parseRange(cidr);
  const numbers = entries
    .filter((entry) => {
      const range = rangeOf(entry);
      return entry.Egress === egress && entry.RuleAction === 'allow' && range && wanted
        ? overlap(range, wanted)
        : false;
    })
    .map(({ RuleNumber = 0 }) => RuleNumber);
  return Math.min(...numbers, Number.POSITIVE_INFINITY);
}

/** Number of our entry. What was written is known by its number; before that was stored, by its content. */
function ourNumber(
  entries: readonly NetworkAclEntry[],
  args: EntryArgs,
  { outputs }: Pick<StepContext, 'outputs'>,
): number | undefined {
  const known = own(outputs, args.step);
  const ours = entries.filter((entry) => inBand(entry) && isOurs(entry, args));
  const found = ours.filter(({ RuleNumber }) => known === undefined || RuleNumber === known);
  return found.map(({ RuleNumber = 0 }) => RuleNumber).sort((a, b) => a - b)[0];
}

/** What the entry is worth now, and its number. */
export async function entryState(
  raw: unknown,
  context: Pick<StepContext, 'aws' | 'outputs'>,
): Promise<{ readonly value: EntryValue; readonly number?: number; readonly covers: boolean }> {
  const args = argsSchema.parse(raw);
  const acl = await aclOf(context.aws, args);
  if (!acl) return { value: 'absent', covers: false };
  const entries = acl.Entries ?? [];
  const behind = subnetsOf(acl);
  const covers = args.subnets.every((subnet) => behind.includes(subnet));
  const number = ourNumber(entries, args, context);
  if (number === undefined) return { value: 'absent', covers };
  if (number < firstAllow(entries, args)) return { value: 'denied', number, covers };
  // One that comes too late and is not known to be ours is someone else's, and stays.
  return own(context.outputs, args.step) === number
    ? { value: 'late', number, covers }
    : { value: 'absent', covers };
}

const idOf = ({ acl, egress, cidr }: Pick<EntryArgs, 'acl' | 'egress' | 'cidr'>): string =>
  `acl:${acl}:${egress ? 'egress' : 'ingress'}:${cidr}`;

/**
 * One deny entry in one direction of one ACL, of a range that the playbook knows to be the incident's: a wider one would shut
 * everyone out, and another one's entry is another incident's containment.
 */
export const aclEntry = (
  isOf: (entry: Pick<EntryArgs, 'region' | 'cidr'>, context: StepContext) => boolean | Promise<boolean>,
) =>
  stepKind(argsSchema, {
    value: z.enum(['absent', 'denied', 'late']),
    async foreign(args, context) {
      if (args.step !== idOf(args)) return `${args.step} is not the step of this entry`;
      return (await isOf(args, context))
        ? undefined
        : `${args.cidr} in ${args.region} is not of this incident`;
    },
    async read(args, context) {
      const { value, number } = await entryState(args, context);
      return number === undefined ? { value } : { value, output: number };
    },
    after: () => 'denied' satisfies EntryValue,
    // Ours, but with another principal's allow before it: contain moves it down, undo takes it away.
    between: () => ['late'] satisfies EntryValue[],
    async apply(args, context) {
      const taken = new Set<number>();
      for (let attempt = 0; ; attempt++) {
        const acl = await aclOf(context.aws, args);
        if (!acl)
          throw failed(
            args,
            'the network ACL does not exist any more',
            'Look at its subnets and contain again.',
          );
        const entries = acl.Entries ?? [];
        const limit = firstAllow(entries, args);
        const ours = ourNumber(entries, args, context);
        if (ours !== undefined && ours < limit) return ours;
        const number = freeNumber(entries, args, limit, taken);
        try {
          await create(context.aws, args, number);
        } catch (error) {
          // Another incident took the number, or we did before a crash and AWS did not show it yet.
          if (awsErrorName(error) !== 'NetworkAclEntryAlreadyExists' || attempt >= 20)
            throw explained(error, args);
          // The journal knows the number to be ours: AWS does not show the entry yet, and a second one would never go.
          if (number === own(context.outputs, args.step)) return number;
          if (await shown(context.aws, args, number)) continue;
          taken.add(number);
          continue;
        }
        if (ours !== undefined && ours === own(context.outputs, args.step))
          await remove(context.aws, args, ours);
        return number;
      }
    },
    async revert(args, context) {
      const { number } = await entryState(args, context);
      if (number === undefined) return 'absent';
      await remove(context.aws, args, number);
      return 'reverted';
    },
  });

/** The lowest number of the band that is free and comes before every allow. Throws where there is none. */
function freeNumber(
  entries: readonly NetworkAclEntry[],
  args: EntryArgs,
  limit: number,
  taken: ReadonlySet<number>,
): number {
  // A number is one entry per direction, IPv4 and IPv6 together.
  const used = new Set(
    entries.filter(({ Egress }) => Egress === args.egress).map(({ RuleNumber }) => RuleNumber),
  );
  for (let number: number = BAND.first; number <= Math.min(BAND.last, limit - 1); number++) {
    if (!used.has(number) && !taken.has(number)) return number;
  }
  throw failed(
    args,
    limit <= BAND.last
      ? `rule ${limit} lets the address through before any number that is left`
      : `numbers ${BAND.first} to ${BAND.last} are all taken`,
    `Move its own rules to ${BAND.last + 1} and above, or deny the address by hand.`,
  );
}

/** True once AWS lists the entry that holds the number. */
async function shown(aws: Aws, args: EntryArgs, number: number): Promise<boolean> {
  const { retryBaseMs } = awsConfiguration();
  for (let attempt = 0; attempt < 5; attempt++) {
    const acl = await aclOf(aws, args);
    if (acl?.Entries?.some(({ RuleNumber, Egress }) => RuleNumber === number && Egress === args.egress))
      return true;
    await sleep((retryBaseMs ?? 500) * 2 ** attempt);
  }
  return false;
}

async function create(aws: Aws, { region, acl, egress, cidr }: EntryArgs, RuleNumber: number): Promise<void> {
  const { client, api } = await aws.inRegion(region).ec2();
  await client.send(
    new api.CreateNetworkAclEntryCommand({
      NetworkAclId: acl,
      Egress: egress,
      RuleNumber,
      Protocol: '-1',
      RuleAction: 'deny',
      ...(cidr.includes(':') ? { Ipv6CidrBlock: cidr } : { CidrBlock: cidr }),
    }),
  );
}

async function remove(aws: Aws, { region, acl, egress }: EntryArgs, RuleNumber: number): Promise<void> {
  const { client, api } = await aws.inRegion(region).ec2();
  try {
    await client.send(
      new api.DeleteNetworkAclEntryCommand({ NetworkAclId: acl, Egress: egress, RuleNumber }),
    );
  } catch (error) {
    if (awsErrorName(error) !== 'InvalidNetworkAclEntry.NotFound') throw error;
  }
}

/** 20 rules a direction unless the quota was raised (Amazon VPC quotas); the default deny counts. */
const explained = (error: unknown, args: EntryArgs): unknown =>
  awsErrorName(error) === 'NetworkAclEntryLimitExceeded'
    ? failed(
        args,
        `the network ACL is full (NetworkAclEntryLimitExceeded): no ${args.egress ? 'outbound' : 'inbound'} rule was added, none was overwritten`,
        'Free a rule, or raise the quota "Rules per network ACL", and contain again.',
        error,
      )
    : error;

const failed = ({ acl }: EntryArgs, message: string, next: string, cause?: unknown): FirebreakError =>
  new FirebreakError('StepFailed', message, { resource: acl, next, ...(cause ? { cause } : {}) });
