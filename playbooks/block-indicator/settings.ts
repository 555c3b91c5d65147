/** `playbooks: block-indicator:` in policy.yml. */
import { z } from 'zod';
import { parseRange } from '../../core/addresses.ts';
import type { JsonObject } from '../../core/json.ts';
import { duration } from '../../core/policy/duration.ts';

/** Rights reach IP sets by name, so only these names work. */
const setName = z.string().regex(/^firebreak-[\w-]+$/, 'expected a name that starts with firebreak-');

export const blockSettings = z.strictObject({
  /** How long a block stays unless the finding goes on; seconds. */
  timeToLive: duration.default(86_400),
  /** Network ACLs of the subnets concerned, those that carry the tag `firebreak`. */
  networkAcls: z.boolean().default(true),
  /** AWS WAF IP sets by name: for web applications in the finding's Region, and for CloudFront. */
  wafIpSets: z.array(setName).default([]),
  cloudFrontIpSets: z.array(setName).default([]),
  /** Route 53 Resolver DNS Firewall domain list by name, in the finding's Region. */
  dnsFirewallList: z.string().default(''),
  /** Never blocked, in addition to what never is: addresses, ranges, domains with everything below them. */
  never: z.array(z.string().min(1)).default([]),
});
export type BlockSettings = z.infer<typeof blockSettings>;

/**
 * The settings, or what is wrong with them. A list of what must never be blocked that cannot be read is a reason to block
 * nothing, so there is no falling back to defaults.
 */
export function settingsOf(settings: JsonObject): BlockSettings | { readonly problem: string } {
  const parsed = blockSettings.safeParse(settings);
  if (parsed.success) return parsed.data;
  const what = parsed.error.issues.map(({ path, message }) => [...path, message].join(': ')).join('; ');
  return { problem: `policy.yml, playbooks.block-indicator: ${what}` };
}

/** Entries of `never` that are ranges, and those that are domains. */
export const neverRanges = ({ never }: BlockSettings) => never.flatMap((text) => parseRange(text) ?? []);
export const neverDomains = ({ never }: BlockSettings): readonly string[] =>
  never.filter((text) => parseRange(text) === undefined);
