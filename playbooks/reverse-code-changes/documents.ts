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

/** Returns the versions that were written before a time, the newest first. */
export async function versionsBefore(aws: Aws, document: string, time: string) {
  const { client, api } = await aws.ssm();
  const found: { readonly version: string; readonly at: string }[] = [];
  let NextToken: string | undefined;
  do {
    const page = await unlessGone(
      client.send(new api.ListDocumentVersionsCommand({ Name: document, NextToken })),
    );
    for (const { DocumentVersion, CreatedDate } of page?.DocumentVersions ?? [])
      if (DocumentVersion !== undefined && CreatedDate)
        found.push({ version: DocumentVersion, at: CreatedDate.toISOString() });
    NextToken = page?.NextToken;
  } while (NextToken !== undefined);
  return found.filter(({ at }) => at < time).sort((a, b) => Number(b.version) - Number(a.version));
}

/** Returns what the work found; undefined where the document is gone. */
export async function unlessGone<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (awsErrorName(error) === 'InvalidDocument') return undefined;
    throw error;
  }
}
