/** DNS Firewall: domain lists that change a while after they were asked to, rules and where they apply. */
import { awsError } from '../aws-error.ts';
import { paged } from './pages.ts';
import type { Answers, TwinCall } from './twin.ts';

export interface TwinDomainList {
  Id: string;
  Name: string;
  ManagedOwnerName?: string;
  domains: string[];
  Tags: Record<string, string>;
}
/** This service's part of a Region. */
export interface TwinDnsFirewall {
  lists: TwinDomainList[];
  rules: {
    FirewallRuleGroupId: string;
    FirewallDomainListId: string;
    Name: string;
    Action: string;
    Priority: number;
  }[];
  associations: { FirewallRuleGroupId: string; VpcId: string; Priority: number }[];
}
export const emptyDnsFirewall = (): TwinDnsFirewall => ({ lists: [], rules: [], associations: [] });

/** Changes on their way: made when the list was looked at twice. No part of the account. */
const pending = new WeakMap<TwinDomainList, { looks: number; domains: string[] }>();

function listOf({ region, input }: TwinCall): TwinDomainList {
  const found = region.dnsFirewall.lists.find(({ Id }) => Id === input['FirewallDomainListId']);
  if (found) return found;
  throw awsError(
    'ResourceNotFoundException',
    `[RSLVR-02003] Could not find the FirewallDomainList with ID ${String(input['FirewallDomainListId'])}.`,
  );
}

const arnOf = ({ scope }: TwinCall, { Id }: TwinDomainList): string =>
  `arn:${scope.partition}:route53resolver:${scope.region}:${scope.account}:firewall-domain-list/${Id}`;

const pages = { given: 'NextToken', next: 'NextToken', size: 'MaxResults' } as const;
/** The service writes names with their last dot. */
const spelled = (domain: string): string => `${domain}.`;

export const route53resolver: Readonly<Record<string, Answers>> = {
  Route53Resolver: {
    ListFirewallDomainLists: (call) =>
      paged(call, call.region.dnsFirewall.lists, {
        ...pages,
        list: 'FirewallDomainLists',
        show: (list) => ({
          Id: list.Id,
          Name: list.Name,
          Arn: arnOf(call, list),
          ...(list.ManagedOwnerName ? { ManagedOwnerName: list.ManagedOwnerName } : {}),
        }),
      }),
    ListTagsForResource: (call) => {
      const list = call.region.dnsFirewall.lists.find(
        (each) => arnOf(call, each) === call.input['ResourceArn'],
      );
      if (!list)
        throw awsError('ResourceNotFoundException', '[RSLVR-00901] The resource could not be found.');
      const tags = Object.entries(list.Tags).map(([Key, Value]) => ({ Key, Value }));
      return paged(call, tags, { ...pages, list: 'Tags', show: (tag) => tag });
    },
    GetFirewallDomainList: (call) => {
      const list = listOf(call);
      const change = pending.get(list);
      if (change) {
        change.looks -= 1;
        if (change.looks <= 0) {
          list.domains = change.domains;
          pending.delete(list);
        }
      }
      return {
        FirewallDomainList: {
          Id: list.Id,
          Name: list.Name,
          Arn: arnOf(call, list),
          DomainCount: list.domains.length,
          Status: pending.has(list) ? 'UPDATING' : 'COMPLETE',
        },
      };
    },
    ListFirewallDomains: (call) => {
      const list = listOf(call);
      // What AWS's own lists hold is not published [M].
      if (list.ManagedOwnerName)
        throw awsError('AccessDeniedException', '[RSLVR-02005] The list is managed by AWS.', 403);
      return paged(call, list.domains, { ...pages, list: 'Domains', show: spelled });
    },
    UpdateFirewallDomains: (call) => {
      const list = listOf(call);
      if (pending.has(list))
        throw awsError('ConflictException', '[RSLVR-02004] The domain list is being updated.');
      const given = (call.input['Domains'] as string[]).map((text) => text.replace(/\.$/, ''));
      if (given.some((text) => !/^\*?[A-Za-z0-9.-]{1,255}$/.test(text)))
        throw awsError('ValidationException', '[RSLVR-02101] A domain is not valid.');
      const others = list.domains.filter((text) => !given.includes(text));
      switch (call.input['Operation']) {
        case 'ADD':
          pending.set(list, { looks: 2, domains: [...others, ...given] });
          break;
        case 'REMOVE':
          if (given.some((text) => !list.domains.includes(text)))
            throw awsError('ValidationException', '[RSLVR-02102] A domain is not in the list.');
          pending.set(list, { looks: 2, domains: others });
          break;
        default:
          throw new Error(`the twin does not know the operation ${String(call.input['Operation'])}`);
      }
      return { Id: list.Id, Name: list.Name, Status: 'UPDATING' };
    },
    ListFirewallRuleGroupAssociations: (call) =>
      paged(call, call.region.dnsFirewall.associations, {
        ...pages,
        list: 'FirewallRuleGroupAssociations',
        show: (association) => ({ ...association, Status: 'COMPLETE' }),
      }),
    ListFirewallRules: (call) =>
      paged(
        call,
        call.region.dnsFirewall.rules.filter(
          ({ FirewallRuleGroupId }) => FirewallRuleGroupId === call.input['FirewallRuleGroupId'],
        ),
        { ...pages, list: 'FirewallRules', show: (rule) => rule },
      ),
  },
};
