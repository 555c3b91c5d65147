/** Documents of Systems Manager: their versions, and whom they are shared with. */
import { awsError } from '../aws-error.ts';
import type { Answers, TwinCall } from './twin.ts';

interface TwinDocument {
  versions: number;
  inForce: string;
  sharedWith: string[];
  /** When each version was written; left out: in summer. */
  since?: string[];
}
const WRITTEN = '2026-07-01T09:00:00.000Z';
/** By name. */
export type TwinDocuments = Record<string, TwinDocument>;

function documentOf({ region, input }: TwinCall): TwinDocument {
  const name = String(input['Name']);
  const found = Object.hasOwn(region.documents ?? {}, name) ? region.documents?.[name] : undefined;
  if (found) return found;
  throw awsError('InvalidDocument', `Document ${name} does not exist.`);
}

const described = ({ input }: TwinCall, { versions, inForce }: TwinDocument) => ({
  ...{ Name: String(input['Name']), DefaultVersion: inForce, LatestVersion: String(versions) },
});
const texts = (value: unknown): readonly string[] => (Array.isArray(value) ? value.map(String) : []);

export const documents: Answers = {
  DescribeDocument: (call) => ({ Document: described(call, documentOf(call)) }),
  ListDocumentVersions: (call) => {
    const { versions, inForce, since = [] } = documentOf(call);
    return {
      DocumentVersions: Array.from({ length: versions }, (_none, index) => ({
        ...{ Name: String(call.input['Name']), DocumentVersion: String(index + 1) },
        ...{
          CreatedDate: new Date(since[index] ?? WRITTEN),
          IsDefaultVersion: String(index + 1) === inForce,
        },
      })),
    };
  },
  UpdateDocument: (call) => {
    const found = documentOf(call);
    found.versions += 1;
    return { DocumentDescription: described(call, found) };
  },
  UpdateDocumentDefaultVersion: (call) => {
    const found = documentOf(call);
    const version = String(call.input['DocumentVersion']);
    if (Number(version) > found.versions)
      throw awsError('InvalidDocumentVersion', `There is no version ${version}.`);
    found.inForce = version;
    return { Description: { Name: String(call.input['Name']), DefaultVersion: version } };
  },
  DescribeDocumentPermission: (call) => ({ AccountIds: documentOf(call).sharedWith }),
  ModifyDocumentPermission: (call) => {
    const found = documentOf(call);
    const left = new Set([...found.sharedWith, ...texts(call.input['AccountIdsToAdd'])]);
    for (const one of texts(call.input['AccountIdsToRemove'])) left.delete(one);
    found.sharedWith = [...left].sort();
    return {};
  },
};
