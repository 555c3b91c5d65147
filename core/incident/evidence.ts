/**
 * Evidence: files written once to an S3 bucket with Object Lock, and a manifest of their SHA-256 sums. An object's key
 * ends in its own sum, so a second run writes the same object or none, and nothing is ever written over.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Aws } from '../aws/client.ts';
import { awsErrorName } from '../errors.ts';
import { canonicalJson, type Json } from '../json.ts';
import type { Members } from '../table/record.ts';

export interface EvidenceFile {
  /** `finding`, `target-0/before`: a path without ending. */
  readonly name: string;
  readonly value: Json;
}

export interface EvidenceEntry {
  readonly name: string;
  readonly key: string;
  readonly bytes: number;
  /** Hex. */
  readonly sha256: string;
  readonly writtenAt: string;
}

export const evidenceSchema: z.ZodType<readonly EvidenceEntry[]> = z.array(
  z.object({
    name: z.string(),
    key: z.string(),
    bytes: z.number(),
    sha256: z.string(),
    writtenAt: z.string(),
  } satisfies Members<EvidenceEntry>),
);

/** Writes each file as canonical JSON, skipping what is there already. Gives the entries in the order of the files. */
export async function keepEvidence(
  aws: Aws,
  bucket: string,
  incidentId: string,
  files: readonly EvidenceFile[],
  now: Date,
): Promise<readonly EvidenceEntry[]> {
  const { client, api } = await aws.s3();
  const entries: EvidenceEntry[] = [];
  for (const { name, value } of files) {
    const body = canonicalJson(value);
    const sum = createHash('sha256').update(body).digest();
    const sha256 = sum.toString('hex');
    const key = `incidents/${incidentId}/${name}.${sha256.slice(0, 16)}.json`;
    try {
      await client.send(
        new api.PutObjectCommand({
          Bucket: bucket,
          Key: key,
          Body: body,
          ContentType: 'application/json',
          // A bucket with Object Lock refuses an object without both; S3 computes the sum again and compares.
          ChecksumAlgorithm: 'SHA256',
          ChecksumSHA256: sum.toString('base64'),
          IfNoneMatch: '*',
        }),
      );
    } catch (error) {
      // 412: an object of this content is there, from a run before this one.
      if (awsErrorName(error) !== 'PreconditionFailed') throw error;
    }
    entries.push({ name, key, bytes: Buffer.byteLength(body), sha256, writtenAt: now.toISOString() });
  }
  return entries;
}

/** The manifest as one more file: what was kept of an incident, so that a missing or changed object is seen. */
export const manifestOf = (
  incidentId: string,
  findingId: string,
  entries: readonly EvidenceEntry[],
): EvidenceFile => ({
  name: 'manifest',
  value: {
    incidentId,
    findingId,
    files: entries.map(({ name, key, bytes, sha256, writtenAt }) => ({
      name,
      key,
      bytes,
      sha256,
      writtenAt,
    })),
  },
});
