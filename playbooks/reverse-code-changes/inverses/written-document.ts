import { awsCommand } from '../../../core/aws/command-line.ts';
import { said } from '../../common/changes/call.ts';
import { defineByHand, textIn } from '../../common/changes/inverse.ts';
import { documentName } from '../documents.ts';

/** A document cannot be switched off, and does nothing until something runs it. */
export const writtenDocument = defineByHand({
  id: 'written-document',
  danger: 'persists',
  calls: { source: 'ssm.amazonaws.com', names: ['CreateDocument', 'UpdateDocument'] },
  does: 'look at the document and what runs it, and delete the document or its version',
  next(call) {
    const name = documentName.safeParse(textIn(call.request, 'name')).data;
    if (name === undefined) return undefined;
    return {
      what: `document ${name} was written (${said(call)})`,
      next: `${awsCommand('ssm get-document', { region: call.region, name, 'document-version': '$LATEST' })}`,
    };
  },
  example: { eventName: 'CreateDocument', requestParameters: { name: 'patch-servers' } },
});
