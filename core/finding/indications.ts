/**
 * What GuardDuty saw, beyond who and where: the file and process of Runtime Monitoring, the models and guardrails of AI
 * Protection, the rule or the attack sequence that it belongs to. One list for card, details and page.
 */
import { isFirebreakError } from '../errors.ts';
import type { JsonObject } from '../json.ts';
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
    ...named('Attack sequence', detail.optionalText('associatedAttackSequenceArn')),
  ];
}

const named = (name: string, value: string | undefined): readonly Indication[] =>
  value === undefined || value === '' ? [] : [{ name, value: value.slice(0, 1000) }];

/** Part of a shape that nobody expects is left out; the JSON has it. */
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
