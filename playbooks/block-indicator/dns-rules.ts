/**
 * Where a domain list does something: VPCs with a rule group in which a rule with action BLOCK uses it. DNS Firewall goes
 * through the groups of a VPC and the rules of a group by priority, lowest first, and the first rule that matches decides.
 */
import type { FirewallRule } from '@aws-sdk/client-route53resolver';
import type { Aws } from '../../core/aws/client.ts';
import { allPages } from '../../core/aws/pages.ts';
import { isAwsError, mayRetry } from '../../core/errors.ts';
import { domainsOf } from './dns-lists.ts';

export interface ListUse {
  readonly vpcId: string;
  /** Rules before ours that let the domain through. */
  readonly passes: string[];
  /** Rules before ours that may: AWS does not tell what its own lists hold, and advanced rules have no list. */
  readonly mayPass: string[];
}

export async function usesOf(aws: Aws, listId: string, domain: string): Promise<readonly ListUse[]> {
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
  const groups = new Map<string, readonly FirewallRule[]>();
  for (const { FirewallRuleGroupId: id } of associations) {
    if (id !== undefined && !groups.has(id)) groups.set(id, await rulesOf(aws, id));
  }
  const matches = matcher(aws, domain);
  const uses: ListUse[] = [];
  for (const vpcId of new Set(associations.flatMap(({ VpcId }) => VpcId ?? []))) {
    const rules = associations
      .filter(({ VpcId }) => VpcId === vpcId)
      .sort((a, b) => (a.Priority ?? 0) - (b.Priority ?? 0))
      .flatMap(({ FirewallRuleGroupId }) => groups.get(FirewallRuleGroupId ?? '') ?? []);
    const ours = rules.findIndex(
      ({ Action, FirewallDomainListId }) => Action === 'BLOCK' && FirewallDomainListId === listId,
    );
    if (ours < 0) continue;
    const use: ListUse = { vpcId, passes: [], mayPass: [] };
    for (const rule of rules.slice(0, ours)) {
      if (rule.Action === 'BLOCK') continue;
      const holds = await matches(rule.FirewallDomainListId);
      const name = rule.Name ?? rule.FirewallDomainListId ?? 'a rule without a name';
      if (holds === 'yes') use.passes.push(name);
      if (holds === 'unknown') use.mayPass.push(name);
    }
    uses.push(use);
  }
  return uses;
}

/** By priority. */
async function rulesOf(aws: Aws, FirewallRuleGroupId: string): Promise<readonly FirewallRule[]> {
  const { client, api } = await aws.route53Resolver();
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
  return [...rules].sort((a, b) => (a.Priority ?? 0) - (b.Priority ?? 0));
}

type Holds = 'yes' | 'no' | 'unknown';

/** Whether a list concerns the domain. Every list is read once. */
function matcher(aws: Aws, domain: string): (listId: string | undefined) => Promise<Holds> {
  /** The domain, a name below it (some of what is blocked would pass), or a wildcard over it. */
  const concerns = (text: string): boolean =>
    text === domain ||
    text.endsWith(`.${domain}`) ||
    (text.startsWith('*') && domain.endsWith(text.slice(1)));
  const look = async (listId: string): Promise<Holds> => {
    try {
      return (await domainsOf(aws, listId)).some(concerns) ? 'yes' : 'no';
    } catch (error) {
      if (isAwsError(error) && !mayRetry(error)) return 'unknown';
      throw error;
    }
  };
  const known = new Map<string, Promise<Holds>>();
  return (listId) => {
    if (listId === undefined) return Promise.resolve('unknown');
    const found = known.get(listId) ?? look(listId);
    known.set(listId, found);
    return found;
  };
}
