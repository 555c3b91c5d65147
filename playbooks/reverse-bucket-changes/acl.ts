/** ACLs of buckets: who has which right, however the request said it. */
import { z } from 'zod';
import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import { textIn, valueIn } from '../common/changes/inverse.ts';

const PERMISSIONS = ['FULL_CONTROL', 'READ', 'READ_ACP', 'WRITE', 'WRITE_ACP'] as const;
const GROUPS: Readonly<Record<string, string>> = {
  all: 'http://acs.amazonaws.com/groups/global/AllUsers',
  authenticated: 'http://acs.amazonaws.com/groups/global/AuthenticatedUsers',
  logs: 'http://acs.amazonaws.com/groups/s3/LogDelivery',
};

/** A right: of the owner, of a group, or of an account by its canonical id. */
const grant = z.strictObject({
  to: z.string().regex(/^(owner|all|authenticated|logs|[0-9a-f]{64})$/),
  permission: z.enum(PERMISSIONS),
});
export type Grant = z.infer<typeof grant>;
/** Null where the bucket is gone. */
export const aclValue = z.array(grant).max(100).nullable();
type Acl = z.infer<typeof aclValue>;

const order = ({ to, permission }: Grant): string => `${to} ${permission}`;
export const sameAcl = (a: Acl, b: Acl): boolean =>
  a !== null && b !== null && a.map(order).sort().join() === b.map(order).sort().join();

const others = (acl: Acl): readonly string[] =>
  (acl ?? []).filter(({ to }) => to !== 'owner' && to !== 'logs').map(order);
/** Returns why a person must write it: someone would have a right again that has none now. */
export const opensAcl = (wanted: Acl, left: Acl): string | undefined =>
  others(wanted).some((one) => !others(left).includes(one))
    ? 'it would let others than the owner in again'
    : undefined;

/** Returns the ACL without rights of others; undefined where none has any. */
export function ownersAlone(acl: Acl | undefined): Acl | undefined {
  const kept = (acl ?? []).filter(({ to }) => to === 'owner' || to === 'logs');
  return acl && kept.length < acl.length ? kept : undefined;
}

const groupOf = (uri: string): string | undefined =>
  Object.entries(GROUPS).find(([, one]) => one === uri)?.[0];
/** Returns how a right names who has it; undefined for what has no name here, as an e-mail address. */
export function whoIs(id: string | undefined, uri: string | undefined, owner: string | undefined) {
  if (id !== undefined) return id === owner ? 'owner' : id;
  return uri === undefined ? undefined : groupOf(uri);
}

export const granteeOf = (to: string, owner: string) =>
  Object.hasOwn(GROUPS, to)
    ? { Type: 'Group' as const, URI: GROUPS[to] }
    : { Type: 'CanonicalUser' as const, ID: to === 'owner' ? owner : to };

const OWNER: Grant = { to: 'owner', permission: 'FULL_CONTROL' };
const CANNED: Readonly<Record<string, readonly Grant[]>> = {
  private: [OWNER],
  'public-read': [OWNER, { to: 'all', permission: 'READ' }],
  'public-read-write': [OWNER, { to: 'all', permission: 'READ' }, { to: 'all', permission: 'WRITE' }],
  'authenticated-read': [OWNER, { to: 'authenticated', permission: 'READ' }],
  'log-delivery-write': [OWNER, { to: 'logs', permission: 'WRITE' }, { to: 'logs', permission: 'READ_ACP' }],
};

/** Headers in a record are texts, or lists of one. */
const headerIn = (request: JsonObject, name: string): string | undefined => {
  const value = valueIn(request, name);
  const [first] = [value ?? []].flat();
  return typeof first === 'string' ? first : undefined;
};

/** Returns the rights that a request set; undefined where it says them in a way that is not read. */
export function requestedAcl(request: JsonObject): unknown {
  const canned = headerIn(request, 'x-amz-acl');
  if (canned !== undefined) return Object.hasOwn(CANNED, canned) ? CANNED[canned] : undefined;
  const policy = valueIn(request, 'AccessControlPolicy');
  if (isJsonObject(policy)) {
    const owner = textIn(policy, 'Owner', 'ID');
    return listIn(policy, 'AccessControlList', 'Grant').map((one) => ({
      to: whoIs(textIn(one, 'Grantee', 'ID'), textIn(one, 'Grantee', 'URI'), owner),
      permission: textIn(one, 'Permission'),
    }));
  }
  return undefined;
}

const listIn = (from: Json, ...path: readonly string[]): readonly JsonObject[] =>
  [valueIn(from, ...path) ?? []].flat().filter(isJsonObject);

const RECORDED: Readonly<Record<string, string>> = {
  FullControl: 'FULL_CONTROL',
  Read: 'READ',
  ReadAcp: 'READ_ACP',
  Write: 'WRITE',
  WriteAcp: 'WRITE_ACP',
};
const RECORDED_GROUPS: Readonly<Record<string, string>> = {
  AllUsers: 'all',
  AuthenticatedUsers: 'authenticated',
  LogDelivery: 'logs',
};

/** Returns the rights of an item of AWS Config, which keeps them as the text of a text. */
export function recordedAcl(item: Json | undefined): unknown {
  const acl: unknown = typeof item === 'string' ? JSON.parse(item) : item;
  if (!isJsonObject(acl)) return undefined;
  const owner = textIn(acl, 'owner', 'id');
  return listIn(acl, 'grantList').map((one) => {
    const { grantee } = one;
    return {
      to:
        typeof grantee === 'string'
          ? RECORDED_GROUPS[grantee]
          : whoIs(textIn(grantee, 'id'), undefined, owner),
      permission: RECORDED[textIn(one, 'permission') ?? ''],
    };
  });
}
