/** How records name the four kinds of lists. */
import { z } from 'zod';
import type { Aws } from '../../core/aws/client.ts';
import { detectorOf } from '../../core/lists/address-lists.ts';
import { updateSet } from '../../core/lists/sets.ts';
import type { Call } from '../common/changes/call.ts';
import { textIn } from '../common/changes/inverse.ts';
import { DETECTORS, livePart, readRights } from './detection.ts';

export const list = z.strictObject({
  kind: z.enum(['trusted', 'threat']),
  holds: z.enum(['addresses', 'entities']),
  id: z.string().regex(/^[\w-]{1,300}$/),
});
export type List = z.infer<typeof list>;

/** The noun of their calls, the member that names them, and what they are. */
const NOUNS = {
  IPSet: { id: 'ipSetId', kind: 'trusted', holds: 'addresses' },
  TrustedEntitySet: { id: 'trustedEntitySetId', kind: 'trusted', holds: 'entities' },
  ThreatIntelSet: { id: 'threatIntelSetId', kind: 'threat', holds: 'addresses' },
  ThreatEntitySet: { id: 'threatEntitySetId', kind: 'threat', holds: 'entities' },
} as const;
type Noun = keyof typeof NOUNS;
export const calls = (does: 'Create' | 'Update', kind: List['kind']): string[] =>
  Object.entries(NOUNS).flatMap(([noun, one]) => (one.kind === kind ? [`${does}${noun}`] : []));

const isNoun = (text: string): text is Noun => Object.hasOwn(NOUNS, text);

/** Returns the list that a call made or changed. */
export function listIn({ name, request, response }: Call) {
  const noun = name.replace(/^(Create|Update)/, '');
  if (!isNoun(noun)) return undefined;
  const { id, kind, holds } = NOUNS[noun];
  return { kind, holds, id: textIn(request, id) ?? textIn(response, id) };
}

const listValue = z.object({ location: z.string(), active: z.boolean() }).nullable();
export const liveList = async (aws: Aws, one: List): Promise<z.infer<typeof listValue>> =>
  listValue.parse(await livePart(aws, { of: 'set', ...one }));

export async function changeList(
  aws: Aws,
  one: List,
  change: { readonly Location?: string; readonly Activate: boolean },
): Promise<void> {
  await updateSet(aws, { ...one, detector: await detectorOf(aws) }, one.id, change);
}

export const listText = ({ kind, holds, id }: List): string =>
  `${kind} ${holds === 'entities' ? 'entity' : 'IP'} list ${id} of GuardDuty`;

export const READ_LISTS = readRights(
  ['IPSet', 'ThreatEntitySet', 'ThreatIntelSet', 'TrustedEntitySet'].flatMap((noun) => [
    `guardduty:Get${noun}`,
    `guardduty:List${noun}s`,
  ]),
  'what the lists of GuardDuty are',
);
export const listRights = (nouns: readonly Noun[], why: string, worst: string) => ({
  actions: nouns.map((noun) => `guardduty:Update${noun}`),
  resources: [DETECTORS],
  why,
  worst,
});
