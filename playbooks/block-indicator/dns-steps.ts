/** A domain in a DNS Firewall domain list, with everything below it. Changes are accepted first and made later. */
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { type Aws, awsConfiguration } from '../../core/aws.ts';
import { awsErrorName, FirebreakError, isAccessDenied } from '../../core/errors.ts';
import { allPages } from '../../core/pages.ts';
import { stepKind } from '../shared/step-kind.ts';

const argsSchema = z.object({ region: z.string(), name: z.string(), id: z.string(), domain: z.string() });
type ListArgs = z.infer<typeof argsSchema>;

/** `example.com` does not cover `a.example.com`: the list needs both. Sorted. */
export const specificationsOf = (domain: string): readonly string[] => [`*.${domain}`, domain];

/** The list with this name; undefined where there is none. Lists that AWS manages are not ours to change. */
export async function findDomainList(aws: Aws, name: string, domain: string) {
  const { client, api } = await aws.route53Resolver();
  const lists = await allPages(async (token) => {
    const answer = await client.send(
      new api.ListFirewallDomainListsCommand({ MaxResults: 100, ...(token ? { NextToken: token } : {}) }),
    );
    return { items: answer.FirewallDomainLists, next: answer.NextToken };
  });
  const found = lists.find((list) => list.Name === name && !list.ManagedOwnerName);
  if (!found?.Id) return undefined;
  const [status, listed, blocksIn] = await Promise.all([
    statusOf(aws, found.Id),
    listedIn(aws, found.Id, domain),
    vpcsThatBlock(aws, found.Id),
  ]);
  return { id: found.Id, name, arn: found.Arn ?? '', status, listed: [...listed], blocksIn: [...blocksIn] };
}

async function statusOf(aws: Aws, FirewallDomainListId: string): Promise<string> {
  const { client, api } = await aws.route53Resolver();
  const answer = await client.send(new api.GetFirewallDomainListCommand({ FirewallDomainListId }));
  return answer.FirewallDomainList?.Status ?? 'unknown';
}

/** Those of the domain's two specifications that the list holds. The API gives names with their last dot [M]. */
async function listedIn(aws: Aws, id: string, domain: string): Promise<readonly string[]> {
  const { client, api } = await aws.route53Resolver();
  const all = await allPages(async (token) => {
    const answer = await client.send(
      new api.ListFirewallDomainsCommand({
        FirewallDomainListId: id,
        MaxResults: 5000,
        ...(token ? { NextToken: token } : {}),
      }),
    );
    return { items: answer.Domains, next: answer.NextToken };
  });
  const live = new Set(all.map((text) => text.toLowerCase().replace(/\.$/, '')));
  return specificationsOf(domain).filter((text) => live.has(text));
}

/** VPCs with a rule group in which a rule with action BLOCK uses the list: without one the list does nothing. */
export async function vpcsThatBlock(aws: Aws, listId: string): Promise<readonly string[]> {
  const { client, api } = await aws.route53Resolver();
  const associations = await allPages(async (token) => {
    const answer = await client.send(
      new api.ListFirewallRuleGroupAssociationsCommand({
        MaxResults: 100,
        ...(token ? { NextToken: token } : {}),
      }),
    );
    return { items: answer.FirewallRuleGroupAssociations, next: answer.NextToken };
  });
  const groups = [...new Set(associations.flatMap(({ FirewallRuleGroupId }) => FirewallRuleGroupId ?? []))];
  const blocking = new Set<string>();
  for (const FirewallRuleGroupId of groups) {
    const rules = await allPages(async (token) => {
      const answer = await client.send(
        new api.ListFirewallRulesCommand({
          FirewallRuleGroupId,
          MaxResults: 100,
          ...(token ? { NextToken: token } : {}),
        }),
      );
      return { items: answer.FirewallRules, next: answer.NextToken };
    });
    if (
      rules.some(({ Action, FirewallDomainListId }) => Action === 'BLOCK' && FirewallDomainListId === listId)
    )
      blocking.add(FirewallRuleGroupId);
  }
  const vpcs = associations
    .filter(({ FirewallRuleGroupId }) => blocking.has(FirewallRuleGroupId ?? ''))
    .flatMap(({ VpcId }) => VpcId ?? []);
  return [...new Set(vpcs)].sort();
}

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
      // Somebody else's change began between the look and the call.
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
    const known = z.array(z.string()).parse(before);
    await update(
      aws,
      args,
      'ADD',
      specificationsOf(args.domain).filter((text) => !known.includes(text)),
    );
    return undefined;
  },
  async revert(args, { aws }, before) {
    const known = z.array(z.string()).parse(before);
    const live = await listedIn(aws.inRegion(args.region), args.id, args.domain);
    await update(
      aws,
      args,
      'REMOVE',
      live.filter((text) => !known.includes(text)),
    );
    return 'reverted';
  },
});
