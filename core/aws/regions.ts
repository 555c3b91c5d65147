/** The Regions an account uses. */

import { awsErrorName, isAccessDenied } from '../errors.ts';
import type { Aws } from './client.ts';

/** Names of the enabled Regions, asked for in the Region of `aws`; or why they may not be read. */
export async function enabledRegions(aws: Aws): Promise<string[] | { readonly why: string }> {
  const { client, api } = await aws.ec2();
  try {
    const { Regions } = await client.send(new api.DescribeRegionsCommand({}));
    return (Regions ?? []).map(({ RegionName }) => RegionName ?? '').filter((name) => name !== '');
  } catch (error) {
    if (isAccessDenied(error)) return { why: awsErrorName(error) ?? 'denied' };
    throw error;
  }
}
