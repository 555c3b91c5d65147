import { z } from 'zod';
import type { Json } from '../../../core/json.ts';
import { defineInverse, textIn } from '../../common/changes/inverse.ts';
import { DOCUMENTS, documentName, documentNames, SOURCE, unlessGone } from '../documents.ts';

const listOf = (value: Json | undefined): readonly Json[] => (Array.isArray(value) ? value : []);

/** Whom a document was shared with loses it. */
export const documentShare = defineInverse({
  id: 'document-share',
  danger: 'exposes data',
  calls: { source: SOURCE, names: ['ModifyDocumentPermission'] },
  does: 'the account that was added may not use the document any longer; one that was removed may again',
  resource: z.strictObject({
    document: documentName,
    /** An account, or everyone. */
    to: z
      .string()
      .regex(/^(\d{12}|all)$/i)
      .transform((to) => to.toLowerCase()),
  }),
  value: z.boolean(),
  effects({ request }) {
    const document = textIn(request, 'name');
    const to = (who: Json) => ({ document, to: who });
    return [
      ...listOf(request['accountIdsToAdd']).map((who) => ({ resource: to(who), left: true, guess: false })),
      ...listOf(request['accountIdsToRemove']).map((who) => ({ resource: to(who), left: false })),
    ];
  },
  listedAs: ({ document }) => document,
  names: (aws, { document }) => documentNames(aws, document),
  says: ({ document, to }, wanted) =>
    `Share document ${document} with ${to === 'all' ? 'everyone' : `account ${to}`} ${wanted ? 'again' : 'no longer'}`,
  async read(aws, { document, to }) {
    const { client, api } = await aws.ssm();
    let NextToken: string | undefined;
    do {
      const asked = { Name: document, PermissionType: 'Share' as const, NextToken };
      const page = await unlessGone(client.send(new api.DescribeDocumentPermissionCommand(asked)));
      if (page?.AccountIds?.some((account) => account.toLowerCase() === to)) return true;
      NextToken = page?.NextToken;
    } while (NextToken !== undefined);
    return false;
  },
  async put(aws, { document, to }, shared) {
    const { client, api } = await aws.ssm();
    const change = { [shared ? 'AccountIdsToAdd' : 'AccountIdsToRemove']: [to === 'all' ? 'All' : to] };
    await client.send(
      new api.ModifyDocumentPermissionCommand({ Name: document, PermissionType: 'Share', ...change }),
    );
  },
  remains: () => ['whom a document was shared with may have copied it'],
  permissions: {
    read: [
      {
        actions: ['ssm:DescribeDocumentPermission'],
        resources: [DOCUMENTS],
        why: 'whom a document is shared with',
      },
    ],
    write: [
      {
        actions: ['ssm:ModifyDocumentPermission'],
        resources: [DOCUMENTS],
        why: 'whom the principal shared a document with loses it',
        worst: 'shares any document with anyone',
      },
    ],
  },
  words: {
    setting: 'Document of Systems Manager',
    why: 'whom it is shared with may read and run it',
    values: { true: 'shared', false: 'not shared' },
  },
  example: {
    eventName: 'ModifyDocumentPermission',
    requestParameters: { name: 'patch-servers', permissionType: 'Share', accountIdsToAdd: ['444455556666'] },
  },
});
