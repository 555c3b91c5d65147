/** How records and Systems Manager name a document of the account: by `name` [M-LAB]. */
import { z } from 'zod';
import { arn } from '../../core/aws/arn.ts';
import type { Aws } from '../../core/aws/client.ts';
import { awsErrorName } from '../../core/errors.ts';

export const SOURCE = 'ssm.amazonaws.com';
export const DOCUMENTS = 'arn:${Partition}:ssm:${Region}:${Account}:document/*';
/** Those of AWS and of other accounts are named by an ARN, and are not the account's to change. */
export const documentName = z.string().regex(/^[\w.-]{3,128}$/);

export const documentNames = ({ scope }: Aws, document: string): readonly string[] => [
  arn(scope, 'ssm', `document/${document}`),
  document,
];

/** Returns what the work found; undefined where the document is gone. */
export async function unlessGone<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (awsErrorName(error) === 'InvalidDocument') return undefined;
    throw error;
  }
}
