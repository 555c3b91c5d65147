/** `firebreak simulate`: a realistic finding of any type in the sandbox, or GuardDuty's own sample in a deployed stack. */

import { FirebreakError } from '../core/errors.ts';
import type { SeverityLabel } from '../core/finding/finding.ts';
import { detectorOf } from '../core/lists/address-lists.ts';
import { nearest } from '../core/nearest.ts';
import { type PublishedType, publishedTypes } from '../playbooks/coverage.ts';
import { simulatedEvent } from '../sandbox/simulated/event.ts';
import { openPlace, type PlaceOptions } from './place.ts';
import { terminal } from './terminal.ts';

type Published = Pick<PublishedType, 'type' | 'defaultSeverity'>;

export interface SimulateInput extends PlaceOptions {
  readonly type: string;
  readonly severity: SeverityLabel | undefined;
  readonly answer: 'approve' | 'deny' | undefined;
  readonly print: boolean;
  readonly json: boolean;
}

/** Exit status as `run`. Throws FirebreakError for a type that is not published or not distinguished. */
export async function simulate(input: SimulateInput): Promise<number> {
  const published = typeNamed(input.type, await publishedTypes());
  if (input.live && !input.print) return sampleInGuardDuty(input, published.type);
  const { SANDBOX_SCOPE } = await import('../sandbox/scope.ts');
  const event = simulatedEvent(published.type, {
    scope: SANDBOX_SCOPE,
    severity: input.severity ?? labelOf(published),
    now: new Date(),
    seed: `simulate ${Date.now()}`,
    sample: false,
  });
  if (input.print) {
    terminal().out(JSON.stringify(event, null, 2));
    return 0;
  }
  const { runFindings } = await import('./run.ts');
  return runFindings([{ raw: event }], input);
}

/** The published type of this name, or the only one it is a part of; upper and lower case are the same. */
export function typeNamed(text: string, types: readonly Published[]): Published {
  const wanted = text.toLowerCase();
  const exact = types.find(({ type }) => type.toLowerCase() === wanted);
  if (exact) return exact;
  const near = types.filter(({ type }) => type.toLowerCase().includes(wanted));
  const [only] = near;
  if (only && near.length === 1) return only;
  const meant = near.length === 0 ? typeMeant(text, types) : undefined;
  throw new FirebreakError(
    'InputInvalid',
    near.length === 0
      ? `${JSON.stringify(text)}: unknown finding type${meant === undefined ? '' : ` (did you mean ${meant}?)`}`
      : `${JSON.stringify(text)} is part of ${near.length} finding types: ${near
          .slice(0, 8)
          .map(({ type }) => type)
          .join(', ')}${near.length > 8 ? ', …' : ''}`,
    { next: 'npx firebreak coverage lists all types.' },
  );
}

/** People type the last part of a name (`BitcoinTool`), with its family or without. */
function typeMeant(text: string, types: readonly Published[]): string | undefined {
  const byName = new Map<string, string>();
  for (const { type } of types) {
    const last = type.slice(type.lastIndexOf('/') + 1);
    for (const name of [type, last, last.replace(/[.!].*$/, '')])
      if (!byName.has(name)) byName.set(name, type);
  }
  return byName.get(nearest(text, [...byName.keys()]) ?? '');
}

/** GuardDuty's documentation gives some types several severities; the highest is played. */
function labelOf({ defaultSeverity }: Published): SeverityLabel {
  const text = defaultSeverity.toLowerCase();
  const labels: readonly SeverityLabel[] = ['critical', 'high', 'medium', 'low'];
  return labels.find((label) => text.includes(label)) ?? 'high';
}

async function sampleInGuardDuty(input: SimulateInput, type: string): Promise<number> {
  const { out } = terminal();
  const place = await openPlace(input);
  try {
    const detector = await detectorOf(place.aws);
    const { client, api } = await place.aws.guardDuty();
    await client.send(new api.CreateSampleFindingsCommand({ DetectorId: detector, FindingTypes: [type] }));
    if (input.json) out(JSON.stringify({ type, detector, made: true }));
    else {
      out(`GuardDuty makes a sample finding of ${type}; EventBridge delivers it within five minutes.`);
      out('You get a card with a SAMPLE banner. Nothing is changed. Watch it: npx firebreak tail --live');
    }
    return 0;
  } finally {
    await place.close();
  }
}
