import { z } from 'zod';
import { defineInverse, textIn, whichOf } from '../../common/changes/inverse.ts';
import { DOCUMENTS, documentName, documentNames, SOURCE, unlessGone, versionsBefore } from '../documents.ts';

/** The version of a document that runs where none is named is the one from before; the other version stays. */
export const documentVersion = defineInverse({
  id: 'document-version',
  danger: 'persists',
  calls: {
    source: SOURCE,
    names: ['UpdateDocumentDefaultVersion'],
    alsoTold: ['CreateDocument', 'UpdateDocument'],
  },
  does: 'the version that was the default before is the default again; the other one stays',
  resource: z.strictObject({ document: documentName }),
  value: z
    .string()
    .regex(/^\d{1,9}$/)
    .nullable(),
  effects({ name, request, response }) {
    const resource = { document: textIn(request, 'name') };
    // The answer to a new version says which one is the default meanwhile.
    const meanwhile = textIn(response, 'documentDescription', 'defaultVersion');
    const left = name === 'UpdateDocumentDefaultVersion' ? textIn(request, 'documentVersion') : meanwhile;
    return [{ resource, left }];
  },
  listedAs: ({ document }) => document,
  async kept(aws, { document }, before) {
    const [newest, ...older] = await versionsBefore(aws, document, before);
    return (
      newest && {
        ...{ value: newest.version, at: newest.at, from: `version ${newest.version}` },
        unsure: [whichOf(older.length + 1)],
      }
    );
  },
  names: (aws, { document }) => documentNames(aws, document),
  says: ({ document }, wanted) => `Make version ${wanted} the default of document ${document} again`,
  async read(aws, { document }) {
    const { client, api } = await aws.ssm();
    const found = await unlessGone(client.send(new api.DescribeDocumentCommand({ Name: document })));
    return found?.Document?.DefaultVersion ?? null;
  },
  async put(aws, { document }, to) {
    if (to === null) throw new Error('a document is never deleted');
    const { client, api } = await aws.ssm();
    await client.send(new api.UpdateDocumentDefaultVersionCommand({ Name: document, DocumentVersion: to }));
  },
  remains: ({ document }) => [
    `versions that the principal wrote are in document ${document}: an association may name one, and delete-document removes it`,
  ],
  permissions: {
    read: [
      {
        actions: ['ssm:DescribeDocument', 'ssm:ListDocumentVersions'],
        resources: [DOCUMENTS],
        why: 'which version of a document is the default, and which were there before',
      },
    ],
    write: [
      {
        actions: ['ssm:UpdateDocumentDefaultVersion'],
        resources: [DOCUMENTS],
        why: 'the version that was the default is so again',
        worst: 'makes another version of any document the default, which then runs on servers',
      },
    ],
  },
  words: { setting: 'Default version of a document', why: 'it runs on servers where no version is named' },
  example: {
    eventName: 'UpdateDocumentDefaultVersion',
    requestParameters: { name: 'patch-servers', documentVersion: '4' },
  },
});
