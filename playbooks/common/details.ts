/** The part of a finding that describes its resource, read without trusting its shape. */
import type { Finding } from '../../core/finding/finding.ts';
import { type Reader, reader } from '../../core/finding/reader.ts';
import { isJsonObject } from '../../core/json.ts';

/** `resource.<name>` as a reader, or undefined where the finding has no such object. */
export function detailsOf(finding: Finding, name: string): Reader | undefined {
  return listOf(finding, name)[0];
}

/** `resource.<name>` where GuardDuty gives a list (`s3BucketDetails`); one object counts as a list of one. */
export function listOf(finding: Finding, name: string): readonly Reader[] {
  const resource = finding.detail['resource'];
  if (!isJsonObject(resource) || !Object.hasOwn(resource, name)) return [];
  const given = resource[name];
  const items = Array.isArray(given) ? given : [given];
  return items.flatMap((item) => (isJsonObject(item) ? [reader(item, `detail.resource.${name}`)] : []));
}
