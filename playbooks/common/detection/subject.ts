/** GuardDuty, blinded while its detector stays on: filters, lists, the publishing destination, members and their features. */
import { z } from 'zod';
import type { Aws } from '../../../core/aws/client.ts';
import type {
  Plan,
  PlanOptions,
  Proof,
  StepContext,
  StepOf,
  StepViewOf,
} from '../../../core/journal/playbook.ts';
import { isJsonObject, type Json, type JsonObject, sameJson, toJson } from '../../../core/json.ts';
import { detectorOf } from '../../../core/lists/address-lists.ts';
import { baselineSchema } from '../logging/history.ts';
import { defineSubject } from '../logging/subject.ts';
import { DETECTION, type LoggingFacts, type LoggingTarget, loggingFacts } from '../logging/target.ts';
import { protectedBy } from '../protected.ts';
import { anyJson, damaged, stepKind } from '../step-kind.ts';
import { byHandOf, changeOfPart, changesOf, wasPlace } from './changes.ts';
import {
  type DetectionPart,
  destinationProblem,
  partId,
  partName,
  partSchema,
  putPart,
  readPart,
  recordedPart,
} from './parts.ts';

const changeSchema = z.object({
  part: partSchema,
  by: z.string(),
  live: anyJson,
  baseline: baselineSchema,
  rest: z.array(z.string()),
});
export const detectionState = z.object({
  detector: z.string(),
  changes: z.array(changeSchema),
  byHand: z.array(z.object({ what: z.string(), next: z.string() })),
  unread: z.string().nullable(),
});
type DetectionState = z.infer<typeof detectionState>;
type Change = z.infer<typeof changeSchema>;

const args = z.object({ part: z.custom<DetectionPart>(), wanted: anyJson });

const detection = stepKind(args, {
  value: anyJson,
  // What is written is looked up again: a record could name another list for GuardDuty to trust.
  foreign: () => undefined,
  read: async ({ part }, { aws }) => ({
    value: await readPart(aws, await detectorOf(aws), recordedPart(part)),
  }),
  after: ({ wanted }) => wanted,
  async apply({ part: given, wanted }, { aws, target }) {
    const part = recordedPart(given);
    const facts = loggingFacts.parse(target.facts);
    const detector = await detectorOf(aws);
    const change = await changeOfPart(aws, detector, facts, part);
    if (!change?.baseline.known || !sameJson(change.baseline.value, wanted))
      throw damaged(`CloudTrail does not show that ${partName(part)} was ${short(wanted)}`, target.display);
    await putPart(aws, detector, part, wanted);
    return undefined;
  },
  async revert({ part: given }, { aws, target }, before) {
    const part = recordedPart(given);
    const detector = await detectorOf(aws);
    const place = part.of === 'destination' ? before : part.of === 'set' ? placeOf(before) : null;
    const there = place === null ? null : await readPart(aws, detector, part);
    const moves = place !== null && !sameJson(place, part.of === 'set' ? placeOf(there) : there);
    if (moves && !(await wasPlace(aws, part, before)))
      throw damaged(`CloudTrail does not show that ${partName(part)} was ${short(before)}`, target.display);
    await putPart(aws, detector, part, before);
    return 'reverted';
  },
});
export const DETECTION_KINDS = { detection };
type DetectionStep = StepOf<typeof DETECTION_KINDS>;

export async function readDetection(target: LoggingTarget, aws: Aws): Promise<DetectionState> {
  const detector = await detectorOf(aws);
  const [{ changes, unread }, byHand] = await Promise.all([
    changesOf(aws, detector, target.facts),
    byHandOf(aws, detector, target.facts),
  ]);
  return {
    detector,
    changes: changes.map((one) => ({ ...one, rest: [...one.rest] })),
    byHand: [...byHand],
    unread,
  };
}

export function planDetection(
  { changes, byHand, unread }: DetectionState,
  target: LoggingTarget,
  { protectedArns }: PlanOptions,
): Plan<DetectionStep> {
  const pattern = protectedBy([target.display], protectedArns);
  if (pattern !== undefined)
    return refused(
      `${target.display} is protected by policy.yml (protected: ${pattern})`,
      'Ask its owner what to restore.',
    );
  const open = changes.flatMap((change): string[] =>
    change.baseline.known
      ? []
      : [
          `${partName(change.part)} was changed by ${change.by}, and no baseline is known: ${change.baseline.why}`,
        ],
  );
  const left = [...open, ...byHand.map(({ what, next }) => `${what}: ${next}`)];
  const steps = changes.flatMap(stepOf);
  if (steps.length === 0) {
    const [first] = byHand;
    return left.length > 0
      ? refused(
          left.join('; '),
          first?.next ?? 'Set it again from your template, and contain who changed it.',
        )
      : refused(
          unread ?? "CloudTrail's event history shows no change of GuardDuty by the finding's principal",
          'Look at its filters, lists, publishing destination and members.',
        );
  }
  return {
    kind: 'plan',
    steps,
    blastRadius: {
      count: 1,
      unit: 'detectors',
      detail: changes.map(({ part, by }) => `${partName(part)}: ${by}`),
    },
    warnings: ['the principal that changed it is contained separately'],
    residual: [
      ...new Set([...left, ...changes.flatMap(({ baseline, rest }) => (baseline.known ? rest : []))]),
    ],
    askBecause: changes.flatMap(({ part, live, baseline }) =>
      baseline.known ? whyAsk(part, live, baseline.value, baseline.unsure) : [],
    ),
    tags: {},
    arns: [target.display],
  };
}

const refused = (reason: string, alternative: string): Plan<never> => ({
  kind: 'refused',
  reason,
  alternative,
});

function stepOf({ part, by, live, baseline }: Change): readonly DetectionStep[] {
  if (!baseline.known) return [];
  const id = partId(part);
  return [
    {
      id,
      kind: 'detection',
      role: 'contain',
      describe: `${wordsFor(part, baseline.value)} (${by})`,
      args: { part, wanted: baseline.value },
      before: live,
      after: baseline.value,
    },
  ];
}

function wordsFor(part: DetectionPart, wanted: Json): string {
  const name = partName(part);
  switch (part.of) {
    case 'filter':
      return `Stop ${name} from archiving`;
    case 'set':
      return isJsonObject(wanted) && wanted['active'] === false
        ? `Switch off ${name}`
        : `Let ${name} read ${short(placeOf(wanted))} again`;
    case 'destination':
      return `Put ${name} back to ${short(wanted)}`;
    case 'member':
      return `Start ${name} again`;
    case 'member-features':
      return `Switch on again what was switched off of ${name}`;
  }
}

/** A place that findings go to, or that a list is read from, is for a person to check. */
function whyAsk(part: DetectionPart, live: Json, wanted: Json, unsure: readonly string[]): readonly string[] {
  if (sameJson(live, wanted)) return [];
  const place = part.of === 'destination' || (part.of === 'set' && !sameJson(placeOf(live), placeOf(wanted)));
  return [
    ...unsure,
    ...(place ? [`${partName(part)} goes back to ${short(wanted)}: a person checks the place`] : []),
  ];
}

const placeOf = (value: Json): Json => (isJsonObject(value) ? (value['location'] ?? null) : null);

const short = (value: Json): string => {
  if (value === null) return 'not set';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
};

async function verify(
  { aws }: StepContext<LoggingFacts>,
  steps: readonly StepViewOf<typeof DETECTION_KINDS>[],
): Promise<Proof> {
  const detector = await detectorOf(aws);
  const checks = await Promise.all(
    steps.map(async ({ id, args: { part: given }, after }) => {
      const part = recordedPart(given);
      const live = await readPart(aws, detector, part);
      const back = after !== undefined && sameJson(live, after);
      const problem = back && part.of === 'destination' ? await destinationProblem(aws, detector) : undefined;
      const saw = `${partName(part)} is ${back ? 'as it was' : short(live)}${problem === undefined ? '' : `, but ${problem}`}`;
      return { id, ok: back && problem === undefined, back, saw };
    }),
  );
  const proven = checks.length > 0 && checks.every(({ ok }) => ok);
  const drifted = steps.some(({ status }) => status === 'drift');
  const lost = checks.some(({ back }) => !back);
  return {
    proven,
    checks: checks.map(({ id, ok, saw }) => ({ id, ok, saw })),
    residual: [],
    next: proven || drifted ? 'final' : lost ? 'recontain' : 'wait',
  };
}

async function documents(target: LoggingTarget, aws: Aws): Promise<JsonObject> {
  return { 'guardduty-settings': toJson(await readDetection(target, aws)) };
}

export const detectionSubject = defineSubject({
  kind: DETECTION,
  state: detectionState,
  kinds: DETECTION_KINDS,
  read: readDetection,
  plan: planDetection,
  verify,
  evidence: documents,
});
