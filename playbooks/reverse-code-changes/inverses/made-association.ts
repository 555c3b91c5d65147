import { awsCommand } from '../../../core/aws/command-line.ts';
import { said } from '../../common/changes/call.ts';
import { defineByHand, textIn } from '../../common/changes/inverse.ts';

/**
 * An association cannot be switched off: UpdateAssociation runs it at once, on whatever it is given, so that who may call it may run
 * any document on any server. One that is deleted gets another id.
 */
export const madeAssociation = defineByHand({
  id: 'made-association',
  danger: 'persists',
  calls: { source: 'ssm.amazonaws.com', names: ['CreateAssociation', 'UpdateAssociation'] },
  does: 'an association, which runs a document on servers, is deleted, or set as an earlier version of it was',
  next({ name, at, region, request, response }) {
    const id =
      textIn(response, 'associationDescription', 'associationId') ?? textIn(request, 'associationId');
    if (id === undefined || !/^[0-9a-f-]{36}$/.test(id)) return undefined;
    const options = { region, 'association-id': id };
    return name === 'CreateAssociation'
      ? {
          what: `association ${id} was made (${said({ name, at })}) and runs a document on servers: note it with describe-association, and delete it`,
          next: `${awsCommand('ssm delete-association', options)}`,
        }
      : {
          what: `association ${id} was changed (${said({ name, at })}) and runs a document on servers: set it as its version from before, with update-association`,
          next: `${awsCommand('ssm list-association-versions', options)}`,
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
