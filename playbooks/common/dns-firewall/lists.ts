/** DNS Firewall domain lists as they are. */
import type { FirewallDomainListMetadata } from '@aws-sdk/client-route53resolver';
import type { Aws } from '../../../core/aws/client.ts';
import { allPages } from '../../../core/aws/pages.ts';

/** Firebreak may change domain lists that carry it, whatever its value. */
export const LIST_TAG = 'firebreak';

/** `example.com` does not cover `a.example.com`: a list needs both. Sorted. */
export const specificationsOf = (domain: string): readonly string[] => [`*.${domain}`, domain];

/** The list with this name; undefined where there is none. Lists that AWS manages are not ours to change. */
export async function listNamed(aws: Aws, name: string): Promise<FirewallDomainListMetadata | undefined> {
  const { client, api } = await aws.route53Resolver();
  const lists = await allPages(async (token) => {
    const answer = await client.send(
      new api.ListFirewallDomainListsCommand({ MaxResults: 100, ...(token ? { NextToken: token } : {}) }),
    );
    return { items: answer.FirewallDomainLists, next: answer.NextToken };
  });
  return lists.find((list) => list.Name === name && !list.ManagedOwnerName);
}

/** Whether the list carries the tag without which Firebreak's role may not change it. */
export async function isListTagged(aws: Aws, ResourceArn: string): Promise<boolean> {
  const { client, api } = await aws.route53Resolver();
  const tags = await allPages(async (token) => {
    const answer = await client.send(
      new api.ListTagsForResourceCommand({ ResourceArn, ...(token ? { NextToken: token } : {}) }),
    );
    return { items: answer.Tags, next: answer.NextToken };
  });
  return tags.some(({ Key }) => Key === LIST_TAG);
}

/** COMPLETE, UPDATING, IMPORTING, ... */
export async function statusOf(aws: Aws, FirewallDomainListId: string): Promise<string> {
  const { client, api } = await aws.route53Resolver();
  const answer = await client.send(new api.GetFirewallDomainListCommand({ FirewallDomainListId }));
  return answer.FirewallDomainList?.Status ?? 'unknown';
}

/** What a list holds, in lower case. The API gives names with their last dot [M]. */
export async function domainsOf(aws: Aws, FirewallDomainListId: string): Promise<readonly string[]> {
  const { client, api } = await aws.route53Resolver();
  const all = await allPages(async (token) => {
    const answer = await client.send(
      new api.ListFirewallDomainsCommand({
        FirewallDomainListId,
        MaxResults: 5000,
        ...(token ? { NextToken: token } : {}),
      }),
    );
    return { items: answer.Domains, next: answer.NextToken };
  });
  return all.map((text) => text.toLowerCase().replace(/\.$/, ''));
}

/** Those of the domain's two specifications that the list holds. */
export async function listedIn(aws: Aws, id: string, domain: string): Promise<readonly string[]> {
  const live = new Set(await domainsOf(aws, id));
  return specificationsOf(domain).filter((text) => live.has(text));
}
