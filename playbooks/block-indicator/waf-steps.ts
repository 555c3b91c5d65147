/** One address in an AWS WAF IP set. UpdateIPSet writes the whole set, so it is read, changed and written under its lock. */
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { canonicalRange, parseRange } from '../../core/addresses.ts';
import { type Aws, awsConfiguration } from '../../core/aws/client.ts';
import { awsErrorName, FirebreakError } from '../../core/errors.ts';
import { regionName, stepKind } from '../common/step-kind.ts';
import { whyOther } from './target.ts';

const argsSchema = z.object({
  scope: z.enum(['REGIONAL', 'CLOUDFRONT']),
  region: regionName,
  /** Rights reach IP sets by name; a set of another name may be one that lets in. */
  name: z.string().startsWith('firebreak-'),
  id: z.string(),
  cidr: z.string(),
});
type SetArgs = z.infer<typeof argsSchema>;
type Named = Pick<SetArgs, 'scope' | 'region' | 'name'>;

/** AWS writes IPv6 in full in some answers: two spellings of one range are one entry. */
const holds = (addresses: readonly string[], cidr: string): boolean =>
  addresses.some((text) => {
    const range = parseRange(text);
    return range !== undefined && canonicalRange(range) === cidr;
  });

/** The set with this name; undefined where there is none. */
export async function findIpSet(aws: Aws, set: Named, cidr: string) {
  const { client, api } = await aws.inRegion(set.region).wafv2();
  let marker: string | undefined;
  do {
    const answer = await client.send(
      new api.ListIPSetsCommand({ Scope: set.scope, Limit: 100, ...(marker ? { NextMarker: marker } : {}) }),
    );
    const found = answer.IPSets?.find(({ Name }) => Name === set.name);
    if (found?.Id) {
      const { addresses, version, arn } = await readSet(aws, { ...set, id: found.Id, cidr });
      return { id: found.Id, arn, version, listed: holds(addresses, cidr), size: addresses.length };
    }
    marker = answer.NextMarker;
  } while (marker);
  return undefined;
}

async function readSet(aws: Aws, { scope, region, name, id }: SetArgs) {
  const { client, api } = await aws.inRegion(region).wafv2();
  const { IPSet, LockToken } = await client.send(
    new api.GetIPSetCommand({ Scope: scope, Name: name, Id: id }),
  );
  return {
    addresses: IPSet?.Addresses ?? [],
    version: IPSet?.IPAddressVersion === 'IPV6' ? ('ipv6' as const) : ('ipv4' as const),
    arn: IPSet?.ARN ?? '',
    description: IPSet?.Description,
    lock: LockToken,
  };
}

/** `present`: should the set hold the address? Everything else in it stays as it is. Returns false where it was so already. */
async function write(aws: Aws, args: SetArgs, present: boolean): Promise<boolean> {
  const { client, api } = await aws.inRegion(args.region).wafv2();
  const { retryBaseMs } = awsConfiguration();
  for (let attempt = 0; ; attempt++) {
    const { addresses, description, lock } = await readSet(aws, args);
    if (holds(addresses, args.cidr) === present) return false;
    const next = present ? [...addresses, args.cidr] : addresses.filter((text) => !holds([text], args.cidr));
    try {
      await client.send(
        new api.UpdateIPSetCommand({
          Scope: args.scope,
          Name: args.name,
          Id: args.id,
          Addresses: next,
          LockToken: lock,
          // Left out, it would be taken away.
          ...(description ? { Description: description } : {}),
        }),
      );
      return true;
    } catch (error) {
      switch (awsErrorName(error)) {
        // Someone wrote the set since it was read, or it is not yet everywhere after that.
        case 'WAFOptimisticLockException':
        case 'WAFUnavailableEntityException':
          if (attempt >= 9) throw error;
          await sleep((retryBaseMs ?? 250) * 2 ** Math.min(attempt, 5) * (0.5 + Math.random()));
          continue;
        case 'WAFLimitsExceededException':
          throw new FirebreakError('StepFailed', 'the IP set is full: nothing was added or taken out', {
            resource: args.name,
            next: 'Take old entries out of the set, then contain again.',
            cause: error,
          });
        default:
          throw error;
      }
    }
  }
}

export const ipSetEntry = stepKind(argsSchema, {
  value: z.enum(['listed', 'absent']),
  // The sets of CloudFront are in a Region of their own.
  foreign: ({ scope, region, cidr }, { target }) =>
    whyOther({ indicator: cidr, ...(scope === 'REGIONAL' ? { region } : {}) }, target),
  async read(args, { aws }) {
    try {
      const { addresses } = await readSet(aws, args);
      return { value: holds(addresses, args.cidr) ? 'listed' : 'absent' };
    } catch (error) {
      // Deleted with what it held.
      if (awsErrorName(error) === 'WAFNonexistentItemException') return { value: 'absent' };
      throw error;
    }
  },
  after: () => 'listed',
  async apply(args, { aws }) {
    await write(aws, args, true);
    return undefined;
  },
  async revert(args, { aws }) {
    return (await write(aws, args, false)) ? 'reverted' : 'absent';
  },
});
