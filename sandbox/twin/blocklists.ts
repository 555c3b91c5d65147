/** WAF IP sets and DNS Firewall domain lists, as far as playbooks change them. */
import type { Answers } from './twin.ts';

/** This service's part of a Region. */
export type TwinBlocklists = Record<never, never>;
export const emptyBlocklists = (): TwinBlocklists => ({});

export const blocklists: Readonly<Record<string, Answers>> = {};
