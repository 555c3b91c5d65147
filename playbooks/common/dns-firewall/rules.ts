/**
 * Where a domain list does something: VPCs with a rule group in which a rule with action BLOCK uses it. DNS Firewall goes
 * through the groups of a VPC and the rules of a group by priority, lowest first, and the first rule that matches decides.
 */
import type { FirewallRule } from '@aws-sdk/client-route53resolver';
import type { Aws } from '../../../core/aws/client.ts';
import { allPages } from '../../../core/aws/pages.ts';
import { isAwsError, mayRetry } from '../../../core/errors.ts';
import { domainsOf } from './lists.ts';

export interface ListUse {
  readonly vpcId: string;
  /** Rules before ours that let the domain through. */
  readonly passes: string[];
  /** Rules before ours that may: AWS does not tell what its own lists hold, and advanced rules have no list. */
  readonly mayPass: string[];
}

export async function usesOf(aws: Aws, listId: string, domain: string): Promise<readonly ListUse[]> {
  const lists = listReader(aws);
  const uses: ListUse[] = [];
  for (const [vpcId, rules] of await rulesByVpc(aws)) {
    const ours = rules.findIndex((rule) => blocksAll(rule) && rule.FirewallDomainListId === listId);
    if (ours < 0) continue;
    const use: ListUse = { vpcId, passes: [], mayPass: [] };
    for (const rule of rules.slice(0, ours)) {
      if (rule.Action === 'BLOCK') continue;
      const holds = concerns(await lists(rule.FirewallDomainListId), domain);
      const name = rule.Name ?? rule.FirewallDomainListId ?? 'a rule without a name';
      if (holds === 'yes') use.passes.push(name);
      if (holds === 'unknown') use.mayPass.push(name);
    }
    uses.push(use);
  }
  return uses;
}

/** Returns true where the resolver of the VPC answers nothing about the domain and every name below it. */
export async function isBlockedIn(aws: Aws, vpcId: string, domain: string): Promise<boolean> {
  const lists = listReader(aws);
  for (const rule of (await rulesByVpc(aws)).get(vpcId) ?? []) {
    const domains = await lists(rule.FirewallDomainListId);
    if (blocksAll(rule) && covers(domains, domain)) return true;
    if (rule.Action !== 'BLOCK' && concerns(domains, domain) !== 'no') return false;
  }
  return false;
}

/** The rules of each VPC that has any, in the order in which they are asked. */
async function rulesByVpc(aws: Aws): Promise<ReadonlyMap<string, readonly FirewallRule[]>> {
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
  const vpcs = new Map<string, readonly FirewallRule[]>();
  for (const { VpcId, FirewallRuleGroupId } of [...associations].sort(byPriority))
    if (VpcId !== undefined)
      vpcs.set(VpcId, [...(vpcs.get(VpcId) ?? []), ...(groups.get(FirewallRuleGroupId ?? '') ?? [])]);
  return vpcs;
}

const byPriority = (a: { Priority?: number | undefined }, b: { Priority?: number | undefined }): number =>
  (a.Priority ?? 0) - (b.Priority ?? 0);

/** A rule for one type of query leaves the others open. */
const blocksAll = ({ Action, Qtype }: FirewallRule): boolean => Action === 'BLOCK' && Qtype === undefined;

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
  return [...rules].sort(byPriority);
}

/** What a list holds; undefined where it cannot be read, as the lists of AWS, or an advanced rule has none. */
type Domains = readonly string[] | undefined;

/** Whether one of the texts is the domain, a name below it (some of what is blocked would pass), or a wildcard over it. */
function concerns(domains: Domains, domain: string): 'yes' | 'no' | 'unknown' {
  if (domains === undefined) return 'unknown';
  const found = domains.some(
    (text) => text === domain || text.endsWith(`.${domain}`) || isWildcardOver(text, domain),
  );
  return found ? 'yes' : 'no';
}

/** Whether the texts hold the domain and everything below it. */
function covers(domains: Domains, domain: string): boolean {
  const held = domains ?? [];
  return (
    held.some((text) => text === domain || isWildcardOver(text, domain)) &&
    held.some((text) => isWildcardOver(text, `any.${domain}`))
  );
}

const isWildcardOver = (text: string, domain: string): boolean =>
  text.startsWith('*') && domain.endsWith(text.slice(1));

/** Reads every list once. */
function listReader(aws: Aws): (listId: string | undefined) => Promise<Domains> {
  const look = async (listId: string): Promise<Domains> => {
    try {
      return await domainsOf(aws, listId);
    } catch (error) {
      if (isAwsError(error) && !mayRetry(error)) return undefined;
      throw error;
    }
  };
  const known = new Map<string, Promise<Domains>>();
  return (listId) => {
    if (listId === undefined) return Promise.resolve(undefined);
    const found = known.get(listId) ?? look(listId);
    known.set(listId, found);
    return found;
  };
}
