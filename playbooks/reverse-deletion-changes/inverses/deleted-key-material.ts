import { awsCommand } from '../../../core/aws/command-line.ts';
import { said } from '../../common/changes/call.ts';
import { defineByHand, textIn } from '../../common/changes/inverse.ts';

/** Key material that was imported is not kept by KMS; a deletion that was cancelled is for the owner to judge. */
export const deletedKeyMaterial = defineByHand({
  id: 'deleted-key-material',
  danger: 'destroys',
  calls: { source: 'kms.amazonaws.com', names: ['DeleteImportedKeyMaterial', 'CancelKeyDeletion'] },
  does: 'import the same key material again; a key whose deletion was cancelled may still be wanted gone',
  next(call) {
    const { name, region, request } = call;
    const key = textIn(request, 'keyId') ?? '';
    if (!/^[\w:/-]{1,200}$/.test(key)) return undefined;
    if (name === 'CancelKeyDeletion')
      return {
        what: `the deletion of key ${key} was cancelled (${said(call)})`,
        next: `${awsCommand('kms schedule-key-deletion', { region, 'key-id': key })}`,
      };
    return {
      what: `the key material of ${key} was deleted (${said(call)})`,
      next: `${awsCommand('kms get-parameters-for-import', {
        ...{
          region,
          'key-id': key,
          'wrapping-algorithm': 'RSAES_OAEP_SHA_256',
          'wrapping-key-spec': 'RSA_4096',
        },
      })}`,
    };
  },
  example: {
    eventName: 'DeleteImportedKeyMaterial',
    requestParameters: { keyId: '1234abcd-12ab-34cd-56ef-1234567890ab' },
  },
});
