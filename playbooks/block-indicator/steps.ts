/** The places that block: a network ACL, an AWS WAF IP set, a DNS Firewall domain list. */
import { aclEntry } from '../common/network-acl.ts';
import { domainEntry } from './dns-steps.ts';
import { whyOther } from './target.ts';
import { ipSetEntry } from './waf-steps.ts';

const indicatorEntry = aclEntry(
  ({ region, cidr }, { target }) => whyOther({ region, indicator: cidr }, target) === undefined,
);

export const KINDS = { 'acl-entry': indicatorEntry, 'ip-set': ipSetEntry, 'domain-list': domainEntry };
