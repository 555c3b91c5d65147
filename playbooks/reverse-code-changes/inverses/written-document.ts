import { awsCommand } from '../../../core/aws/command-line.ts';
import { said } from '../../common/changes/call.ts';
import { defineByHand, textIn } from '../../common/changes/inverse.ts';
import { documentName } from '../documents.ts';

/** A document cannot be switched off, Systems Manager takes no content that a version has already, and one deleted is gone. */
export const writtenDocument = defineByHand({
  id: 'written-document',
  danger: 'persists',
  calls: { source: 'ssm.amazonaws.com', names: ['CreateDocument', 'UpdateDocument'] },
  does: 'a document or version that was written is looked at, with what runs it, and deleted',
  next(call) {
    const name = documentName.safeParse(textIn(call.request, 'name')).data;
    if (name === undefined) return undefined;
    const given = textIn(call.response, 'documentDescription', 'documentVersion') ?? '';
    const version = /^\d{1,9}$/.test(given) ? given : '$LATEST';
    const which =
      call.name === 'CreateDocument' ? `document ${name}` : `version ${version} of document ${name}`;
    return {
      what: `${which} was written (${said(call)}): look at it, then delete it with delete-document`,
      next: `${awsCommand('ssm get-document', { region: call.region, name, 'document-version': version })}`,
    };
  },
  example: { eventName: 'CreateDocument', requestParameters: { name: 'patch-servers' } },
});
