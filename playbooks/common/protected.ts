/** What policy.yml protects, and Firebreak's own resources, are never changed. */
import { compileGlob } from '../../core/glob.ts';

/** The pattern of policy.yml that protects a resource known by these names and ARNs, or undefined. */
export const protectedBy = (names: readonly string[], protectedArns: readonly string[]): string | undefined =>
  protectedArns.find((glob) => names.some(compileGlob(glob)));
