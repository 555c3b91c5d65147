import { said } from '../../common/changes/call.ts';
import { defineByHand, textIn } from '../../common/changes/inverse.ts';
import { isForced } from '../secret.ts';

/** Without a recovery window nothing is kept. */
export const deletedSecret = defineByHand({
  id: 'deleted-secret',
  danger: 'destroys',
  calls: { source: 'secretsmanager.amazonaws.com', names: ['DeleteSecret'] },
  does: 'a secret that was deleted without a recovery window is gone: make it again with a new value',
  next(call) {
    if (!isForced(call)) return undefined;
    const name = textIn(call.request, 'secretId') ?? '';
    const which = /^[\w/+=.@:-]{1,600}$/.test(name) ? `secret ${name}` : 'a secret';
    return {
      what: `${which} was deleted without a recovery window (${said(call)}) and is gone`,
      next: 'Rotate the password or key that it held, and make the secret again from your template.',
    };
  },
  example: {
    eventName: 'DeleteSecret',
    requestParameters: { secretId: 'prod/orders', forceDeleteWithoutRecovery: true },
  },
});
