/** A domain in a DNS Firewall domain list, with everything below it. Changes are accepted first and made later. */
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { type Aws, awsConfiguration } from '../../core/aws/client.ts';
import { awsErrorName, FirebreakError, isAccessDenied } from '../../core/errors.ts';
import { listedIn, specificationsOf, statusOf } from '../common/dns-firewall/lists.ts';
import { regionName, stepKind } from '../common/step-kind.ts';
import { whyOther } from './target.ts';

const argsSchema = z.object({
  region: regionName,
  name: z.string(),
  id: z.string(),
  domain: z.string(),
  /** Where the instance is; null where that is not known. For the proving read. */
  vpcId: z.string().nullable().default(null),
});
type ListArgs = z.infer<typeof argsSchema>;

/** Waits until no change is on its way; what is listed before that is what was. Gives the status. */
async function settled(aws: Aws, { id, name }: ListArgs): Promise<string> {
  const { retryBaseMs } = awsConfiguration();
  for (let attempt = 0; ; attempt++) {
    const status = await statusOf(aws, id);
    if (status !== 'UPDATING' && status !== 'IMPORTING') return status;
    if (attempt >= 40) {
      throw new FirebreakError('StepFailed', `the domain list is ${status} for too long`, {
        resource: name,
        next: 'Look at the list in the console, then contain again.',
      });
    }
    await sleep(retryBaseMs ?? 2000);
  }
}

async function update(
  aws: Aws,
  args: ListArgs,
  Operation: 'ADD' | 'REMOVE',
  domains: readonly string[],
): Promise<void> {
  if (domains.length === 0) return;
  const here = aws.inRegion(args.region);
  const { client, api } = await here.route53Resolver();
  for (let attempt = 0; ; attempt++) {
    await settled(here, args);
    try {
      await client.send(
        new api.UpdateFirewallDomainsCommand({
          FirewallDomainListId: args.id,
          Operation,
          Domains: [...domains],
        }),
      );
      break;
    } catch (error) {
      // Someone else's change began between the look and the call.
      if (awsErrorName(error) === 'ConflictException' && attempt < 5) continue;
      if (awsErrorName(error) === 'LimitExceededException') {
        throw new FirebreakError('StepFailed', 'the domain list is full: nothing was added or taken out', {
          resource: args.name,
          next: 'Take old domains out of the list, then contain again.',
          cause: error,
        });
      }
      if (isAccessDenied(error)) {
        throw new FirebreakError(
          'AccessDenied',
          'Firebreak may change domain lists that carry the tag firebreak',
          {
            resource: args.name,
            next: 'Give the list the tag firebreak, then contain again.',
            cause: error,
          },
        );
      }
      throw error;
    }
  }
  const status = await settled(here, args);
  if (status !== 'COMPLETE') {
    throw new FirebreakError('StepFailed', `the domain list is ${status} after the change`, {
      resource: args.name,
      next: 'Look at the list in the console, then contain again.',
    });
  }
}

/** The value is which of the two specifications are listed, so that undo leaves one that was there before. */
export const domainEntry = stepKind(argsSchema, {
  value: z.array(z.string()),
  foreign: ({ region, domain }, { target }) => whyOther({ indicator: domain, region }, target),
  async read(args, { aws }) {
    const here = aws.inRegion(args.region);
    try {
      await settled(here, args);
      return { value: [...(await listedIn(here, args.id, args.domain))] };
    } catch (error) {
      // Deleted with what it held.
      if (awsErrorName(error) === 'ResourceNotFoundException') return { value: [] };
      throw error;
    }
  },
  after: ({ domain }) => [...specificationsOf(domain)],
  async apply(args, { aws }, before) {
    await update(
      aws,
      args,
      'ADD',
      specificationsOf(args.domain).filter((text) => !before.includes(text)),
    );
    return undefined;
  },
  async revert(args, { aws }, before) {
    const live = await listedIn(aws.inRegion(args.region), args.id, args.domain);
    const added = live.filter((text) => !before.includes(text));
    await update(aws, args, 'REMOVE', added);
    return added.length > 0 ? 'reverted' : 'absent';
  },
});
