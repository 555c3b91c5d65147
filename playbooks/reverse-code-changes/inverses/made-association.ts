import { awsCommand } from '../../../core/aws/command-line.ts';
import { said } from '../../common/changes/call.ts';
import { defineByHand, textIn } from '../../common/changes/inverse.ts';

/** An association cannot be switched off, and one that is deleted gets another id. */
export const madeAssociation = defineByHand({
  id: 'made-association',
  danger: 'persists',
  calls: { source: 'ssm.amazonaws.com', names: ['CreateAssociation', 'UpdateAssociation'] },
  does: 'look at the association, which runs a document on servers on a schedule, and delete it',
  next(call) {
    const id =
      textIn(call.response, 'associationDescription', 'associationId') ??
      textIn(call.request, 'associationId');
    if (id === undefined || !/^[0-9a-f-]{36}$/.test(id)) return undefined;
    const command = awsCommand('ssm describe-association', { region: call.region, 'association-id': id });
    return {
      what: `association ${id} was made or changed (${said(call)}) and runs a document on servers: delete it with delete-association`,
      next: `${command}`,
    };
  },
  example: {
    eventName: 'CreateAssociation',
    requestParameters: { name: 'patch-servers', scheduleExpression: 'rate(30 minutes)' },
    responseElements: {
      associationDescription: { associationId: '1234abcd-12ab-34cd-56ef-1234567890ab' },
    },
  },
});
