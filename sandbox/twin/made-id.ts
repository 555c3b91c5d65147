/** Ids in the form that AWS gives them, made from what they are for: the same twin answers the same. */
import { createHash } from 'node:crypto';

const hex = (text: string): string => createHash('sha256').update(text).digest('hex');

/** A UUID. */
export const madeUuid = (text: string): string =>
  hex(text).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5');

/** An id of IAM: `AIPA` is a profile, `AGPA` a group, `AROA` a role, `AIDA` a user; `AKIA`, `ASIA` and `APKA` are keys, `ACCA` a credential of one service. */
export const madeIamId = (
  prefix: 'AIPA' | 'ACCA' | 'AGPA' | 'AROA' | 'AIDA' | 'AKIA' | 'APKA' | 'ASIA',
  text: string,
): string => `${prefix}${hex(text).slice(0, 16).toUpperCase()}`;

/** A user of Identity Center, whose id begins with that of the store. */
export const madeStoreUser = (name: string): string => `${hex('store').slice(0, 10)}-${madeUuid(name)}`;
