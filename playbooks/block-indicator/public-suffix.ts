/** Whose registry a domain is under. The list is large, so it is loaded when a domain is at hand and not before. */
import { z } from 'zod';

export const suffixSchema = z.object({
  /** `co.uk`, `github.io`: below it everybody registers names. Null where none applies. */
  publicSuffix: z.string().nullable(),
  /** The suffix is on the list: of a registry, or of a service that gives out names (its private section). */
  listed: z.boolean(),
  isIp: z.boolean(),
});
export type Suffix = z.infer<typeof suffixSchema>;

export async function suffixOf(domain: string): Promise<Suffix> {
  const { parse } = await import('tldts');
  const { publicSuffix, isIcann, isPrivate, isIp } = parse(domain, { allowPrivateDomains: true });
  return { publicSuffix, listed: isIcann === true || isPrivate === true, isIp: isIp === true };
}
