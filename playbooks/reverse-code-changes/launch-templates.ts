/** How records and EC2 name a launch template, and its versions. */
import { z } from 'zod';
import type { Aws } from '../../core/aws/client.ts';
import { awsErrorName } from '../../core/errors.ts';
import type { Call } from '../common/changes/call.ts';
import { textIn, valueIn } from '../common/changes/inverse.ts';

export const EC2 = 'ec2.amazonaws.com';
export const launchTemplate = z.strictObject({ template: z.string().regex(/^lt-[0-9a-f]{8,17}$/) });
export const versionNumber = z.int().positive();

/** Returns the template of a call: of its request or, where that names it by its name, of its answer [M-LAB]. */
export function templateOf({ name, request, response }: Call) {
  const answer = name === 'CreateLaunchTemplateVersion' ? 'launchTemplateVersion' : 'launchTemplate';
  return {
    template:
      textIn(request, `${name}Request`, 'LaunchTemplateId') ??
      textIn(response, `${name}Response`, answer, 'launchTemplateId'),
  };
}

/** Returns the default version that a call left, as its answer says; undefined where it did not set one. */
export function defaultAfter({ name, response }: Call) {
  if (name !== 'CreateLaunchTemplateVersion')
    return valueIn(response, `${name}Response`, 'launchTemplate', 'defaultVersionNumber');
  const made = valueIn(response, `${name}Response`, 'launchTemplateVersion');
  return valueIn(made, 'defaultVersion') === true ? valueIn(made, 'versionNumber') : undefined;
}

/** Returns what the work found; undefined where the template is gone. */
export async function unlessGone<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (/^InvalidLaunchTemplateId\./.test(awsErrorName(error) ?? '')) return undefined;
    throw error;
  }
}

/** Returns the versions that were made before a time, the newest first. */
export async function versionsBefore(aws: Aws, template: string, time: string) {
  const { client, api } = await aws.ec2();
  const found: { readonly number: number; readonly at: string }[] = [];
  let NextToken: string | undefined;
  do {
    const asked = { LaunchTemplateId: template, NextToken };
    const page = await unlessGone(client.send(new api.DescribeLaunchTemplateVersionsCommand(asked)));
    for (const { VersionNumber, CreateTime } of page?.LaunchTemplateVersions ?? [])
      if (VersionNumber !== undefined && CreateTime)
        found.push({ number: VersionNumber, at: CreateTime.toISOString() });
    NextToken = page?.NextToken;
  } while (NextToken !== undefined);
  return found.filter(({ at }) => at < time).sort((a, b) => b.number - a.number);
}
