/** The places that block: a network ACL, an AWS WAF IP set, a DNS Firewall domain list. */
import { aclEntry } from '../common/network-acl.ts';
import { domainEntry } from './dns-steps.ts';
import { ipSetEntry } from './waf-steps.ts';

export const KINDS = { 'acl-entry': aclEntry, 'ip-set': ipSetEntry, 'domain-list': domainEntry };
