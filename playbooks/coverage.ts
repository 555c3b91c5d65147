/** What would be done about every published finding type: one source for `firebreak coverage`, docs/coverage.md and tests. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { exampleOf } from '../core/finding/example.ts';
import type { Finding, SeverityLabel } from '../core/finding/finding.ts';
import { SCAN_TYPES } from '../core/finding/scan.ts';
import type { DecisionKind, ExpiryAction } from '../core/incident/incident.ts';
import type { Policy } from '../core/policy/compiled.ts';
import type { GateFacts } from '../core/policy/facts.ts';
import { CUSTOM_DETECTION } from './common/iam/principal-types.ts';
import { answersFor, COMPOSITES, NOTICE, playbookById } from './index.ts';

export const LABELS: readonly SeverityLabel[] = ['low', 'medium', 'high', 'critical'];

const publishedType = z.strictObject({
  type: z.string(),
  purpose: z.string(),
  resource: z.string(),
  /** As the documentation writes it; some types have several. */
  defaultSeverity: z.string(),
  /** retired: GuardDuty makes none any more, old ones are still read. custom: made by the owner's Custom Detection Rules. scan: a result of a malware scan, not a type of GuardDuty. */
  state: z.enum(['active', 'retired', 'custom', 'scan']),
  /** The documented type that this one is another spelling of. */
  aliasOf: z.string().optional(),
  /** Date of its announcement, where it is newer than the first list. */
  since: z.string().optional(),
});
export type PublishedType = z.infer<typeof publishedType>;
const catalogue = z.strictObject({ asOf: z.iso.date(), types: z.array(publishedType) });

const TYPES = new URL('finding-types.json', import.meta.url);
/** Every type in GuardDuty's documentation, sorted by name, and the day on which the list was compared with it. */
export const typeCatalogue = async (): Promise<z.infer<typeof catalogue>> =>
  catalogue.parse(JSON.parse(await readFile(TYPES, 'utf8')));

export const publishedTypes = async (): Promise<readonly PublishedType[]> => (await typeCatalogue()).types;

/** The results of malware scans that are no findings, as types that policy.yml decides about. */
export const SCAN_RESULTS: readonly PublishedType[] = [...SCAN_TYPES].map(([type, { severity }]) => {
  const [purpose = '', rest = ''] = type.split(':');
  const [resource = ''] = rest.split('/');
  return { type, purpose, resource, defaultSeverity: severity < 4 ? 'Low' : 'Medium', state: 'scan' };
});

/** What a rule can distinguish within one finding type. */
export interface Variant {
  readonly name: string;
  readonly change: Partial<Finding>;
  readonly facts?: Pick<GateFacts, 'principalUnderIncident'>;
}
const PLAIN: Variant = { name: '', change: {} };
export const VARIANTS: readonly Variant[] = [
  PLAIN,
  { name: 'resource attacked (TARGET)', change: { resourceRole: 'TARGET' } },
  { name: 'resource attacking (ACTOR)', change: { resourceRole: 'ACTOR' } },
  {
    name: 'used from an account outside the organisation',
    change: { action: { kind: 'AWS_API_CALL', remote: [{ account: '444455556666', affiliated: false }] } },
  },
  {
    name: 'used from an account of the same organisation',
    change: { action: { kind: 'AWS_API_CALL', remote: [{ account: '210987654321', affiliated: true }] } },
  },
  {
    name: 'another open incident on the same principal',
    change: {},
    facts: {
      principalUnderIncident: { incidentId: 'fb-000000000000', type: 'any', status: 'awaiting-approval' },
    },
  },
];

export interface Judged {
  readonly kind: DecisionKind;
  /** What silence does to an ask. */
  readonly expiry: ExpiryAction;
  /** What the rule wants, where no playbook contains the type and the channel is notified instead. */
  readonly wanted: DecisionKind;
  /** A person is paged as well. */
  readonly page: boolean;
  readonly rule: string;
  readonly reasons: readonly string[];
  readonly unknownType: boolean;
}

/** The decision on a type at a severity, before any live gate. */
export function judge(policy: Policy, type: string, label: SeverityLabel, variant: Variant = PLAIN): Judged {
  const finding: Finding = { ...exampleOf(type, label), ...variant.change };
  const now = new Date(0);
  const [id = NOTICE.id] = answersFor(type);
  // The kind of resource only counts for the circuit breaker, which has nothing to count here.
  const wanted = policy.decide(finding, { now, playbook: { id, kind: 'any' }, ...variant.facts });
  const decided =
    id === NOTICE.id
      ? policy.decide(finding, { now, playbook: { none: 'no playbook contains it' }, ...variant.facts })
      : wanted;
  const { kind, expiry, page, rule, reasons, unknownType } = decided;
  return { kind, expiry, wanted: wanted.kind, page, rule, reasons, unknownType };
}

export interface CoverageLine extends Readonly<Record<SeverityLabel, DecisionKind>> {
  readonly type: string;
  /** The answer that is asked first. */
  readonly playbook: string;
  /** Every answer there may be; which one it is depends on the resource that the finding carries. */
  readonly playbooks: readonly string[];
  readonly reversible: Reversible;
}
type Reversible = 'fully' | 'partly' | 'by part' | 'no change';

/** One line for a type; a type no one knows falls to the rules and playbooks of its family, or to `notify`. */
export function coverageLine(policy: Policy, type: string): CoverageLine {
  const found = answersFor(type);
  const playbooks = found.length > 0 ? found : [NOTICE.id];
  const [playbook = NOTICE.id] = playbooks;
  const at = (label: SeverityLabel) => judge(policy, type, label).kind;
  return {
    type,
    playbook,
    playbooks,
    low: at('low'),
    medium: at('medium'),
    high: at('high'),
    critical: at('critical'),
    reversible: reversibleOf(playbook),
  };
}

function reversibleOf(id: string): Reversible {
  if (COMPOSITES.some((composite) => composite.id === id)) return 'by part';
  return playbookById(id)?.reversible.kind ?? 'no change';
}

/** A type for each pattern of Custom Detection Rules, which no list of published types names: the owner's rules make them. */
export const customTypes = (): readonly string[] =>
  CUSTOM_DETECTION.map((pattern) => pattern.replace('*', 'Any'));
