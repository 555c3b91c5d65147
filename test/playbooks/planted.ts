/**
 * Someone who can write to the table changes the record of a step: its arguments, the values before and after, its output.
 * Whatever they plant, resuming and undoing make no call that an honest record would not have led to.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AwsCall } from '../../core/aws/client.ts';
import { FirebreakError, isAwsError } from '../../core/errors.ts';
import type { StepRecord } from '../../core/journal/hold.ts';
import type { Playbook } from '../../core/journal/playbook.ts';
import { isJsonObject, type Json, toJson } from '../../core/json.ts';
import { unrecorded } from '../unrecorded.ts';
import type { Accounts, Scene } from './properties.ts';
import { untilDone } from './properties.ts';

const ALLOW = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] };
const OPEN_RULE = { egress: false, protocol: '-1', from: null, to: null, peer: 'ipv4', value: '0.0.0.0/0' };

/** What an attacker would like to see written, whatever it stands in for. */
const HOSTILE: readonly Json[] = [
  ...['*', '0.0.0.0/0', '::/0', '10.0.0.0/8', '$' + '{aws:userid}', 'system:masters', 'cluster-admin'],
  ...['sg-0fffffffffffffff0', 'eni-0fffffffffffffff0', 'i-0fffffffffffffff0', 'acl-0fffffffffffffff0'],
  'arn:aws:iam::111122223333:instance-profile/admin',
  'arn:aws:iam::aws:policy/AdministratorAccess',
  'arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy',
  'arn:aws:iam::999900001111:role/evil',
  'arn:aws:s3:::evil',
  'app-rights',
  JSON.stringify(ALLOW),
  ALLOW,
  ALLOW.Statement[0] ?? null,
  [OPEN_RULE],
  ['sg-0fffffffffffffff0'],
  { 'aws:foreign': 'key' },
  {},
  [],
  null,
  true,
  false,
  7,
];

/**
 * What only the journal knows: a former value of the customer's own, in its own form, in its own place. Of these the person who
 * undoes is shown the value (docs/threat-model.md, "Tampering"); no other difference is let through.
 */
const BELIEVED: Readonly<Record<string, RegExp>> = {
  'termination-protection': /EC2:ModifyInstanceAttribute DisableApiTermination\.Value=(true|false)$/,
  'shutdown-behaviour':
    /EC2:ModifyInstanceAttribute InstanceInitiatedShutdownBehavior\.Value="(stop|terminate)"$/,
  'keep-volume': /EC2:ModifyInstanceAttribute BlockDeviceMappings\..*DeleteOnTermination=(true|false)$/,
  'interface-groups': /EC2:ModifyNetworkInterfaceAttribute Groups\.="sg-/,
  deregister: /ElasticLoadBalancingV2:RegisterTargets (TargetGroupArn|Targets\..(Port|AvailabilityZone))=/,
  'suspend-scaling': /ApplicationAutoScaling:RegisterScalableTarget SuspendedState\.\w+=(true|false)$/,
  'desired-count': /ECS:UpdateService desiredCount=\d+$/,
  concurrency:
    /Lambda:(DeleteFunctionConcurrency |PutFunctionConcurrency (FunctionName=|ReservedConcurrentExecutions=\d+$))/,
  provisioned:
    /Lambda:PutProvisionedConcurrencyConfig (Qualifier="[\w-]+"|ProvisionedConcurrentExecutions=\d+)$/,
  scale: /Kubernetes:\w+ body\.spec\.replicas=\d+$/,
  quarantine: /Kubernetes:PatchPods body\.metadata\.labels\./,
  policy: /EKS:AssociateAccessPolicy (accessScope\.|policyArn="arn:aws:eks::aws:cluster-access-policy\/)/,
  groups: /EKS:UpdateAccessEntry kubernetesGroups\.="(?!system:)/,
  // Which of the case's own statements on the user.
  'deny-user': /PutInlinePolicyToPermissionSet InlinePolicy\.Statement\.\.Sid="Firebreakfb[0-9a-f]{12}n\d+"$/,
  binding:
    /Kubernetes:Create\w+bindings body\.(roleRef|metadata\.(labels|annotations|ownerReferences|finalizers))\./,
  'public-access-block':
    /DeletePublicAccessBlock |PutPublicAccessBlock PublicAccessBlockConfiguration\.\w+=(true|false)$/,
  // The attacker's state, which a second person restores: undoing these always asks one.
  'bucket-access-logs': /S3:PutBucketLogging BucketLoggingStatus/,
  'password-policy': /IAM:(UpdateAccountPasswordPolicy \w+=[\w]+|DeleteAccountPasswordPolicy =\{\})$/,
  'model-invocation-logging': /Bedrock:(Put|Delete)ModelInvocationLoggingConfiguration /,
  'guardduty-detector': /GuardDuty:UpdateDetector (enable|Enable|features|Features)\b/,
  // Which trail, where the finding names none.
  logging: /CloudTrail:StopLogging Name="arn:aws:cloudtrail:[a-z0-9-]+:111122223333:trail\/[\w.-]+"$/,
  // Which of the two entries of its own domain were there before.
  'domain-list': /Route53Resolver:UpdateFirewallDomains Domains\.="(\*\.)?c2\.example\.com"$/,
  'event-selectors': /CloudTrail:PutEventSelectors (Advanced)?EventSelectors\./,
  tag: /S3:PutObjectTagging Tagging\.TagSet\..Value=/,
  // Where none is recorded it is taken away again.
  mark: /EC2:(CreateTags Tags\..Value=|DeleteTags )/,
};

/** Where in a record, and what is put there; `turn` chooses among the leaves. */
const plantings = fc.record({
  step: fc.nat(),
  field: fc.constantFrom('args', 'before', 'after', 'output'),
  turn: fc.nat(),
  // Something of the same form is what a schema alone does not tell from the real thing.
  value: fc.oneof(
    fc.constantFrom('another' as const),
    fc.constantFrom(...HOSTILE.map((value) => ({ value }))),
  ),
  how: fc.constantFrom('leaf', 'leaf', 'leaf', 'root', 'key'),
});
type Planting = typeof plantings extends fc.Arbitrary<infer P> ? P : never;

type Path = readonly (string | number)[];
const entries = (value: Json): readonly (readonly [string | number, Json])[] =>
  Array.isArray(value)
    ? value.map((member: Json, index) => [index, member] as const)
    : isJsonObject(value)
      ? Object.entries(value)
      : [];
const leaves = (value: Json, path: Path = []): readonly Path[] => {
  const inner = entries(value);
  return inner.length === 0 ? [path] : inner.flatMap(([key, member]) => leaves(member, [...path, key]));
};

/** The same with the value at the path changed. */
function changed(value: Json, [key, ...rest]: Path, change: (leaf: Json) => Json): Json {
  if (key === undefined) return change(value);
  if (Array.isArray(value))
    return value.map((member: Json, index) => (index === key ? changed(member, rest, change) : member));
  if (!isJsonObject(value)) return value;
  return { ...value, [key]: changed(value[key] ?? null, rest, change) };
}

/** Another of the same form: one character differs. */
function another(leaf: Json): Json {
  if (typeof leaf !== 'string' || leaf === '') return leaf;
  // Whole characters: half of one is no text.
  const characters = [...leaf];
  const last = characters.pop() ?? '';
  return `${characters.join('')}${last === '1' ? '2' : /[a-z]/.test(last) ? (last === 'b' ? 'c' : 'b') : '1'}`;
}

function plant(value: Json, { turn, value: hostile, how }: Planting): Json {
  const put = (leaf: Json): Json => (hostile === 'another' ? another(leaf) : hostile.value);
  if (how === 'root') return put(value);
  if (how === 'key' && isJsonObject(value))
    return { ...value, foreign: hostile === 'another' ? 'key' : hostile.value };
  const paths = leaves(value);
  return changed(value, paths[turn % paths.length] ?? [], put);
}

function planted(step: StepRecord, planting: Planting): Partial<StepRecord> | undefined {
  const given = step[planting.field];
  if (given === undefined) return undefined;
  const value = plant(given, planting);
  if (planting.field === 'args') return isJsonObject(value) ? { args: value } : undefined;
  return { [planting.field]: value };
}

/** One line for each thing that a call says; times and ids made since `born` are no matter. */
function said({ account, region, service, operation, input }: AwsCall, born: number): readonly string[] {
  const value = parsed(toJson(input));
  const plain = (leaf: Json): string =>
    JSON.stringify(leaf)
      .replace(/[a-z]+-([0-9a-f]{17})/g, (id, hex: string) =>
        Number.parseInt(hex, 16) > born && Number.parseInt(hex, 16) < born + 10_000 ? 'new' : id,
      )
      .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'time');
  return leaves(value).map((path) => {
    const leaf = path.reduce<Json>((at, key) => (at as Record<string | number, Json>)[key] ?? null, value);
    const named = path.map((key) => (typeof key === 'number' ? '' : key)).join('.');
    return `${account} ${region} ${service}:${operation} ${named}=${plain(leaf)}`;
  });
}

/** Members that differ from call to call. */
const DRAWN = ['ClientToken', 'authorization', 'AssociationId', 'LockToken', 'resourceVersion', 'uid'];

/** Documents within texts are read: who writes them may order their members as it likes. */
function parsed(value: Json): Json {
  if (typeof value === 'string' && /^[[{]/.test(value)) {
    try {
      return parsed(JSON.parse(value));
    } catch {
      return value;
    }
  }
  if (Array.isArray(value)) return value.map(parsed);
  if (!isJsonObject(value)) return value;
  const members = Object.entries(value).filter(([name]) => !DRAWN.includes(name));
  return Object.fromEntries(members.map(([key, member]) => [key, parsed(member)]));
}

const born = (at: Scene): number => at.twin.state.serial;
const outcome = async (work: Promise<unknown>): Promise<void> => {
  await work.catch((error: unknown) => {
    if (!(error instanceof FirebreakError) && !isAwsError(error)) throw error;
  });
};

export function plantedProperties<W>(
  playbook: Playbook,
  accounts: Accounts<W>,
  open: (world: W) => Scene,
): void {
  const numRuns = Number(process.env['PLANTED_RUNS'] ?? accounts.runs ?? 25);
  const { worlds } = accounts;

  /** Contains, killed after so many calls and resumed, and undoes; between two of these a record is changed. */
  const run = (world: W, kill: number, when: 'resume' | 'undo', planting?: Planting) =>
    planting ? unrecorded(() => play(world, kill, when, planting)) : play(world, kill, when);

  async function play(world: W, kill: number, when: 'resume' | 'undo', planting?: Planting) {
    const at = open(world);
    const first = born(at);
    let wrote: StepRecord | undefined;
    const rewrite = async () => {
      if (!planting) return;
      const steps = await at.journal();
      const step = steps[planting.step % steps.length];
      const change = step && planted(step, planting);
      if (!step || !change) return;
      wrote = { ...step, ...change };
      await at.rewrite(step, change);
    };
    at.twin.killAfter(kill, 'calls');
    let passes = 0;
    await untilDone(at, async () => {
      passes += 1;
      if (passes === 2 && when === 'resume') await rewrite();
      await outcome(at.contain());
    });
    at.twin.killAfter(1_000_000, 'calls');
    if (when === 'undo') await rewrite();
    at.clock.at += 600_000;
    await outcome(at.undo());
    return { said: at.writes.flatMap((call) => said(call, first)), wrote };
  }

  describe(`${playbook.id}: what is planted in the table`, () => {
    it.each(['undo', 'resume'] as const)(
      'leads to no other call, by %s',
      async (when) => {
        await fc.assert(
          fc.asyncProperty(
            worlds,
            plantings,
            fc.integer({ min: 1, max: 40 }),
            async (world, planting, kill) => {
              const honest = new Set((await run(world, kill, when)).said);
              const hostile = await run(world, kill, when, planting);
              const believed = BELIEVED[hostile.wrote?.kind ?? ''];
              const foreign = hostile.said.filter((line) => !honest.has(line) && !believed?.test(line));
              expect({
                foreign,
                kind: hostile.wrote?.kind,
                record: foreign.length > 0 ? hostile.wrote : undefined,
              }).toMatchObject({ foreign: [] });
            },
          ),
          // The same records in every run; another seed looks at others.
          { numRuns, seed: Number(process.env['PLANTED_SEED'] ?? 20_261_130) },
        );
      },
      300_000,
    );
  });
}
