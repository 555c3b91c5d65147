/** What policy.yml protects, and Firebreak's own resources, are never changed. */
import { nameMatcher } from '../../core/policy/protected.ts';

/** Marks an entry that is compared without regard to case: no two names of an account differ by it alone, ARNs do [M]. */
const ANY_SPELLING = '(?i)';
export const anySpelling = (entry: string): string => `${ANY_SPELLING}${entry}`;

/** The entry of policy.yml that protects a resource known by these names and ARNs, or undefined. */
export const protectedBy = (names: readonly string[], protectedArns: readonly string[]): string | undefined =>
  protectedArns.find((entry) => names.some(matcherOf(entry)));

function matcherOf(entry: string): (name: string) => boolean {
  if (!entry.startsWith(ANY_SPELLING)) return nameMatcher(entry);
  const matches = nameMatcher(entry.slice(ANY_SPELLING.length).toLowerCase());
  return (name) => matches(name.toLowerCase());
}
