/** AWS WAF IP sets: written whole, under a lock token that every write changes. */

import { awsError } from '../aws-error.ts';
import { madeUuid } from './made-id.ts';
import type { Answers, TwinCall } from './twin.ts';

interface TwinIpSet {
  Id: string;
  Name: string;
  Scope: string;
  IPAddressVersion: 'IPV4' | 'IPV6';
  Description: string;
  Addresses: string[];
}
/** This service's part of a Region. */
export interface TwinWaf {
  ipSets: TwinIpSet[];
}
export const emptyWaf = (): TwinWaf => ({ ipSets: [] });

/** No part of the account: a token is worth nothing after the next write. */
const locks = new WeakMap<TwinIpSet, number>();
const lockOf = (set: TwinIpSet): string => madeUuid(`lock-${locks.get(set) ?? 0}`);
const MOST_ADDRESSES = 10_000;

/** What protects CloudFront is kept in one Region. */
function checkScope({ input, scope }: TwinCall): void {
  if (input['Scope'] === 'CLOUDFRONT' && scope.region !== 'us-east-1')
    throw awsError(
      'WAFInvalidParameterException',
      'The scope is not valid., field: SCOPE_VALUE, parameter: CLOUDFRONT',
    );
}

function setOf(call: TwinCall): TwinIpSet {
  checkScope(call);
  const { Name, Scope, Id } = call.input;
  const found = call.region.waf.ipSets.find(
    (set) => set.Name === Name && set.Scope === Scope && set.Id === Id,
  );
  if (found) return found;
  throw awsError(
    'WAFNonexistentItemException',
    'AWS WAF couldn’t perform the operation because your resource doesn’t exist.',
  );
}

const arnOf = ({ scope }: TwinCall, { Scope, Name, Id }: TwinIpSet): string =>
  `arn:${scope.partition}:wafv2:${scope.region}:${scope.account}:${Scope === 'CLOUDFRONT' ? 'global' : 'regional'}/ipset/${Name}/${Id}`;

export const wafv2: Readonly<Record<string, Answers>> = {
  WAFV2: {
    ListIPSets: (call) => {
      checkScope(call);
      const all = call.region.waf.ipSets.filter(({ Scope }) => Scope === call.input['Scope']);
      // WAF gives a marker with every page that is not empty.
      const start = Number(call.input['NextMarker'] ?? 0);
      const page = all.slice(start, start + 2);
      return {
        IPSets: page.map((set) => ({
          Name: set.Name,
          Id: set.Id,
          ARN: arnOf(call, set),
          LockToken: lockOf(set),
        })),
        ...(page.length > 0 ? { NextMarker: String(start + 2) } : {}),
      };
    },
    GetIPSet: (call) => {
      const set = setOf(call);
      const { Scope: _scope, Description, ...shown } = set;
      // A description is never empty: it is absent.
      const described = Description === '' ? {} : { Description };
      return { IPSet: { ...shown, ...described, ARN: arnOf(call, set) }, LockToken: lockOf(set) };
    },
    UpdateIPSet: (call) => {
      const set = setOf(call);
      if (call.input['LockToken'] !== lockOf(set)) {
        throw awsError(
          'WAFOptimisticLockException',
          'AWS WAF couldn’t save your changes because someone changed the resource after you started to edit it.',
        );
      }
      const addresses = call.input['Addresses'] as string[];
      if (addresses.length > MOST_ADDRESSES)
        throw awsError(
          'WAFLimitsExceededException',
          'AWS WAF couldn’t perform the operation: limits exceeded.',
        );
      set.Addresses = [...addresses];
      set.Description = String(call.input['Description'] ?? '');
      locks.set(set, (locks.get(set) ?? 0) + 1);
      return { NextLockToken: lockOf(set) };
    },
  },
};
