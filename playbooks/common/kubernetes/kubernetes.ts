/** What the playbooks that act inside a cluster share: names from findings, and writes that expect a version. */

import { FirebreakError, isFirebreakError } from '../../../core/errors.ts';
import type { Finding } from '../../../core/finding/finding.ts';
import { detailsOf } from '../details.ts';
import { elsewhere } from '../elsewhere.ts';

const CLUSTER = /^[0-9A-Za-z][A-Za-z0-9_-]{0,99}$/;
/** Names of Kubernetes objects: DNS subdomains. */
const OBJECT = /^[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?$/;
const NAMESPACE = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** The cluster the finding names, undefined where it is none that EKS could have, or why it is not one of the account. */
export function clusterOf(finding: Finding): string | ReturnType<typeof elsewhere> {
  const details = detailsOf(finding, 'eksClusterDetails');
  const name = details?.optionalText('name') ?? '';
  if (!isClusterName(name)) return undefined;
  return elsewhere(finding, 'cluster', details?.optionalText('arn')) ?? name;
}

export const isClusterName = (text: string): boolean => CLUSTER.test(text);
export const isObjectName = (text: string): boolean => OBJECT.test(text);
export const isNamespace = (text: string): boolean => NAMESPACE.test(text);

/** Two changes at once on one object are rare; five in a row mean that someone works on it. */
const TRIES = 5;

/**
 * Runs a read-compare-write whose write names the version it read. Kubernetes answers Conflict when the object changed in
 * between (kubelet writes a pod's status at any time), and the whole of it is then done again.
 */
export async function withVersion<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!isFirebreakError(error, 'Conflict') || attempt === TRIES) throw error;
    }
  }
}

/** The object, or undefined where the cluster has none of that name. */
export async function orAbsent<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (isFirebreakError(error, 'ResourceNotFound')) return undefined;
    throw error;
  }
}

/** All pages of a Kubernetes list. */
export async function listAll<T>(
  page: (given: { limit: number; _continue?: string }) => Promise<{
    readonly items: readonly T[];
    readonly metadata?: { readonly _continue?: string };
  }>,
): Promise<readonly T[]> {
  const all: T[] = [];
  let next: string | undefined;
  do {
    const { items, metadata } = await page({ limit: 500, ...(next ? { _continue: next } : {}) });
    all.push(...items);
    next = metadata?._continue || undefined;
  } while (next !== undefined);
  return all;
}

export const changedMeanwhile = (what: string, resource: string): FirebreakError =>
  new FirebreakError('Drift', `${what} changed since it was read`, {
    resource,
    next: 'Look at who changed it, and decide by hand.',
  });
