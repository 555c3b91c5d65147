/** The step of an inverse: compare what is live with what the suspect left, prove the change by CloudTrail, write. */
import { z } from 'zod';
import type { Aws } from '../../../core/aws/client.ts';
import { FirebreakError } from '../../../core/errors.ts';
import type { StepContext, StepKind } from '../../../core/journal/playbook.ts';
import { type Json, type JsonObject, sameJson } from '../../../core/json.ts';
import { anyJson, regionName, stepKind } from '../step-kind.ts';
import { suspectSchema } from './call.ts';
import { changeOf, lookUpOf, placeSchema } from './change.ts';
import { callsListed, type LookUp } from './history.ts';
import type { Inverse } from './inverse.ts';
import { notStored } from './stored.ts';

const argsSchema = z.object({
  region: regionName,
  resource: z.custom<JsonObject>((given) => typeof given === 'object' && given !== null),
  /** What the suspect left: the only value that is changed, and the only one that undo writes. */
  left: anyJson,
  wanted: anyJson,
});
export type ChangeArgs = z.infer<typeof argsSchema>;

/** The store of events is some minutes late, and its queries take some seconds: one for all steps of a kind, in a run. */
function storedOnce(inverse: Inverse): (context: StepContext) => LookUp['stored'] {
  const asked = new WeakMap<Aws, LookUp>();
  return ({ aws, target: { facts } }) =>
    () => {
      const places = z.array(placeSchema).parse(facts['places']);
      const mine = places.filter((place) => place.inverse === inverse.id);
      const look =
        asked.get(aws) ??
        lookUpOf(
          aws,
          mine.map((place) => ({ ...place, inverse })),
        );
      asked.set(aws, look);
      return look.stored();
    };
}

/** Why CloudTrail does not bear the step out; asked before every write, since a record could name anything. */
async function unproven(
  inverse: Inverse,
  { region, resource, left, wanted }: ChangeArgs,
  { aws, target }: StepContext,
  stored: LookUp['stored'],
): Promise<string | undefined> {
  if (!inverse.resource.safeParse(resource).success) return 'it does not name a resource of its kind';
  const never = inverse.never?.(resource, wanted, { region, by: 'reversal', from: left });
  if (never !== undefined) return never;
  const suspect = suspectSchema.parse(target.facts['suspect']);
  const look = { listed: callsListed, stored };
  const change = await changeOf(aws.inRegion(region), suspect, inverse, resource, look);
  if (!change)
    return ['CloudTrail does not show that the principal changed it', ...notStored(await stored())].join(
      '; ',
    );
  const { before, since } = change;
  if (inverse.coarse && since !== undefined) return `another principal changed it since (${since})`;
  if (!before.known) return `CloudTrail and AWS Config show other values: ${before.why}`;
  const borneOut = inverse.same(change.left, left) && inverse.same(before.value, wanted);
  return borneOut ? undefined : 'CloudTrail and AWS Config show other values';
}

const forPeople = (
  { byHand, value }: Inverse,
  { region, left, wanted }: ChangeArgs,
  { aws }: StepContext,
): string | undefined => byHand?.(value.parse(wanted), value.parse(left), { ...aws.scope, region });

export function stepOf(inverse: Inverse): StepKind<ChangeArgs> {
  const { between } = inverse;
  const storedIn = storedOnce(inverse);
  const onTheWay = ({ resource, left, wanted }: ChangeArgs): readonly Json[] =>
    between?.(resource, left, wanted) ?? [];
  const drifted = ({ resource }: ChangeArgs, live: Json): FirebreakError =>
    new FirebreakError('Drift', `${short(live)} is live, which is not what the principal left`, {
      resource: inverse.listedAs(resource),
      next: 'See CloudTrail for who changed it since, and decide by hand.',
    });
  return stepKind(argsSchema, {
    value: anyJson,
    foreign: async (args, context, writing) =>
      (await unproven(inverse, args, context, storedIn(context))) ??
      (writing === 'apply' ? forPeople(inverse, args, context) : undefined),
    async read({ region, resource }, { aws }) {
      return { value: await inverse.read(aws.inRegion(region), inverse.resource.parse(resource)) };
    },
    after(args, _context, live) {
      const known = [args.left, args.wanted, ...onTheWay(args)];
      if (!known.some((value) => inverse.same(live, value))) throw drifted(args, live);
      return args.wanted;
    },
    ...(between ? { between: onTheWay } : {}),
    same: (a, b) => sameJson(a, b) || inverse.same(a, b),
    async apply({ region, resource, left, wanted }, { aws }) {
      await inverse.put(aws.inRegion(region), resource, inverse.value.parse(wanted), left);
      return undefined;
    },
    async revert(args, { aws }, before) {
      const { region, resource, left, wanted } = args;
      // The prior value of the journal is what the suspect left, letter for letter, or what a step before this one made; a
      // planted one is neither.
      const was = [left, ...onTheWay(args)].some((one) => inverse.same(before, one)) ? before : undefined;
      if (was === undefined)
        return { kept: `${short(before)} is not what the principal left: undo leaves it` };
      const never = inverse.never?.(resource, was, { region, by: 'undo', from: wanted });
      if (never !== undefined) return { kept: never };
      const put = await inverse.put(aws.inRegion(region), resource, inverse.value.parse(was), wanted);
      return put ?? 'reverted';
    },
  });
}

export const short = (value: Json): string => {
  const text = value === null ? 'nothing' : typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > 160 ? `${text.slice(0, 160)}…` : text;
};
