import type { IdentityPart } from '../../../core/journal/playbook.ts';

/** Sessions of roles that a principal assumed live on when it is denied: they are found, and revoked, by the follow-up. */
export const ROLES_ONWARD: IdentityPart = {
  what: 'roles assumed onward',
  by: [],
  left: 'their sessions live on',
  followUp: 'reverse-changes',
};
