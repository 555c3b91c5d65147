/**
 * The default policy as it was agreed, row by row: family, decision per severity, what silence does. Every published type
 * is judged by the first row that knows it. Where policy.yml differs on purpose, the row says why.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { exampleOf } from '../core/finding/example.ts';
import type { DecisionKind, ExpiryAction } from '../core/incident/incident.ts';
import { loadPolicy, type Policy } from '../core/policy/policy.ts';
import { coverageLine, judge, LABELS, publishedTypes, VARIANTS, type Variant } from './coverage.ts';
import { answersFor, compositeById, NOTICE, playbookById } from './index.ts';

interface Row {
  readonly family: string;
  readonly types: RegExp;
  /** `-`: does not occur at this severity. */
  readonly low: DecisionKind | '-';
  readonly medium: DecisionKind | '-';
  /** High and critical. */
  readonly high: DecisionKind;
  readonly expiry?: ExpiryAction;
  readonly page?: true;
  /** The answer that is asked first. */
  readonly playbook?: string;
  /** A variant of the finding that the row is about. */
  readonly when?: string;
  /** Why policy.yml decides otherwise, and how. */
  readonly differs?: { readonly why: string } & Partial<Pick<Row, 'low' | 'medium' | 'high' | 'expiry'>>;
}

const TARGET = 'resource attacked (TARGET)';
const ACTOR = 'resource attacking (ACTOR)';
const STRANGER = 'used from an account outside the organisation';
const ORGANISATION = 'used from an account of the same organisation';
const UNDER_INCIDENT = 'another open incident on the same principal';

const ROWS: readonly Row[] = [
  {
    family: 'InstanceCredentialExfiltration.OutsideAWS',
    types: /InstanceCredentialExfiltration\.OutsideAWS$/,
    low: '-',
    medium: 'ask',
    high: 'auto',
    expiry: 'contain',
    playbook: 'revoke-instance-session',
  },
  {
    family: 'InstanceCredentialExfiltration.InsideAWS, account outside the organisation',
    types: /InstanceCredentialExfiltration\.InsideAWS$/,
    when: STRANGER,
    low: '-',
    medium: 'ask',
    high: 'auto',
    expiry: 'escalate',
    playbook: 'revoke-instance-session',
  },
  {
    family: 'InstanceCredentialExfiltration.InsideAWS, the finding does not say whose account it is',
    types: /InstanceCredentialExfiltration\.InsideAWS$/,
    low: '-',
    medium: 'ask',
    high: 'ask',
    expiry: 'escalate',
    playbook: 'revoke-instance-session',
  },
  {
    family: 'InstanceCredentialExfiltration.InsideAWS, account of the organisation',
    types: /InstanceCredentialExfiltration\.InsideAWS$/,
    when: ORGANISATION,
    low: '-',
    medium: 'ask',
    high: 'ask',
    expiry: 'escalate',
  },
  {
    family: 'AI Protection',
    types: /^Impact:IAMUser\/(AnomalousModelInvocation|CostHarvesting|PromptInjection)/,
    low: 'notify',
    medium: 'ask',
    high: 'ask',
    // The identity is usually the application's own: silence never contains it.
    expiry: 'escalate',
    playbook: 'deny-model-invocation',
  },
  {
    family: 'Impact and Exfiltration by a principal',
    types: /^(Impact|Exfiltration):IAMUser\//,
    low: 'notify',
    medium: 'ask',
    high: 'ask',
    expiry: 'contain',
    playbook: 'disable-user-keys',
  },
  {
    family: 'root was used',
    types: /^Policy:IAMUser\/RootCredentialUsage$/,
    low: 'notify',
    medium: 'notify',
    high: 'notify',
    page: true,
    playbook: 'deny-root',
  },
  {
    family: 'a session of root by sts:AssumeRoot',
    types: /^Policy:IAMUser\/ShortTermRootCredentialUsage$/,
    low: 'notify',
    medium: 'notify',
    high: 'notify',
    page: true,
    playbook: 'notify',
  },
  {
    family: 'logging disabled',
    types: /^Stealth:|BedrockLoggingDisabled$/,
    low: 'auto',
    medium: 'auto',
    high: 'auto',
    playbook: 'restore-logging',
  },
  {
    family: 'UnauthorizedAccess, CredentialAccess, Persistence, PrivilegeEscalation of a principal',
    types: /^(UnauthorizedAccess|CredentialAccess|Persistence|PrivilegeEscalation):IAMUser\//,
    low: 'notify',
    medium: 'ask',
    high: 'ask',
    expiry: 'escalate',
    playbook: 'disable-user-keys',
  },
  {
    family: 'reconnaissance, discovery and penetration testing systems',
    types: /^(Recon:IAMUser|Discovery:IAMUser|PenTest:\w+)\//,
    low: 'notify',
    medium: 'notify',
    high: 'ask',
    expiry: 'escalate',
  },
  {
    family: 'the same by a principal under another open incident',
    types: /^(Recon:IAMUser|Discovery:(IAMUser|S3)|PenTest:\w+)\//,
    when: UNDER_INCIDENT,
    low: 'notify',
    medium: 'ask',
    high: 'ask',
    expiry: 'escalate',
    differs: {
      low: 'ask',
      why: 'the other incident is the evidence; the severity of the reconnaissance says little',
    },
  },
  {
    family: 'probed or brute-forced',
    types: /^Recon:EC2\/Port|:EC2\/.*BruteForce$/,
    when: TARGET,
    low: 'notify',
    medium: 'notify',
    high: 'notify',
  },
  {
    family: 'an open port is probed, whatever the role says',
    types: /^Recon:EC2\/PortProbe/,
    low: 'notify',
    medium: 'notify',
    high: 'notify',
    playbook: 'notify',
  },
  {
    family: 'the host attacks others',
    types: /^Recon:EC2\/Portscan$|EC2\/.*BruteForce$|DenialOfService|PortSweep$/,
    when: ACTOR,
    low: 'notify',
    medium: 'ask',
    high: 'ask',
    expiry: 'contain',
  },
  {
    family: 'the host attacks others, no role given',
    types: /^Recon:EC2\/Portscan$|EC2\/.*BruteForce$|DenialOfService|PortSweep$/,
    low: 'notify',
    medium: 'ask',
    high: 'ask',
    expiry: 'contain',
    playbook: 'isolate-instance',
  },
  {
    family: 'command and control, trojans, DNS exfiltration',
    types: /^(Backdoor:EC2\/(C&C|Spambot)|Trojan:EC2\/)/,
    low: 'notify',
    medium: 'ask',
    high: 'auto',
    playbook: 'isolate-instance',
  },
  {
    family: 'mining on an instance',
    types: /^CryptoCurrency:EC2\/|^Impact:EC2\/BitcoinDomainRequest/,
    low: 'notify',
    medium: 'ask',
    high: 'auto',
    playbook: 'stop-miner',
  },
  {
    family: 'mining in a function or container',
    types: /^CryptoCurrency:|BitcoinDomainRequest|CryptoMinerExecuted$/,
    low: 'notify',
    medium: 'ask',
    high: 'ask',
    expiry: 'contain',
    playbook: 'stop-miner',
  },
  {
    family: 'malicious file in an image or snapshot',
    types: /^Execution:EC2\/MaliciousFile!(AMI|Snapshot)$/,
    low: 'notify',
    medium: 'ask',
    high: 'ask',
    playbook: 'mark-image',
    differs: {
      medium: 'auto',
      high: 'auto',
      why: 'only a tag is set: notified and marked, a person deregisters',
    },
  },
  {
    family: 'malicious file in a recovery point',
    types: /^Execution:(EC2|S3)\/MaliciousFile!RecoveryPoint$/,
    low: 'notify',
    medium: 'ask',
    high: 'ask',
    playbook: 'notify',
    differs: {
      medium: 'notify',
      high: 'notify',
      why: 'nothing to approve: recovery points are not changed; paged at high',
    },
  },
  {
    family: 'malicious file',
    types: /^Execution:(EC2|ECS|Container|Kubernetes)\/(Malicious|Suspicious)File$/,
    low: 'notify',
    medium: 'ask',
    high: 'ask',
    expiry: 'escalate',
  },
  {
    family: 'seen at run time',
    types: /:Runtime\//,
    low: 'notify',
    medium: 'ask',
    high: 'ask',
    expiry: 'contain',
    playbook: 'stop-task',
  },
  {
    family: 'bucket opened to the public',
    types: /^Policy:S3\/Bucket/,
    low: 'notify',
    medium: 'ask',
    high: 'auto',
    playbook: 'block-public-bucket',
  },
  {
    family: 'account opened to the public',
    types: /^Policy:S3\/Account/,
    low: 'notify',
    medium: 'ask',
    high: 'ask',
    expiry: 'escalate',
    playbook: 'block-public-account',
  },
  {
    family: 'malicious object',
    types: /^(S3)?Object:S3\//,
    low: 'notify',
    medium: 'auto',
    high: 'auto',
    playbook: 'quarantine-object',
  },
  {
    family: 'Exfiltration and Impact on S3',
    types: /^(Exfiltration|Impact):S3\//,
    low: 'notify',
    medium: 'ask',
    high: 'ask',
    expiry: 'contain',
    playbook: 'contain-bucket-principal',
  },
  {
    family: 'Kubernetes',
    types: /:Kubernetes\//,
    low: 'notify',
    medium: 'ask',
    high: 'ask',
    expiry: 'escalate',
    playbook: 'contain-kubernetes-identity',
  },
  {
    family: 'database data',
    types: /^(Exfiltration|Impact):RDS\//,
    low: 'notify',
    medium: 'ask',
    high: 'ask',
    expiry: 'escalate',
    playbook: 'restrict-database',
  },
  {
    family: 'database logins',
    types: /:RDS\//,
    low: 'notify',
    medium: 'notify',
    high: 'ask',
    expiry: 'escalate',
    playbook: 'restrict-database',
  },
  {
    family: 'Lambda',
    types: /:Lambda\//,
    low: 'notify',
    medium: 'ask',
    high: 'ask',
    playbook: 'throttle-function',
  },
  {
    family: 'attack sequence',
    types: /^AttackSequence:/,
    low: '-',
    medium: '-',
    high: 'ask',
    page: true,
    expiry: 'escalate',
    playbook: 'respond-to-sequence',
  },
  // The rest of the table: "anything else" is notify, notify, ask. Each family that policy.yml knows better says why.
  {
    family: 'discovery in buckets',
    types: /^Discovery:S3\//,
    low: 'notify',
    medium: 'notify',
    high: 'ask',
    expiry: 'escalate',
    playbook: 'contain-bucket-principal',
  },
  {
    family: 'access to buckets from listed addresses',
    types: /^UnauthorizedAccess:S3\//,
    low: 'notify',
    medium: 'notify',
    high: 'ask',
    playbook: 'contain-bucket-principal',
    differs: {
      medium: 'ask',
      expiry: 'contain',
      why: 'the caller is known and one session is a narrow target',
    },
  },
  {
    family: 'other anomalies of a principal',
    types: /^(InitialAccess|DefenseEvasion):IAMUser\//,
    low: 'notify',
    medium: 'notify',
    high: 'ask',
    differs: {
      medium: 'ask',
      expiry: 'escalate',
      why: 'the same model and action as Persistence and PrivilegeEscalation',
    },
  },
  {
    family: 'an instance talks to a listed or hidden address',
    types: /^(UnauthorizedAccess|DefenseEvasion|Impact|Behavior|Canary):EC2\//,
    low: 'notify',
    medium: 'notify',
    high: 'ask',
    playbook: 'isolate-instance',
    differs: {
      medium: 'ask',
      expiry: 'contain',
      why: 'evidence from the network against one instance, and isolation is undone',
    },
  },
];

const TYPES = await publishedTypes();
const PUBLISHED = TYPES.filter(({ state }) => state !== 'custom').map(({ type }) => type);
const CUSTOM = TYPES.filter(({ state }) => state === 'custom').map(({ type }) => type);

let policy: Policy;
beforeAll(async () => {
  policy = await loadPolicy('policy.yml');
});

const variantNamed = (name: string | undefined): Variant => {
  const found = VARIANTS.find((variant) => variant.name === (name ?? ''));
  if (!found) throw new Error(`no variant ${name}`);
  return found;
};

/** What is different from the row, in words. */
function wrongIn(type: string, row: Row): readonly string[] {
  const { differs = {}, when, page, playbook } = row;
  const wanted = { ...row, ...differs };
  const variant = variantNamed(when);
  const wrong: string[] = [];
  for (const label of LABELS) {
    const kind = wanted[label === 'critical' ? 'high' : label];
    const found = judge(policy, type, label, variant);
    if (found.unknownType) wrong.push('no rule knows it');
    if (kind !== '-' && found.kind !== kind) wrong.push(`${label}: ${found.kind}, agreed is ${kind}`);
    if (found.kind === 'ask' && wanted.expiry && found.expiry !== wanted.expiry)
      wrong.push(`${label}: on expiry ${found.expiry}, agreed is ${wanted.expiry}`);
    if (page && label === 'high' && !found.page) wrong.push(`${label}: no one is paged`);
  }
  const first = coverageLine(policy, type).playbook;
  if (playbook !== undefined && first !== playbook) wrong.push(`answered by ${first}, agreed is ${playbook}`);
  return wrong;
}

describe('the agreed table', () => {
  it.each(PUBLISHED)('%s', (type) => {
    const rows = ROWS.filter(({ types }) => types.test(type));
    const plain = rows.find(({ when }) => when === undefined);
    if (!plain) throw new Error('no row of the table knows this type');
    expect({ row: plain.family, wrong: wrongIn(type, plain) }).toEqual({ row: plain.family, wrong: [] });
    for (const row of rows.filter(({ when }) => when !== undefined))
      expect({ row: row.family, wrong: wrongIn(type, row) }).toEqual({ row: row.family, wrong: [] });
  });

  it('has no row without a type, and no difference that is none', () => {
    const idle = ROWS.filter(({ types, when }) => {
      const known = PUBLISHED.filter((type) => types.test(type));
      const own = when === undefined ? known.filter((type) => firstPlain(type)?.types === types) : known;
      return own.length === 0;
    });
    expect(idle.map(({ family }) => family)).toEqual([]);
    const same = ROWS.filter(({ differs, ...row }) =>
      Object.entries(differs ?? {}).some(([key, value]) => row[key as keyof typeof row] === value),
    );
    expect(same.map(({ family }) => family)).toEqual([]);
  });

  it('has an answer for every type that says how it is undone', () => {
    const lines = PUBLISHED.map((type) => coverageLine(policy, type));
    expect(lines).toHaveLength(213);
    for (const { playbook, playbooks, reversible } of lines) {
      expect(playbooks[0]).toBe(playbook);
      const known =
        playbookById(playbook)?.reversible.kind ?? (compositeById(playbook) ? 'by part' : undefined);
      expect(reversible).toBe(playbook === NOTICE.id ? 'no change' : known);
    }
  });
});

const firstPlain = (type: string): Row | undefined =>
  ROWS.find(({ types, when }) => when === undefined && types.test(type));

describe('a type that is not published yet', () => {
  it.each([
    ['Backdoor:EC2/NewThing', 'isolate-instance', 'auto'],
    ['Trojan:Lambda/NewThing', 'throttle-function', 'ask'],
    ['Impact:S3/AnomalousBehavior.NewThing', 'contain-bucket-principal', 'ask'],
    ['CryptoCurrency:Batch/NewThing', 'stop-miner', 'ask'],
    ['Persistence:IAMUser/NewThing', 'disable-user-keys', 'ask'],
    ['Discovery:Kubernetes/NewThing', 'contain-kubernetes-identity', 'ask'],
    ['Execution:Runtime/NewThing', 'stop-task', 'ask'],
    ['AttackSequence:RDS/NewThing', 'respond-to-sequence', 'ask'],
    ['Execution:EC2/MaliciousFile!NewThing', 'notify', 'notify'],
    // Until 2021 there was one type for both.
    ['UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration', 'revoke-instance-session', 'auto'],
    ['UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.NewThing', 'revoke-instance-session', 'ask'],
  ])('%s falls to its family: %s', (type, playbook, high) => {
    expect(coverageLine(policy, type)).toMatchObject({ type, playbook, high });
    expect(judge(policy, type, 'high').unknownType).toBe(false);
  });

  it.each(LABELS)(
    'of a family no one knows is reported at %s, raises the alarm, and pages where it is high',
    (label) => {
      expect(answersFor('Novelty:Toaster/Burnt')).toEqual([]);
      expect(judge(policy, 'Novelty:Toaster/Burnt', label)).toMatchObject({
        kind: 'notify',
        unknownType: true,
        page: label === 'high' || label === 'critical',
        rule: 'no rule',
      });
    },
  );
});

/** GuardDuty user guide, "Custom Detection Rules finding types". An administrator does all of these: silence contains no one. */
describe('a custom detection rule', () => {
  it.each(CUSTOM.filter((type) => type !== 'Impact:S3/DataDestruction'))(
    '%s is asked, about who called and not about what was called',
    (type) => {
      expect(judge(policy, type, 'high')).toMatchObject({
        kind: 'ask',
        expiry: 'escalate',
        unknownType: false,
      });
      expect(judge(policy, type, 'low').kind).toBe('notify');
      expect(answersFor(type)).not.toContain('isolate-instance');
      expect(answersFor(type)).not.toContain('restrict-database');
      expect(answersFor(type)).not.toContain('throttle-function');
      const principals = ['disable-user-keys', 'revoke-role-sessions', 'contain-bucket-principal'];
      expect(answersFor(type).some((id) => principals.includes(id))).toBe(true);
    },
  );

  it('that finds rapid expiry in a bucket is answered as any damage to S3', () => {
    expect(coverageLine(policy, 'Impact:S3/DataDestruction')).toMatchObject({
      playbook: 'contain-bucket-principal',
      medium: 'ask',
    });
  });
});

describe('whatever the type', () => {
  it.each([
    ['a sample is reported', { sample: true }, 'notify'],
    ['an archived finding is recorded', { archived: true }, 'record'],
  ] as const)('%s and nothing is changed', (_name, change, kind) => {
    for (const type of PUBLISHED)
      for (const label of LABELS) expect(judge(policy, type, label, { name: '', change }).kind).toBe(kind);
  });
});

/** Answers that contain an identity; a file that was scanned names none. */
const CONTAINS_AN_IDENTITY = new Set([
  ...['disable-user-keys', 'revoke-role-sessions', 'revoke-sso-sessions', 'revoke-instance-session'],
  ...['contain-bucket-principal', 'contain-kubernetes-identity', 'deny-model-invocation'],
  ...['block-public-account', 'block-public-bucket'],
]);
it.each(
  TYPES.map(({ type }) => type).filter(
    (type) =>
      answersFor(type).some((id) => CONTAINS_AN_IDENTITY.has(id)) && !/(Malicious|Suspicious)File/.test(type),
  ),
)('%s: where an identity is contained, what it changed is asked about', (type) => {
  const { kind, followUps } = policy.want(exampleOf(type, 'high'), {});
  if (kind === 'ask' || kind === 'auto') expect(followUps).toContain('reverse-changes');
  else expect(kind).toBe('notify');
});
