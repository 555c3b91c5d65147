/**
 * What GuardDuty saw, beyond who and where: the file and process of Runtime Monitoring, the models and guardrails of AI
 * Protection, the rule or the attack sequence that it belongs to. One list for card, details and page.
 */
import { isFirebreakError } from '../errors.ts';
import { type JsonObject, own } from '../json.ts';
import type { Finding } from './finding.ts';
import { type Reader, reader } from './reader.ts';

/** `value` is untrusted. */
export interface Indication {
  readonly name: string;
  readonly value: string;
}

/** In the order in which a responder reads them; empty where the finding carries none of it. Never throws. */
export const indications = (finding: Finding): readonly Indication[] => indicationsIn(finding.detail);

/** The same of a finding with camelCase keys as it is stored, whether or not it is one that parses. */
export function indicationsIn(stored: JsonObject): readonly Indication[] {
  const detail = reader(stored, 'detail');
  return [
    ...named('Custom Detection Rule', detail.optionalText('customDetectionRuleName')),
    ...safely(() => runtime(detail)),
    ...safely(() => models(detail)),
    ...safely(() => guardrails(detail)),
    ...safely(() => indicators(detail)),
    ...named('Attack sequence', detail.optionalText('associatedAttackSequenceArn')),
  ];
}

const named = (name: string, value: string | undefined): readonly Indication[] =>
  value === undefined || value === '' ? [] : [{ name, value: value.slice(0, 1000) }];

/** Part of a shape that no one expects is left out; the JSON has it. */
function safely(work: () => readonly Indication[]): readonly Indication[] {
  try {
    return work();
  } catch (error) {
    if (isFirebreakError(error, 'FindingInvalid')) return [];
    throw error;
  }
}

/** `service.runtimeDetails`: fileOperation is Write, Delete, Rename, Link or Symlink (GuardDuty API reference, "RuntimeContext"). */
function runtime(detail: Reader): readonly Indication[] {
  const runtimeDetails = detail.child('service')?.child('runtimeDetails');
  const context = runtimeDetails?.child('context');
  const process = runtimeDetails?.child('process');
  const operation = context?.optionalText('fileOperation');
  const path = context?.optionalText('filePath') ?? context?.optionalText('threatFilePath');
  const lineage = (process?.children('lineage') ?? []).map(processName).filter((name) => name !== '');
  return [
    ...named('File', path === undefined ? undefined : `${path}${operation ? ` (${operation})` : ''}`),
    ...named('Process', process && processText(process)),
    ...named('Started by', lineage.join(' ← ')),
    ...named('Command', context?.optionalText('commandLineExample')),
  ];
}

const processName = (process: Reader): string =>
  process.optionalText('executablePath') ?? process.optionalText('name') ?? '';

function processText(process: Reader): string {
  const [pid, user, sha256] = ['pid', 'user', 'executableSha256'].map((name) => process.optionalText(name));
  return [
    processName(process),
    ...(pid === undefined ? [] : [`pid ${pid}`]),
    ...(user === undefined ? [] : [`user ${user}`]),
    ...(sha256 === undefined ? [] : [`sha256 ${sha256}`]),
  ].join(', ');
}

/** Indicators of an attack sequence by name (GuardDuty API reference, "Indicator"); one that is newer keeps its key. */
const INDICATORS: Readonly<Record<string, string>> = {
  ATTACK_TACTIC: 'Attack tactic',
  ATTACK_TECHNIQUE: 'Attack technique',
  CRYPTOMINING_DOMAIN: 'Mining domain',
  CRYPTOMINING_IP: 'Mining address',
  CRYPTOMINING_PROCESS: 'Mining process',
  HIGH_RISK_API: 'High-risk call',
  MALICIOUS_DOMAIN: 'Malicious domain',
  MALICIOUS_FILE: 'Malicious file',
  MALICIOUS_IP: 'Malicious address',
  MALICIOUS_PACKAGE: 'Malicious package',
  MALICIOUS_PROCESS: 'Malicious process',
  MISCONFIGURATION: 'Misconfiguration',
  REACHABILITY: 'Reachable',
  SENSITIVE_DATA: 'Sensitive data',
  SUSPICIOUS_NETWORK: 'Suspicious network',
  SUSPICIOUS_PROCESS: 'Suspicious process',
  SUSPICIOUS_USER_AGENT: 'Suspicious user agent',
  TOR_IP: 'Tor address',
  UNUSUAL_API_FOR_ACCOUNT: 'Unusual call for the account',
  UNUSUAL_ASN_FOR_ACCOUNT: 'Unusual network for the account',
  UNUSUAL_ASN_FOR_USER: 'Unusual network for the user',
  VULNERABILITY: 'Vulnerability',
};
/** Most values of one indicator that are named: GuardDuty gives up to 400. */
const MOST_VALUES = 8;

/** Of the sequence and of its signals, each key once with its values. */
function indicators(detail: Reader): readonly Indication[] {
  const sequence = detail.child('service')?.child('detection')?.child('sequence');
  if (!sequence) return [];
  const given = [
    ...sequence.children('sequenceIndicators'),
    ...sequence.children('signals').flatMap((signal) => signal.children('signalIndicators')),
  ];
  const values = new Map<string, Set<string>>();
  for (const one of given) {
    const key = one.optionalText('key');
    if (key === undefined) continue;
    const known = values.get(key) ?? new Set();
    for (const value of one.texts('values')) known.add(value);
    values.set(key, known);
  }
  return [...values].flatMap(([key, found]) => {
    const shown = [...found].slice(0, MOST_VALUES).join(', ');
    const more = found.size > MOST_VALUES ? ` and ${found.size - MOST_VALUES} more` : '';
    return named(own(INDICATORS, key) ?? key.slice(0, 60), shown === '' ? 'seen' : `${shown}${more}`);
  });
}

const models = (detail: Reader): readonly Indication[] =>
  named(
    'Models',
    (detail.child('resource')?.children('modelDetails') ?? [])
      .map((model) => model.optionalText('modelId') ?? '')
      .filter((id) => id !== '')
      .join(', '),
  );

/**
 * What a guardrail did about a prompt attack. BLOCKED is what a filter did, GUARDRAIL_INTERVENED alone may be a mask
 * (Bedrock user guide): where no filter blocked, the model answered.
 */
function guardrails(detail: Reader): readonly Indication[] {
  const details = detail.child('resource')?.child('bedrockGuardrailDetails');
  if (!details) return [];
  const each = details.children('guardrails').map((one) => {
    const version = one.optionalText('version');
    return `${one.optionalText('arn') ?? ''}${version === undefined ? '' : ` version ${version}`}`;
  });
  const filters = details.children('contentPolicyFilters');
  const blocked = filters.some((filter) => filter.optionalText('action') === 'BLOCKED');
  const attack = filters.find((filter) => filter.optionalText('type') === 'PROMPT_ATTACK');
  const source = details.optionalText('guardrailSource');
  const did = [
    blocked ? 'blocked' : 'only detected: the model answered',
    ...(source === undefined ? [] : [`in the ${source.toLowerCase()}`]),
    ...(attack === undefined
      ? []
      : [`confidence ${attack.optionalText('confidence')?.toLowerCase() ?? 'not given'}`]),
  ].join(', ');
  return [
    ...named('Guardrail', each.join(', ') || details.optionalText('guardrailArn')),
    ...named('Prompt attack', did),
  ];
}
