/** Services of detection that were switched off: what a person types to switch them on. Each has settings that no call shows. */
import type { Scope } from '../../core/aws/arn.ts';
import { type Call, said } from '../common/changes/call.ts';
import { type ByHand, defineByHand } from '../common/changes/inverse.ts';

/** What happened, as the beginning of a sentence, and the command; undefined where the call is of another form, or did no harm. */
type Way = (
  call: Call,
  scope: Scope,
) => { readonly what: string; readonly command: string | undefined } | undefined;

interface Service extends Pick<ByHand, 'id' | 'does' | 'example'> {
  readonly source: string;
  /** By the name of the call. */
  readonly ways: Readonly<Record<string, Way>>;
}

export const switchedOff = ({ id, does, example, source, ways }: Service): ByHand =>
  defineByHand({
    ...{ id, does, example, danger: 'blinds' },
    calls: { source, names: Object.keys(ways) },
    next(call, scope) {
      const way = Object.hasOwn(ways, call.name) ? ways[call.name]?.(call, scope) : undefined;
      if (way?.command === undefined) return undefined;
      return { what: `${way.what} (${said(call)})`, next: way.command };
    },
  });

/** Returns the texts of a list that have the form, under a name that a record may begin with a capital letter. */
export function textsOf({ request }: Call, name: string, form: RegExp): readonly string[] {
  const capital = name.slice(0, 1).toUpperCase() + name.slice(1);
  const given = request[name] ?? request[capital];
  return [given ?? []].flat().filter((one): one is string => typeof one === 'string' && form.test(one));
}
